import EMLLMCore
import Foundation

/// Everything that happened while a question was answered: each step, candidate, verdict, token and second.
///
/// A trace is JSON through `Codable`; ``json()`` writes it. A cancelled run leaves a valid trace of what was done.
public struct Trace: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let currentVersion = 1

    /// The version of the format this trace was written in.
    public var version = Trace.currentVersion
    /// Which weights answered.
    public var model: ModelIdentity
    /// The user's question.
    public var question: String
    /// The system message, where one was given.
    public var system: String?
    /// Everything that steered the run, the seed and the prompts included.
    public var options: SelfEvalOptions
    /// Whether the run came to its end.
    public var outcome = Outcome.unfinished
    /// Why reasoning stopped and the answer was turned to.
    public var stopReason: ReasoningStop?
    /// The answer.
    public var answer: Answer?
    /// The pictures that the question shows, in order; `nil` where it shows none.
    public var images: [ImageUsage]?
    /// The tokens of the question's prompt. Identifiers beyond the vocabulary stand for features of pictures.
    public var prompt: [TokenID] = []
    /// The verdict on a step without content, where it was asked for.
    public var prior: Verdict?
    /// Every step that was written, in the order of writing; those taken back later are marked.
    public var steps: [Step] = []
    /// The steps taken back.
    public var backtracks: [Backtrack] = []
    /// Tokens processed, by purpose.
    public var counts = TokenCounts()
    /// Seconds spent, by purpose.
    public var seconds = Seconds()

    /// The steps that stand, in order; their texts joined are the reasoning.
    public var acceptedSteps: [Step] { steps.filter { $0.chosen != nil && !$0.isTakenBack } }
    /// The reasoning that stands.
    public var reasoning: String { acceptedSteps.compactMap(\.chosenCandidate?.text).joined() }

    /// Whether a run came to its end.
    public enum Outcome: String, Codable, Sendable {
        /// Still running, or it failed.
        case unfinished
        /// There is an answer.
        case answered
        /// It was cancelled.
        case cancelled
    }
}

extension Trace {
    /// Reads a trace that ``json()`` wrote.
    ///
    /// - Throws: `DecodingError` when the JSON is no trace.
    public init(json: Data) throws { self = try JSONDecoder().decode(Trace.self, from: json) }

    /// Pretty-printed JSON with sorted keys, and a line break at the end.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}

/// Which weights a trace belongs to.
public struct ModelIdentity: Codable, Sendable, Equatable {
    /// The model's name, and the file it was converted from.
    public var provenance: Provenance
    /// The model's family.
    public var family: String
    /// Entries of the vocabulary.
    public var vocabularySize: Int
    /// Bytes of the weights.
    public var weightBytes: Int
    /// The precision of activations.
    public var activations: ActivationPrecision

    /// Names a model.
    public init(
        provenance: Provenance,
        family: String,
        vocabularySize: Int,
        weightBytes: Int,
        activations: ActivationPrecision
    ) {
        self.provenance = provenance
        self.family = family
        self.vocabularySize = vocabularySize
        self.weightBytes = weightBytes
        self.activations = activations
    }
}

/// One attempt at a step of the chain: its candidates, and what was decided.
public struct Step: Codable, Sendable, Equatable {
    /// The place in the chain, from 0.
    public var index: Int
    /// The candidates in the order of writing; after a backtrack, those written anew.
    public var candidates: [Candidate] = []
    /// Which candidate stands; `nil` where none does.
    public var chosen: Int?
    /// What was decided.
    public var decision: Decision?
    /// Whether the step stood at first and was taken back later.
    public var isTakenBack = false
    /// Seconds to write the candidates.
    public var generationSeconds = 0.0
    /// Seconds to judge them.
    public var evaluationSeconds = 0.0

    /// The candidate that stands.
    public var chosenCandidate: Candidate? { chosen.map { candidates[$0] } }

    /// What was decided about a step.
    public enum Decision: String, Codable, Sendable {
        /// The verdict reached the upper threshold.
        case accepted
        /// No candidate reached it; the best one was kept.
        case kept
        /// The verdict had too little mass to say anything; the first candidate was kept.
        case uninformative
        /// There was no budget left for a verdict.
        case unjudged
        /// After a backtrack nothing new was found; the step taken back was put in its place again, at no cost.
        case restored
        /// Even the best candidate stayed below the lower threshold: the step before was taken back.
        case backtracked
        /// Every candidate was empty or said again what a step had said: reasoning stopped here.
        case exhausted
    }
}

/// One text that was written for a step.
public struct Candidate: Codable, Sendable, Equatable {
    /// Counts the candidates of a question from 0. With the seed, it fixes the random numbers.
    public var id: Int
    /// The temperature it was drawn at; 0 for the likeliest text.
    public var temperature: Double
    /// The text.
    public var text = ""
    /// The tokens.
    public var tokens: [TokenID] = []
    /// Why the text ended.
    public var end: StepEnd?
    /// The mean of the tokens' natural log-probabilities.
    public var meanLogProbability = 0.0
    /// The verdict; `nil` where it was not asked for.
    public var verdict: Verdict?
    /// Why it was set aside without a verdict.
    public var rejection: Rejection?

    /// Why a candidate was set aside without a verdict.
    public enum Rejection: String, Codable, Sendable {
        /// White space only.
        case empty
        /// Another candidate for the same place says the same.
        case duplicate
        /// A step of the chain says the same.
        case repetition
        /// The budget cut it short, where whole candidates were to be had.
        case cut
    }
}

/// A step that was taken back.
public struct Backtrack: Codable, Sendable, Equatable {
    /// The place in the chain where no candidate stood.
    public var from: Int
    /// The place of the step taken back, which is written anew.
    public var to: Int
    /// The best probability at `from`.
    public var bestProbability: Double
}

/// Why reasoning stopped.
public enum ReasoningStop: String, Codable, Sendable {
    /// A step states the answer.
    case answered
    /// The model ended its turn.
    case endOfTurn
    /// There were as many steps as allowed.
    case maximumSteps
    /// Tokens, time or the context ran short.
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
    /// The tokens written for it; empty where a step states it.
    public var tokens: [TokenID]

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
    /// Processed a second time, where a step ended some tokens before the last one written.
    public var recomputed = 0
    /// Evaluation prompts, the one of the prior included.
    public var evaluation = 0
    /// The prompt that asks for the answer.
    public var answerPrompt = 0
    /// Written for the answer.
    public var answer = 0

    /// All of them.
    public var processed: Int { prompt + generated + recomputed + evaluation + answerPrompt + answer }
}

/// Seconds, by purpose.
public struct Seconds: Codable, Sendable, Equatable {
    /// The question's prompt.
    public var prompt = 0.0
    /// Writing steps.
    public var generation = 0.0
    /// Judging them.
    public var evaluation = 0.0
    /// The answer.
    public var answer = 0.0
    /// From the question to the end.
    public var total = 0.0
}
