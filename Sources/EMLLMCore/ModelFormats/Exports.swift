// Re-exported, so that importing this module is enough to use the types of a model file.
@_exported import EMLLMPictures
@_exported import EMLLMSupport
@_exported import EMLLMTokenizers
