import Foundation
import Testing

@testable import EMLLMEvaluation

@Suite("Ranking")
struct MetricRankingTests {
    @Test("areas and rates are scikit-learn's")
    func reference() {
        for sample in StatisticsFixtures.shared.outcomes {
            #expect(isClose(Ranking.areaUnderROC(sample.outcomes), sample.areaUnderROC), "\(sample.name)")
            #expect(isClose(Ranking.averagePrecision(sample.outcomes), sample.averagePrecision), "\(sample.name)")
            for (target, expected) in zip(sample.truePositiveRates, sample.trueNegativeRates) {
                let found = Ranking.trueNegativeRate(sample.outcomes, atTruePositiveRate: target)
                #expect(isClose(found, expected), "\(sample.name) at \(target)")
            }
        }
    }

    @Test("neither the order of the outcomes nor the scale of the scores matters")
    func invariance() throws {
        let outcomes = try #require(StatisticsFixtures.shared.outcomes.first { $0.name == "ties" }).outcomes
        let area = Ranking.areaUnderROC(outcomes)
        #expect(Ranking.areaUnderROC(outcomes.reversed()) == area)
        #expect(
            Ranking.areaUnderROC(outcomes.map { ScoredOutcome(score: exp($0.score * 9), isRight: $0.isRight) }) == area
        )
    }

    @Test("one class alone, nothing, and scores that are no numbers have no rank")
    func degenerate() {
        let right = ScoredOutcome(score: 0.5, isRight: true)
        let wrong = ScoredOutcome(score: 0.4, isRight: false)
        let broken = ScoredOutcome(score: .nan, isRight: false)
        for outcomes in [[], [right], [wrong], [right, wrong, broken]] {
            #expect(Ranking.areaUnderROC(outcomes) == nil)
            #expect(Ranking.trueNegativeRate(outcomes, atTruePositiveRate: 0.9) == nil)
        }
        #expect(Ranking.averagePrecision([wrong]) == nil)
        #expect(Ranking.averagePrecision([right, broken]) == nil)
        #expect(Ranking.areaUnderROC([right, ScoredOutcome(score: -.infinity, isRight: false)]) == 1)
    }
}

@Suite("Reliability")
struct MetricReliabilityTests {
    @Test("bins are those of scikit-learn's calibration curve")
    func bins() throws {
        for sample in StatisticsFixtures.shared.outcomes {
            for (binning, expected) in [
                (Reliability.Binning.equalWidth, sample.uniform), (.equalMass, sample.quantile),
            ] {
                let found = try #require(Reliability.bins(sample.outcomes, by: binning))
                #expect(found.map(\.count) == expected.counts, "\(sample.name), \(binning)")
                #expect(zip(found, expected.frequencies).allSatisfy { isClose($0.frequency, $1) })
                #expect(zip(found, expected.means).allSatisfy { isClose($0.meanProbability, $1) })
                let error = Reliability.expectedCalibrationError(sample.outcomes, by: binning)
                #expect(isClose(error, expected.error), "\(sample.name), \(binning)")
            }
        }
    }

    @Test("Brier's score is scikit-learn's")
    func brier() {
        for sample in StatisticsFixtures.shared.outcomes {
            #expect(isClose(Reliability.brierScore(sample.outcomes), sample.brierScore), "\(sample.name)")
        }
    }

    @Test("a bin includes its upper end, and the first one zero")
    func edges() {
        let outcomes = [0, 0.1, 0.100001, 1].map { ScoredOutcome(score: $0, isRight: true) }
        let bins = Reliability.bins(outcomes, by: .equalWidth)
        #expect(bins?.map(\.count) == [2, 1, 1])
        #expect(bins?.map(\.upper) == [0.1, 0.2, 1])
        #expect(bins?.map(\.lower) == [0, 0.1, 0.9])
    }

    @Test(
        "nothing, and scores that are no probabilities, have no reliability",
        arguments: [-0.1, 1.1, .nan, .infinity]
    )
    func degenerate(score: Double) {
        let outcomes = [ScoredOutcome(score: 0.5, isRight: true), ScoredOutcome(score: score, isRight: false)]
        for outcomes in [[], outcomes] {
            #expect(Reliability.bins(outcomes, by: .equalMass) == nil)
            #expect(Reliability.expectedCalibrationError(outcomes, by: .equalWidth) == nil)
            #expect(Reliability.brierScore(outcomes) == nil)
        }
        #expect(Reliability.bins([ScoredOutcome(score: 0.5, isRight: true)], count: 0, by: .equalWidth) == nil)
        #expect(Reliability.bins([ScoredOutcome(score: 0.5, isRight: true)], count: 1, by: .equalMass)?.count == 1)
    }
}

@Suite("Risk and coverage")
struct MetricRiskCoverageTests {
    @Test("the curve is that of every threshold, its area the mean over orders of equal scores")
    func reference() throws {
        for sample in StatisticsFixtures.shared.outcomes {
            let curve = try #require(RiskCoverageCurve(sample.outcomes))
            #expect(curve.points.count == sample.points.count)
            for (point, expected) in zip(curve.points, sample.points) {
                #expect(isClose(point.coverage, expected[0]) && isClose(point.risk, expected[1]), "\(sample.name)")
            }
            #expect(abs(curve.area - sample.area) <= sample.areaTolerance, "\(sample.name)")
            #expect(sample.risks.map(curve.coverage(atRisk:)) == sample.coverages, "\(sample.name)")
        }
    }

    @Test("what has no confidence is answered last")
    func withoutConfidence() {
        let scores: [(Double, Bool)] = [(-.infinity, false), (0.9, true), (0.8, true), (-.infinity, false)]
        let curve = RiskCoverageCurve(scores.map { ScoredOutcome(score: $0.0, isRight: $0.1) })
        #expect(curve?.points.map(\.coverage) == [0.25, 0.5, 1])
        #expect(curve?.points.map(\.risk) == [0, 0, 0.5])
        #expect(curve?.coverage(atRisk: 0.1) == 0.5)
    }

    @Test("there is no curve of nothing")
    func degenerate() {
        #expect(RiskCoverageCurve([]) == nil)
        #expect(RiskCoverageCurve([ScoredOutcome(score: .nan, isRight: true)]) == nil)
    }
}

@Suite("The first error")
struct MetricFirstErrorTests {
    @Test("F1 is the harmonic mean of both accuracies")
    func reference() {
        for sample in StatisticsFixtures.shared.firstError {
            let chains = zip(sample.predicted, sample.actual).map { (predicted: $0, actual: $1) }
            #expect(isClose(FirstErrorScore(chains)?.f1, sample.f1))
        }
    }

    @Test("near is not enough, and never finding one scores 0")
    func hits() {
        let score = FirstErrorScore([(2, 2), (1, 2), (nil, nil)])
        #expect(score?.accuracyOnErroneous == 0.5)
        #expect(score?.accuracyOnCorrect == 1)
        #expect(isClose(score?.f1, 2.0 / 3))
        #expect(FirstErrorScore([(nil, 1), (0, nil)])?.f1 == 0)
    }

    @Test("one kind of chain alone has no score")
    func degenerate() {
        #expect(FirstErrorScore([]) == nil)
        #expect(FirstErrorScore([(0, 0)]) == nil)
        #expect(FirstErrorScore([(0, nil)]) == nil)
    }
}
