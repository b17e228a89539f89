/// A score, and whether what was scored is right.
public struct ScoredOutcome: Sendable, Equatable {
    /// Higher means more likely right: a probability, a logit, or a confidence.
    public var score: Double
    /// Whether it is right.
    public var isRight: Bool

    /// Makes a pair.
    public init(score: Double, isRight: Bool) {
        self.score = score
        self.isRight = isRight
    }
}

/// How well scores tell right from wrong, whatever their scale. Infinite scores are allowed; a NaN score makes every
/// result `nil`.
public enum Ranking {
    /// The area under the receiver operating characteristic: the probability that a right outcome scores above a wrong
    /// one, with ties counting half (Hanley and McNeil, "The Meaning and Use of the Area under a ROC Curve", 1982).
    ///
    /// - Returns: `nil` unless there are both right and wrong outcomes.
    public static func areaUnderROC(_ outcomes: [ScoredOutcome]) -> Double? {
        guard let tally = Tally(outcomes), tally.wrong > 0, tally.right > 0 else { return nil }
        var area = 0.0
        var before = Tally.Point(right: 0, wrong: 0)
        for point in tally.points {
            area += Double(point.wrong - before.wrong) * Double(point.right + before.right) / 2
            before = point
        }
        return area / Double(tally.right) / Double(tally.wrong)
    }

    /// The area under the precision–recall curve as average precision: Σ (Rₖ − Rₖ₋₁) · Pₖ over the distinct scores in
    /// descending order (Davis and Goadrich, ICML 2006, explain why the points are not joined by lines).
    ///
    /// - Returns: `nil` if there are no right outcomes.
    public static func averagePrecision(_ outcomes: [ScoredOutcome]) -> Double? {
        guard let tally = Tally(outcomes), tally.right > 0 else { return nil }
        var sum = 0.0
        var before = 0
        for point in tally.points {
            sum += Double(point.right - before) * Double(point.right) / Double(point.right + point.wrong)
            before = point.right
        }
        return sum / Double(tally.right)
    }

    /// The true-negative rate: the largest share of wrong outcomes that a threshold can reject while it keeps at least
    /// `truePositiveRate` of the right ones.
    ///
    /// - Returns: `nil` unless there are both right and wrong outcomes.
    public static func trueNegativeRate(
        _ outcomes: [ScoredOutcome],
        atTruePositiveRate truePositiveRate: Double
    ) -> Double? {
        guard let tally = Tally(outcomes), tally.wrong > 0, tally.right > 0 else { return nil }
        // A lower threshold keeps more of both, so the first that keeps enough is the best.
        let point = tally.points.first { Double($0.right) / Double(tally.right) >= truePositiveRate }
        return point.map { 1 - Double($0.wrong) / Double(tally.wrong) }
    }
}

/// Cumulative counts of outcomes in descending order of score.
struct Tally {
    /// Right and wrong outcomes that score at least as much as a threshold.
    struct Point {
        var right: Int
        var wrong: Int
    }

    /// One for each distinct score, descending. Never empty.
    let points: [Point]

    var right: Int { points.last?.right ?? 0 }
    var wrong: Int { points.last?.wrong ?? 0 }

    /// `nil` if there are no outcomes, or a score is NaN.
    init?(_ outcomes: [ScoredOutcome]) {
        guard !outcomes.isEmpty, !outcomes.contains(where: \.score.isNaN) else { return nil }
        var points: [Point] = []
        var score: Double?
        for outcome in outcomes.sorted(by: { $0.score > $1.score }) {
            if outcome.score != score {
                points.append(points.last ?? Point(right: 0, wrong: 0))
                score = outcome.score
            }
            points[points.count - 1].right += outcome.isRight ? 1 : 0
            points[points.count - 1].wrong += outcome.isRight ? 0 : 1
        }
        self.points = points
    }
}

/// How the error among answers grows with the share of questions answered, the most confident first (El-Yaniv and
/// Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 2010).
public struct RiskCoverageCurve: Sendable, Equatable {
    /// The questions answered at one threshold of the confidence.
    public struct Point: Codable, Sendable, Equatable {
        /// The share of questions answered, in 0...1.
        public var coverage: Double
        /// The share of answered questions that are answered wrongly.
        public var risk: Double
    }

    /// One for each distinct confidence, the coverage ascending to 1. Never empty.
    public let points: [Point]
    /// The area under the curve, AURC: the mean risk over the coverages 1/n, 2/n, … 1 (Geifman, Uziel and El-Yaniv,
    /// arXiv 1805.08206), averaged over all orders of equal confidences.
    public let area: Double

    /// Computes the curve. An answer without confidence may score −∞: it is given last.
    ///
    /// - Returns: `nil` if there are no outcomes, or a score is NaN.
    public init?(_ outcomes: [ScoredOutcome]) {
        guard let tally = Tally(outcomes) else { return nil }
        var sum = 0.0
        var before = Tally.Point(right: 0, wrong: 0)
        for point in tally.points {
            let (answered, wrong) = (before.right + before.wrong, point.wrong - before.wrong)
            let tied = point.right + point.wrong - answered
            for place in 1...tied {
                let expected = Double(before.wrong) + Double(wrong * place) / Double(tied)
                sum += expected / Double(answered + place)
            }
            before = point
        }
        area = sum / Double(outcomes.count)
        points = tally.points.map { point in
            Point(
                coverage: Double(point.right + point.wrong) / Double(outcomes.count),
                risk: Double(point.wrong) / Double(point.right + point.wrong)
            )
        }
    }

    /// The largest coverage at which the risk is at most `risk`; 0 if no threshold reaches it.
    ///
    /// The threshold is chosen on the same data, so this is an upper bound and not a guarantee; `ConformalRisk` gives
    /// a guarantee.
    public func coverage(atRisk risk: Double) -> Double {
        points.last { $0.risk <= risk }?.coverage ?? 0
    }
}
