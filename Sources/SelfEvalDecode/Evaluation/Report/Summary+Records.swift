import EMLLMCore
import Foundation

extension Summary {
    /// Computes all numbers. The order of the records does not matter.
    ///
    /// - Parameters:
    ///   - records: the results.
    ///   - skippedProblems: how many problems were not run.
    ///   - plannedProblems: how many problems should have been run; `nil` if unknown.
    ///   - runs: what the runs were made with; `nil` if unknown.
    ///   - options: the settings of the computation.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when two records have the same problem, strategy, model and seed.
    public init(
        records: [ResultRecord],
        skippedProblems: Int = 0,
        plannedProblems: Int? = nil,
        runs: [RunSettings]? = nil,
        options: ReportOptions = ReportOptions()
    ) throws {
        var answered: Set<[String]> = []
        for record in records {
            let run = [record.model, record.strategy, record.problem, "\(record.seed)"]
            guard answered.insert(run).inserted else { throw EMLLMError.duplicateResult(record) }
        }
        let sorted = records.sorted { ($0.problem, $0.seed) < ($1.problem, $1.seed) }
        let models = Dictionary(grouping: sorted, by: \.model).sorted { $0.key < $1.key }
        self.init(
            options: options,
            records: records.count,
            problems: Set(records.map(\.problem)).count,
            skippedProblems: skippedProblems,
            plannedProblems: plannedProblems,
            runs: runs,
            models: models.map { ModelSummary($0.key, records: $0.value, options: options) }
        )
    }
}

extension ModelSummary {
    /// - Parameter records: the model's records, sorted by problem and seed.
    init(_ model: String, records: [ResultRecord], options: ReportOptions) {
        let byStrategy = Dictionary(grouping: records, by: \.strategy).sorted {
            ($0.key == options.baseline ? 0 : 1, $0.key) < ($1.key == options.baseline ? 0 : 1, $1.key)
        }
        let sets = byStrategy.map { Set($0.value.map(\.problem)) }
        self.model = model
        problems = sets.reduce(Set()) { $0.union($1) }.count
        sharedProblems = sets.dropFirst().reduce(sets.first ?? []) { $0.intersection($1) }.count
        strategies = byStrategy.compactMap { StrategySummary($0.key, records: $0.value, options: options) }
        if let baseline = byStrategy.first, baseline.key == options.baseline {
            comparisons = byStrategy.dropFirst().map {
                Comparison($0.key, records: $0.value, baseline: baseline.value, options: options)
            }
        } else {
            comparisons = []
        }
        breakdowns = Set(records.flatMap { $0.breakdown.keys }).sorted().map { Breakdown($0, records: records) }
    }
}

extension Proportion {
    /// The share of results with a right answer, with the seeds of a problem as one group; `nil` if there are no
    /// results.
    init?(accuracyOf records: [ResultRecord]) {
        let problems = Dictionary(grouping: records, by: \.problem).sorted { $0.key < $1.key }
        self.init(groups: problems.map { $0.value.map(\.isRight) })
    }
}

extension StrategySummary {
    init?(_ strategy: String, records: [ResultRecord], options: ReportOptions) {
        guard let accuracy = Proportion(accuracyOf: records) else { return nil }
        // Numbers from a file may be large, so sums are floating-point, which does not overflow.
        func mean(_ count: (ResultRecord) -> Int) -> Double? { Aggregation.mean(records.map { Double(count($0)) }) }
        self.strategy = strategy
        self.records = records.count
        self.accuracy = accuracy
        problems = Set(records.map(\.problem)).count
        seedAccuracies = Dictionary(grouping: records, by: \.seed).sorted { $0.key < $1.key }.compactMap { group in
            Aggregation.mean(group.value.map { $0.isRight ? 1 : 0 }).map { SeedAccuracy(seed: group.key, accuracy: $0) }
        }
        promptTokens = mean(\.promptTokens)
        processedTokens = mean(\.processedTokens)
        acceptedTokens = mean(\.acceptedTokens)
        evaluationTokens = mean(\.evaluationTokens)
        seconds = Aggregation.mean(records.map(\.seconds))
        overhead = Aggregation.overhead(processed: processedTokens ?? 0, accepted: acceptedTokens ?? 0)
        abstained = records.count { $0.abstained }
        failures = Dictionary(records.compactMap(\.failure).map { ($0, 1) }, uniquingKeysWith: +)
        confidence = ConfidenceSummary(records, options: options)
        steps = StepSummary(records.map(\.steps), options: options)
    }
}

