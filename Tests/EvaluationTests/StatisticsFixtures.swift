import EMLLMEvaluation
import Foundation

/// What SciPy, scikit-learn and statsmodels make of the same numbers. `Tests/Scripts/statistics_fixtures.py` made the
/// file and says how.
struct StatisticsFixtures: Decodable {
    struct Wilson: Decodable {
        var successes: Int
        var trials: Int
        var lower: Double
        var upper: Double
    }
    struct Grouped: Decodable {
        var groups: [[Bool]]
        var value: Double
        var lower: Double
        var upper: Double
    }
    struct Bootstrap: Decodable {
        var problems: [[[Int]]]
        var seed: UInt64
        var resamples: Int
        var value: Double
        var lower: Double
        var upper: Double
        var pValue: Double
        var scipyLower: Double
        var scipyUpper: Double

        var pairs: [[OutcomePair]] { problems.map { $0.map { OutcomePair(baseline: $0[0] == 1, other: $0[1] == 1) } } }
    }
    struct Bins: Decodable {
        var frequencies: [Double]
        var means: [Double]
        var counts: [Int]
        var error: Double
    }
    struct Outcomes: Decodable {
        var name: String
        var scores: [Double]
        var labels: [Bool]
        var areaUnderROC: Double
        var averagePrecision: Double
        var truePositiveRates: [Double]
        var trueNegativeRates: [Double]
        var brierScore: Double
        var uniform: Bins
        var quantile: Bins
        var points: [[Double]]
        var area: Double
        var areaTolerance: Double
        var risks: [Double]
        var coverages: [Double]

        var outcomes: [ScoredOutcome] { zip(scores, labels).map { ScoredOutcome(score: $0, isRight: $1) } }
    }
    struct McNemar: Decodable {
        var mended: Int
        var spoilt: Int
        var pValue: Double
    }
    struct FirstError: Decodable {
        var predicted: [Int?]
        var actual: [Int?]
        var f1: Double
    }

    var wilson: [Wilson]
    var grouped: [Grouped]
    var bootstrap: [Bootstrap]
    var outcomes: [Outcomes]
    var mcnemar: [McNemar]
    var firstError: [FirstError]

    static let shared: StatisticsFixtures = {
        do {
            guard
                let file = Bundle.module.url(
                    forResource: "metrics",
                    withExtension: "json",
                    subdirectory: "Fixtures/statistics"
                )
            else { throw CocoaError(.fileNoSuchFile) }
            return try JSONDecoder().decode(StatisticsFixtures.self, from: Data(contentsOf: file))
        } catch {
            fatalError("the fixture statistics/metrics.json cannot be read: \(error)")
        }
    }()
}

/// Whether two numbers agree but for rounding.
func isClose(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
    guard let a else { return false }
    return abs(a - b) <= tolerance * max(1, abs(a), abs(b))
}
