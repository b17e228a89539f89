import EMLLMCore
import Foundation
import Testing

@testable import EMLLMEvaluation

@Suite("Intervals")
struct StatisticsIntervalTests {
    @Test("Wilson's interval is SciPy's")
    func wilson() {
        for sample in StatisticsFixtures.shared.wilson {
            let trials = (0..<sample.trials).map { [$0 < sample.successes] }
            let found = Proportion(groups: trials)
            #expect(found?.trials == sample.trials)
            #expect(isClose(found?.value, Double(sample.successes) / Double(sample.trials)))
            #expect(isClose(found?.interval.lower, sample.lower, 1e-10))
            #expect(isClose(found?.interval.upper, sample.upper, 1e-10))
        }
    }

    @Test("trials of one problem count as what statsmodels' cluster-robust variance makes of them")
    func groups() {
        for sample in StatisticsFixtures.shared.grouped {
            let found = Proportion(groups: sample.groups)
            #expect(isClose(found?.value, sample.value))
            #expect(isClose(found?.interval.lower, sample.lower, 1e-9))
            #expect(isClose(found?.interval.upper, sample.upper, 1e-9))
        }
    }

    @Test("five equal seeds say no more than one, and all right is no certainty")
    func equalSeeds() {
        let outcomes = (0..<40).map { $0 % 3 == 0 }
        let once = Proportion(groups: outcomes.map { [$0] })
        let repeated = Proportion(groups: outcomes.map { [Bool](repeating: $0, count: 5) })
        #expect(isClose(once?.interval.lower, repeated?.interval.lower ?? .nan))
        #expect(isClose(once?.interval.upper, repeated?.interval.upper ?? .nan))
        let right = Proportion(groups: [[Bool]](repeating: [true, true], count: 10))
        #expect(right?.interval.upper == 1)
        #expect(isClose(right?.interval.lower, 10 / (10 + 1.959963984540054 * 1.959963984540054), 1e-10))
    }

    @Test("the interval of grouped trials holds the truth 95 times in a hundred")
    func coverage() {
        var generator = SplitMix64(state: 5)
        func uniform() -> Double { Double(generator.next() >> 11) / Double(1 << 53) }
        let rounds = 2_000
        var hits = 0
        for _ in 0..<rounds {
            // A problem's ease is uniform, so the share is one half; seeds share the ease.
            let groups = (0..<50).map { _ in
                let ease = uniform()
                return (0..<4).map { _ in uniform() < ease }
            }
            if let interval = Proportion(groups: groups)?.interval, interval.lower <= 0.5, interval.upper >= 0.5 {
                hits += 1
            }
        }
        #expect((0.93...0.97).contains(Double(hits) / Double(rounds)))
    }

    @Test("there is no share of nothing")
    func empty() {
        #expect(Proportion(groups: []) == nil)
        #expect(Proportion(groups: [[], []]) == nil)
    }
}

@Suite("The paired bootstrap")
struct StatisticsBootstrapTests {
    @Test("with one seed the exact test over problems is McNemar's; seeds of a problem are no further evidence")
    func exact() throws {
        func pairs(_ mended: Int, _ spoilt: Int, seeds: Int = 1) -> [[OutcomePair]] {
            Array(repeating: Array(repeating: OutcomePair(baseline: false, other: true), count: seeds), count: mended)
                + Array(
                    repeating: Array(repeating: OutcomePair(baseline: true, other: false), count: seeds),
                    count: spoilt
                )
                + [[OutcomePair(baseline: true, other: true)]]
        }
        for (mended, spoilt) in [(0, 0), (1, 0), (3, 0), (5, 1), (2, 9), (40, 20), (7, 7)] {
            let found = try #require(PairedDifference(problems: pairs(mended, spoilt), resamples: 10))
            let expected = RevisionMatrix(pairs(mended, spoilt).joined()).pValue
            #expect(isClose(found.exactPValue, try #require(expected)))
            let seeds = PairedDifference(problems: pairs(mended, spoilt, seeds: 5), resamples: 10)
            #expect(isClose(seeds?.exactPValue, try #require(expected)))
        }
        // Gains of 3, 1 and -1: of eight sums, those of 3 and 5 either way are six.
        #expect(PairedDifference.signFlipPValue(gains: [3, 1, -1]) == 0.75)
        #expect(PairedDifference.signFlipPValue(gains: Array(repeating: 1, count: 6000)) == nil)
    }

    @Test("the same draws give NumPy's percentiles")
    func reference() {
        for sample in StatisticsFixtures.shared.bootstrap {
            let found = PairedDifference(problems: sample.pairs, resamples: sample.resamples, seed: sample.seed)
            #expect(isClose(found?.value, sample.value))
            #expect(isClose(found?.interval.lower, sample.lower))
            #expect(isClose(found?.interval.upper, sample.upper))
            #expect(isClose(found?.pValue, sample.pValue))
        }
    }

