import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMEvaluation
import Foundation

/// `emllm eval score`: scores the outputs of any model.
struct ScoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Score the outputs of any model, without a model.",
        discussion: """
            RESPONSES are JSON lines with id, and response (all that was said), answer (what was stated) or both. For each \
            one JSON line is printed: id, extracted, normalized, isCorrect, and how the answer was found. The last line is \
            the benchmark's summary by its own categories; people get it on standard error. The pictures of the problems \
            need not be there.
            """
    )

    @Argument(help: "The file of problems.", completion: .file(extensions: ["jsonl", "json"]))
    var problems: String

    @Argument(help: "The file of responses.", completion: .file(extensions: ["jsonl"]))
    var responses: String

    @Option(
        help: "How answers are scored: corrected, or published (as each benchmark's own script does, defects included)."
    )
    var rule = ScoringRule.Variant.corrected

    @Option(help: "The columns of the file of problems, where they are not to be guessed.")
    var layout: ProblemLayout?

    /// One line of output.
    private struct Line: Encodable {
        var id: String
        var extracted: String?
        var normalized: String?
        var isCorrect: Bool
        var how: Score.Method
    }

    func run() async throws {
        let set = try ProblemSet.read(from: URL(filePath: problems), layout: layout, requiresImages: false)
        let file = try ResponseFile(contentsOf: URL(filePath: responses))
        let rule = ScoringRule(rule)
        let run = ScoredRun(set.problems, outputs: file.outputs, rule: rule)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines = Data()
        var strangers: [String] = []
        for id in file.ids {
            guard let score = run.scores[id] else {
                strangers.append(id)
                continue
            }
            let line = Line(
                id: id,
                extracted: score.extracted,
                normalized: score.normalized,
                isCorrect: score.isCorrect,
                how: score.how
            )
            lines += try encoder.encode(line) + Data("\n".utf8)
        }
        let summary = BenchmarkSummary(set.problems, run: run, rule: rule)
        lines += try encoder.encode(["summary": summary]) + Data("\n".utf8)
        try StandardStreams.write(String(decoding: lines, as: UTF8.self))
        if let first = strangers.first {
            try StandardStreams.note(
                "\(strangers.count) responses to no problem of the file, the first to \"\(first)\""
            )
        }
        if let first = set.skipped.first {
            try StandardStreams.note(
                "\(set.skipped.count) problems skipped, the first (line \(first.line)) because: \(first.reason)"
            )
        }
        try StandardStreams.write(summary.text, to: .standardError)
    }
}
