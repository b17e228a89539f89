import EMLLMCore

/// A score for one of several outcomes of a problem.
struct GroupedOutcome: Sendable {
    /// The problem.
    let group: String
    let outcome: ScoredOutcome
}

/// An area under the ROC curve, with its uncertainty.
public struct RankingEstimate: Codable, Sendable, Equatable {
    /// The area.
    public var value: Double
    /// The percentile bootstrap's interval at 95 %, over problems.
    public var interval: Interval
    /// The number of outcomes.
    public var count: Int

    /// Estimates an area. Outcomes of one problem stay together in the bootstrap, since they are no independent evidence.
    ///
    /// - Returns: `nil` unless there are right and wrong outcomes.
    init?(_ outcomes: [GroupedOutcome], resamples: Int = 400, seed: UInt64 = 0) {
        guard let value = Ranking.areaUnderROC(outcomes.map(\.outcome)) else { return nil }
        self.value = value
        count = outcomes.count
        let groups = Dictionary(grouping: outcomes, by: \.group).sorted { $0.key < $1.key }.map {
            $0.value.map(\.outcome)
        }
        var generator = SplitMix64(state: seed)
        let values = (0..<resamples).compactMap { _ in
            Ranking.areaUnderROC(groups.indices.flatMap { _ in groups[generator.next(below: groups.count)] })
        }.sorted()
        interval = Interval(
            lower: Aggregation.quantile(ofSorted: values, at: 0.025) ?? value,
            upper: Aggregation.quantile(ofSorted: values, at: 0.975) ?? value
        )
    }
}
