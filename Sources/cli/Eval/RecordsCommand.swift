import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMEvaluation
import Foundation
import SelfEvalDecode

/// `emllm-eval records`: writes what a model can learn self-evaluation from.
struct RecordsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "records",
        abstract: "Write training records for SEAT and Cas-SEAT out of a run.",
        discussion: """
            A record is a problem with its steps, verdicts, reflections and labels, written out both as one text with \
            evaluations between markers and as a cascade of short turns. Two levels of rules leave out what would teach \
            nothing, or the wrong thing; what each rule left out is counted. Reflections come from runs with --hints.
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Option(help: "The file to write, JSON lines.", completion: .file(extensions: ["jsonl"]))
    var out: String

    @Option(help: "How steps are labelled: arithmetic, reference or puzzle (default: as the run did).")
    var labels: StepLabelRule?

    func run() async throws {
        let source = RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory))
        let description = try source.readDescription()
        guard let rule = labels ?? description.labels else { throw EMLLMError.noLabelledSteps(folder) }
        let byProblem = Dictionary(grouping: try source.readResults().filter { $0.failure == nil }, by: \.problem)
        var counts: [String: Int] = [:]
        var seen: Set<String> = []
        var lines = Data()
        var kept = 0
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for problem in try source.readProblems(description) {
            guard let results = byProblem[problem.id] else { continue }
            if let defect = DataFilter.defect(of: problem, results: results, seen: &seen) {
                counts["problem: " + defect.rawValue, default: 0] += 1
                continue
            }
            for result in results {
                guard let trace = try source.readTrace(of: result) else { continue }
                let record = TrainingRecord(trace, of: problem, labels: rule)
                let prompts = trace.header.options.prompts
                if let defect = DataFilter.defect(of: record, isCorrect: result.isCorrect, prompts: prompts) {
                    counts["record: " + defect.rawValue, default: 0] += 1
                    continue
                }
                lines += try encoder.encode(record) + Data("\n".utf8)
                kept += 1
            }
        }
        try StandardStreams.write(lines, atomicallyTo: out)
        var report = "\(out): \(kept) records\n"
        for (reason, count) in counts.sorted(by: { $0.key < $1.key }) { report += "left out: \(count), \(reason)\n" }
        try StandardStreams.write(report)
    }
}
