import EMLLMCore

/// The answer that a model would give if it were asked after a step, without continuing (as in DEER, arXiv 2504.15895).
public struct AnswerProbe: Codable, Sendable, Equatable {
    /// The answer's first words.
    public var text: String
    /// Their mean natural log-probability.
    public var meanLogProbability: Double
}

/// The model's description of a mistake in a step or a chain.
public struct Reflection: Codable, Sendable, Equatable, Identifiable {
    /// Counts the reflections of a run from 0.
    public var id: Int
    /// The step, or the last one of the chain.
    public var node: Int
    /// The text.
    public var text: String
    /// The tokens.
    public var tokens: [TokenID]
}

/// Steps that were taken back.
public struct Backtrack: Codable, Sendable, Equatable {
    /// The node after which no candidate was accepted.
    public var from: Int
    /// The node that was taken back; its place is rewritten.
    public var to: Int
    /// The best score of the candidates after `from`.
    public var bestScore: Double

    /// Describes steps that were taken back.
    public init(from: Int, to: Int, bestScore: Double) {
        self.from = from
        self.to = to
        self.bestScore = bestScore
    }
}

/// Why reasoning stopped.
public enum ReasoningStopReason: String, Codable, Sendable {
    /// A step states the answer.
    case answered
    /// The model ended its turn.
    case endOfTurn
    /// The maximum number of steps was reached.
    case maximumSteps
    /// Tokens, time, memory or the context ran short.
    case budget
    /// The model had nothing new to say.
    case exhausted
    /// The model was stuck in a loop and repeated the same tokens.
    case loop
}

/// The answer to the question.
public struct Answer: Codable, Sendable, Equatable {
    /// The answer's text; never empty.
    public var text: String
    /// Where it comes from.
    public var source: Source
    /// The node that it follows from.
    public var node: Int
    /// The tokens written for it; empty if a step states it.
    public var tokens: [TokenID]
    /// The confidence, from 0 to 1. Unless it is calibrated, its meaning depends on the strategy. `nil` if the strategy
    /// measures none.
    public var confidence: Double?
    /// Whether the confidence is below the requested threshold. The answer is given, but marked as unreliable.
    public var isAbstention = false

    /// Describes an answer.
    public init(
        text: String,
        source: Source,
        node: Int,
        tokens: [TokenID],
        confidence: Double? = nil,
        isAbstention: Bool = false
    ) {
        self.text = text
        self.source = source
        self.node = node
        self.tokens = tokens
        self.confidence = confidence
        self.isAbstention = isAbstention
    }

    /// Where an answer comes from.
    public enum Source: String, Codable, Sendable {
        /// A step states it.
        case reasoning
        /// It was asked for after the last step.
        case asked
    }
}
