import EMLLMCore
import Foundation

/// What a step's score is made of: signals added up with weights, as log-odds.
///
/// score = 1 / (1 + exp(−z)),
/// z = verdict · logit(p) + sequence · s + window · w + probe · a + contrast · (ℓ − ℓ without the picture)
///
/// with p the verdict's probability (calibrated where a calibration is given), s the mean log-probability of the step's
/// tokens, w its lowest windowed mean, and a the mean log-probability of the answer that would be given now. With the
/// default weights the score is the verdict's probability. A signal with weight 0 is not asked for and costs nothing.
public struct ScoreWeights: Codable, Sendable, Equatable {
    /// Of the verdict.
    public var verdict: Double
    /// Of the step's mean log-probability.
    public var sequence: Double
    /// Of the step's lowest windowed mean log-probability.
    public var window: Double
    /// Of the probed answer's mean log-probability.
    public var probe: Double
    /// Of the difference that the picture makes to the verdict.
    public var contrast: Double

    /// Makes weights; the default is the verdict alone.
    public init(verdict: Double = 1, sequence: Double = 0, window: Double = 0, probe: Double = 0, contrast: Double = 0)
    {
        self.verdict = verdict
        self.sequence = sequence
        self.window = window
        self.probe = probe
        self.contrast = contrast
    }

    /// Checks that they are numbers, and not all zero.
    func validate() throws {
        let all = [verdict, sequence, window, probe, contrast]
        guard all.allSatisfy(\.isFinite), all.contains(where: { $0 != 0 }) else {
            throw EMLLMError.invalidSelfEvalOption(
                "weights",
                expected: "finite numbers, not all of them 0",
                found: "\(all)"
            )
        }
    }

    /// The score of a step; `nil` when none of the signals says anything.
    ///
    /// - Parameters:
    ///   - node: the step, with its log-probabilities.
    ///   - judgement: the verdict and what was asked beside it.
    ///   - calibration: turns ℓ into a probability; `nil` takes the logistic function.
    public func score(_ node: StepNode, _ judgement: StepJudgement, calibration: Calibration?) -> Double? {
        let verdictSays = verdict != 0 && judgement.verdict.isInformative
        let others = [
            (sequence, Optional(node.meanLogProbability)), (window, node.windowConfidence),
            (probe, judgement.probe?.meanLogProbability),
            (
                contrast,
                judgement.verdict.isInformative ? judgement.blindLogit.map { judgement.verdict.logit - $0 } : nil
            ),
        ].compactMap { weight, signal in weight == 0 ? nil : signal.map { weight * $0 } }
        guard verdictSays || !others.isEmpty else { return nil }
        let logit = judgement.verdict.logit
        if verdictSays, verdict == 1, others.isEmpty {
            return calibration?.probability(logit: logit) ?? judgement.verdict.probability
        }
        var sum = others.reduce(0, +)
        if verdictSays {
            sum += verdict * (calibration.map { Self.logOdds($0.probability(logit: logit)) } ?? logit)
        }
        return 1 / (1 + exp(-sum))
    }

    /// log(p / (1 − p)), kept finite.
    private static func logOdds(_ probability: Double) -> Double {
        let p = min(max(probability, 1e-12), 1 - 1e-12)
        return log(p / (1 - p))
    }
}

/// How the scores of a line's steps become one.
public enum ScoreAggregation: String, Codable, Sendable, CaseIterable {
    /// The last step's.
    case last
    /// The weakest step's.
    case min
    /// All of them multiplied: the probability that every step is right, were they independent.
    case product
    /// Their arithmetic mean.
    case mean

    /// One score of several; `nil` for none.
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
