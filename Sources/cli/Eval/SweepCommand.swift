import ArgumentParser
import CLIShared
import DecodeOptions
import EMLLMCore
import EMLLMEvaluation
import Foundation
import SelfEvalDecode

/// `emllm-eval sweep`: decides recorded runs again under other thresholds.
struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Replay recorded runs with other thresholds, without running the model.",
        discussion: """
            A step depends only on the seed and its place in the tree, so a recorded step is the one that the model would have \
            written. If other thresholds lead to a step that was not recorded, the answer counts as undecided. To keep these \
            few, record with --accept 1 (every revision is tried) or --evaluate-chains (every chain is evaluated).
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Option(help: "The strategy whose traces are read.")
    var strategy = StrategyName.verify

    @Option(help: "The strategy that decides on them (default: the same). best-of can decide on chains of vote, too.")
    var decide: StrategyName?

    @Option(help: "The accept thresholds, as 0.3,0.5,0.7.")
    var accept: NumberList?

    @Option(help: "The reject thresholds, as 0.1,0.3.")
    var reject: NumberList?

    @Option(help: "The aggregations, as mean,min.")
    var aggregation: AggregationList?

    @Flag(help: "Weight votes by verdicts.")
    var weighVotes = false

    @Option(help: "The calibration for the decisions.", completion: .file(extensions: ["json"]))
    var calibration: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        var sweep = ThresholdSweep(strategy: strategy)
        sweep.decidingStrategy = decide
        sweep.accept = accept?.values
        sweep.reject = reject?.values
        sweep.aggregation = aggregation?.values
        sweep.weighsVotes = weighVotes
        sweep.calibration = try calibration.map { try CalibrationFile(contentsOf: URL(filePath: $0)) }
        let rows = try sweep.rows(of: RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory)))
        try StandardStreams.write(json ? Self.encoded(rows) : Self.table(rows))
    }

    private static func encoded(_ rows: [ThresholdSweep.Row]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(rows), as: UTF8.self) + "\n"
    }

    private static func table(_ rows: [ThresholdSweep.Row]) -> String {
        var lines = ["accept  reject  aggregation  accuracy  tokens/answer  decided  undecided"]
        for row in rows {
            let accuracy = row.accuracy.map { String(format: "%7.1f %%", 100 * $0) } ?? "      n/a"
            let tokens = row.decided > 0 ? row.processedTokens / row.decided : 0
            let name = row.aggregation.rawValue.padding(toLength: 11, withPad: " ", startingAt: 0)
            lines.append(
                String(format: "%6.2f  %6.2f  ", row.accept, row.reject) + name + " " + accuracy
                    + String(format: "  %13d  %7d  %9d", tokens, row.decided, row.undecided)
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Numbers, such as "0.3,0.5".
struct NumberList: ExpressibleByArgument {
    let values: [Double]

    init?(argument: String) {
        let parts = argument.split(separator: ",").map { Double($0) }
        let found = parts.compactMap { $0 }.filter { (0...1).contains($0) }
        guard !found.isEmpty, found.count == parts.count else { return nil }
        values = found
    }
}

/// Aggregations, such as "mean,min".
struct AggregationList: ExpressibleByArgument {
    let values: [ScoreAggregation]

    init?(argument: String) {
        let parts = argument.split(separator: ",").map { ScoreAggregation(rawValue: String($0)) }
        let found = parts.compactMap { $0 }
        guard !found.isEmpty, found.count == parts.count else { return nil }
        values = found
    }

    static var allValueStrings: [String] { ScoreAggregation.allCases.map(\.rawValue) }
}
