import EMLLMCore
import Foundation

/// Everything that happened while a question was answered: the tree of steps with each verdict, token and second.
///
/// A trace is made of the events of a run: ``apply(_:)`` takes them one by one. As a file it is either one JSON object
/// (``json()``) or its events as JSON lines, written as they happen; ``init(json:path:)`` reads both. A cancelled run leaves
/// a valid trace of its events, and so does a file whose last line is truncated.
public struct Trace: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let currentVersion = 4

    /// What was asked, of which model, and how.
    public private(set) var header: TraceHeader
    /// The prompt tokens of the question that were processed, and those that were in the cache; set once they are read.
    public private(set) var promptTokens: Int?
    /// The verdict on a step without content, if it was asked for.
    public private(set) var prior: Verdict?
    /// Every text that was written, in order; a node's id is its position, from 1.
    public private(set) var nodes: [StepNode] = []
    /// The model's descriptions of mistakes.
    public private(set) var reflections: [Reflection] = []
    /// The steps taken back.
    public private(set) var backtracks: [Backtrack] = []
    /// The answers of several lines, if the strategy compares them.
    public private(set) var proposals: [Answer] = []
    /// The answer; `nil` if the run was cancelled before it.
    public private(set) var answer: Answer?
    /// Why reasoning stopped.
    public private(set) var stopReason: ReasoningStopReason?
    /// How the run ended; `nil` while it runs, or if the record is truncated.
    public private(set) var summary: TraceSummary?

    /// Begins a trace.
    public init(_ header: TraceHeader) { self.header = header }

    /// The nodes of the final line, from the first step to the last.
    public var path: [StepNode] { summary.map { $0.path.compactMap { self[$0] } } ?? [] }
    /// The accepted reasoning.
    public var reasoning: String { path.map(\.text).joined() }

    /// A node by its id; `nil` for the question.
    public subscript(id: Int) -> StepNode? { id >= 1 && id <= nodes.count ? nodes[id - 1] : nil }

    /// The nodes from the first step to `id`.
    public func line(to id: Int) -> [StepNode] {
        var line: [StepNode] = []
        var current = self[id]
        while let node = current, line.count <= nodes.count {
            line.append(node)
            current = self[node.parent]
        }
        return line.reversed()
    }

    /// The natural log-probability of all steps from the first to `id`, in nats; evaluations between them do not count.
    public func logProbability(to id: Int) -> Double {
        line(to: id).reduce(0) { $1.kind == .step ? $0 + $1.logProbability : $0 }
    }

    /// The view of the pictures that a node was written with; 0 for the first, and for the question.
    func view(of id: Int) -> Int { self[id]?.view ?? 0 }

    /// The texts that begin after a node, in order.
    public func children(of id: Int) -> [StepNode] { nodes.filter { $0.parent == id } }

    /// Takes an event. One that does not fit the earlier events (such as a node out of order) changes nothing.
    ///
    /// - Returns: whether it fits.
    @discardableResult
    public mutating func apply(_ event: DecodeEvent) -> Bool {
        switch event {
        case .info(.started(let header)): self.header = header
        case .info(.prompted(let tokens, let reused, _)): promptTokens = tokens &+ reused
        case .info(.prior(let verdict)): prior = verdict
        case .info(.reasoningStopped(let reason)): stopReason = reason
        case .info(.finished(let summary)):
            guard summary.path.allSatisfy({ self[$0] != nil }) else { return false }
            self.summary = summary
        case .draft, .revision: break
        case .candidate(let node):
            guard node.id == nodes.count + 1, (0..<node.id).contains(node.parent) else { return false }
            nodes.append(node)
        case .evaluation(let id, let evaluation):
            guard self[id] != nil else { return false }
            nodes[id - 1].evaluation = evaluation
        case .step(let id, let decision):
            guard self[id] != nil else { return false }
            nodes[id - 1].decision = decision
        case .reflection(let reflection):
            guard reflection.id == reflections.count, self[reflection.node] != nil else { return false }
            reflections.append(reflection)
        case .backtrack(let backtrack): backtracks.append(backtrack)
        case .proposal(let answer): proposals.append(answer)
        case .answer(let answer): self.answer = answer
        }
        return true
    }
}

/// The question, the model and the options: all that a replay needs.
public struct TraceHeader: Codable, Sendable, Equatable {
    /// The version of the format.
    public var version = Trace.currentVersion
    /// The weights that answer.
    public var model: ModelIdentity
    /// The user's question.
    public var question: String
    /// The system message, if one was given.
    public var system: String?
    /// The settings of the run, including the seed and the prompts.
    public var options: SelfEvalOptions
    /// The pictures that the question shows, in order; `nil` if it shows none.
    public var images: [ImageUsage]?
    /// Where the pictures came from, as the caller names them.
    public var imageNames: [String]?
    /// The tokens of the question's prompt. Ids beyond the vocabulary represent features of pictures.
    public var prompt: [TokenID]
    /// The token costs of verdicts and of asking for the answer.
    public var costs: PromptCosts
    /// The names of the checkers that examined steps; `nil` if there were none. A replay needs them.
    public var checkers: [String]?
    /// The maximum number of positions in the context.
    public var contextLength: Int
    /// What a person should know before trusting the verdicts; `nil` if there is nothing.
    public var warning: String?

    /// Token costs of the cascade's prompts.
    public struct PromptCosts: Codable, Sendable, Equatable {
        /// A verdict on a step.
        public var evaluation: Int
        /// The verdict on a step without content.
        public var prior: Int
        /// A verdict on a chain.
        public var chainEvaluation: Int
        /// Asking for the answer.
        public var answer: Int
    }
}

/// How a run ended.
public struct TraceSummary: Codable, Sendable, Equatable {
    /// Whether it was completed.
    public var outcome: Outcome
    /// The nodes of the final line.
    public var path: [Int] = []
    /// Tokens processed, by purpose.
    public var counts = TokenCounts()
    /// Seconds spent, by purpose.
    public var seconds = Seconds()
    /// Forward passes that were completed.
    public var passes = 0
    /// Which of the checks "is there time for this?" were answered with no, counted from 0. A replay gives the same
    /// answers instead of looking at the clock.
    public var timeRefusals: [Int] = []

    /// Whether a run was completed.
    public enum Outcome: String, Codable, Sendable {
        /// There is an answer.
        case answered
        /// It was cancelled.
        case cancelled
    }
}

/// The weights that a trace belongs to.
public struct ModelIdentity: Codable, Sendable, Equatable {
    /// The model's name, and the file it was converted from.
    public var provenance: Provenance
    /// The model's family.
    public var family: String
    /// The number of entries in the vocabulary.
    public var vocabularySize: Int
    /// The size of the weights, in bytes.
    public var weightBytes: Int
    /// A SHA-256 digest of the weights, in hexadecimal: two models with the same digest compute the same results.
    public var weightsDigest: String
    /// The precision of activations.
    public var activations: ActivationPrecision

    /// Names a model.
    public init(
        provenance: Provenance,
        family: String,
        vocabularySize: Int,
        weightBytes: Int,
        weightsDigest: String,
        activations: ActivationPrecision
    ) {
        self.provenance = provenance
        self.family = family
        self.vocabularySize = vocabularySize
        self.weightBytes = weightBytes
        self.weightsDigest = weightsDigest
        self.activations = activations
    }
}
