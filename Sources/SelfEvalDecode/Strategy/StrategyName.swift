import EMLLMCore

/// The name of a reasoning procedure.
///
/// The built-in ones are static members; any other name refers to a program's own ``Strategy``.
public struct StrategyName: RawRepresentable, Codable, Hashable, Sendable {
    /// The name in traces and options.
    public let rawValue: String
    /// Makes a name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// One chain of thought; no step is evaluated.
    public static let cot = Self(rawValue: "cot")
    /// Several chains as one batch, and the answer that most of them give (self-consistency, arXiv 2203.11171).
    public static let vote = Self(rawValue: "vote")
    /// One long prompt; the model writes evaluations beside its steps, and it rewrites a step that it doubts.
    public static let seat = Self(rawValue: "seat")
    /// A cascade of short prompts over the whole chain: reason, evaluate, refine, answer (arXiv 2501.05662).
    public static let casSEAT = Self(rawValue: "cas-seat")
    /// Step by step: accept, revise, take back.
    public static let verify = Self(rawValue: "verify")
    /// Several chains as one batch; the one with the best score is chosen.
    public static let bestOf = Self(rawValue: "best-of")
    /// Several lines step by step, sampled by their scores (arXiv 2305.00633).
    public static let beam = Self(rawValue: "beam")
    /// One line while its verdicts are confident, and a weighted vote over several chains after that.
    public static let adaptive = Self(rawValue: "adaptive")

    /// The strategies that come with the library.
    public static let builtIn: [StrategyName] = [cot, vote, seat, casSEAT, verify, bestOf, beam, adaptive]
}

extension StrategyName {
    /// The built-in procedure of this name, for some options; `nil` if there is none.
    func makeBuiltIn(_ options: SelfEvalOptions) -> (any Strategy)? {
        switch self {
        case .cot: ChainOfThought(evaluatesSteps: options.evaluatesChains)
        case .vote: Vote(evaluatesSteps: options.evaluatesChains || options.weighsVotes)
        case .seat: InlineEvaluation()
        case .casSEAT: Cascade()
        case .verify: StepwiseVerification()
        case .bestOf: BestOf()
        case .beam: BeamSearch()
        case .adaptive: AdaptiveWidening()
        default: nil
        }
    }
}

extension SelfEvalOptions {
    /// The strategy of a run: the one given, or the built-in one of this name.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when there is no built-in strategy of the name and none is given, and when one is
    ///   given under the name of a built-in one.
    func resolve(_ strategy: (any Strategy)?) throws -> any Strategy {
        guard let strategy else {
            guard let builtIn = self.strategy.makeBuiltIn(self) else {
                throw EMLLMError.unknownStrategy(self.strategy)
            }
            return builtIn
        }
        if let builtIn = strategy.name.makeBuiltIn(self), type(of: builtIn) != type(of: strategy) {
            throw EMLLMError.strategyNameIsTaken(strategy.name)
        }
        return strategy
    }

    /// The strategy to repeat a recorded run by: the one given, where the record names it; a built-in one otherwise.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the record names another one, which is not built in.
    func recorded(_ strategy: (any Strategy)?) throws -> (any Strategy)? {
        if let strategy, strategy.name == self.strategy { return strategy }
        guard self.strategy.makeBuiltIn(self) != nil else { throw EMLLMError.unknownStrategy(self.strategy) }
        return nil
    }
}

extension EMLLMError.Code {
    /// A strategy that is neither built in nor given.
    public static let unknownStrategy = Self(rawValue: "unknown-strategy")
}

extension EMLLMError {
    static func unknownStrategy(_ name: StrategyName) -> EMLLMError {
        EMLLMError(
            code: .unknownStrategy,
            subject: "strategy '\(name.rawValue)'",
            expected: StrategyName.builtIn.map(\.rawValue).joined(separator: ", ") + ", or a strategy that is given",
            found: "none of that name",
            remedy: "correct the name, or pass the strategy along with it"
        )
    }

    static func strategyNameIsTaken(_ name: StrategyName) -> EMLLMError {
        EMLLMError(
            code: .unknownStrategy,
            subject: "strategy '\(name.rawValue)'",
            expected: "a name of its own",
            found: "the name of a built-in strategy",
            remedy: "give the strategy another name"
        )
    }
}
