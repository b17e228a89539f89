import EMLLMCore

/// One step as it was written: a node of the tree whose root is the question.
///
/// A node's text follows its parent's. The path from the root to a node is a line of reasoning, and one such path is what
/// the run arrives at (``Trace/path``).
public struct StepNode: Codable, Sendable, Equatable, Identifiable {
    /// Counts the nodes of a run in the order of writing, from 1; the question is 0.
    public var id: Int
    /// What this text follows; 0 for the question.
    public var parent: Int
    /// How many texts were begun at the same place before. With the seed and the ordinals of the path, it fixes the random
    /// numbers: a node is the same whatever else is written, and in whatever order.
    public var ordinal: Int
    /// Whether the text goes on where its parent's was written, in one draw, rather than beginning a draw of its own.
    public var continues: Bool
    /// A step, or an evaluation that the model writes beside its steps.
    public var kind: Kind
    /// The temperature it was drawn at; 0 for the likeliest text.
    public var temperature: Double
    /// What it was written behind; it was then moved to where a step stands without that.
    public var hint: Hint?
    /// The view of the question's pictures that it was written and evaluated at, from 1 (``SelfEvalOptions/views``); `nil` for
    /// the pictures as they are.
    public var view: Int?
    /// The text.
    public var text = ""
    /// The tokens.
    public var tokens: [TokenID] = []
    /// Tokens that were processed to write it: its own, and those beyond its end that were given up.
    public var written = 0
    /// Why the text ended.
    public var end: StepStopReason?
    /// The mean of the tokens' natural log-probabilities.
    public var meanLogProbability = 0.0
    /// The lowest mean log-probability of any ``SelfEvalOptions/confidenceWindow`` tokens in a row: the weakest place
    /// (arXiv 2508.15260 takes the lowest group confidence).
    public var windowConfidence = 0.0
    /// Why it was set aside without a verdict.
    public var rejection: Rejection?
    /// What was made of it; `nil` where nothing was decided yet.
    public var decision: Decision?
    /// What the model says about it; `nil` where it was not asked.
    public var evaluation: StepEvaluation?

    /// The natural log-probability of the text behind all before it, in nats.
    public var logProbability: Double { meanLogProbability * Double(tokens.count) }

    /// What a text is.
    public enum Kind: String, Codable, Sendable {
        /// A step of the reasoning.
        case step
        /// An evaluation between SEAT's markers.
        case evaluation
    }

    /// What says why a step is written again.
    public enum Hint: Codable, Sendable, Equatable {
        /// A reflection that was asked for.
        case reflection(id: Int)
        /// An evaluation that the model wrote beside the step.
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
        /// The budget cut it short, where whole candidates were to be had.
        case cut
    }

    /// What was made of a step.
    public enum Decision: String, Codable, Sendable {
        /// It belongs to a line whose steps are not evaluated one by one.
        case written
        /// The verdict reached the upper threshold.
        case accepted
        /// No candidate reached it; this one was the best.
        case kept
        /// The verdict had too little mass to say anything; the first candidate was kept.
        case uninformative
        /// There was no budget left for a verdict.
        case unevaluated
        /// It was taken back, nothing better was found, and it was put in its place again, at no cost.
        case restored
        /// Another candidate stands in its place.
        case rejected
        /// It stood, or its line did, and was given up.
        case abandoned

        /// Whether the step stands.
        public var stands: Bool { self != .rejected && self != .abandoned }
    }
}

/// What the model says about a step, and how much it counts.
public struct StepEvaluation: Codable, Sendable, Equatable {
    /// The verdict, read from logits.
    public var verdict: Verdict
    /// ℓ on a prefix without the picture. Where it is much the same, the evaluation did not look.
    public var imageFreeLogit: Double?
    /// The answer that the model would give now.
    public var probe: AnswerProbe?
    /// The probability that decisions are taken by: the verdict's, calibrated and combined with other signals as
    /// ``SelfEvalOptions/weights`` say; `nil` where the verdict says nothing and nothing else was asked.
    public var score: Double?

    /// Makes an evaluation.
    public init(verdict: Verdict, imageFreeLogit: Double? = nil, probe: AnswerProbe? = nil, score: Double? = nil) {
        self.verdict = verdict
        self.imageFreeLogit = imageFreeLogit
        self.probe = probe
        self.score = score
    }
}

/// The answer that a model would give if it were asked after a step, without going on (as in DEER, arXiv 2504.15895).
public struct AnswerProbe: Codable, Sendable, Equatable {
    /// The answer's first words.
    public var text: String
    /// Their mean natural log-probability.
    public var meanLogProbability: Double
}

/// What the model said is wrong with a step or a chain.
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
    /// The node after which no candidate stood.
    public var from: Int
    /// The node that was taken back; its place is written anew.
    public var to: Int
    /// The best score of the candidates after `from`.
    public var bestScore: Double
}

/// Why reasoning stopped.
public enum ReasoningStopReason: String, Codable, Sendable {
    /// A step states the answer.
    case answered
    /// The model ended its turn.
    case endOfTurn
    /// There were as many steps as allowed.
    case maximumSteps
    /// Tokens, time, memory or the context ran short.
    case budget
    /// The model had nothing new to say.
    case exhausted
}

/// The answer to the question.
public struct Answer: Codable, Sendable, Equatable {
    /// The answer's text; never empty.
    public var text: String
    /// Where it comes from.
    public var source: Source
    /// The node that it follows from.
    public var node: Int
    /// The tokens written for it; empty where a step states it.
    public var tokens: [TokenID]
    /// How sure the run is of it, from 0 to 1; what that means is the strategy's, until it is calibrated. `nil` where the
    /// strategy measures nothing.
    public var confidence: Double?
    /// Whether the confidence is below what was asked for: the answer is given, with the advice not to rely on it.
    public var isAbstention = false

    /// Where an answer comes from.
    public enum Source: String, Codable, Sendable {
        /// A step states it.
        case reasoning
        /// It was asked for after the last step.
        case asked
    }
}

/// Tokens that went through the model, by purpose.
public struct TokenCounts: Codable, Sendable, Equatable {
    /// The question's prompt, processed once.
    public var prompt = 0
    /// Tokens of the prompt that were in the cache from an earlier question, pictures among them, and were not processed
    /// again; `nil` where there were none.
    public var reusedPrompt: Int?
    /// Written for steps, rejected candidates included.
    public var generated = 0
    /// Of those, the ones that belong to steps that stand.
    public var accepted = 0
    /// Processed a second time: the last token of a step that ended before the last one written, steps that were moved from
    /// behind a reflection, and steps that another view of the pictures goes on from.
    public var recomputed = 0
    /// The question's prompt at further views of its pictures.
    public var views = 0
    /// Evaluation prompts, the one of the prior included.
    public var evaluation = 0
    /// Reflections: the prompts that ask for them, and their text.
    public var reflection = 0
    /// The prompt and the verdicts on prefixes without the picture.
    public var contrast = 0
    /// The prompt that asks for the answer.
    public var answerPrompt = 0
    /// Written for the answer.
    public var answer = 0

    /// All of them.
    public var processed: Int {
        prompt + views + generated + recomputed + evaluation + reflection + contrast + answerPrompt + answer
    }
}

/// Seconds, by purpose.
public struct Seconds: Codable, Sendable, Equatable {
    /// The question's prompt.
    public var prompt = 0.0
    /// Writing steps.
    public var generation = 0.0
    /// Evaluating them.
    public var evaluation = 0.0
    /// The answer.
    public var answer = 0.0
    /// From the question to the end.
    public var total = 0.0
}
