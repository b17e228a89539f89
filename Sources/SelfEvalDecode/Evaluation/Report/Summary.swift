import EMLLMCore
import Foundation

/// The settings for computing a report.
public struct ReportOptions: Codable, Sendable, Equatable {
    /// The strategy that the others are compared with.
    public var baseline = "cot"
    /// Resamples of the paired bootstrap.
    public var resamples = 10_000
    /// The seed of the bootstrap's random numbers.
    public var seed: UInt64 = 0
    /// The number of probability bins.
    public var binCount = 10
    /// The true-positive rate at which the true-negative rate is measured.
    public var truePositiveRate = 0.95
    /// A step with a lower probability is predicted to be wrong.
    public var stepThreshold = 0.5
    /// The risks at which the coverage is measured.
    public var risks = [0.05, 0.1, 0.2]

    /// The usual options.
    public init() {}
}

/// The numbers of a report. Values that the data do not determine are `nil`, and are absent from the JSON.
public struct Summary: Codable, Sendable, Equatable {
    /// The settings of the computation.
    public var options: ReportOptions
    /// The number of results.
    public var records: Int
    /// The number of problems with a result.
    public var problems: Int
    /// The number of problems that were not run.
    public var skippedProblems: Int
    /// The number of problems that should have been run; `nil` if unknown.
    public var plannedProblems: Int?
    /// What the runs were made with; `nil` if unknown.
    public var runs: [RunSettings]?
    /// One for each model, by name.
    public var models: [ModelSummary]

    /// Pretty-printed JSON with sorted keys, and a line break at the end.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}

extension Summary {
    /// Reads the `summary.json` of a report.
    ///
    /// - Throws: `EMLLMError` when the file cannot be read, or is not a summary.
    public init(contentsOf url: URL) throws {
        guard let data = FileManager.default.contents(atPath: url.path),
            let summary = try? JSONDecoder().decode(Summary.self, from: data)
        else {
            throw EMLLMError(
                code: .notASummary,
                subject: url.path,
                expected: "the summary.json of a report",
                found: "none, or something else",
                remedy: "check the path, or make the report again from its runs"
            )
        }
        self = summary
    }
}

extension EMLLMError.Code {
    /// A file that is not the summary of a report.
    public static let notASummary = Self(rawValue: "not-a-summary")
}

/// One model's strategies.
public struct ModelSummary: Codable, Sendable, Equatable {
    /// The model's name.
    public var model: String
    /// The number of problems with a result.
    public var problems: Int
    /// The number of these for which every strategy has a result.
    public var sharedProblems: Int
    /// The baseline first, then by name.
    public var strategies: [StrategySummary]
    /// Each strategy against the baseline; empty without a baseline.
    public var comparisons: [Comparison]
    /// Accuracies by each key of the records' breakdown.
    public var breakdowns: [Breakdown]
}

/// One strategy's results.
public struct StrategySummary: Codable, Sendable, Equatable {
    /// The strategy's name.
    public var strategy: String
    /// The number of results.
    public var records: Int
    /// The number of problems with a result.
    public var problems: Int
    /// The share of results with a right answer. Abstentions and failures count as wrong.
    public var accuracy: Proportion
    /// The same for each seed alone, by seed.
    public var seedAccuracies: [SeedAccuracy]
    /// The mean number of tokens in the prompt.
    public var promptTokens: Double?
    /// The mean number of all tokens processed.
    public var processedTokens: Double?
    /// The mean number of tokens in accepted steps.
    public var acceptedTokens: Double?
    /// The mean number of tokens in evaluation prompts.
    public var evaluationTokens: Double?
    /// The mean number of seconds per problem.
    public var seconds: Double?
    /// (processed − accepted) / accepted tokens, over all results.
    public var overhead: Double?
    /// The number of withheld answers.
    public var abstained: Int
    /// The numbers of results without an answer, by reason.
    public var failures: [String: Int]
    /// The confidence in answers, if there is any.
    public var confidence: ConfidenceSummary?
    /// The verdicts on labelled steps, if there are any.
    public var steps: StepSummary?

    /// The accuracy with one seed.
    public struct SeedAccuracy: Codable, Sendable, Equatable {
        /// The seed.
        public var seed: UInt64
        /// The share of right answers.
        public var accuracy: Double
    }
}

/// How well a probability tells right from wrong, and how well calibrated it is.
public struct ProbabilitySummary: Codable, Sendable, Equatable {
    /// The number of answers or steps that have a probability.
    public var count: Int
    /// How many of them are right.
    public var right: Int
    /// See ``Ranking/areaUnderROC(_:)``.
    public var areaUnderROC: Double?
    /// See ``Ranking/averagePrecision(_:)``.
    public var averagePrecision: Double?
    /// See ``Ranking/trueNegativeRate(_:atTruePositiveRate:)``.
    public var trueNegativeRate: Double?
    /// The expected calibration error over bins of equal width.
    public var calibrationErrorOfEqualWidth: Double?
    /// The expected calibration error over bins of equal mass.
    public var calibrationErrorOfEqualMass: Double?
    /// See ``Reliability/brierScore(_:)``.
    public var brierScore: Double?
    /// Bins of equal width.
    public var bins: [ReliabilityBin]?

