// Re-exported, since this module's functions use its errors and digests.
@_exported import EMLLMSupport
