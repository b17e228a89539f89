// `import EMLLMCore` is all that a program writes: the modules that the engine is made of come with it.
@_exported import EMLLMChatTemplates
@_exported import EMLLMFormats
@_exported import EMLLMPictures
@_exported import EMLLMSupport
@_exported import EMLLMTokenizers