    init(_ outcomes: [ScoredOutcome], options: ReportOptions) {
        count = outcomes.count
        right = outcomes.count { $0.isRight }
        areaUnderROC = Ranking.areaUnderROC(outcomes)
        averagePrecision = Ranking.averagePrecision(outcomes)
        trueNegativeRate = Ranking.trueNegativeRate(outcomes, atTruePositiveRate: options.truePositiveRate)
        func error(_ binning: Reliability.Binning) -> Double? {
            Reliability.expectedCalibrationError(outcomes, binCount: options.binCount, by: binning)
        }
        calibrationErrorOfEqualWidth = error(.equalWidth)
        calibrationErrorOfEqualMass = error(.equalMass)
        brierScore = Reliability.brierScore(outcomes)
        bins = Reliability.bins(outcomes, count: options.binCount, by: .equalWidth)
    }
}

/// The confidence in answers.
public struct ConfidenceSummary: Codable, Sendable, Equatable {
    /// The confidence of those answers that have one.
    public var answers: ProbabilitySummary
    /// The number of results without an answer or without a confidence. They come last on the curve; those without an
    /// answer count as wrong.
    public var withoutConfidence: Int
    /// See ``RiskCoverageCurve/area``.
    public var areaUnderRiskCoverage: Double
    /// The coverage at each of the options' risks, in their order.
    public var coverages: [Double]
    /// The curve; if it has more than 200 points, every second, third, … of them.
    public var curve: [RiskCoverageCurve.Point]

    private enum CodingKeys: String, CodingKey {
        case answers, withoutConfidence, areaUnderRiskCoverage, coverages, curve
    }

    /// The names of keys before version 0.2.
    private enum FormerKey: String, CodingKey { case judgement }

    /// Reads a summary's values; the names of earlier versions are accepted too.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let former = try decoder.container(keyedBy: FormerKey.self)
        answers =
            try former.decodeIfPresent(ProbabilitySummary.self, forKey: .judgement)
            ?? values.decode(ProbabilitySummary.self, forKey: .answers)
        withoutConfidence = try values.decode(Int.self, forKey: .withoutConfidence)
        areaUnderRiskCoverage = try values.decode(Double.self, forKey: .areaUnderRiskCoverage)
        coverages = try values.decode([Double].self, forKey: .coverages)
        curve = try values.decode([RiskCoverageCurve.Point].self, forKey: .curve)
    }
}

/// The verdicts on labelled steps.
public struct StepSummary: Codable, Sendable, Equatable {
    /// The score: the verdict's probability, combined with the score's other signals.
    public var verdict: ProbabilitySummary
    /// What the verdict's logit alone achieves on the same steps; `nil` if one of them has no logit.
    public var verdictAloneAreaUnderROC: Double?
    /// What the steps' mean log-probability achieves on the same steps. A verdict that is no better is not worth its
    /// tokens.
    public var logProbabilityAreaUnderROC: Double?
    /// The number of labelled steps without a verdict.
    public var unevaluated: Int
    /// How well the first wrong step is found.
    public var firstError: FirstErrorScore?

    private enum CodingKeys: String, CodingKey {
        case verdict, verdictAloneAreaUnderROC, logProbabilityAreaUnderROC, unevaluated, firstError
    }

    /// The names of keys before version 0.2.
    private enum FormerKey: String, CodingKey { case unjudged }

    /// Reads a summary's values; the names of earlier versions are accepted too.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let former = try decoder.container(keyedBy: FormerKey.self)
        verdict = try values.decode(ProbabilitySummary.self, forKey: .verdict)
        verdictAloneAreaUnderROC = try values.decodeIfPresent(Double.self, forKey: .verdictAloneAreaUnderROC)
        logProbabilityAreaUnderROC = try values.decodeIfPresent(Double.self, forKey: .logProbabilityAreaUnderROC)
        unevaluated =
            try former.decodeIfPresent(Int.self, forKey: .unjudged) ?? values.decode(Int.self, forKey: .unevaluated)
        firstError = try values.decodeIfPresent(FirstErrorScore.self, forKey: .firstError)
    }
}

/// A strategy against the baseline, on the problems and seeds for which both have a result.
public struct Comparison: Codable, Sendable, Equatable {
    /// The strategy's name.
    public var strategy: String
    /// The number of problems compared.
    public var problems: Int
    /// The number of pairs of results, one for each problem and seed.
    public var pairs: Int
    /// The number of problems without such a pair.
    public var problemsLeftOut: Int
    /// The number of results of either that have no counterpart.
    public var recordsLeftOut: Int
    /// Its accuracy minus the baseline's; `nil` if there are no pairs.
    public var difference: PairedDifference?
    /// What became of the baseline's answers.
    public var revisions: RevisionMatrix
    /// See ``PairedDifference/exactPValue``; if there is none, ``RevisionMatrix/pValue``.
    public var revisionsPValue: Double?
}

/// Accuracies by the value of one key.
public struct Breakdown: Codable, Sendable, Equatable {
    /// The key.
    public var key: String
    /// One for each value, sorted; numbers in values are compared as numbers.
    public var groups: [Group]

    /// The problems with one value.
    public struct Group: Codable, Sendable, Equatable {
        /// The value; "–" for records that lack the key.
        public var value: String
        /// By strategy.
        public var accuracies: [String: Proportion]
    }
}
