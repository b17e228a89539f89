// Whoever imports this module sees the errors and pieces of prompts that its functions speak of.
@_exported import EMLLMSupport
