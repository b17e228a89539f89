// Whoever imports this module sees the types that a model file is made of.
@_exported import EMLLMPictures
@_exported import EMLLMSupport
@_exported import EMLLMTokenizers
