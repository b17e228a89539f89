import CLIShared
import SelfEvalDecode

/// Draws the tree of a trace in a terminal.
///
/// The accepted line goes straight down with its steps numbered; other texts branch off before the step that was
/// accepted in their place.
///
/// ```
/// Tom has 3 bags with 4 apples each. He eats 2. How many are left?
/// │
/// 1  ✓ 0.71  Tom has 3 bags with 4 apples each, so he has 12 apples.
/// ├─ 2  ✗ 0.22  He eats 2 apples, so 14 are left.
/// 2  ✓ 0.64  He eats 2 apples, so 12 - 2 = 10 are left.
/// │
/// └─ Answer: 10
/// ```
public enum TraceTree {
    /// The lines of a trace's tree, none wider than the terminal.
    ///
    /// Control characters in the texts are replaced, so that a model cannot control the terminal.
    public static func lines(_ trace: Trace, terminal: Terminal) -> [String] {
        var drawing = Drawing(outline: TraceOutline(trace), terminal: terminal)
        drawing.draw()
        return drawing.lines
    }
}

/// The state of drawing a tree.
private struct Drawing {
    let outline: TraceOutline
    let terminal: Terminal
    var lines: [String] = []

    private var trace: Trace { outline.trace }
    private var width: Int { max(terminal.width, Terminal.leastWidth) }

    init(outline: TraceOutline, terminal: Terminal) {
        self.outline = outline
        self.terminal = terminal
    }

    mutating func draw() {
        drawQuestion()
        lines.append("│")
        drawLine(after: 0, gutter: "", isTrunk: true)
        if !trace.nodes.isEmpty { lines.append("│") }
        drawEnd()
        drawProposals()
        drawCosts()
    }

    // MARK: Question

    /// The maximum number of lines of the question.
    private static let questionLines = 3

    private mutating func drawQuestion() {
        let wrapped = wrap(Wording.shown(trace.header.question), width)
        lines += wrapped.prefix(Self.questionLines - 1)
        if wrapped.count == Self.questionLines {
            lines.append(wrapped[Self.questionLines - 1])
        } else if wrapped.count > Self.questionLines {
            lines.append(head(of: wrapped[Self.questionLines - 1], width: width - 2) + " …")
        }
    }

    /// The beginning of a line, at most `width` columns of it.
    private func head(of line: String, width: Int) -> String {
        var columns = 0
        return String(
            line.prefix { character in
                columns += TerminalText.width(of: character)
                return columns <= width
            }
        )
    }

    // MARK: Steps

    /// The number of columns of a step's number, and of the bar below it.
    private var numberWidth: Int { max(3, String(outline.highestNumber).count + 1) }
    /// The number of columns of a mark, `✓ 0.71`, and the space after it.
    private static let markWidth = 8
    /// The minimum width of text; if columns run out, branches overlap instead.
    private static let leastTextWidth = 10

    /// Draws what follows a node, in one column.
    private mutating func drawLine(after start: Int, gutter: String, isTrunk: Bool) {
        var current = start
        while true {
            let place = outline.place(after: current)
            for (index, other) in place.others.enumerated() {
                let isLast = !isTrunk && place.next == nil && index == place.others.count - 1
                drawNode(other, gutter: gutter + (isLast ? "└─ " : "├─ "), continued: gutter + (isLast ? "   " : "│  "))
                drawLine(after: other.id, gutter: gutter + (isLast ? "   " : "│  "), isTrunk: false)
            }
            guard let next = place.next else { return }
            drawNode(next, gutter: gutter, continued: gutter, isTrunk: isTrunk)
            current = next.id
        }
    }

    private mutating func drawNode(_ node: StepNode, gutter: String, continued: String, isTrunk: Bool = false) {
        let stands = outline.stands(node)
        let status = NodeStatus(node, in: outline)
        let goesOn = isTrunk || outline.descendants(of: node) > 0
        let isStep = node.kind == .step
        let below = pad(goesOn ? "│" : "", numberWidth)
        let label = isStep ? pad("\(outline.number(of: node.id))", numberWidth) : below
        let gutters = (clip(gutter), clip(continued))
        let textWidth = width - gutters.0.count - numberWidth - Self.markWidth
        let mark = pad("\(status.mark) \(NodeStatus.value(of: node))", Self.markWidth)
        let text = wrap(Wording.shown(node.text), textWidth)
        for (index, line) in (text.isEmpty ? [""] : text).enumerated() {
            let start = index == 0 ? gutters.0 + label : gutters.1 + below
            let sign = index == 0 ? mark : pad("", Self.markWidth)
            guard stands, isStep else {
                lines.append(start + terminal.styled(trimmed(sign + line), .dim))
                continue
            }
            lines.append(start + terminal.styled(sign, style(of: status)) + terminal.styled(line, .bold))
        }
        for note in notes(on: node) {
            for line in wrap(note, textWidth) {
                let margin = gutters.1 + below + pad("", Self.markWidth)
                lines.append(margin + terminal.styled(line, .dim))
            }
        }
    }

