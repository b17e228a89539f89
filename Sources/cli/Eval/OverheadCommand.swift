import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode

/// `emllm-eval overhead`: what evaluation costs, and what it would cost by prompting anew.
struct OverheadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overhead",
        abstract: "What self-evaluation costs in tokens, and what it would cost by prompting anew for every call.",
        discussion: """
            Per answer, means over the traces of a run. Accepted: the steps that stand. Processed: everything that went \
            through the model. Re-prompted: what a client without branches would process for the same texts and verdicts, \
            sending question and steps again with each call.
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Flag(help: "Print JSON.")
    var json = false

    private struct Row: Codable {
        var strategy: String
        var answers: Int
        var prompt: Double
        var accepted: Double
        var processed: Double
        var judging: Double
        var reprompted: Double
        var ratio: Double
    }

    func run() async throws {
        let source = RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory))
        let description = try source.readDescription()
        var rows: [Row] = []
        for strategy in description.options.keys.sorted() {
            let traces = try source.readResults().filter { $0.strategy == strategy && $0.failure == nil }
                .compactMap { record -> Trace? in
                    let file = source.trace(record.problem, strategy: strategy, seed: record.seed)
                    guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
                    return try Trace(json: data, path: file.path)
                }
            guard !traces.isEmpty else { continue }
            func mean(_ value: (Trace, TokenCounts) -> Int) -> Double {
                let sum = traces.reduce(0) { sum, trace in sum + (trace.summary.map { value(trace, $0.counts) } ?? 0) }
                return Double(sum) / Double(traces.count)
            }
            let processed = mean { $1.processed }
            let reprompted = mean { trace, _ in trace.repromptedTokens }
            rows.append(
                Row(
                    strategy: strategy,
                    answers: traces.count,
                    prompt: mean { $1.prompt },
                    accepted: mean { $1.accepted },
                    processed: processed,
                    judging: mean { $1.evaluation + $1.reflection + $1.contrast },
                    reprompted: reprompted,
                    ratio: reprompted / processed
                )
            )
        }
        guard !rows.isEmpty else { throw EMLLMError.noTraces(folder, strategy: "any strategy") }
        guard !json else {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try StandardStreams.write(String(decoding: encoder.encode(rows), as: UTF8.self) + "\n")
        }
        var lines = ["strategy  answers  prompt  accepted  judging  processed  re-prompted  ratio"]
        for row in rows {
            lines.append(
                row.strategy.padding(toLength: 8, withPad: " ", startingAt: 0)
                    + String(
                        format: "  %7d  %6.0f  %8.0f  %7.0f  %9.0f  %11.0f  %5.1f",
                        row.answers,
                        row.prompt,
                        row.accepted,
                        row.judging,
                        row.processed,
                        row.reprompted,
                        row.ratio
                    )
            )
        }
        try StandardStreams.write(lines.joined(separator: "\n") + "\n")
    }
}
