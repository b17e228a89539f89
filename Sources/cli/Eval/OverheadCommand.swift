import ArgumentParser
import CLIShared
import EMLLMEvaluation
import Foundation

/// `emllm-eval overhead`: what evaluation costs, and what it would cost with a new prompt for every call.
struct OverheadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overhead",
        abstract: "Show what self-evaluation costs in tokens, and what it would cost with a new prompt for every call.",
        discussion: """
            Means per answer over the traces of a run. Accepted: the accepted steps. Processed: all tokens that went through \
            the model. Re-prompted: the tokens that a client without branches would process for the same texts and \
            verdicts, because it sends question and steps again with each call.
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let source = RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory))
        let rows = try EvaluationOverhead.all(of: source)
        guard !json else {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try StandardStreams.write(String(decoding: encoder.encode(rows), as: UTF8.self) + "\n")
        }
        var lines = ["strategy  answers  prompt  accepted  evaluation  processed  re-prompted  ratio"]
        for row in rows {
            lines.append(
                row.strategy.padding(toLength: 8, withPad: " ", startingAt: 0)
                    + String(
                        format: "  %7d  %6.0f  %8.0f  %10.0f  %9.0f  %11.0f  %5.1f",
                        row.answers,
                        row.prompt,
                        row.accepted,
                        row.evaluation,
                        row.processed,
                        row.reprompted,
                        row.ratio
                    )
            )
        }
        try StandardStreams.write(lines.joined(separator: "\n") + "\n")
    }
}