extension ConfidenceSummary {
    /// `nil` if no answer has a confidence.
    init?(_ records: [ResultRecord], options: ReportOptions) {
        let confident = records.compactMap { record in
            record.answerConfidence.map { ScoredOutcome(score: $0, isRight: record.isCorrect) }
        }
        let all = records.map { record in
            ScoredOutcome(
                score: record.answerConfidence ?? -.infinity,
                isRight: record.isCorrect && record.answer != nil && record.failure == nil
            )
        }
        guard !confident.isEmpty, let curve = RiskCoverageCurve(all) else { return nil }
        answers = ProbabilitySummary(confident, options: options)
        withoutConfidence = records.count - confident.count
        areaUnderRiskCoverage = curve.area
        coverages = options.risks.map(curve.coverage(atRisk:))
        let stride = (curve.points.count + 199) / 200
        self.curve = curve.points.enumerated().filter { index, _ in
            (curve.points.count - 1 - index) % stride == 0
        }.map(\.element)
    }
}

extension StepSummary {
    /// `nil` if no labelled step has a verdict.
    init?(_ chains: [[StepRecord]], options: ReportOptions) {
        let chains = chains.map { $0.filter { $0.label != nil } }
        let steps = chains.joined()
        let evaluated = steps.filter { $0.probability != nil }
        guard !evaluated.isEmpty else { return nil }
        func outcomes(_ score: (StepRecord) -> Double?) -> [ScoredOutcome] {
            evaluated.map { ScoredOutcome(score: score($0) ?? .nan, isRight: $0.label == true) }
        }
        verdict = ProbabilitySummary(outcomes(\.probability), options: options)
        if evaluated.allSatisfy({ $0.logit != nil }) {
            verdictAloneAreaUnderROC = Ranking.areaUnderROC(outcomes(\.logit))
        }
        logProbabilityAreaUnderROC = Ranking.areaUnderROC(outcomes(\.meanLogProbability))
        unevaluated = steps.count - evaluated.count
        firstError = FirstErrorScore(
            chains.filter { $0.contains { $0.probability != nil } }.map { steps in
                (
                    predicted: steps.firstIndex { ($0.probability ?? 1) < options.stepThreshold },
                    actual: steps.firstIndex { $0.label == false }
                )
            }
        )
    }
}

extension Comparison {
    init(_ strategy: String, records: [ResultRecord], baseline: [ResultRecord], options: ReportOptions) {
        func key(_ record: ResultRecord) -> [String] { [record.problem, "\(record.seed)"] }
        let before = Dictionary(baseline.map { (key($0), $0.isRight) }, uniquingKeysWith: { first, _ in first })
        let paired = records.compactMap { record in
            before[key(record)].map { isRight in
                (problem: record.problem, pair: OutcomePair(baseline: isRight, other: record.isRight))
            }
        }
        let groups = Dictionary(grouping: paired, by: \.problem).sorted { $0.key < $1.key }
        self.strategy = strategy
        pairs = paired.count
        problems = groups.count
        problemsLeftOut = Set(records.map(\.problem)).union(baseline.map(\.problem)).count - groups.count
        recordsLeftOut = records.count + baseline.count - 2 * paired.count
        difference = PairedDifference(
            problems: groups.map { $0.value.map(\.pair) },
            resamples: options.resamples,
            seed: options.seed
        )
        revisions = RevisionMatrix(paired.map(\.pair))
        // Over problems, since the seeds of a problem are not independent.
        revisionsPValue = difference?.exactPValue ?? revisions.pValue
    }
}

extension Breakdown {
    init(_ key: String, records: [ResultRecord]) {
        self.key = key
        let values = Dictionary(grouping: records) { $0.breakdown[key] ?? "–" }.sorted {
            switch $0.key.compare($1.key, options: .numeric) {
            case .orderedAscending: true
            case .orderedDescending: false
            case .orderedSame: $0.key < $1.key
            }
        }
        groups = values.map { value in
            Group(
                value: value.key,
                accuracies: Dictionary(grouping: value.value, by: \.strategy).compactMapValues {
                    Proportion(accuracyOf: $0)
                }
            )
        }
    }
}
