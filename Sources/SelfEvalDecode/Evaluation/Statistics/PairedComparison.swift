import EMLLMCore
import Foundation

/// Whether each of two strategies answered the same problem correctly with the same seed.
public struct OutcomePair: Sendable, Equatable {
    /// Whether the baseline's answer is right.
    public var baseline: Bool
    /// Whether the other strategy's answer is right.
    public var other: Bool

    /// Makes a pair.
    public init(baseline: Bool, other: Bool) {
        self.baseline = baseline
        self.other = other
    }
}

/// The difference in accuracy between two strategies on the same problems.
public struct PairedDifference: Codable, Sendable, Equatable {
    /// The accuracy of the other strategy minus that of the baseline.
    public var value: Double
    /// The 95 % interval of the percentile bootstrap.
    public var interval: Interval
    /// The two-sided level at which the interval would end at zero: 2 (k + 1) / (B + 1), where the difference is zero,
    /// or has the less frequent sign, in k of B resamples.
    public var pValue: Double
    /// The p-value of the exact sign-flip test over problems (Fisher, "The Design of Experiments", 1935, section 21):
    /// the probability of a difference at least as large, in either direction, if each problem's difference were
    /// equally likely to have either sign. The seeds of a problem stay together; with one seed this is McNemar's exact
    /// test. `nil` if there are too many problems to enumerate, and in reports of earlier versions.
    public var exactPValue: Double?

    /// Compares two strategies by the paired bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
    /// chapters 13 and 16; for comparing systems Koehn, EMNLP 2004).
    ///
    /// Problems are drawn with replacement. The seeds of one problem stay together, since they are not independent. The
    /// same problems in the same order, with the same `resamples` and `seed`, give the same numbers.
    ///
    /// - Parameters:
    ///   - problems: the pairs of each problem, one for each seed.
    ///   - resamples: the number of resamples.
    ///   - seed: the seed of the random numbers.
    /// - Returns: `nil` if there are no pairs or no resamples.
    /// - Complexity: O(problems · resamples).
    public init?(problems: [[OutcomePair]], resamples: Int = 10_000, seed: UInt64 = 0) {
        let sums = problems.filter { !$0.isEmpty }.map { pairs in
            (pairs.reduce(0) { $0 + ($1.other ? 1 : 0) - ($1.baseline ? 1 : 0) }, pairs.count)
        }
        guard !sums.isEmpty, resamples > 0 else { return nil }
        func difference(_ total: (gain: Int, count: Int)) -> Double { Double(total.gain) / Double(total.count) }
        var generator = SplitMix64(state: seed)
        var differences = (0..<resamples).map { _ in
            var total = (gain: 0, count: 0)
            for _ in sums.indices {
                let (gain, count) = sums[generator.next(below: sums.count)]
                total.gain += gain
                total.count += count
            }
            return difference(total)
        }
        differences.sort()
        guard let lower = Aggregation.quantile(ofSorted: differences, at: 0.025),
            let upper = Aggregation.quantile(ofSorted: differences, at: 0.975)
        else { return nil }
        value = difference(sums.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) })
        interval = Interval(lower: lower, upper: upper)
        let smaller = min(differences.count { $0 <= 0 }, differences.count { $0 >= 0 })
        pValue = min(1, 2 * Double(smaller + 1) / Double(resamples + 1))
        exactPValue = Self.signFlipPValue(gains: sums.map(\.0))
    }

    /// The share of all sign assignments whose sum is at least as far from zero.
    static func signFlipPValue(gains: [Int]) -> Double? {
        let sizes = gains.map(abs).filter { $0 > 0 }
        let most = sizes.reduce(0, +)
        guard sizes.count * (2 * most + 1) <= 50_000_000 else { return nil }
        // The probability of each sum, from -most to most.
        var chances = [Double](repeating: 0, count: 2 * most + 1)
        chances[most] = 1
        var reach = 0
        for size in sizes {
            var next = [Double](repeating: 0, count: chances.count)
            for sum in (most - reach)...(most + reach) where chances[sum] > 0 {
                next[sum - size] += chances[sum] / 2
                next[sum + size] += chances[sum] / 2
            }
            reach += size
            chances = next
        }
        let observed = abs(gains.reduce(0, +))
        return min(1, chances.indices.reduce(0) { abs($1 - most) >= observed ? $0 + chances[$1] : $0 })
    }
}

/// What became of the baseline's answers under another strategy.
public struct RevisionMatrix: Codable, Sendable, Equatable {
    /// Right before and after.
    public var rightToRight = 0
    /// Wrong before, right after.
    public var wrongToRight = 0
    /// Right before, wrong after.
    public var rightToWrong = 0
    /// Wrong before and after.
    public var wrongToWrong = 0

    /// Counts pairs.
    public init(_ pairs: some Sequence<OutcomePair>) {
        for pair in pairs {
            switch (pair.baseline, pair.other) {
            case (true, true): rightToRight += 1
            case (false, true): wrongToRight += 1
            case (true, false): rightToWrong += 1
            case (false, false): wrongToWrong += 1
            }
        }
    }

    /// The number of pairs.
    public var count: Int { rightToRight + wrongToRight + rightToWrong + wrongToWrong }

    /// The p-value of McNemar's exact test ("Note on the Sampling Error of the Difference between Correlated
    /// Proportions or Percentages", 1947): the probability of a difference at least as large between the two kinds of
    /// change if both were equally likely. 1 if nothing changed, `nil` if there are no pairs.
    ///
    /// The test assumes that pairs are independent. They are not if a problem was run with several seeds; use
    /// ``PairedDifference/pValue`` then.
    public var pValue: Double? {
        guard count > 0 else { return nil }
        let changed = wrongToRight + rightToWrong
        // Twice the lower tail of a fair coin's binomial distribution; logarithms keep large numbers in range.
        var logTerm = -Double(changed) * log(2)
        var tail = exp(logTerm)
        for successes in 0..<min(wrongToRight, rightToWrong) {
            logTerm += log(Double(changed - successes)) - log(Double(successes + 1))
            tail += exp(logTerm)
        }
        return min(1, 2 * tail)
    }
}