    @Test("many draws come near SciPy's interval")
    func scipy() {
        for sample in StatisticsFixtures.shared.bootstrap {
            let found = PairedDifference(problems: sample.pairs, resamples: 20_000, seed: 3)
            // Differences are multiples of one over the pairs: the percentile may be the neighbour.
            let grain = 1 / Double(sample.problems.joined().count) + 1e-9
            #expect(abs((found?.interval.lower ?? .nan) - sample.scipyLower) <= grain)
            #expect(abs((found?.interval.upper ?? .nan) - sample.scipyUpper) <= grain)
        }
    }

    @Test("the generator gives the published numbers")
    func generator() {
        var generator = SplitMix64(state: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(expected.indices.map { _ in generator.next() } == expected)
    }

    @Test("seeds of one problem are drawn together")
    func clusters() {
        // One problem flipped under all of 50 seeds is one observation.
        let flipped = [OutcomePair](repeating: OutcomePair(baseline: false, other: true), count: 50)
        let unchanged = [OutcomePair](repeating: OutcomePair(baseline: true, other: true), count: 50)
        let found = PairedDifference(problems: [flipped, unchanged, unchanged, unchanged])
        #expect(found?.interval.lower == 0)
        #expect((found?.pValue ?? 0) > 0.3)
    }

    @Test("exchanging the strategies changes the signs alone")
    func symmetry() throws {
        let sample = try #require(StatisticsFixtures.shared.bootstrap.first)
        let plain = try #require(PairedDifference(problems: sample.pairs))
        let exchanged = try #require(
            PairedDifference(
                problems: sample.pairs.map { $0.map { OutcomePair(baseline: $0.other, other: $0.baseline) } }
            )
        )
        #expect(plain.value == -exchanged.value)
        #expect(isClose(plain.interval.lower, -exchanged.interval.upper))
        #expect(plain.pValue == exchanged.pValue)
    }

    @Test("equal strategies do not differ, and nothing is not compared")
    func degenerate() {
        let equal = PairedDifference(problems: [[OutcomePair(baseline: true, other: true)]])
        #expect(equal?.value == 0)
        #expect(equal?.interval == Interval(lower: 0, upper: 0))
        #expect(equal?.pValue == 1)
        #expect(PairedDifference(problems: []) == nil)
        #expect(PairedDifference(problems: [[]]) == nil)
        #expect(PairedDifference(problems: [[OutcomePair(baseline: true, other: true)]], resamples: 0) == nil)
    }
}

@Suite("Revisions")
struct StatisticsRevisionTests {
    private func matrix(_ counts: [(Bool, Bool, Int)]) -> RevisionMatrix {
        RevisionMatrix(counts.flatMap { [OutcomePair](repeating: OutcomePair(baseline: $0, other: $1), count: $2) })
    }

    @Test("every pair is in its cell")
    func cells() {
        let found = matrix([(true, true, 4), (false, true, 3), (true, false, 2), (false, false, 1)])
        #expect(found.rightToRight == 4)
        #expect(found.wrongToRight == 3)
        #expect(found.rightToWrong == 2)
        #expect(found.wrongToWrong == 1)
        #expect(found.count == 10)
    }

    @Test("McNemar's exact test is statsmodels'")
    func mcnemar() {
        for sample in StatisticsFixtures.shared.mcnemar {
            let found = matrix([(true, true, 7), (false, true, sample.mended), (true, false, sample.spoilt)])
            #expect(isClose(found.pValue, sample.pValue, 1e-9), "\(sample)")
        }
    }

    @Test("there is no test of nothing")
    func empty() { #expect(RevisionMatrix([]).pValue == nil) }
}

@Suite("Sums")
struct StatisticsAggregationTests {
    @Test("overhead is what is processed beyond what stands")
    func overhead() {
        #expect(Aggregation.overhead(processed: 300, accepted: 100) == 2)
        #expect(Aggregation.overhead(processed: 300, accepted: 0) == nil)
    }

    @Test("means and quantiles of nothing, or beyond the range of numbers, are nil")
    func degenerate() {
        #expect(Aggregation.mean([]) == nil)
        #expect(Aggregation.mean([1e308, 1e308]) == nil)
        #expect(Aggregation.quantile(ofSorted: [], at: 0.5) == nil)
        #expect(Aggregation.quantile(ofSorted: [1, 2, 4], at: 0.75) == 3)
        #expect(Aggregation.quantile(ofSorted: [1, 2, 4], at: 1) == 4)
    }
}
