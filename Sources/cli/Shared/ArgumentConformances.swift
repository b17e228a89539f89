import ArgumentParser
import EMLLMCore

extension ActivationPrecision: ExpressibleByArgument {}
