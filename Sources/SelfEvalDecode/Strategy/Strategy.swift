import EMLLMCore

/// A procedure that comes from a question to an answer.
///
/// A strategy sees nothing but a ``SearchSession``: it writes texts behind nodes, evaluates them, and says what stands. The
/// built-in ones (``StrategyName``) are written against the same interface.
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
/// The session keeps every limit of the options itself. A strategy holds no state between runs.
public protocol Strategy: Sendable {
    /// What traces call the strategy; the name of the type unless it says otherwise. Not the name of a built-in one.
    var name: StrategyName { get }
    /// Whether it asks for verdicts on steps, so that the prior is worth asking for.
    var evaluatesSteps: Bool { get }
    /// Works on a question whose prompt is read.
    ///
    /// - Throws: what the session throws. An error of the strategy's own ends the run without an answer.
    func run(in search: SearchSession) throws -> Conclusion
}

extension Strategy {
    /// The name of the type.
    public var name: StrategyName { StrategyName(rawValue: "\(Self.self)") }
}

/// Where a strategy arrived.
public struct Conclusion: Sendable {
    /// The last node of the accepted line; 0 if there is none.
    public var leaf: Int
    /// Why it stopped.
    public var stopReason: ReasoningStopReason
    /// The answer; `nil` uses the answer that the line states, or asks for it.
    public var answer: Answer?
    /// How sure it is, from 0 to 1; `nil` takes the line's score.
    public var confidence: Double?

    /// Describes where a strategy arrived.
    public init(leaf: Int, stopReason: ReasoningStopReason, answer: Answer? = nil, confidence: Double? = nil) {
        self.leaf = leaf
        self.stopReason = stopReason
        self.answer = answer
        self.confidence = confidence
    }
}