    /// The notes about a node below its text.
    private func notes(on node: StepNode) -> [String] {
        var notes: [String] = []
        if let hint = node.hint { notes.append("» \(Wording.hint(hint))") }
        if let view = node.view { notes.append("» \(Wording.view(view))") }
        if let backtrack = outline.backtrack(of: node), backtrack.to == node.id {
            notes.append("↩ taken back: \(Wording.reason(backtrack, in: outline))")
        }
        if node.decision == .restored { notes.append("↩ taken back, then put in its place again") }
        notes += (node.evaluation?.findings ?? []).map { "⊢ \(Wording.shown(Wording.finding($0)))" }
        notes += outline.reflections(on: node).map { "» why? \(Wording.shown($0.text))" }
        notes += outline.proposals(after: node).map { "→ \(Wording.shown($0.answer.text))" }
        return notes
    }

    private func style(of status: NodeStatus) -> Terminal.Style? {
        switch status.tone {
        case .good: .green
        case .doubtful: .yellow
        case .bad: .red
        case .neutral, .gone: nil
        }
    }

    // MARK: Answer

    private mutating func drawEnd() {
        guard let answer = trace.answer else {
            let end = trace.summary == nil ? "the record breaks off here" : "cancelled before there was an answer"
            return append(end, prefix: "└─ ", style: .yellow)
        }
        append("Answer: \(Wording.shown(answer.text))", prefix: "└─ ", style: .bold)
        var facts = [Wording.source(answer, in: outline)]
        if let confidence = answer.confidence { facts.insert("confidence \(Wording.score(confidence))", at: 0) }
        append(facts.joined(separator: " · "), prefix: "   ", style: .dim)
        if answer.isAbstention {
            append(Wording.abstention(answer, trace.header.options), prefix: "   ", style: .yellow)
        }
        if trace.summary == nil { append("the record breaks off here", prefix: "   ", style: .yellow) }
    }

    /// The answers of several lines, and how many give each.
    private mutating func drawProposals() {
        guard trace.proposals.count > 1 else { return }
        lines.append("")
        let tally = ProposalCount.tally(trace.proposals)
        let digits = String(tally.first?.lines.count ?? 0).count
        for proposal in tally {
            let count = String(proposal.lines.count)
            let prefix = pad("", digits - count.count) + count + " × "
            append(Wording.shown(proposal.text), prefix: prefix, style: nil)
        }
    }

    private mutating func drawCosts() {
        lines.append("")
        var parts = [
            "\(trace.header.options.strategy.rawValue)", Wording.count(outline.steps.count, "step"),
            Wording.count(outline.others, "other"),
        ]
        if !trace.backtracks.isEmpty { parts.append("\(trace.backtracks.count) taken back") }
        if let reason = trace.stopReason { parts.append("stopped: \(Wording.stop(reason))") }
        append(parts.joined(separator: " · "), prefix: "", style: .dim)
        guard let summary = trace.summary else { return }
        let tokens = Cost<Int>.tokens(summary.counts).map { "\($0.amount) \($0.short)" }.joined(separator: ", ")
        append("tokens: \(summary.counts.processed) = \(tokens)", prefix: "", style: .dim)
        let seconds = Cost<Double>.seconds(summary.seconds)
            .map { "\(Wording.seconds($0.amount)) \($0.short)" }.joined(separator: ", ")
        append("time: \(Wording.seconds(summary.seconds.total)) = \(seconds)", prefix: "", style: .dim)
    }

    // MARK: Text

    /// Appends a text with a prefix before its first line, and the same width of space before the others.
    private mutating func append(_ text: String, prefix: String, style: Terminal.Style?) {
        for (index, line) in wrap(text, width - prefix.count).enumerated() {
            lines.append((index == 0 ? prefix : pad("", prefix.count)) + terminal.styled(line, style))
        }
    }

    private func wrap(_ text: String, _ width: Int) -> [String] {
        TerminalText.wrap(TerminalText.harmless(text), width: width)
    }

    /// The columns nearest to the text, if there are more than fit.
    private func clip(_ gutter: String) -> String {
        let limit = max(0, width - numberWidth - Self.markWidth - Self.leastTextWidth)
        return gutter.count <= limit ? gutter : limit == 0 ? "" : "…" + gutter.suffix(limit - 1)
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func trimmed(_ line: String) -> String { String(line.reversed().drop { $0 == " " }.reversed()) }
}
