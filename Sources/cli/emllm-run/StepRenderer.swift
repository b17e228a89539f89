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
    let options: SelfEvalOptions

    /// Candidates of the current step that are not on the screen yet: whether they stand is decided later.
    private var waiting: [Candidate] = []
    private var step: Int?
    private var isNumbered = false
    private var draft = ""

    init(terminal: Terminal, options: SelfEvalOptions) {
        self.terminal = terminal
        self.options = options
    }

    /// What to write for an event: lines that stay, and after them a line that the next call overwrites.
    mutating func output(for event: DecodeEvent) -> (lines: [String], status: String) {
        switch event {
        case .draft(let step, let text):
            draft = self.step == step ? draft + text : text
            begin(step)
            return ([], status("\(number(step))\(Self.ellipsis) \(draft)"))
        case .evaluation(let step, let candidate):
            begin(step)
            draft = ""
            waiting.append(candidate)
            return ([], status("\(number(step))\(Self.ellipsis)"))
        case .revision(let step, let count):
            begin(step)
            return (flush(), status("\(number(step))\(Self.ellipsis) \(count) more"))
        case .step(let step):
            return (close(step), "")
        case .backtrack(let backtrack):
            let lines = flush()
            self.step = nil
            let note = "\(Self.indent)↩ back to step \(backtrack.to + 1)"
            return (lines + [terminal.styled(note, .yellow)], "")
        case .answer(let answer):
            let lines = TerminalText.wrap(TerminalText.harmless("Answer: \(answer.text)"), width: terminal.width)
            return (flush() + lines.map { terminal.styled($0, .bold) }, "")
        case .info(.finished(let trace)):
            return (flush() + [terminal.styled(Self.summary(of: trace), .dim)], "")
        case .info:
            return ([], "")
        }
    }

    private static let indent = "    "
    private static let ellipsis = "…"

    private mutating func begin(_ step: Int) {
        guard self.step != step else { return }
        self.step = step
        isNumbered = false
    }

    /// The step's number, in three columns.
    private func number(_ step: Int) -> String {
        let digits = String(step + 1)
        return digits + String(repeating: " ", count: max(1, Self.indent.count - digits.count))
    }

    /// Candidates that do not stand.
    private mutating func flush() -> [String] {
        defer { waiting = [] }
        return waiting.flatMap { line($0, mark: rejectionMark($0), style: .dim) }
    }

    private mutating func close(_ step: Step) -> [String] {
        begin(step.index)
        guard let chosen = step.chosenCandidate else { return flush() }
        waiting.removeAll { $0.id == chosen.id }
        let lines = flush() + line(chosen, mark: mark(step.decision, chosen), style: nil)
        self.step = nil
        return lines
    }

    private func mark(_ decision: Step.Decision?, _ candidate: Candidate) -> String {
        switch decision {
        case .accepted: terminal.styled("✓ ", .green) + probability(candidate)
        case .kept, .restored: terminal.styled("~ ", .yellow) + probability(candidate)
        case .uninformative: terminal.styled("? n/a ", .yellow)
        default: "· n/a "
        }
    }

    private func rejectionMark(_ candidate: Candidate) -> String {
        switch candidate.rejection {
        case .duplicate, .repetition: "= same"
        case .empty: "✗ none"
        case .cut: "✗ cut "
        case nil: candidate.verdict?.isInformative == true ? "✗ " + probability(candidate) : "? n/a "
        }
    }

    private func probability(_ candidate: Candidate) -> String {
        candidate.verdict.map { String(format: "%.2f", $0.probability) } ?? "n/a "
    }

    private static let markWidth = 6

    private mutating func line(_ candidate: Candidate, mark: String, style: Terminal.Style?) -> [String] {
        let prefix = isNumbered ? Self.indent : number(candidate: step)
        isNumbered = true
        let margin = Self.indent.count + Self.markWidth + 2
        let wrapped = TerminalText.wrap(
            TerminalText.harmless(candidate.text),
            width: max(terminal.width - margin, 10)
        )
        let first = terminal.styled(prefix, style) + (style == nil ? mark : terminal.styled(mark, style)) + "  "
        return (wrapped.isEmpty ? [""] : wrapped).enumerated().map { index, text in
            (index == 0 ? first : String(repeating: " ", count: margin)) + terminal.styled(text, style)
        }
    }

    private func number(candidate step: Int?) -> String { step.map(number) ?? Self.indent }

    private func status(_ text: String) -> String {
        guard terminal.hasCursor else { return "" }
        let line = TerminalText.harmless(text).map { $0.isNewline || $0 == "\t" ? " " : $0 }
        let head = String(line.prefix(Self.indent.count + 2))
        let tail = TerminalText.tail(String(line.dropFirst(head.count)), width: terminal.width - head.count - 1)
        return terminal.styled(head + tail, .dim)
    }

    /// What the run cost, in one line.
    static func summary(of trace: Trace) -> String {
        let steps = trace.acceptedSteps.count
        let candidates = trace.steps.reduce(0) { $0 + $1.candidates.count }
        var parts = [
            "\(steps) \(steps == 1 ? "step" : "steps")",
            "\(candidates) \(candidates == 1 ? "candidate" : "candidates")",
        ]
        if !trace.backtracks.isEmpty { parts.append("\(trace.backtracks.count) taken back") }
        let counts = trace.counts
        parts.append(
            "tokens: \(counts.prompt) prompt, \(counts.generated) written, \(counts.evaluation) judging, "
                + "\(counts.answerPrompt + counts.answer) answer"
        )
        parts.append(String(format: "%.1f s", trace.seconds.total))
        let end = trace.outcome == .cancelled ? "stopped; " : ""
        return end + parts.joined(separator: " · ")
    }
}
