import EMLLMCore

/// One step as it was written: a node of the tree whose root is the question.
///
/// A node's text follows its parent's. The path from the root to a node is a line of reasoning. One such path is the result
/// of the run (``Trace/path``).
public struct StepNode: Codable, Sendable, Equatable, Identifiable {
    /// The number of the node in the order of writing, from 1; the question is 0.
    public var id: Int
    /// The node that this text follows; 0 for the question.
    public var parent: Int
    /// The number of texts that were begun at the same place before. With the seed and the ordinals of the path, it
    /// determines the random numbers: a node does not depend on other texts or on their order.
    public var ordinal: Int
    /// Whether the text continues the sample of its parent, instead of starting its own.
    public var continues: Bool
    /// A step, or an evaluation that the model writes between its steps.
    public var kind: Kind
    /// The sampling temperature; 0 for the most likely text.
    public var temperature: Double
    /// The hint that it was written after; the text was then moved to the place of a step without a hint.
    public var hint: Hint?
    /// The text whose beginning it keeps; `nil` for a text that was written from its beginning.
    public var rollback: Rollback?
    /// The view of the question's pictures that it was written and evaluated with, from 1 (``SelfEvalOptions/views``); `nil` for
    /// the unchanged pictures.
    public var view: Int?
    /// The text.
    public var text = ""
    /// The tokens.
    public var tokens: [TokenID] = []
    /// Tokens that were processed to write it: its own, and discarded ones beyond its end.
    public var written = 0
    /// Why the text ended.
    public var end: StepStopReason?
    /// The mean of the tokens' natural log-probabilities.
    public var meanLogProbability = 0.0
    /// The lowest mean log-probability of any ``SelfEvalOptions/confidenceWindow`` tokens in a row: the weakest part
    /// (arXiv 2508.15260 takes the lowest group confidence).
    public var windowConfidence = 0.0
    /// The log-odds of the verifier's probability that the chain is right up to the end of this step; `nil` without a
    /// verifier (``SelfEvalOptions/verifier``).
    public var verifierLogOdds: Double?
    /// Why it was rejected without a verdict.
    public var rejection: Rejection?
    /// The decision on it; `nil` if none was made yet.
    public var decision: Decision?
    /// The evaluation of it; `nil` if there was none.
    public var evaluation: StepEvaluation?

    /// The natural log-probability of the text given everything before it, in nats.
    public var logProbability: Double { meanLogProbability * Double(tokens.count) }

    /// A text that is continued from a place within it.
    public struct Rollback: Codable, Sendable, Equatable {
        /// The node whose text it is. It follows the same parent.
        public var node: Int
        /// The bytes of its text, in UTF-8, that are kept; a token that goes beyond them is not.
        public var keptBytes: Int
        /// The text that stands behind the kept one, before the model continues; `nil` for none.
        public var insertion: String?

        /// Describes a text that is continued.
        public init(node: Int, keptBytes: Int, insertion: String? = nil) {
            self.node = node
            self.keptBytes = keptBytes
            self.insertion = insertion
        }
    }

    /// The kind of a text.
    public enum Kind: String, Codable, Sendable {
        /// A step of the reasoning.
        case step
        /// An evaluation between SEAT's markers.
        case evaluation
    }

    /// The text that explains why a step is written again.
    public enum Hint: Codable, Sendable, Equatable {
        /// A reflection that was asked for.
        case reflection(id: Int)
        /// An evaluation that the model wrote after the step.
        case evaluation(node: Int)
    }

    /// Why a text was set aside without a verdict.
    public enum Rejection: String, Codable, Sendable {
        /// White space only.
        case empty
        /// Another text at the same place says the same.
        case duplicate
        /// An earlier step of the line says the same.
        case repetition
        /// The budget cut it short, and it is not the only candidate.
        case cut
    }

    /// The decision on a step.
    public enum Decision: String, Codable, Sendable {
        /// It belongs to a line whose steps are not evaluated one by one.
        case written
        /// The verdict reached the upper threshold.
        case accepted
        /// No candidate reached it; this one was the best.
        case kept
        /// The verdict had too little mass to be informative; the first candidate was kept.
        case uninformative
        /// There was no budget left for a verdict.
        case unevaluated
        /// It was taken back, nothing better was found, and it was restored at no cost.
        case restored
        /// Another candidate took its place.
        case rejected
        /// It or its line was accepted first, and given up later.
        case abandoned

        /// Whether the step is part of an accepted line.
        public var stands: Bool { self != .rejected && self != .abandoned }

        /// Reads a decision; names of earlier versions are accepted too.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let name = try container.decode(String.self)
            guard let decision = Self(rawValue: name == "unjudged" ? "unevaluated" : name) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no decision: \(name)")
            }
            self = decision
        }
    }
}

/// The verdict of the model and the findings of the checkers on a step, and the resulting score.
public struct StepEvaluation: Codable, Sendable, Equatable {
    /// The verdict, read from logits; `nil` if the model was not asked: a checker refuted the step, or the score is the
    /// verifier's alone.
    public var verdict: Verdict?
    /// The findings of checkers; `nil` if there are none.
    public var findings: [StepFinding]?
    /// The logit ℓ on a prefix without the picture. If it is nearly the same, the picture made no difference.
    public var imageFreeLogit: Double?
    /// The answer that the model would give now.
    public var probe: AnswerProbe?
    /// The probability that decisions are based on: that of the verdict, calibrated, combined with other signals
    /// according to ``SelfEvalOptions/weights``, and bounded by the findings of checkers (``StepChecker``); `nil` if
    /// the verdict is uninformative and there is no other signal.
    public var score: Double?

    /// Makes an evaluation.
    public init(
        verdict: Verdict?,
        findings: [StepFinding]? = nil,
        imageFreeLogit: Double? = nil,
        probe: AnswerProbe? = nil,
        score: Double? = nil
    ) {
        self.verdict = verdict
        self.findings = findings
        self.imageFreeLogit = imageFreeLogit
        self.probe = probe
        self.score = score
    }

    /// The right value of an equation that was checked; `nil` if none is wrong.
    var calculatedHint: String? {
        findings?.first { $0.checker == ArithmeticChecker.name && $0.outcome == .refuted }?.hint
    }

    /// The finding that refutes the step and names the wrong part of it; `nil` if there is none.
    var refutedPlace: StepFinding? { findings?.first { $0.outcome == .refuted && $0.range != nil } }

    /// Whether a checker refuted the step.
    public var isRefuted: Bool { findings?.contains { $0.outcome == .refuted } ?? false }
}
