import EMLLMCore
import Foundation
import SelfEvalDecode

/// The costs of a run, and all the settings that determined it.
struct RunDetails {
    let trace: Trace

    @HTMLBuilder func sections() -> HTML {
        costs()
        Tag.section(.labelled(by: .section("behind"))) {
            Tag.h2(.id(.section("behind"))) { "Behind it" }
            prompts()
            model()
            options()
            question()
        }
    }

    // MARK: Costs

    private func costs() -> HTML? {
        guard let summary = trace.summary else { return nil }
        let tokens = Cost<Int>.tokens(summary.counts)
        let seconds = Cost<Double>.seconds(summary.seconds)
        return Tag.section(.labelled(by: .section("costs"))) {
            Tag.h2(.id(.section("costs"))) { "What it cost" }
            Tag.div(.class("costs")) {
                table(
                    "Tokens",
                    tokens.map {
                        Line(purpose: $0.purpose, group: $0.group, amount: Double($0.amount), text: "\($0.amount)")
                    },
                    total: "\(summary.counts.processed)"
                )
                table(
                    "Time",
                    seconds.map {
                        Line(purpose: $0.purpose, group: $0.group, amount: $0.amount, text: Wording.seconds($0.amount))
                    },
                    total: Wording.seconds(summary.seconds.total)
                )
            }
            Tag.p(.class("note")) { passes(summary) }
        }
    }

    private func passes(_ summary: TraceSummary) -> String {
        var text = "\(Wording.count(summary.passes, "forward pass", plural: "forward passes"))."
        if let reused = summary.counts.reusedPrompt {
            text += " \(Wording.count(reused, "token")) of the question were in the cache from an earlier one."
        }
        if !summary.timeRefusals.isEmpty {
            text += " \(Wording.count(summary.timeRefusals.count, "time")) there was no time left for more."
        }
        return text
    }

    private struct Line {
        let purpose: String
        let group: CostGroup
        let amount: Double
        let text: String
    }

    private func table(_ name: String, _ lines: [Line], total: String) -> HTML {
        let sum = lines.reduce(0) { $0 + $1.amount }
        func share(_ line: Line) -> Double { sum > 0 ? line.amount / sum : 0 }
        return Tag.div {
            ScoreBar.stacked(lines.map { ($0.group.rawValue, share($0)) })
            Tag.table {
                Tag.thead {
                    Tag.tr {
                        Tag.th(.scope("col")) { name }
                        Tag.th(.scope("col"), .class("amount")) { total }
                        Tag.th(.scope("col"), .class("amount")) { "share" }
                    }
                }
                Tag.tbody {
                    for line in lines {
                        Tag.tr {
                            Tag.th(.scope("row")) {
                                Tag.span(.class("swatch", line.group.rawValue), .hidden) {}
                                line.purpose
                            }
                            Tag.td(.class("amount")) { line.text }
                            Tag.td(.class("amount")) { String(format: "%.0f %%", 100 * share(line)) }
                        }
                    }
                }
            }
        }
    }

    // MARK: Prompts

    private func prompts() -> HTML {
        let prompts = trace.header.options.prompts
        let texts: [(name: String, text: String?)] = [
            ("System message", trace.header.system ?? prompts.system), ("Reason", prompts.reason),
            ("Evaluate a step", prompts.evaluate), ("Evaluate a chain", prompts.evaluateChain),
            ("Reflect", prompts.reflect),
            ("Refine a step", prompts.refine), ("Rework a chain", prompts.rework), ("Answer", prompts.answer),
            ("How an answer is stated", prompts.answerPattern),
            ("Words of a verdict", "\(prompts.verdict.positive)\n\(prompts.verdict.negative)"),
            ("A step without content", prompts.emptyStep ?? "none"),
            (
                "Markers of an evaluation",
                [
                    prompts.markers.start, prompts.markers.verdict, prompts.markers.accept, prompts.markers.refine,
                    prompts.markers.end,
                ].joined(separator: "\n")
            ),
            (
                "Where steps end",
                ValueParts.rows(of: prompts.step).map { "\($0.name): \($0.value ?? "")" }.joined(separator: "\n")
            ),
        ]
        return Tag.details(.class("panel")) {
            Tag.summary { "Prompts: \(prompts.name)" }
            for (name, text) in texts {
                Tag.details(.class("prompt")) {
                    Tag.summary { name }
                    if let text {
                        Tag.pre(.ownDirection) { text }
                    } else {
                        Tag.p(.class("note")) { "the chat template’s own" }
                    }
                }
            }
        }
    }

