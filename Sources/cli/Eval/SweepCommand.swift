import ArgumentParser
import CLIShared
import DecodeOptions
import EMLLMCore
import EMLLMEvaluation
import Foundation
import SelfEvalDecode

/// `emllm-eval sweep`: decides recorded runs anew under other thresholds.
struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Decide recorded runs anew under other thresholds, without running the model.",
        discussion: """
            A step is a function of the seed and its place in the tree, so whatever was recorded is what the model would have \
            said. Where other thresholds lead to a step that was not recorded, the answer is counted as undecided; record \
            with --accept 1 (every revision is tried) or --judge-chains (every chain is judged) to leave few.
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Option(help: "The strategy whose traces are read.")
    var strategy = StrategyName.verify

    @Option(help: "The strategy that decides them (default: the same). Chains of vote can be decided by best-of, too.")
    var decide: StrategyName?

    @Option(help: "Thresholds to accept, as 0.3,0.5,0.7.")
    var accept: NumberList?

    @Option(help: "Thresholds to take back, as 0.1,0.3.")
    var reject: NumberList?

    @Option(help: "Aggregations, as mean,min.")
    var aggregation: AggregationList?

    @Flag(help: "Let votes count by verdicts.")
    var weighVotes = false

    @Option(help: "A calibration to decide with.", completion: .file(extensions: ["json"]))
    var calibration: String?

    @Flag(help: "Print JSON.")
    var json = false

    /// What one setting comes to.
    fileprivate struct Row: Codable {
        var accept: Double
        var reject: Double
        var aggregation: ScoreAggregation
        var decided = 0
        var undecided = 0
        var correct = 0
        var processedTokens = 0

        var accuracy: Double? { decided > 0 ? Double(correct) / Double(decided) : nil }
    }

    func run() async throws {
        let source = RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory))
        let description = try source.readDescription()
        guard let recorded = description.options[strategy.rawValue] else {
            throw EMLLMError.noTraces(folder, strategy: strategy.rawValue)
        }
        let problems = Dictionary(try source.readProblems(description).map { ($0.id, $0) }) { first, _ in first }
        let traces = try source.readResults().filter { $0.strategy == strategy.rawValue && $0.failure == nil }
            .compactMap { record -> (Problem, Trace)? in
                guard let problem = problems[record.problem], let trace = try source.readTrace(of: record) else {
                    return nil
                }
                return (problem, trace)
            }
        guard !traces.isEmpty else { throw EMLLMError.noTraces(folder, strategy: strategy.rawValue) }
        let fitted = try calibration.map { try CalibrationFile(contentsOf: URL(filePath: $0)) }
        var rows: [Row] = []
        for accept in accept?.values ?? [recorded.acceptThreshold] {
            for reject in (reject?.values ?? [min(recorded.rejectThreshold, accept)]) where reject <= accept {
                for aggregation in aggregation?.values ?? [recorded.aggregation] {
                    var options = recorded
                    options.strategy = decide ?? strategy
                    options.aggregation = aggregation
                    options.weighsVotes = options.weighsVotes || weighVotes
                    if let fitted {
                        options.weights = .verdictAlone
                        options = try fitted.applied(to: options, model: description.model)
                    }
                    (options.acceptThreshold, options.rejectThreshold) = (accept, reject)
                    var row = Row(accept: accept, reject: reject, aggregation: aggregation)
                    for (problem, trace) in traces {
                        row.add(try ResultRecord(deciding: trace, by: options, of: problem, in: description))
                    }
                    rows.append(row)
                }
            }
        }
        try StandardStreams.write(json ? Self.encoded(rows) : Self.table(rows))
    }

    private static func encoded(_ rows: [Row]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(rows), as: UTF8.self) + "\n"
    }

    private static func table(_ rows: [Row]) -> String {
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

extension SweepCommand.Row {
    /// Adds what is decided about one recorded run; `nil` where that cannot be said.
    fileprivate mutating func add(_ result: ResultRecord?) {
        guard let result else {
            undecided += 1
            return
        }
        decided += 1
        correct += result.isCorrect ? 1 : 0
        processedTokens += result.processedTokens
    }
}

/// Numbers, as "0.3,0.5".
struct NumberList: ExpressibleByArgument {
    let values: [Double]

    init?(argument: String) {
        let parts = argument.split(separator: ",").map { Double($0) }
        let found = parts.compactMap { $0 }.filter { (0...1).contains($0) }
        guard !found.isEmpty, found.count == parts.count else { return nil }
        values = found
    }
}

/// Aggregations, as "mean,min".
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

extension EMLLMError {
    static func noTraces(_ path: String, strategy: String) -> EMLLMError {
        EMLLMError(
            code: .notARun,
            subject: path,
            expected: "traces of \(strategy)",
            found: "none",
            remedy: "run that strategy, without --no-traces"
        )
    }
}
