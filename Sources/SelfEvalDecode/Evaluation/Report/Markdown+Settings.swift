extension Markdown {
    /// What the runs were made with, as a reader needs it to repeat them.
    static func settings(_ runs: [RunSettings]) -> [String] {
        guard !runs.isEmpty else { return [] }
        return ["## Settings"]
            + runs.map { run in
                let seeds = run.seeds.map(String.init).joined(separator: ", ")
                let shard = run.shard.map { ", part \($0)" } ?? ""
                var lines = [
                    "- **\(escaped(run.model.provenance.name))**: family \(escaped(run.model.family)), "
                        + "\(run.model.weightBytes) bytes of weights, SHA-256 `\(run.model.weightsDigest)`, "
                        + "\(run.model.activations.rawValue) activations"
                        + (run.model.provenance.sourceFile.map { ", from \(escaped($0))" } ?? ""),
                    "- Problems: \(escaped(run.problems))\(shard), SHA-256 `\(run.problemsDigest)`, scored by the "
                        + "\(run.rule.rawValue) rule" + (run.labels.map { ", steps labelled by \($0.rawValue)" } ?? ""),
                    "- Seeds: \(seeds)",
                ]
                lines += run.options.sorted { $0.key < $1.key }.map { strategy, options in
                    "- Options of \(escaped(strategy)) other than the defaults: `\(options)`"
                }
                lines += run.origins.map { "- EMLLM \(escaped($0.version)), \(escaped($0.machine)), from \($0.began)" }
                return lines.joined(separator: "\n")
            }
    }
}
