import EMLLMCore
import Foundation

@testable import EMLLMEvaluation

/// Made-up results that behave like real ones: problems differ in ease, strategies in what they add and cost.
enum ReportSamples {
    struct Strategy {
        var name: String
        /// Added to the chance of a right answer.
        var gain: Double
        /// Tokens and seconds, as a multiple of the baseline's.
        var cost: Double
        var hasSteps = false
        var abstainsBelow: Double?
    }

    static let strategies = [
        Strategy(name: "best-of-8", gain: 0.09, cost: 7.6),
        Strategy(name: "cot", gain: 0, cost: 1),
        Strategy(name: "greedy-verify", gain: 0.06, cost: 1.9, hasSteps: true),
        Strategy(name: "majority-5", gain: 0.08, cost: 4.8),
        Strategy(name: "verify-abstain", gain: 0.05, cost: 2, hasSteps: true, abstainsBelow: 0.25),
    ]

    static func records(
        model: String = "SmolVLM-256M-Q4_1",
        problems: Int = 150,
        seeds: UInt64 = 3,
        strategies: [Strategy] = strategies,
        seed: UInt64 = 11
    ) -> [ResultRecord] {
        var generator = SplitMix64(state: seed)
        func uniform() -> Double { Double(generator.next() >> 11) / Double(1 << 53) }
        let kinds = ["algebra", "geometry", "charts & tables", "counting"]
        var records: [ResultRecord] = []
        for problem in 0..<problems {
            let ease = uniform() * 0.8
            for run in 0..<seeds {
                for strategy in strategies {
                    let chance = min(0.98, ease + strategy.gain)
                    let isCorrect = uniform() < chance
                    let confidence = min(max(0.6 * chance + 0.3 * uniform() + (isCorrect ? 0.1 : 0), 0), 1)
                    let length = 200 + 150 * uniform()
                    let failure = uniform() < 0.02 ? "no answer in \(Int(length)) tokens".prefix(12) : nil
                    let steps = (0..<4).map { index in
                        let label = uniform() < (isCorrect ? 0.95 : 0.6)
                        let logit = (label ? 1.2 : -0.4) + 3 * (uniform() - 0.5) * 2
                        return StepRecord(
                            text: "Step \(index)",
                            probability: strategy.hasSteps && uniform() > 0.05 ? 1 / (1 + exp(-logit)) : nil,
                            logit: logit,
                            meanLogProbability: -0.6 + (label ? 0.1 : 0) + 0.5 * uniform(),
                            label: strategy.hasSteps ? label : nil
                        )
                    }
                    records.append(
                        ResultRecord(
                            problem: String(format: "p%03d", problem),
                            strategy: strategy.name,
                            model: model,
                            seed: run,
                            breakdown: ["kind": kinds[problem % kinds.count], "level": "\(problem % 3 * 5)"],
                            response: "…",
                            answer: failure == nil ? "42" : nil,
                            isCorrect: isCorrect && failure == nil,
                            confidence: strategy.name == "cot" ? nil : confidence,
                            abstained: strategy.abstainsBelow.map { confidence < $0 } ?? false,
                            promptTokens: 600,
                            processedTokens: 600 + Int(length * strategy.cost),
                            acceptedTokens: Int(length),
                            evaluationTokens: strategy.hasSteps ? 120 : 0,
                            seconds: (2 + length / 100) * strategy.cost,
                            steps: steps,
                            failure: failure.map(String.init)
                        )
                    )
                }
            }
        }
        return records
    }
}
