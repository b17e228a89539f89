import EMLLMCore
import Foundation

/// What the numbers of a report are computed with.
public struct ReportOptions: Codable, Sendable, Equatable {
    /// The strategy that the others are compared with.
    public var baseline = "cot"
    /// Resamples of the paired bootstrap.
    public var resamples = 10_000
    /// Where its random numbers begin.
    public var seed: UInt64 = 0
    /// Bins of probabilities.
    public var binCount = 10
    /// The true-positive rate at which the true-negative rate is taken.
    public var truePositiveRate = 0.95
    /// A step of less probability is said to be wrong.
    public var stepThreshold = 0.5
    /// Risks at which the coverage is taken.
    public var risks = [0.05, 0.1, 0.2]

    /// The usual options.
    public init() {}
}

/// The numbers of a report. Values that the data do not define are `nil` and absent from the JSON.
public struct Summary: Codable, Sendable, Equatable {
    /// What they were computed with.
    public var options: ReportOptions
    /// Results.
    public var records: Int
    /// Problems with a result.
    public var problems: Int
    /// Problems that were not run.
    public var skippedProblems: Int
    /// Problems that were to be run; `nil` where that is not known.
    public var plannedProblems: Int?
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
    /// - Throws: `EMLLMError` when it cannot be read or is something else.
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
    /// A file that is no summary of a report.
    public static let notASummary = Self(rawValue: "not-a-summary")
}

/// One model's strategies.
public struct ModelSummary: Codable, Sendable, Equatable {
    /// The model's name.
    public var model: String
    /// Problems with a result.
    public var problems: Int
    /// Of these, the ones that every strategy has a result of.
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
    /// Results.
    public var records: Int
    /// Problems with a result.
    public var problems: Int
    /// The share of results with a right answer. Abstentions and failures count as wrong.
    public var accuracy: Proportion
    /// The same for each seed alone, by seed.
    public var seedAccuracies: [SeedAccuracy]
    /// Tokens of the prompt, mean.
    public var promptTokens: Double?
    /// All tokens processed, mean.
    public var processedTokens: Double?
    /// Tokens of accepted steps, mean.
    public var acceptedTokens: Double?
    /// Tokens of evaluation prompts, mean.
    public var evaluationTokens: Double?
    /// Seconds for a problem, mean.
    public var seconds: Double?
    /// (processed − accepted) / accepted tokens, over all results.
    public var overhead: Double?
    /// Answers withheld.
    public var abstained: Int
    /// Results without an answer, by reason.
    public var failures: [String: Int]
    /// The confidence in answers, where there is one.
    public var confidence: ConfidenceSummary?
    /// The verdicts on labelled steps, where there are some.
    public var steps: StepSummary?

    /// The accuracy with one seed.
    public struct SeedAccuracy: Codable, Sendable, Equatable {
        /// The seed.
        public var seed: UInt64
        /// The share of right answers.
        public var accuracy: Double
    }
}

/// How well a probability tells right from wrong, and whether it means what it says.
public struct ProbabilitySummary: Codable, Sendable, Equatable {
    /// The answers or steps that have a probability.
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
    /// Results without an answer or without confidence. They are the last to be answered, and wrong where no answer is.
    public var withoutConfidence: Int
    /// See ``RiskCoverageCurve/area``.
    public var areaUnderRiskCoverage: Double
    /// The coverage at each of the options' risks, in their order.
    public var coverages: [Double]
    /// The curve; where it has more than 200 points, every second, third, … of them.
    public var curve: [RiskCoverageCurve.Point]

    private enum CodingKeys: String, CodingKey {
        case answers, withoutConfidence, areaUnderRiskCoverage, coverages, curve
    }

    /// What keys were called before version 0.2.
    private enum FormerKey: String, CodingKey { case judgement }

    /// Reads a summary's values, under the names of earlier versions as well.
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
    /// The score: the verdict's probability, and what else it is made of.
    public var verdict: ProbabilitySummary
    /// What the verdict's logit alone achieves on the same steps; `nil` where one of them has none.
    public var verdictAloneAreaUnderROC: Double?
    /// What the steps' mean log-probability achieves on the same steps. A verdict that is no better is not worth its
    /// tokens.
    public var logProbabilityAreaUnderROC: Double?
    /// Labelled steps without a verdict.
    public var unevaluated: Int
    /// How well the first wrong step is found.
    public var firstError: FirstErrorScore?

    private enum CodingKeys: String, CodingKey {
        case verdict, verdictAloneAreaUnderROC, logProbabilityAreaUnderROC, unevaluated, firstError
    }

    /// What keys were called before version 0.2.
    private enum FormerKey: String, CodingKey { case unjudged }

    /// Reads a summary's values, under the names of earlier versions as well.
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

/// A strategy against the baseline, on the problems and seeds that both have a result of.
public struct Comparison: Codable, Sendable, Equatable {
    /// The strategy's name.
    public var strategy: String
    /// Problems compared.
    public var problems: Int
    /// Pairs of results, one for each problem and seed.
    public var pairs: Int
    /// Problems that have no such pair.
    public var problemsLeftOut: Int
    /// Results of either without a counterpart.
    public var recordsLeftOut: Int
    /// Its accuracy less the baseline's; `nil` without pairs.
    public var difference: PairedDifference?
    /// What became of the baseline's answers.
    public var revisions: RevisionMatrix
    /// See ``PairedDifference/exactPValue``; where there is none, ``RevisionMatrix/pValue``.
    public var revisionsPValue: Double?
}

/// Accuracies by the value of one key.
public struct Breakdown: Codable, Sendable, Equatable {
    /// The key.
    public var key: String
    /// One for each value, in order; numbers in it count as numbers.
    public var groups: [Group]

    /// The problems with one value.
    public struct Group: Codable, Sendable, Equatable {
        /// The value; "–" for records that lack the key.
        public var value: String
        /// By strategy.
        public var accuracies: [String: Proportion]
    }
}
