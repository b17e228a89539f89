import EMLLMCore

/// A map from a verdict's logit to the probability that the step is right, fitted on labelled steps.
///
/// A calibration belongs to one model at one quantization with one prompt. Platt scaling has two parameters and needs
/// only a few dozen steps. Isotonic regression follows the data more closely and needs about a thousand
/// (Niculescu-Mizil and Caruana, "Predicting Good Probabilities with Supervised Learning", ICML 2005).
///
/// In JSON it is `{"platt": {"slope": 0.8, "intercept": -1.2}}` or `{"isotonic": {"thresholds": [], "values": []}}`.
public enum Calibration: Sendable, Equatable {
    /// A logistic curve.
    case platt(PlattScaling)
    /// A monotone, piecewise linear curve.
    case isotonic(IsotonicRegression)

    /// The probability that a step with this verdict logit is right, in 0...1.
    public func probability(logit: Double) -> Double {
        switch self {
        case .platt(let scaling): scaling.probability(logit: logit)
        case .isotonic(let regression): regression.probability(logit: logit)
        }
    }
}

extension Calibration: Codable {
    private enum CodingKeys: String, CodingKey { case platt, isotonic }

    /// Reads either kind.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` for an invalid curve, `DecodingError` for JSON that is not a calibration.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if container.contains(.isotonic) {
            self = .isotonic(try container.decode(IsotonicRegression.self, forKey: .isotonic))
        } else {
            self = .platt(try container.decode(PlattScaling.self, forKey: .platt))
        }
    }

    /// Writes the kind as the only key.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .platt(let scaling): try container.encode(scaling, forKey: .platt)
        case .isotonic(let regression): try container.encode(regression, forKey: .isotonic)
        }
    }
}
