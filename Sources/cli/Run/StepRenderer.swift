import CLIShared
import Foundation
import SelfEvalDecode

/// Turns the events of a run into lines for a terminal.
///
/// ```
/// 1  ✓ 0.71  Tom has 3 bags with 4 apples each, so he has 12 apples.
/// 2  ✗ 0.22  He eats 2 apples, so 14 are left.
///    ✓ 0.64  He eats 2 apples, so 12 - 2 = 10 are left.
/// Answer: 10
/// ```
struct StepRenderer {
    let terminal: Terminal

    /// The run so far.
    private var trace: Trace?
    /// Nodes that are on the screen.
    private var shown: Set<Int> = []
    /// The place in its line of the step shown last.
    private var lastPlace: Int?
    private var draft = (parent: -1, text: "")

    init(terminal: Terminal) { self.terminal = terminal }

    /// What to write for an event: lines that stay, and after them a line that the next call overwrites.
    mutating func output(for event: DecodeEvent) -> (lines: [String], status: String) {
        if case .info(.started(let header)) = event { trace = Trace(header) }
        trace?.apply(event)
        switch event {
        case .draft(let parent, let text):
            draft = (parent, (draft.parent == parent ? draft.text : "") + text)
            return ([], status("\(number(place(after: parent)))\(Self.ellipsis) \(draft.text)"))
        case .candidate(let node):
            draft = (-1, "")
            return ([], status("\(number(place(after: node.parent)))\(Self.ellipsis)"))
        case .revision(let parent, let count):
            let note = status("\(number(place(after: parent)))\(Self.ellipsis) \(count) more")
            return (rejected(after: parent), note)
        case .reflection(let reflection):
            return (line(prefix: Self.indent, mark: "» why?", text: reflection.text, style: .dim), "")
        case .step(let id, let decision): return (lines(for: id, decision), "")
        case .backtrack(let backtrack):
            lastPlace = nil
            let steps = trace.map { $0.line(to: backtrack.to).filter { $0.kind == .step }.count } ?? 1
            return ([terminal.styled("\(Self.indent)↩ back to step \(steps)", .yellow)], "")
        case .answer(let answer):
            var text = "Answer: \(answer.text)"
            if answer.isAbstention {
                text += String(format: " (do not rely on it: confidence %.2f)", answer.confidence ?? 0)
            }
            if let proposals = trace?.proposals, proposals.count > 1 {
                let votes = proposals.filter { $0.voteKey == answer.voteKey }.count
                let ended = trace?.nodes.count { $0.end == .decided || $0.end == .pruned } ?? 0
                text += " (\(votes) of \(proposals.count) chains\(ended > 0 ? ", \(ended) not needed" : ""))"
            }
            let lines = TerminalText.wrap(TerminalText.harmless(text), width: terminal.width)
            return (standing(to: answer.node) + lines.map { terminal.styled($0, .bold) }, "")
        case .info(.finished(let summary)):
            guard let trace else { return ([], "") }
            return ([terminal.styled(Self.summary(of: trace, summary), .dim)], "")
        case .info, .evaluation, .proposal: return ([], "")
        }
    }

    private static let indent = "    "
    private static let ellipsis = "…"

    /// The place in the line of a step after `parent`, from 1.
    private func place(after parent: Int) -> Int {
        1 + (trace?.line(to: parent).filter { $0.kind == .step }.count ?? 0)
    }

    /// The step's number, in three columns.
    private func number(_ place: Int) -> String {
        let digits = String(place)
        return digits + String(repeating: " ", count: max(1, Self.indent.count - digits.count))
    }

    /// Candidates after a node that are not on the screen yet, and are not going to stand as they are.
    private mutating func rejected(after parent: Int) -> [String] {
        let waiting = trace?.children(of: parent).filter { !shown.contains($0.id) && $0.kind == .step } ?? []
        return waiting.flatMap { lines(of: $0, mark: rejectionMark($0), style: .dim) }
    }

    private mutating func lines(for id: Int, _ decision: StepNode.Decision) -> [String] {
        guard let node = trace?[id] else { return [] }
        if shown.contains(id) { return [.kept, .restored].contains(decision) ? [kept(node)] : [] }
        // Where several chains are written, the one that stands is shown at the end.
        let isOneChain = trace.map { [.cot, .seat].contains($0.header.options.strategy) } ?? true
        guard decision != .written || isOneChain else { return [] }
        switch decision {
        case .abandoned: return []
        case .rejected: return lines(of: node, mark: rejectionMark(node), style: .dim)
        case .accepted: return lines(of: node, mark: terminal.styled("✓ ", .green) + probability(node), style: nil)
        case .kept, .restored:
            return lines(of: node, mark: terminal.styled("~ ", .yellow) + probability(node), style: nil)
        case .uninformative: return lines(of: node, mark: terminal.styled("? n/a ", .yellow), style: nil)
        case .written where node.kind == .evaluation: return lines(of: node, mark: "» says", style: .dim)
        case .written, .unevaluated: return lines(of: node, mark: "· n/a ", style: nil)
        }
    }

