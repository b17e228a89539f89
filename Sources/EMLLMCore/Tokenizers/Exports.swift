// Re-exported, since this module's functions use its errors and prompt pieces.
@_exported import EMLLMSupport
