import Foundation
import Testing

@testable import EMLLMEvaluation

/// `Tests/Scripts/statistics_fixtures.py` made the file, with scikit-learn.
@Suite("Penalized logistic regression")
struct PenalizedRegressionTests {
    struct Case: Decodable, Sendable {
        let features: [[Float]]
        let labels: [Bool]
        let weights: [Double]
        let penalty: Double
        let coefficients: [Double]
        let intercept: Double

        var matrix: FeatureMatrix {
            var matrix = FeatureMatrix(columns: features[0].count)
            for row in features { matrix.append(row) }
            return matrix
        }
    }

    private struct File: Decodable { let cases: [Case] }

    private static let cases: [Case] = {
        guard
            let url = Bundle.module.url(
                forResource: "penalized",
                withExtension: "json",
                subdirectory: "Fixtures/statistics"
            ),
            let data = try? Data(contentsOf: url)
        else { return [] }
        return (try? JSONDecoder().decode(File.self, from: data).cases) ?? []
    }()

    @Test("There are cases") func coverage() { #expect(Self.cases.count == 3) }

    @Test("The weights are scikit-learn's", arguments: cases)
    func reference(sample: Case) {
        let fit = PenalizedLogisticRegression(
            sample.matrix,
            labels: sample.labels,
            weights: sample.weights,
            penalty: sample.penalty
        )
        for (found, expected) in zip(fit.coefficients, sample.coefficients) { #expect(abs(found - expected) < 1e-4) }
        #expect(fit.coefficients.count == sample.coefficients.count)
        #expect(abs(fit.intercept - sample.intercept) < 1e-4)
        #expect(
            fit.gradientNorm(sample.matrix, labels: sample.labels, weights: sample.weights, penalty: sample.penalty)
                < 1e-6 * sample.weights.reduce(0, +)
        )
        let logOdds = zip(sample.coefficients, sample.features[3]).reduce(sample.intercept) { $0 + $1.0 * Double($1.1) }
        #expect(abs(fit.logOdds(sample.features[3]) - logOdds) < 1e-3)
    }

    @Test("From another start the same optimum is reached")
    func start() throws {
        let sample = try #require(Self.cases.first)
        func fit(_ penalty: Double, from start: PenalizedLogisticRegression?) -> PenalizedLogisticRegression {
            PenalizedLogisticRegression(
                sample.matrix,
                labels: sample.labels,
                weights: sample.weights,
                penalty: penalty,
                from: start
            )
        }
        let far = fit(1000, from: nil)
        #expect(far.coefficients.map(abs).max() ?? 1 < 0.1)
        let (near, again) = (fit(sample.penalty, from: nil), fit(sample.penalty, from: far))
        #expect(zip(near.coefficients, again.coefficients).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("Standardized features have mean 0 and variance 1, constant ones are 0")
    func standardization() {
        var matrix = FeatureMatrix(columns: 3)
        for row in 0..<50 { matrix.append([Float(row), 1000 + Float(row % 7) / 10, 5]) }
        let standard = Standardization(matrix).applied(to: matrix)
        #expect(standard.rows == 50)
        for column in 0..<3 {
            let values = (0..<50).map { Double(Array(standard[$0])[column]) }
            let mean = values.reduce(0, +) / 50
            let variance = values.reduce(0) { $0 + $1 * $1 } / 50
            #expect(abs(mean) < 1e-4)
            #expect(column == 2 ? variance == 0 : abs(variance - 1) < 1e-3)
        }
    }
}
