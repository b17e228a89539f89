import SelfEvalDecode

/// The status of a node: a sign, a word and a tone, the same in a terminal and on a page.
struct NodeStatus: Equatable {
    /// One column wide.
    let mark: String
    let word: String
    let tone: Tone

    /// Its meaning for the line. It determines the colour; the sign and the word express the same without colour.
    enum Tone: String { case good, doubtful, bad, neutral, gone }

    private init(_ mark: String, _ word: String, _ tone: Tone) {
        self.mark = mark
        self.word = word
        self.tone = tone
    }

    init(_ node: StepNode, in outline: TraceOutline) {
        if outline.backtrack(of: node) != nil {
            self.init("↩", "taken back", .gone)
        } else if node.kind == .evaluation {
            self.init("»", "the model’s own evaluation", outline.stands(node) ? .neutral : .gone)
        } else if let decision = node.decision, decision != .rejected {
            self.init(decision)
        } else if let rejection = node.rejection {
            self.init(rejection)
        } else {
            self.init(
                node.decision == nil ? "…" : "✗",
                node.decision == nil ? "undecided" : "rejected",
                node.decision == nil ? .neutral : .bad
            )
        }
    }

    private init(_ decision: StepNode.Decision) {
        switch decision {
        case .written: self.init("·", "written", .neutral)
        case .accepted: self.init("✓", "accepted", .good)
        case .kept: self.init("~", "kept as the best", .doubtful)
        case .uninformative: self.init("?", "verdict says nothing", .doubtful)
        case .unevaluated: self.init("·", "not evaluated", .neutral)
        case .restored: self.init("~", "taken back, then restored", .doubtful)
        case .rejected: self.init("✗", "rejected", .bad)
        case .abandoned: self.init("–", "given up", .gone)
        }
    }

    private init(_ rejection: StepNode.Rejection) {
        switch rejection {
        case .empty: self.init("✗", "empty", .bad)
        case .duplicate: self.init("=", "same as another", .gone)
        case .repetition: self.init("=", "says an earlier step again", .gone)
        case .cut: self.init("✗", "cut short", .bad)
        }
    }

    /// The score of a text, or why it has none, in at most four columns.
    static func value(of node: StepNode) -> String {
        switch node.rejection {
        case .duplicate, .repetition: return "same"
        case .empty: return "none"
        case .cut: return "cut"
        case nil: break
        }
        guard let evaluation = node.evaluation else { return node.kind == .evaluation ? "says" : "" }
        return evaluation.score.map(Wording.score) ?? "n/a"
    }
}
