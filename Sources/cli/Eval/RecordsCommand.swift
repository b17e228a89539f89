import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMEvaluation
import Foundation
import SelfEvalDecode

/// `emllm-eval records`: writes training records for self-evaluation.
struct RecordsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "records",
        abstract: "Write training records for SEAT and Cas-SEAT from a run.",
        discussion: """
            A record is a problem with its steps, verdicts, reflections and labels. It is written in two forms: as one text \
            with evaluations between markers, and as a cascade of short turns. Two levels of rules leave out examples that \
            would teach nothing, or the wrong thing, and count them. Reflections come from runs with --hints.
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Option(help: "The file to write, JSON lines.", completion: .file(extensions: ["jsonl"]))
    var out: String

    @Option(help: "How steps are labelled: arithmetic, reference or puzzle (default: as in the run).")
    var labels: StepLabelRule?

    func run() async throws {
        let source = RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory))
        guard let rule = try labels ?? source.readDescription().labels else { throw EMLLMError.noLabelledSteps(folder) }
        let set = try TrainingRecordSet(of: source, labels: rule)
        try StandardStreams.write(set.jsonLines(), atomicallyTo: out)
        let counts =
            set.sourceDefects.map { ("problem: " + $0.rawValue, $1) }
            + set.recordDefects.map { ("record: " + $0.rawValue, $1) }
        var report = "\(out): \(set.records.count) records\n"
        for (reason, count) in counts.sorted(by: { $0.0 < $1.0 }) { report += "left out: \(count), \(reason)\n" }
        try StandardStreams.write(report)
    }
}
