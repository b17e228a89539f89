import EMLLMCore
import Foundation
import SelfEvalDecode

/// Everything that is recorded about a node, as a collapsed list.
struct NodeDetails {
    let node: StepNode
    let outline: TraceOutline

    func folded() -> HTML {
        Tag.details(.class("numbers")) {
            Tag.summary { "Details" }
            Tag.dl {
                rows(origin) + rows(writing) + rows(verdict)
            }
            Self.tokens(node.tokens)
        }
    }

    /// Token identifiers, collapsed; `nil` if there are none.
    static func tokens(_ tokens: [TokenID]) -> HTML? {
        guard !tokens.isEmpty else { return nil }
        return Tag.details(.class("numbers")) {
            Tag.summary { Wording.count(tokens.count, "token") }
            Tag.pre(.class("tokens")) { tokens.map(String.init).joined(separator: " ") }
        }
    }

    typealias Row = (name: String, value: String?)

    /// Rows of a list; those without a value are left out.
    static func rows(_ rows: [Row]) -> [HTML] {
        rows.compactMap { row in
            row.value.map { value in
                Tag.div {
                    Tag.dt { row.name }
                    Tag.dd { value }
                }
            }
        }
    }

    private func rows(_ rows: [Row]) -> [HTML] { Self.rows(rows) }

    private var origin: [Row] {
        let parent = node.parent == 0 ? "the question" : "node \(node.parent)"
        return [
            ("Node", "\(node.id), after \(parent)" + (node.continues ? ", in one draw with it" : "")),
            ("Begun here before it", "\(node.ordinal)"),
            ("Decision", node.decision?.rawValue),
            ("Set aside as", node.rejection?.rawValue),
            ("Written behind", node.hint.map(Self.name)),
            ("Keeps the beginning of", node.rollback.map { "text \($0.node)" }),
            ("Written with", node.view.map(Wording.view)),
        ]
    }

    private static func name(_ hint: StepNode.Hint) -> String {
        switch hint {
        case .reflection(let id): "reflection \(id)"
        case .evaluation(let node): "evaluation in node \(node)"
        }
    }

    private var writing: [Row] {
        let written = node.written > node.tokens.count ? ", \(node.written) processed" : ""
        return [
            ("Tokens", "\(node.tokens.count)\(written)"),
            ("Temperature", node.temperature == 0 ? "0, the likeliest text" : String(format: "%g", node.temperature)),
            ("Ended by", node.end.map(Wording.end)),
            ("Mean log-probability", Self.logProbability(node.meanLogProbability)),
            ("Weakest window", Self.logProbability(node.windowConfidence)),
            ("Verifier’s log-odds", node.verifierLogOdds.map(Wording.logit)),
        ]
    }

    /// A mean log-probability, and the probability per token that it corresponds to.
    private static func logProbability(_ value: Double) -> String {
        "\(Wording.logit(value)), \(Wording.score(exp(value))) a token"
    }

    private var verdict: [Row] {
        guard let evaluation = node.evaluation else { return [("Verdict", "not asked for")] }
        let score: Row = (
            "Score", evaluation.score.map { String(format: "%.4f", $0) } ?? "none: the verdict says nothing"
        )
        let findings = (evaluation.findings ?? []).flatMap { finding -> [Row] in
            [("Checker", Wording.finding(finding)), ("Its hint", finding.hint)]
        }
        guard let verdict = evaluation.verdict else {
            let reason = evaluation.isRefuted ? "not asked for, as a checker refuted the step" : "not asked for"
            return [score] + findings + [("Verdict", reason)]
        }
        return [score] + findings + rows(of: verdict, evaluation)
    }

    private func rows(of verdict: Verdict, _ evaluation: StepEvaluation) -> [Row] {
        [
            ("Verdict’s probability", String(format: "%.4f", verdict.probability)),
            ("Verdict’s logit ℓ", Wording.logit(verdict.logit)),
            ("ℓ by order of the words", verdict.orderLogits.map(Wording.logit).joined(separator: ", ")),
            (
                "Mass of yes and no",
                String(format: "%.4f", verdict.mass) + (verdict.isInformative ? "" : ", too little to say anything")
            ),
            ("ℓ without the picture", evaluation.imageFreeLogit.map(Wording.logit)),
            ("Difference the picture makes", evaluation.imageFreeLogit.map { Wording.logit(verdict.logit - $0) }),
            ("Answer if asked now", evaluation.probe?.text),
            ("Its mean log-probability", evaluation.probe.map { Self.logProbability($0.meanLogProbability) }),
        ]
    }
}
