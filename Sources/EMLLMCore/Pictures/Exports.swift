// Whoever imports this module sees the errors and digests that its functions speak of.
@_exported import EMLLMSupport
