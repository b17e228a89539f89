/// A logistic curve from verdict logits to probabilities: p = 1 / (1 + exp(−(slope · ℓ + intercept))).
///
/// Platt, "Probabilistic Outputs for Support Vector Machines", 1999: a ``LogisticRegression`` with one feature.
///
/// A negative slope means that verdicts are inverted on the data it was fitted on; it is not corrected.
public struct PlattScaling: Codable, Sendable, Equatable {
    /// The factor of the logit.
    public var slope: Double
    /// The constant term.
    public var intercept: Double

    /// Makes a curve from its parameters.
    public init(slope: Double, intercept: Double) {
        self.slope = slope
        self.intercept = intercept
    }

    /// The curve's value at a logit, in 0...1.
    public func probability(logit: Double) -> Double { LogisticRegression.logistic(slope * logit + intercept) }

    /// Fits a curve by maximum likelihood on smoothed labels.
    ///
    /// Labels are smoothed as in ``LogisticRegression/init(fitting:labels:)``. If there is only one class, or all
    /// logits are the same, the slope is 0.
    ///
    /// - Parameters:
    ///   - logits: verdict logits. Samples whose logit is infinite or NaN are left out.
    ///   - labels: for each logit, whether the step is right.
    /// - Returns: `nil` if there are no samples, or the parameters are not finite.
    /// - Complexity: O(n) for each of at most 100 Newton steps; about ten are usual.
    public init?(fitting logits: [Double], labels: [Bool]) {
        guard let fit = LogisticRegression(fitting: logits.map { [$0] }, labels: labels) else { return nil }
        self.init(slope: fit.coefficients[0], intercept: fit.intercept)
    }
}