    // MARK: Model, options, question

    private func model() -> HTML {
        let model = trace.header.model
        let provenance = model.provenance
        let rows: [NodeDetails.Row] = [
            ("Name", provenance.name), ("Published by", provenance.organization), ("Licence", provenance.license),
            ("Published at", provenance.url), ("Family", model.family), ("Vocabulary", "\(model.vocabularySize)"),
            ("Weights", Wording.bytes(model.weightBytes)), ("Quantization", provenance.quantization),
            ("Activations", model.activations.rawValue), ("Digest of the weights", model.weightsDigest),
            ("Converted from", provenance.sourceFile), ("Its format", provenance.sourceFormat),
            ("Its SHA-256", provenance.sourceSHA256), ("Converted by", provenance.converter),
        ]
        return Tag.details(.class("panel")) {
            Tag.summary { "Model: \(provenance.name)" }
            Tag.dl { NodeDetails.rows(rows) }
        }
    }

    private func options() -> HTML {
        let options = trace.header.options
        let rows: [NodeDetails.Row] = [
            ("Strategy", options.strategy.rawValue), ("Checkers", trace.header.checkers?.joined(separator: ", ")),
            ("Seed", "\(options.seed)"),
            ("Accepts from", Wording.score(options.acceptThreshold)),
            ("Rejects below", Wording.score(options.rejectThreshold)),
            ("Revisions", "\(options.maximumRevisions), \(options.revisionWidth) at a time"),
            ("Takes back", Wording.count(options.maximumBacktracks, "time")), ("Chains", "\(options.chains)"),
            ("Token budget", "\(options.budget.tokens)"),
            ("Time budget", options.budget.milliseconds.map { "\($0) ms" }),
            ("Abstains below", options.abstainBelow.map(Wording.score)),
            (
                "Verdict on an empty step",
                trace.prior.map { "ℓ \(Wording.logit($0.logit)), mass \(Wording.score($0.mass))" }
            ),
        ]
        return Tag.details(.class("panel")) {
            Tag.summary { "Options: \(options.strategy.rawValue), seed \(options.seed)" }
            Tag.dl { NodeDetails.rows(rows) }
            Tag.details(.class("prompt")) {
                Tag.summary { "All options but the prompts" }
                Tag.dl { NodeDetails.rows(ValueParts.rows(of: options).filter { !$0.name.hasPrefix("prompts.") }) }
            }
        }
    }

    private func question() -> HTML {
        let header = trace.header
        let costs = header.costs
        let rows: [NodeDetails.Row] = [
            ("Tokens", trace.promptTokens.map { "\($0)" }),
            ("Context", Wording.count(header.contextLength, "position")),
            ("A verdict costs", Wording.count(costs.evaluation, "token")),
            ("A verdict on an empty step", Wording.count(costs.prior, "token")),
            ("A verdict on a chain", Wording.count(costs.chainEvaluation, "token")),
            ("Asking for the answer", Wording.count(costs.answer, "token")),
            ("Pictures’ digests", header.images?.map(\.contentHash).joined(separator: "\n")),
        ]
        return Tag.details(.class("panel")) {
            Tag.summary { "Question: \(Wording.count(header.prompt.count, "token"))" }
            Tag.dl { NodeDetails.rows(rows) }
            NodeDetails.tokens(header.prompt)
        }
    }
}
