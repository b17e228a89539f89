import EMLLMCore

/// A procedure that leads from a question to an answer.
///
/// A strategy works only with a ``SearchSession``: it writes texts after nodes, evaluates them, and decides which are
/// accepted. The built-in strategies (``StrategyName``) use the same interface.
///
/// ```swift
/// struct FirstThought: Strategy {
///     let evaluatesSteps = false
///     func run(in search: SearchSession) throws -> Conclusion {
///         let draft = DraftOptions(sampling: search.options.primarySampling, isEvaluated: false)
///         let step = try search.write(after: [0], draft)[0][0]
///         search.decide(step, .written)
///         return Conclusion(leaf: step, stopReason: search.stopReason(after: step) ?? .maximumSteps)
///     }
/// }
/// let decoder = try SelfEvalDecoder(model: model, strategy: FirstThought())
/// ```
///
/// The session enforces all limits of the options. A strategy keeps no state between runs.
public protocol Strategy: Sendable {
    /// The strategy's name in traces; by default, the name of its type. It must not be the name of a built-in strategy.
    var name: StrategyName { get }
    /// Whether it asks for verdicts on steps. If so, the run also asks for the prior.
    var evaluatesSteps: Bool { get }
    /// Answers a question whose prompt is already processed.
    ///
    /// - Throws: what the session throws. The strategy's own errors end the run without an answer.
    func run(in search: SearchSession) throws -> Conclusion
}

extension Strategy {
    /// The name of the type.
    public var name: StrategyName { StrategyName(rawValue: "\(Self.self)") }
}

/// The result of a strategy.
public struct Conclusion: Sendable {
    /// The last node of the accepted line; 0 if there is none.
    public var leaf: Int
    /// Why it stopped.
    public var stopReason: ReasoningStopReason
    /// The answer; `nil` uses the answer that the line states, or asks for it.
    public var answer: Answer?
    /// The confidence, from 0 to 1; `nil` uses the line's score.
    public var confidence: Double?

    /// Makes a result.
    public init(leaf: Int, stopReason: ReasoningStopReason, answer: Answer? = nil, confidence: Double? = nil) {
        self.leaf = leaf
        self.stopReason = stopReason
        self.answer = answer
        self.confidence = confidence
    }
}
