/// Predictions of similar probability, and how often they were right.
public struct ReliabilityBin: Codable, Sendable, Equatable {
    /// The lower end: the upper end of the previous bin, or 0.
    public var lower: Double
    /// The upper end, inclusive.
    public var upper: Double
    /// The number of predictions in the bin; at least one.
    public var count: Int
    /// The number of right predictions.
    public var rightCount: Int
    /// The mean of the predicted probabilities.
    public var meanProbability: Double

    /// The share of right predictions.
    public var frequency: Double { Double(rightCount) / Double(count) }
}

/// Whether predicted probabilities match observed frequencies.
///
/// Every function returns `nil` if there are no outcomes, or a score is not a probability in 0...1.
public enum Reliability {
    /// Where bins end.
    public enum Binning: Sendable {
        /// At 1/n, 2/n, …: every bin has the same width.
        case equalWidth
        /// At quantiles: every bin has about as many predictions. Equal ones stay together.
        case equalMass
    }

    /// Sorts predictions into bins. Empty ones are left out.
    ///
    /// - Complexity: O(n log n).
    public static func bins(_ outcomes: [ScoredOutcome], count: Int = 10, by binning: Binning) -> [ReliabilityBin]? {
        guard count > 0, !outcomes.isEmpty, outcomes.allSatisfy({ (0...1).contains($0.score) }) else { return nil }
        let sorted = outcomes.sorted { $0.score < $1.score }
        let scores = sorted.map(\.score)
        let edges = (0..<count).dropFirst().map { index in
            let share = Double(index) / Double(count)
            return binning == .equalWidth ? share : Aggregation.quantile(ofSorted: scores, at: share) ?? share
        }
        var bins: [ReliabilityBin] = []
        var start = 0
        for (lower, upper) in zip([0] + edges, edges + [1]) {
            let members = sorted[start...].prefix { $0.score <= upper }
            start += members.count
            guard let mean = Aggregation.mean(members.map(\.score)) else { continue }
            bins.append(
                ReliabilityBin(
                    lower: lower,
                    upper: upper,
                    count: members.count,
                    rightCount: members.count { $0.isRight },
                    meanProbability: mean
                )
            )
        }
        return bins
    }

    /// The expected calibration error: the mean distance between a bin's probability and its frequency, weighted by
    /// count (Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., arXiv 1706.04599; equal mass: Nguyen and O'Connor,
    /// EMNLP 2015).
    public static func expectedCalibrationError(
        _ outcomes: [ScoredOutcome],
        binCount: Int = 10,
        by binning: Binning
    ) -> Double? {
        bins(outcomes, count: binCount, by: binning)?.reduce(0) { sum, bin in
            sum + abs(bin.frequency - bin.meanProbability) * Double(bin.count) / Double(outcomes.count)
        }
    }

    /// The mean squared distance between probability and outcome (Brier, "Verification of Forecasts Expressed in Terms
    /// of Probability", 1950).
    public static func brierScore(_ outcomes: [ScoredOutcome]) -> Double? {
        guard outcomes.allSatisfy({ (0...1).contains($0.score) }) else { return nil }
        return Aggregation.mean(
            outcomes.map { outcome in
                let distance = outcome.score - (outcome.isRight ? 1 : 0)
                return distance * distance
            }
        )
    }
}
