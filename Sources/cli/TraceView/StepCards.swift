import Foundation
import SelfEvalDecode

/// The tree of a trace as cards: the accepted line from top to bottom, and at each place the other texts, collapsed.
struct StepCards {
    let outline: TraceOutline
    let bar: ScoreBar

    init(_ outline: TraceOutline) {
        self.outline = outline
        bar = ScoreBar(options: outline.trace.header.options)
    }

    /// The whole tree.
    func tree() -> HTML { line(after: 0, isTrunk: true) }

    /// What follows a node without branching off.
    private func line(after start: Int, isTrunk: Bool) -> HTML {
        var items: [HTML] = []
        var current = start
        while true {
            let place = outline.place(after: current)
            if place.next == nil, place.others.isEmpty { break }
            items.append(
                Tag.li(.class("place", place.next.map { $0.kind.rawValue } ?? "nothing")) {
                    place.next.map(card)
                    others(at: place)
                }
            )
            guard let next = place.next else { break }
            current = next.id
        }
        return Tag.ol(.class(isTrunk ? "line trunk" : "line")) { items }
    }

    // MARK: Other texts

    /// The maximum number of chips next to a collapsed list.
    private static let chips = 8

    private func others(at place: TraceOutline.Place) -> HTML? {
        guard !place.others.isEmpty else { return nil }
        return Tag.details(.class("others"), outline.path.isEmpty || isCorrection(place) ? .open : nil) {
            Tag.summary {
                Tag.span(.class("count")) { title(of: place) }
                for other in place.others.prefix(Self.chips) { " "; chip(of: other) }
                if place.others.count > Self.chips { " …" }
            }
            Tag.ol(.class("branches")) {
                for other in place.others {
                    Tag.li {
                        card(other)
                        continuation(of: other)
                    }
                }
            }
        }
    }

    /// Whether the accepted step replaced a rejected one. This is the point of the method, so it is shown open.
    private func isCorrection(_ place: TraceOutline.Place) -> Bool {
        guard let next = place.next, next.kind == .step else { return false }
        return place.others.contains { other in
            other.id < next.id && other.decision == .rejected && other.rejection == nil
                && outline.descendants(of: other) == 0
        }
    }

    private func title(of place: TraceOutline.Place) -> String {
        let isBranching = place.others.contains { outline.descendants(of: $0) > 0 }
        let noun = isBranching ? "line" : "candidate"
        if place.next != nil { return Wording.count(place.others.count, "other \(noun)") }
        let isOpen = outline.path.isEmpty || place.others.contains { $0.decision == nil }
        return Wording.count(place.others.count, noun) + (isOpen ? "" : ", none stood")
    }

    /// A text in brief: its sign and score, or the answer that its line proposes.
    private func chip(of node: StepNode) -> HTML {
        let status = NodeStatus(node, in: outline)
        let answer = outline.proposals(after: end(of: node)).last?.answer.text
        return Tag.span(.class("chip", status.tone.rawValue), .title(status.word)) {
            answer.map { "→ \(Wording.brief($0))" } ?? "\(status.mark) \(NodeStatus.value(of: node))"
        }
    }

    /// The continuation of a text that was not accepted.
    private func continuation(of node: StepNode) -> HTML? {
        let count = outline.descendants(of: node)
        guard count > 0 else { return nil }
        let answer = outline.proposals(after: end(of: node)).last?.answer.text
        return Tag.details(.class("continuation")) {
            Tag.summary {
                "What followed: \(Wording.count(count, "text"))\(answer.map { " → \(Wording.brief($0))" } ?? "")"
            }
            line(after: node.id, isTrunk: false)
        }
    }

    /// The last node of the line that continues from a node.
    private func end(of node: StepNode) -> StepNode {
        var end = node
        while let next = outline.place(after: end.id).next { end = next }
        return end
    }

    // MARK: Cards

    func card(_ node: StepNode) -> HTML {
        let status = NodeStatus(node, in: outline)
        let stands = outline.stands(node)
        return Tag.article(
            .class("card", node.kind.rawValue, status.tone.rawValue, stands ? "stands" : nil),
            .id(.node(node.id))
        ) {
            Tag.div(.class("head")) {
                if node.kind == .step {
                    Tag.span(.class("number"), .title("Step \(outline.number(of: node.id))")) {
                        "\(outline.number(of: node.id))"
                    }
                }
                Tag.span(.class("status", status.tone.rawValue)) {
                    Tag.span(.class("mark"), .hidden) { status.mark }
                    " \(status.word)"
                }
                score(of: node)
            }
            Tag.p(.class("text"), .ownDirection) { Wording.shown(node.text) }
            notes(on: node)
            outline.reflections(on: node).map(reflection)
            NodeDetails(node: node, outline: outline).folded()
        }
    }

    private func score(of node: StepNode) -> HTML? {
        guard let evaluation = node.evaluation else { return nil }
        return Tag.span(
            .class("score"),
            .title("The step’s score: \(Wording.score(madeOf: outline.trace.header.options))")
        ) {
            if let score = evaluation.score {
                bar.horizontal(score)
                Tag.span(.class("value")) { Wording.score(score) }
            } else {
                Tag.span(.class("value")) { "n/a" }
            }
        }
    }

    @HTMLBuilder private func notes(on node: StepNode) -> HTML {
        if let hint = node.hint {
            Tag.p(.class("note")) {
                "» "
                isThere(hint)
                    ? Tag.a(.link(to: Self.anchor(of: hint))) { Wording.hint(hint) } : HTML(text: Wording.hint(hint))
            }
        }
        if let view = node.view, view != outline.trace[node.parent]?.view {
            Tag.p(.class("note")) { "» Written with \(Wording.view(view))." }
        }
        for finding in node.evaluation?.findings ?? [] {
            Tag.p(.class("note"), .ownDirection) { "⊢ \(Wording.finding(finding))" }
        }
        if let backtrack = outline.backtrack(of: node), backtrack.to == node.id {
            Tag.p(.class("note")) { "↩ Taken back: \(Wording.reason(backtrack, in: outline))." }
        }
        for proposal in outline.proposals(after: node) {
            Tag.p(.class("note")) { "→ Line \(proposal.line) proposes: \(proposal.answer.text)" }
        }
    }

    /// Whether the trace contains the hint that a text was written after. A truncated trace does; a damaged one may
    /// not.
    private func isThere(_ hint: StepNode.Hint) -> Bool {
        switch hint {
        case .reflection(let id): outline.trace.reflections.indices.contains(id)
        case .evaluation(let node): outline.trace[node] != nil
        }
    }

    private static func anchor(of hint: StepNode.Hint) -> Anchor {
        switch hint {
        case .reflection(let id): .reflection(id)
        case .evaluation(let node): .node(node)
        }
    }

    private func reflection(_ reflection: Reflection) -> HTML {
        Tag.blockquote(.class("reflection"), .id(.reflection(reflection.id))) {
            Tag.p(.class("note")) { "» Asked what is wrong, the model says:" }
            Tag.p(.class("text"), .ownDirection) { Wording.shown(reflection.text) }
            NodeDetails.tokens(reflection.tokens)
        }
    }
}
