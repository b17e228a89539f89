import EMLLMCore
import Foundation

/// The model's verdict on a step, read from the logits of the next token after the evaluation prompt.
///
/// Nothing is sampled. With Y and N the spellings of yes and no, ℓ = log Σ_Y exp(logit) − log Σ_N exp(logit), averaged
/// over the orders in which the words were offered, minus the same for a step without content if that is enabled
/// (contextual calibration, arXiv 2102.09690). ``probability`` is 1 / (1 + exp(−ℓ)).
public struct Verdict: Codable, Sendable, Equatable {
    /// The logit ℓ; above zero, the model accepts the step.
    public var logit: Double
    /// The logistic function of ``logit``.
    public var probability: Double
    /// The probability that the model says yes or no at all, averaged over the orders. If it is small, the model did
    /// not understand the question as one of yes or no, and the verdict is uninformative.
    public var mass: Double
    /// Whether ``mass`` reaches the required minimum.
    public var isInformative: Bool
    /// ℓ for each order of the words, before the prior is subtracted.
    public var orderLogits: [Double]
}

/// Turns logits into verdicts.
public struct StepScorer: Sendable {
    /// The spellings of the two words.
    public let tokens: VerdictTokens
    /// The mass below which a verdict is not informative.
    public let minimumMass: Double
    /// The logit ℓ of a step without content, for each order; `nil` subtracts nothing.
    public var prior: [Double]?

    /// Makes a scorer.
    public init(tokens: VerdictTokens, minimumMass: Double, prior: [Double]? = nil) {
        self.tokens = tokens
        self.minimumMass = minimumMass
        self.prior = prior
    }

    /// The verdict after one step.
    ///
    /// - Parameter orders: the logits after the evaluation prompt, for each order of the words. Not empty.
    public func verdict(from orders: [Logits]) -> Verdict {
        precondition(!orders.isEmpty, "a verdict needs logits")
        var raw: [Double] = []
        var mass = 0.0
        for logits in orders {
            let yes = Self.logSumExp(logits, tokens.positive)
            let no = Self.logSumExp(logits, tokens.negative)
            let total = logits.logSumExp
            let difference = yes - no
            raw.append(difference.isNaN ? 0 : min(max(difference, -Self.limit), Self.limit))
            let share = exp(yes - total) + exp(no - total)
            mass += share.isNaN ? 0 : share
        }
        mass /= Double(orders.count)
        let corrected = zip(raw, prior ?? raw.map { _ in 0 }).map { $0 - $1 }
        let logit = corrected.reduce(0, +) / Double(corrected.count)
        return Verdict(
            logit: logit,
            probability: 1 / (1 + exp(-logit)),
            mass: mass,
            isInformative: mass >= minimumMass,
            orderLogits: raw
        )
    }

    /// Beyond this limit, ℓ carries no more information, and JSON cannot represent infinity.
    private static let limit = 100.0

    private static func logSumExp(_ logits: Logits, _ tokens: [TokenID]) -> Double {
        Logits(tokens.map { logits.values[Int($0)] }).logSumExp
    }
}
