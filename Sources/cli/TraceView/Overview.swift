import Foundation
import SelfEvalDecode

/// A short overview of the outcome, and of where the model was in doubt.
struct Overview {
    let outline: TraceOutline
    private var trace: Trace { outline.trace }
    private var options: SelfEvalOptions { trace.header.options }

    init(outline: TraceOutline) { self.outline = outline }

    /// The answer, and the answers of several lines.
    func outcome() -> HTML {
        Tag.section(.class("outcome"), .labelled(by: .section("answer"))) {
            answer()
            proposals()
        }
    }

    /// What happened, and the scores of the accepted steps.
    func glance() -> HTML {
        Tag.section(.labelled(by: .section("glance"))) {
            Tag.h2(.id(.section("glance"))) { "At a glance" }
            Tag.div(.class("glance")) {
                Tag.ul(.class("facts")) { facts() }
                strip()
            }
        }
    }

    // MARK: Answer

    @HTMLBuilder private func answer() -> HTML {
        if let answer = trace.answer {
            Tag.h2(.id(.section("answer")), .class("eyebrow")) { "Answer" }
            Tag.p(.class("result", answer.text.count > 60 ? "long" : nil), .ownDirection) { Wording.shown(answer.text) }
            Tag.p(.class("score")) {
                if let confidence = answer.confidence {
                    "Confidence "
                    ScoreBar.plain(confidence, of: 1)
                    Tag.span(.class("value")) { Wording.score(confidence) }
                } else {
                    "No confidence was measured."
                }
            }
            Tag.p(.class("note")) {
                Tag.a(.link(to: trace[answer.node] == nil ? .section("steps") : .node(answer.node))) {
                    Wording.source(answer, in: outline)
                }
            }
            if answer.isAbstention { Tag.p(.class("banner")) { Wording.abstention(answer, options) } }
        } else {
            Tag.h2(.id(.section("answer")), .class("eyebrow")) { "No answer" }
            Tag.p(.class("banner")) {
                trace.summary == nil
                    ? "The record breaks off before there was an answer."
                    : "The run was cancelled before it had an answer."
            }
        }
    }

    /// The answers of several lines, and how many give each.
    private func proposals() -> HTML? {
        guard trace.proposals.count > 1 else { return nil }
        let whole = trace.proposals.count
        return Tag.table(.class("proposals")) {
            Tag.thead {
                Tag.tr {
                    Tag.th(.scope("col")) { "Proposed" }
                    Tag.th(.scope("col")) { "by lines" }
                    Tag.th(.scope("col"), .class("share")) { "of \(whole)" }
                }
            }
            Tag.tbody {
                for proposal in ProposalCount.tally(trace.proposals) {
                    Tag.tr {
                        Tag.th(.scope("row"), .ownDirection) { Wording.shown(proposal.text) }
                        Tag.td { links(to: proposal.lines) }
                        Tag.td(.class("share")) {
                            "\(proposal.lines.count) "
                            ScoreBar.plain(Double(proposal.lines.count), of: Double(whole))
                        }
                    }
                }
            }
        }
    }

    @HTMLBuilder private func links(to lines: [(number: Int, leaf: Int)]) -> HTML {
        for (index, line) in lines.enumerated() {
            if index > 0 { ", " }
            if trace[line.leaf] == nil {
                "\(line.number)"
            } else {
                Tag.a(.link(to: .node(line.leaf))) { "\(line.number)" }
            }
        }
    }

    // MARK: Doubt

    /// The scores of the accepted steps, one column each; `nil` if none was evaluated.
    private func strip() -> HTML? {
        let steps = outline.steps
        guard steps.contains(where: { $0.evaluation?.score != nil }) else { return nil }
        let bar = ScoreBar(options: options)
        return Tag.figure(.class("strip")) {
            Tag.div(.class("columns")) {
                for step in steps {
                    Tag.a(.link(to: .node(step.id)), .title(description(of: step))) {
                        bar.vertical(step.evaluation?.score)
                        Tag.span(.class("number")) { "\(outline.number(of: step.id))" }
                        Tag.span(.class("tries")) { tries(at: step) }
                    }
                }
            }
            Tag.figcaption {
                "The score of each step that stands. Lines: the thresholds \(Wording.score(options.rejectThreshold)) and "
                    + "\(Wording.score(options.acceptThreshold))."
                if steps.contains(where: { outline.candidates(atPlaceOf: $0) > 1 }) {
                    " ×3: three texts were written in its place."
                }
            }
        }
    }

    private func tries(at step: StepNode) -> String {
        let count = outline.candidates(atPlaceOf: step)
        return count > 1 ? "×\(count)" : " "
    }

    private func description(of step: StepNode) -> String {
        let score = step.evaluation?.score.map { ", \(Wording.score($0))" } ?? ""
        return "Step \(outline.number(of: step.id)): \(NodeStatus(step, in: outline).word)\(score)"
    }

    /// What happened, in sentences.
    @HTMLBuilder private func facts() -> HTML {
        let steps = outline.steps
        Tag.li { "\(stand(steps.count)); \(others(outline.others))." }
        if let weakest { doubt(at: weakest) }
        for backtrack in trace.backtracks { Tag.li { fact(backtrack) } }
        if !trace.reflections.isEmpty {
            let count = trace.reflections.count
            Tag.li { "The model was asked \(count == 1 ? "once" : "\(count) times") what is wrong." }
        }
        if let reason = trace.stopReason { Tag.li { "Reasoning stopped because \(Wording.stop(reason))." } }
    }

    private func stand(_ count: Int) -> String {
        count == 0 ? "No step stands" : "\(Wording.count(count, "step")) \(count == 1 ? "stands" : "stand")"
    }

    private func others(_ count: Int) -> String {
        count == 0 ? "no other was written" : "\(Wording.count(count, "other")) \(count == 1 ? "was" : "were") written"
    }

    /// The accepted step with the lowest score; `nil` if the scores look alike.
    private var weakest: StepNode? {
        let scored = outline.steps.filter { $0.evaluation?.score != nil }
        let shown = Set(scored.map { Wording.score($0.evaluation?.score ?? 0) })
        guard shown.count > 1 else { return nil }
        return scored.min { ($0.evaluation?.score ?? 0) < ($1.evaluation?.score ?? 0) }
    }

    private func doubt(at step: StepNode) -> HTML {
        Tag.li {
            "Of the steps that stand, the model doubts most: "
            Tag.a(.link(to: .node(step.id))) { "step \(outline.number(of: step.id))" }
            " (\(Wording.score(step.evaluation?.score ?? 0)))."
        }
    }

    @HTMLBuilder private func fact(_ backtrack: Backtrack) -> HTML {
        let name = "Step \(outline.number(of: backtrack.to))"
        if trace[backtrack.to] == nil { name } else { Tag.a(.link(to: .node(backtrack.to))) { name } }
        " was taken back: \(Wording.reason(backtrack, in: outline))."
        if trace[backtrack.to]?.decision == .restored { " It was restored." }
    }
}
