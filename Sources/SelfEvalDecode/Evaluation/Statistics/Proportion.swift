import Foundation

/// A 95 % confidence interval of a quantity.
public struct Interval: Codable, Sendable, Equatable {
    /// Its lower end.
    public var lower: Double
    /// Its upper end.
    public var upper: Double
}

/// A share of trials that succeeded, such as an accuracy, with its uncertainty.
public struct Proportion: Codable, Sendable, Equatable {
    /// The share, in 0...1.
    public var value: Double
    /// The number of trials.
    public var trials: Int
    /// Wilson's 95 % interval.
    public var interval: Interval

    /// The share of `true` among trials that come in groups, such as the seeds of one problem.
    ///
    /// Trials of one group resemble each other, so they count for less than independent ones: the interval is Wilson's
    /// at the effective sample size p(1 − p) / Var(p̂), with the variance of p̂ between groups (Korn and Graubard,
    /// "Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated from Survey Data",
    /// 1998; why it matters here: arXiv 2411.00640). If all trials agree, groups count instead of trials. With groups
    /// of one, this is Wilson's interval.
    ///
    /// - Returns: `nil` if there are no trials.
    public init?(groups: [[Bool]]) {
        let groups = groups.filter { !$0.isEmpty }
        guard !groups.isEmpty else { return nil }
        trials = groups.reduce(0) { $0 + $1.count }
        let total = Double(trials)
        let successes = groups.map { group in Double(group.count { $0 }) }
        let share = successes.reduce(0, +) / total
        let variance = zip(groups, successes).reduce(0) { sum, group in
            let excess = (group.1 - share * Double(group.0.count)) / total
            return sum + excess * excess
        }
        let isUnanimous = share == 0 || share == 1
        let effective = isUnanimous ? Double(groups.count) : variance > 0 ? share * (1 - share) / variance : total
        value = share
        interval = Self.wilsonInterval(successes: share * min(effective, total), trials: min(effective, total))
    }

    /// Wilson's 95 % score interval of a share ("Probable Inference, the Law of Succession, and Statistical Inference",
    /// 1927). Its coverage holds up near 0 and 1, where that of the normal approximation does not.
    ///
    /// - Parameters:
    ///   - successes: in 0...trials; need not be an integer.
    ///   - trials: above 0.
    static func wilsonInterval(successes: Double, trials: Double) -> Interval {
        let z = 1.959963984540054
        let share = successes / trials
        let scale = 1 / (1 + z * z / trials)
        let center = (share + z * z / (2 * trials)) * scale
        let half = z * scale * (share * (1 - share) / trials + z * z / (4 * trials * trials)).squareRoot()
        return Interval(
            lower: share == 0 ? 0 : max(0, center - half),
            upper: share == 1 ? 1 : min(1, center + half)
        )
    }
}
