// The values that answers are compared by are part of this module's interface.
@_exported import EMLLMMath
