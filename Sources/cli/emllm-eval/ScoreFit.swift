import EMLLMCore
import Evaluation
import Foundation
import SelfEvalDecode

/// A score that is a probability, fitted on labelled steps: a curve for verdicts, and where it is made of more signals, their
/// weights.
struct ScoreFit {
    /// The curve.
    enum Method: String, CaseIterable { case platt, isotonic }

    /// Turns verdicts into probabilities.
    let curve: Calibration
    /// What the score is made of; `nil` for the verdict alone.
    let weights: ScoreWeights?
    /// The verdict and the score of each step that it was fitted on.
    private let verdicts: [ScoredOutcome]
    private let scores: [ScoredOutcome]

    /// Signals that results record, so that weights for them can be fitted.
    static let recorded: Set<ScoreSignal> = [.verdict, .sequence, .line, .window]

    /// - Parameters:
    ///   - steps: steps of results; those without a verdict, a label or one of the signals are left out.
    ///   - signals: what the score is to be made of, all of them out of ``recorded``.
    /// - Returns: `nil` where there is too little to fit.
    init?(_ steps: [StepRecord], signals: Set<ScoreSignal>, method: Method) {
        let chosen = ScoreSignal.allCases.filter(signals.contains)
        let samples = steps.compactMap { step -> (logit: Double, signals: [ScoreSignal: Double], isRight: Bool)? in
            guard let logit = step.logit, let label = step.label else { return nil }
            let values: [ScoreSignal: Double?] = [
                .verdict: logit, .sequence: step.meanLogProbability, .line: step.lineLogProbability,
                .window: step.windowConfidence,
            ]
            let known = values.compactMapValues { $0 }
            return chosen.allSatisfy { known[$0] != nil } ? (logit, known, label) : nil
        }
        let logits = samples.map(\.logit)
        let labels = samples.map(\.isRight)
        let fitted: Calibration? =
            switch method {
            case .platt: PlattScaling(fitting: logits, labels: labels).map { .platt($0) }
            case .isotonic: IsotonicRegression(fitting: logits, labels: labels).map { .isotonic($0) }
            }
        guard let fitted else { return nil }
        curve = fitted
        verdicts = samples.map { ScoredOutcome(score: 1 / (1 + exp(-$0.logit)), isRight: $0.isRight) }
        guard signals != [.verdict] else {
            weights = nil
            scores = samples.map { ScoredOutcome(score: fitted.probability(logit: $0.logit), isRight: $0.isRight) }
            return
        }
        let rows = samples.map { sample in
            sample.signals.merging([.verdict: ScoreWeights.logOdds(sample.logit, fitted)]) { $1 }
        }
        let features = rows.map { row in chosen.map { row[$0] ?? 0 } }
        guard let fit = LogisticRegression(fitting: features, labels: labels) else { return nil }
        let pairs = Dictionary(uniqueKeysWithValues: zip(chosen, fit.coefficients))
        let weights = ScoreWeights(pairs, intercept: fit.intercept)
        scores = zip(rows, labels).compactMap { row, label in
            weights.score(of: row).map { ScoredOutcome(score: $0, isRight: label) }
        }
        // One class alone: no signal tells anything.
        guard scores.count == samples.count else { return nil }
        self.weights = weights
    }

    /// How many steps it was fitted on.
    var count: Int { verdicts.count }

    /// What came of it, for people.
    var summary: [String] {
        var lines = [
            "\(count) labelled steps, \(verdicts.count { $0.isRight }) of them right",
            "Brier score: \(Self.short(Reliability.brierScore(verdicts))) before, "
                + "\(Self.short(Reliability.brierScore(scores))) after (on the same steps)",
        ]
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

    static func short(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "n/a" }
}
