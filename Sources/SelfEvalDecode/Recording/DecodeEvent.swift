/// An event while a question is being answered.
///
/// All events except ``draft(parent:text:)`` are recorded; together they make up a ``Trace``.
public enum DecodeEvent: Sendable, Equatable {
    /// Something about the run as a whole.
    case info(Info)
    /// More text of a step that is being written and may still be replaced. Sent only while a single candidate is
    /// written.
    case draft(parent: Int, text: String)
    /// A text was written; nothing has been decided about it.
    case candidate(StepNode)
    /// The model's evaluation of a step.
    case evaluation(node: Int, StepEvaluation)
    /// The model's description of a mistake.
    case reflection(Reflection)
    /// No candidate after `parent` was accepted yet, and this many more will be written.
    case revision(parent: Int, candidates: Int)
    /// The decision on a step.
    case step(node: Int, StepNode.Decision)
    /// Steps are taken back.
    case backtrack(Backtrack)
    /// The answer of one of several lines.
    case proposal(Answer)
    /// The answer.
    case answer(Answer)

    /// Something about the run as a whole.
    public enum Info: Sendable, Equatable {
        /// What is asked, of which model, and how.
        case started(TraceHeader)
        /// The question's prompt is in the cache.
        case prompted(tokens: Int, reused: Int, seconds: Double)
        /// The verdict on a step without content.
        case prior(Verdict)
        /// Reasoning has stopped.
        case reasoningStopped(ReasoningStopReason)
        /// The run is over.
        case finished(TraceSummary)
    }
}

extension DecodeEvent: Codable {
    private enum Name: String, Codable {
        case started, prompted, prior, draft, candidate, evaluation, reflection, revision, step, backtrack, stopped,
            proposal
        case answer, finished
    }

    private enum Key: String, CodingKey {
        case event, header, tokens, reused, seconds, verdict, parent, text, node, evaluation, reflection, candidates
        case decision, backtrack, reason, answer, summary
    }

    /// Reads an event: an object with its name under `event`, and its values next to it.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func value<Value: Decodable>(_ key: Key) throws -> Value { try values.decode(Value.self, forKey: key) }
        switch try values.decode(Name.self, forKey: .event) {
        case .started: self = .info(.started(try value(.header)))
        case .prompted:
            let reused = try values.decodeIfPresent(Int.self, forKey: .reused) ?? 0
            self = .info(.prompted(tokens: try value(.tokens), reused: reused, seconds: try value(.seconds)))
        case .prior: self = .info(.prior(try value(.verdict)))
        case .draft: self = .draft(parent: try value(.parent), text: try value(.text))
        case .candidate: self = .candidate(try value(.node))
        case .evaluation: self = .evaluation(node: try value(.node), try value(.evaluation))
        case .reflection: self = .reflection(try value(.reflection))
        case .revision: self = .revision(parent: try value(.parent), candidates: try value(.candidates))
        case .step: self = .step(node: try value(.node), try value(.decision))
        case .backtrack: self = .backtrack(try value(.backtrack))
        case .stopped: self = .info(.reasoningStopped(try value(.reason)))
        case .proposal: self = .proposal(try value(.answer))
        case .answer: self = .answer(try value(.answer))
        case .finished: self = .info(.finished(try value(.summary)))
        }
    }

    /// Writes an event.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        func put(_ name: Name, _ pairs: (Key, any Encodable)...) throws {
            try values.encode(name, forKey: .event)
            for (key, value) in pairs { try values.encode(value, forKey: key) }
        }
        switch self {
        case .info(.started(let header)): try put(.started, (.header, header))
        case .info(.prompted(let tokens, let reused, let seconds)):
            try put(.prompted, (.tokens, tokens), (.reused, reused), (.seconds, seconds))
        case .info(.prior(let verdict)): try put(.prior, (.verdict, verdict))
        case .info(.reasoningStopped(let reason)): try put(.stopped, (.reason, reason))
        case .info(.finished(let summary)): try put(.finished, (.summary, summary))
        case .draft(let parent, let text): try put(.draft, (.parent, parent), (.text, text))
        case .candidate(let node): try put(.candidate, (.node, node))
        case .evaluation(let node, let evaluation): try put(.evaluation, (.node, node), (.evaluation, evaluation))
        case .reflection(let reflection): try put(.reflection, (.reflection, reflection))
        case .revision(let parent, let count): try put(.revision, (.parent, parent), (.candidates, count))
        case .step(let node, let decision): try put(.step, (.node, node), (.decision, decision))
        case .backtrack(let backtrack): try put(.backtrack, (.backtrack, backtrack))
        case .proposal(let answer): try put(.proposal, (.answer, answer))
        case .answer(let answer): try put(.answer, (.answer, answer))
        }
    }
}
