import CLIShared
import EMLLMEvaluation
import Foundation
import TextTable

/// What a run has come to so far, as a table for the terminal.
enum ResultTable {
    /// A row for each strategy, under the model's name where there are several; empty without results.
    static func text(of summary: Summary) -> String {
        let text = summary.models.map { model in
            let title = summary.models.count > 1 ? "\(model.model)\n" : ""
            return title + table(of: model.strategies)
        }
        return TerminalText.harmless(text.joined(separator: "\n"))
    }

    private static func table(of strategies: [StrategySummary]) -> String {
        let table = TextTable<StrategySummary> { strategy in
            let accuracy = strategy.accuracy
            let failures = strategy.failures.values.reduce(0, +)
            return [
                Column("strategy" <- strategy.strategy),
                Column("right" <- percent(accuracy.value), align: .right),
                Column("95 % interval" <- "\(percent(accuracy.interval.lower)) – \(percent(accuracy.interval.upper))"),
                Column("answers" <- "\(strategy.records)", align: .right),
                Column("tokens each" <- decimal(strategy.processedTokens, 0), align: .right),
                Column("seconds each" <- decimal(strategy.seconds, 2), align: .right),
                Column("abstained" <- "\(strategy.abstained)", align: .right),
                Column("failed" <- "\(failures)", align: .right),
            ]
        }
        return (table.string(for: strategies, style: Style.pipe) ?? "").trimmingCharacters(in: .newlines) + "\n"
    }

    private static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

    private static func decimal(_ value: Double?, _ digits: Int) -> String {
        value.map { String(format: "%.\(digits)f", $0) } ?? "–"
    }
}
