import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMEvaluation
import Foundation

/// `emllm-eval report`: turns results into tables, numbers and plots.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Turn results into tables, numbers and plots.",
        discussion: """
            Writes report.md, summary.json and SVG plots: accuracy against processed tokens and seconds, reliability, risk \
            and coverage, revisions, accuracy by kind. Several folders are reported side by side, for example one for each \
            model. For We-Math, its four-way diagnosis is written as well (we-math.json).

            Given the file summary.json of an earlier report instead of folders, the command writes the same report and plots \
            again.
            """
    )

    @Argument(help: "The folders of runs, or the summary.json of a report.", completion: .file())
    var runs: [String]

    @Option(
        help: "Where to write (default: the folder 'report' in that of the first run; required for a summary).",
        completion: .directory
    )
    var out: String?

    @Option(help: "The strategy that others are compared with.")
    var baseline = "cot"

    @Option(help: "The true-positive rate at which the true-negative rate of verdicts is given.")
    var truePositiveRate = 0.9

    func validate() throws {
        guard !runs.isEmpty else { throw ValidationError("name the folder of a run") }
        if runs[0].hasSuffix(".json"), runs.count > 1 || out == nil {
            throw ValidationError("a summary is drawn alone, into a folder: report summary.json --out FOLDER")
        }
        guard (0.01...1).contains(truePositiveRate) else {
            throw ValidationError("--true-positive-rate: expected 0.01 to 1, found \(truePositiveRate)")
        }
    }

    func run() async throws {
        if runs[0].hasSuffix(".json"), let out {
            let target = URL(filePath: out, directoryHint: .isDirectory)
            try Report(summary: try Summary(contentsOf: URL(filePath: runs[0]))).write(to: target)
            try StandardStreams.write(target.appending(path: "report.md").path + "\n")
            return
        }
        let folders = runs.map { RunFolder(url: URL(filePath: $0, directoryHint: .isDirectory)) }
        var records: [ResultRecord] = []
        var skipped = 0
        var planned: Set<String>? = []
        var settings: [RunSettings] = []
        for folder in folders {
            let description = try folder.readDescription()
            // Results can be reported without the file of problems, but then it is unknown what is missing.
            let problems = try? folder.readPlannedProblems(description)
            planned = problems.flatMap { planned?.union($0) }
            let results = try folder.readResults()
            records += results
            settings.append(try RunSettings(description, records: results))
            skipped += folder.readSkipped().count
        }
        guard !records.isEmpty else { throw EMLLMError.noResults(runs[0]) }
        var options = ReportOptions()
        options.baseline = baseline
        options.truePositiveRate = truePositiveRate
        let report = try Report(
            records: records,
            skippedProblems: skipped,
            plannedProblems: planned?.count,
            runs: settings,
            options: options
        )
        let target =
            out.map { URL(filePath: $0, directoryHint: .isDirectory) } ?? folders[0].url.appending(path: "report")
        try report.write(to: target)
        for folder in folders { try writeDiagnosis(of: folder, to: target) }
        try StandardStreams.write(target.appending(path: "report.md").path + "\n")
    }

    private func writeDiagnosis(of folder: RunFolder, to target: URL) throws {
        guard let diagnoses = try folder.weMathDiagnoses() else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let file = target.appending(path: "we-math.json")
        try StandardStreams.write(encoder.encode(diagnoses), atomicallyTo: file.path)
        try StandardStreams.write(file.path + "\n")
    }
}

extension EMLLMError {
    static func noResults(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .notARun,
            subject: path,
            expected: "results of a run",
            found: "none yet",
            remedy: "let emllm eval run answer some problems first"
        )
    }
}