    /// The steps of the line that was arrived at, as far as they are not on the screen: of several chains, the others are
    /// told by their answers.
    private mutating func standing(to leaf: Int) -> [String] {
        let line = trace?.line(to: leaf) ?? []
        return line.filter { !shown.contains($0.id) }.flatMap { lines(of: $0, mark: standingMark($0), style: nil) }
    }

    private func standingMark(_ node: StepNode) -> String {
        guard let score = node.evaluation?.score else { return "· n/a " }
        return "· " + String(format: "%.2f", score)
    }

    private func rejectionMark(_ node: StepNode) -> String {
        switch node.rejection {
        case .duplicate, .repetition: "= same"
        case .empty: "✗ none"
        case .cut: "✗ cut "
        case nil: node.evaluation?.score == nil ? "✗ n/a " : "✗ " + probability(node)
        }
    }

    private func probability(_ node: StepNode) -> String {
        node.evaluation?.score.map { String(format: "%.2f", $0) } ?? "n/a "
    }

    /// That the chain goes on with a step in doubt that stands above among others: its end, where they differ, on one line.
    private func kept(_ node: StepNode) -> String {
        let columns = max(terminal.width - Self.indent.count - Self.markWidth - 2, 10)
        let text = TerminalText.harmless(node.text).trimmingCharacters(in: .whitespacesAndNewlines)
        let fits = TerminalText.width(of: text) <= columns
        let end = fits ? text : Self.ellipsis + TerminalText.tail(text, width: columns - 1)
        return Self.indent + terminal.styled("~ kept", .yellow) + "  " + end
    }

    private static let markWidth = 6

    private mutating func lines(of node: StepNode, mark: String, style: Terminal.Style?) -> [String] {
        shown.insert(node.id)
        let place = place(after: node.parent)
        let prefix = place == lastPlace || node.kind == .evaluation ? Self.indent : number(place)
        lastPlace = place
        // What stands above already would only hide what is new.
        let text = node.rejection == .duplicate ? "(as above)" : node.text.trimmingCharacters(in: .newlines)
        return line(prefix: prefix, mark: mark, text: text + view(of: node), style: style)
    }

    /// Which view of the pictures a text is from, where that is another than the one of the step before.
    private func view(of node: StepNode) -> String {
        guard node.view != trace?[node.parent]?.view else { return "" }
        return " (view \((node.view ?? 0) + 1))"
    }

    private func line(prefix: String, mark: String, text: String, style: Terminal.Style?) -> [String] {
        let margin = Self.indent.count + Self.markWidth + 2
        let wrapped = TerminalText.wrap(TerminalText.harmless(text), width: max(terminal.width - margin, 10))
        let first = terminal.styled(prefix, style) + (style == nil ? mark : terminal.styled(mark, style)) + "  "
        return (wrapped.isEmpty ? [""] : wrapped).enumerated().map { index, text in
            (index == 0 ? first : String(repeating: " ", count: margin)) + terminal.styled(text, style)
        }
    }

    private func status(_ text: String) -> String {
        guard terminal.hasCursor else { return "" }
        let line = TerminalText.harmless(text).map { $0.isNewline || $0 == "\t" ? " " : $0 }
        let head = String(line.prefix(Self.indent.count + 2))
        let tail = TerminalText.tail(String(line.dropFirst(head.count)), width: terminal.width - head.count - 1)
        return terminal.styled(head + tail, .dim)
    }

    /// What the run cost, in one line.
    static func summary(of trace: Trace, _ summary: TraceSummary) -> String {
        let steps = trace.path.filter { $0.kind == .step }.count
        let written = trace.nodes.count
        var parts = ["\(steps) \(steps == 1 ? "step" : "steps")", "\(written) written"]
        if !trace.backtracks.isEmpty { parts.append("\(trace.backtracks.count) taken back") }
        let counts = summary.counts
        let evaluation = counts.evaluation + counts.contrast + counts.reflection
        parts.append(
            "tokens: \(counts.prompt + counts.views) prompt, \(counts.generated) written, \(evaluation) evaluation, "
                + "\(counts.answerPrompt + counts.answer) answer"
        )
        parts.append(String(format: "%.1f s", summary.seconds.total))
        let end = summary.outcome == .cancelled ? "stopped; " : ""
        return end + parts.joined(separator: " · ")
    }
}
