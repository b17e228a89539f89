import EMLLMCore
import Foundation
import SelfEvalDecode

/// A score that is a probability, fitted on labelled steps: a curve for verdicts and, if the score has more signals,
/// their weights.
public struct ScoreFit: Sendable {
    /// The curve.
    public enum Method: String, CaseIterable, Sendable {
        /// A logistic curve with two parameters, for dozens of steps.
        case platt
        /// A monotone curve that follows the data, for about a thousand steps.
        case isotonic
    }

    /// Turns verdicts into probabilities.
    public let curve: Calibration
    /// The weights of the signals; `nil` for the verdict alone.
    public let weights: ScoreWeights?
    /// The number of steps with an uninformative verdict, which does not contribute to the step's score.
    private let uninformative: Int
    /// The verdict and the score of each step that it was fitted on.
    private let verdicts: [ScoredOutcome]
    private let scores: [ScoredOutcome]

    /// Signals that results record, for which weights can be fitted.
    public static let recorded: Set<ScoreSignal> = [.verdict, .sequence, .line, .window, .verifier]

    /// Fits a score.
    ///
    /// - Parameters:
    ///   - steps: steps of results; those without a verdict, a label or one of the signals are left out.
    ///   - signals: the signals of the score, all of them in ``recorded``.
    ///   - method: how verdicts become probabilities.
    /// - Returns: `nil` if there are too few steps to fit.
    public init?(_ steps: [StepRecord], signals: Set<ScoreSignal>, method: Method) {
        let chosen = ScoreSignal.allCases.filter(signals.contains)
        let known = steps.compactMap { Sample($0, signals: chosen) }
        // If there is no other signal, a step with an uninformative verdict has no score.
        let samples = signals == [.verdict] ? known.filter(\.isInformative) : known
        guard !samples.isEmpty, let fitted = Self.curve(of: samples.filter(\.isInformative), method) else { return nil }
        curve = fitted
        uninformative = known.count { !$0.isInformative }
        verdicts = samples.map { ScoredOutcome(score: 1 / (1 + exp(-$0.logit)), isRight: $0.isRight) }
        guard signals != [.verdict] else {
            weights = nil
            scores = samples.map { ScoredOutcome(score: fitted.probability(logit: $0.logit), isRight: $0.isRight) }
            return
        }
        let labels = samples.map(\.isRight)
        // As in scoring, an uninformative verdict adds nothing.
        let rows = samples.map { sample in
            let verdict = sample.isInformative ? ScoreWeights.logOdds(sample.logit, fitted) : 0
            return sample.signals.merging([.verdict: verdict]) { $1 }
        }
        let features = rows.map { row in chosen.map { row[$0] ?? 0 } }
        guard let fit = LogisticRegression(fitting: features, labels: labels) else { return nil }
        let pairs = Dictionary(uniqueKeysWithValues: zip(chosen, fit.coefficients))
        let weights = ScoreWeights(pairs, intercept: fit.intercept)
        scores = zip(rows, labels).compactMap { row, label in
            weights.score(of: row).map { ScoredOutcome(score: $0, isRight: label) }
        }
        // With only one class, no signal is informative.
        guard scores.count == samples.count else { return nil }
        self.weights = weights
    }

    /// A step that has a verdict, a label and all the chosen signals.
    private struct Sample {
        let logit: Double
        let isInformative: Bool
        let signals: [ScoreSignal: Double]
        let isRight: Bool

        init?(_ step: StepRecord, signals chosen: [ScoreSignal]) {
            guard let logit = step.logit, let label = step.label else { return nil }
            let values: [ScoreSignal: Double?] = [
                .verdict: logit, .sequence: step.meanLogProbability, .line: step.lineLogProbability,
                .window: step.windowConfidence, .verifier: step.verifierLogOdds,
            ]
            let known = values.compactMapValues { $0 }
            guard chosen.allSatisfy({ known[$0] != nil }) else { return nil }
            (self.logit, signals, isRight) = (logit, known, label)
            isInformative = step.isInformative ?? true
        }
    }

    /// The curve for verdicts; the plain logistic function if no verdict is informative.
    private static func curve(of samples: [Sample], _ method: Method) -> Calibration? {
        guard !samples.isEmpty else { return .platt(PlattScaling(slope: 1, intercept: 0)) }
        let (logits, labels) = (samples.map(\.logit), samples.map(\.isRight))
        return switch method {
        case .platt: PlattScaling(fitting: logits, labels: labels).map { .platt($0) }
        case .isotonic: IsotonicRegression(fitting: logits, labels: labels).map { .isotonic($0) }
        }
    }

    /// The number of steps that the score was fitted on.
    public var count: Int { verdicts.count }

    /// A human-readable summary of the fit.
    public var summary: [String] {
        var lines = [
            "\(count) labelled steps, \(verdicts.count { $0.isRight }) of them right",
            "Brier score: \(Self.short(Reliability.brierScore(verdicts))) before, "
                + "\(Self.short(Reliability.brierScore(scores))) after (on the same steps)",
        ]
        if uninformative > 0 {
            lines.append("\(uninformative) verdicts say nothing (yes and no were both unlikely) and count for nothing")
        }
        if let weights {
            let parts = ScoreSignal.allCases.filter { weights[$0] != 0 }.map {
                "\(Self.short(weights[$0])) · \($0.rawValue)"
            }
            lines += [
                "score: \(parts.joined(separator: " + ")) + \(Self.short(weights.intercept))",
                "AUROC: \(Self.short(Ranking.areaUnderROC(verdicts))) of the verdict alone, "
                    + "\(Self.short(Ranking.areaUnderROC(scores))) of the score (on the same steps)",
            ]
        }
        return lines
    }

    package static func short(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "n/a" }
}
