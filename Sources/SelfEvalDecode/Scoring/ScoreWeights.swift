import EMLLMCore
import Foundation

/// A signal that a step's score can be made of.
public enum ScoreSignal: String, Codable, Sendable, CaseIterable {
    /// The log-odds of the verdict's probability, calibrated where a calibration is given.
    case verdict
    /// The mean natural log-probability of the step's tokens.
    case sequence
    /// The natural log-probability of the whole line up to the end of the step, in nats. It never rises from step to
    /// step, so a doubt about what is in the picture also counts against everything that follows from it.
    case line
    /// The step's lowest windowed mean log-probability: ``StepNode/windowConfidence``.
    case window
    /// The mean log-probability of the answer that the model would give now.
    case probe
    /// The difference that the picture makes to the verdict's logit.
    case contrast
    /// The log-odds of the verifier's probability that the chain is right so far: ``StepNode/verifierLogOdds``.
    case verifier
}

/// How much each signal counts in a step's score, as log-odds.
///
/// score = 1 / (1 + exp(−z)), z = Σ weight · signal + intercept
///
/// The default is the verdict's probability. The verdict is always requested, unless the verifier has a weight and no signal
/// that costs tokens has one (verdict, probe, contrast). The probe and the contrast are skipped if their weight is 0.
/// Weights that make a score a probability are fitted on labelled steps (``LogisticRegression``).
///
/// In JSON, an absent weight is 0: `{"verdict": 1, "line": 0.7, "intercept": 2}`.
public struct ScoreWeights: Sendable, Equatable {
    private var weights: [ScoreSignal: Double]
    /// The constant term.
    public var intercept: Double

    /// The verdict's probability and nothing else.
    public static let verdictAlone: ScoreWeights = [.verdict: 1]

    /// Makes weights; signals that are not named get the weight 0.
    public init(_ weights: [ScoreSignal: Double], intercept: Double = 0) {
        self.weights = weights.filter { $0.value != 0 }
        self.intercept = intercept
    }

    /// The weight of a signal.
    public subscript(signal: ScoreSignal) -> Double {
        get { weights[signal] ?? 0 }
        set { weights[signal] = newValue == 0 ? nil : newValue }
    }

    /// Whether the verifier has a weight, and no signal that needs a question to the model has one.
    var asksNothing: Bool {
        self[.verifier] != 0 && self[.verdict] == 0 && self[.probe] == 0 && self[.contrast] == 0
    }

    /// Checks that the weights are finite, and not all zero.
    func validate() throws {
        guard intercept.isFinite, !weights.isEmpty, weights.values.allSatisfy(\.isFinite) else {
            throw EMLLMError.invalidSelfEvalOption(
                "weights",
                expected: "finite numbers, not all of them 0",
                found: "\(ScoreSignal.allCases.map { self[$0] }), intercept \(intercept)"
            )
        }
    }

    /// The score of a step; `nil` if no signal is informative.
    ///
    /// - Parameters:
    ///   - node: the step, with its log-probabilities.
    ///   - evaluation: the verdict and the other signals that were requested.
    ///   - lineLogProbability: the natural log-probability of all steps of the line up to the end of this one.
    ///   - calibration: turns ℓ into a probability; `nil` for the logistic function.
    public func score(
        _ node: StepNode,
        _ evaluation: StepEvaluation,
        lineLogProbability: Double,
        calibration: Calibration?
    ) -> Double? {
        let verdict = evaluation.verdict.flatMap { $0.isInformative ? $0 : nil }
        if self == .verdictAlone {
            guard let verdict else { return nil }
            return calibration?.probability(logit: verdict.logit) ?? verdict.probability
        }
        var signals: [ScoreSignal: Double] = [
            .sequence: node.meanLogProbability, .line: lineLogProbability, .window: node.windowConfidence,
        ]
        if let verdict {
            signals[.verdict] = Self.logOdds(verdict.logit, calibration)
            signals[.contrast] = evaluation.imageFreeLogit.map { verdict.logit - $0 }
        }
        signals[.probe] = evaluation.probe?.meanLogProbability
        signals[.verifier] = node.verifierLogOdds
        return score(of: signals)
    }

    /// The score for signals; `nil` if none of them has a weight, or weights are so large that the sum is NaN.
    public func score(of signals: [ScoreSignal: Double]) -> Double? {
        // In a fixed order, since sums of floating-point numbers depend on it.
        let parts = ScoreSignal.allCases.compactMap { signal in
            weights[signal].flatMap { weight in signals[signal].map { weight * $0 } }
        }
        let sum = parts.reduce(0, +) + intercept
        return parts.isEmpty || sum.isNaN ? nil : LogisticRegression.logistic(sum)
    }

    /// What a verdict's logit adds to a score before it is weighted: log(p / (1 − p)) of its calibrated probability, kept
    /// finite; the logit itself without a calibration.
    public static func logOdds(_ logit: Double, _ calibration: Calibration?) -> Double {
        guard let calibration else { return logit }
        let p = min(max(calibration.probability(logit: logit), 1e-12), 1 - 1e-12)
        return log(p / (1 - p))
    }
}

extension ScoreWeights: ExpressibleByDictionaryLiteral {
    /// Makes weights without an intercept; if a signal is named twice, the last weight counts.
    public init(dictionaryLiteral elements: (ScoreSignal, Double)...) {
        self.init(Dictionary(elements) { _, last in last })
    }
}

extension ScoreWeights: Codable {
    private static let intercept = "intercept"

    /// Reads the weights that are present.
    ///
    /// - Throws: `DecodingError` for an unknown signal, and for a weight that is not a number.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        var weights: [ScoreSignal: Double] = [:]
        var intercept = 0.0
        for (name, weight) in try container.decode([String: Double].self) {
            if let signal = ScoreSignal(rawValue: name) {
                weights[signal] = weight
            } else if name == Self.intercept {
                intercept = weight
            } else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no signal: \(name)")
            }
        }
        self.init(weights, intercept: intercept)
    }

    /// Writes the weights that are not 0.
    public func encode(to encoder: any Encoder) throws {
        var values = Dictionary(uniqueKeysWithValues: weights.map { ($0.key.rawValue, $0.value) })
        if intercept != 0 { values[Self.intercept] = intercept }
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }
}

/// How the scores of a line's steps are combined.
public enum ScoreAggregation: String, Codable, Sendable, CaseIterable {
    /// The last step's.
    case last
    /// The weakest step's.
    case min
    /// Their product: the probability that every step is right, if they were independent.
    case product
    /// Their arithmetic mean.
    case mean

    /// Combines several scores into one; `nil` if there are none.
    public func callAsFunction(_ scores: [Double]) -> Double? {
        guard let last = scores.last, let least = scores.min() else { return nil }
        switch self {
        case .last: return last
        case .min: return least
        case .product: return scores.reduce(1, *)
        case .mean: return scores.reduce(0, +) / Double(scores.count)
        }
    }
}
