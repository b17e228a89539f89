import Foundation

/// A logistic curve from verdict logits to probabilities: p = 1 / (1 + exp(−(slope · ℓ + intercept))).
///
/// Platt, "Probabilistic Outputs for Support Vector Machines", 1999, fitted by Newton's method with backtracking as in
/// Lin, Lin and Weng, "A Note on Platt's Probabilistic Outputs for Support Vector Machines", Machine Learning 68, 2007.
///
/// A slope below zero says that the verdict is upside down on the data it was fitted on; it is not corrected.
public struct PlattScaling: Codable, Sendable, Equatable {
    /// The factor of the logit.
    public var slope: Double
    /// What is added to it.
    public var intercept: Double

    /// Makes a curve from its parameters.
    public init(slope: Double, intercept: Double) {
        self.slope = slope
        self.intercept = intercept
    }

    /// The curve's value at a logit, in 0...1.
    public func probability(logit: Double) -> Double { Self.logistic(slope * logit + intercept) }

    /// Fits a curve by the greatest likelihood of smoothed labels.
    ///
    /// With N₊ right and N₋ wrong steps, right ones count as (N₊ + 1) / (N₊ + 2) and wrong ones as 1 / (N₋ + 2). So
    /// there is an optimum for separable data too. With one class alone, or where all logits are the same, the slope is
    /// 0.
    ///
    /// - Parameters:
    ///   - logits: verdict logits. Samples whose logit is infinite or no number are left out.
    ///   - labels: whether the step is right, for each logit.
    /// - Returns: `nil` without samples, or where the parameters are beyond the range of numbers.
    /// - Complexity: O(n) for each of at most 100 Newton steps; about ten are usual.
    public init?(fitting logits: [Double], labels: [Bool]) {
        precondition(logits.count == labels.count, "every logit has a label")
        let samples = zip(logits, labels).filter { $0.0.isFinite }
        guard !samples.isEmpty else { return nil }
        let count = Double(samples.count)
        let positives = Double(samples.count { $0.1 })
        let high = (positives + 1) / (positives + 2)
        let low = 1 / (count - positives + 2)

        // Newton's matrix is well conditioned only for logits of mean 0 and variance 1.
        let mean = samples.reduce(0) { $0 + $1.0 / count }
        let deviation = samples.reduce(0) { $0 + ($1.0 - mean) * ($1.0 - mean) / count }.squareRoot()
        let scale = deviation > 1e-12 * abs(mean) ? 1 / deviation : 0
        let problem = Problem(samples: samples.map { (($0.0 - mean) * scale, $0.1 ? high : low) })
        let optimum = problem.minimum(from: (0, log((positives + 1) / (count - positives + 1))))
        self.init(slope: optimum.slope * scale, intercept: optimum.intercept - optimum.slope * scale * mean)
        guard slope.isFinite, intercept.isFinite else { return nil }
    }

    private static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    /// The cross-entropy of targets under the curve, and its minimum.
    private struct Problem {
        typealias Parameters = (slope: Double, intercept: Double)

        let samples: [(logit: Double, target: Double)]

        /// Newton's steps, halved until the loss falls enough (Armijo's condition).
        func minimum(from start: Parameters) -> Parameters {
            var current = start
            var loss = loss(current)
            for _ in 0..<100 {
                let (gradient, step) = newtonStep(current)
                guard max(abs(gradient.slope), abs(gradient.intercept)) > 1e-10 * Double(samples.count) else { break }
                let descent = gradient.slope * step.slope + gradient.intercept * step.intercept
                // So near the optimum, the loss is rounding alone, and the full step is right.
                let isNear = -descent < 1e-12 * loss
                var length = 1.0
                var next = current
                var nextLoss = loss
                repeat {
                    next = (current.slope + length * step.slope, current.intercept + length * step.intercept)
                    nextLoss = self.loss(next)
                    if isNear || nextLoss < loss + 1e-4 * length * descent { break }
                    length /= 2
                } while length > 1e-10
                guard length > 1e-10 else { break }
                (current, loss) = (next, nextLoss)
            }
            return current
        }

        /// Σ log(1 + exp(z)) − t · z with z = slope · ℓ + intercept.
        private func loss(_ at: Parameters) -> Double {
            samples.reduce(0) { sum, sample in
                let z = at.slope * sample.logit + at.intercept
                return sum + max(z, 0) + log1p(exp(-abs(z))) - sample.target * z
            }
        }

        private func newtonStep(_ at: Parameters) -> (gradient: Parameters, step: Parameters) {
            var gradient: Parameters = (0, 0)
            // The upper triangle of the Hessian; the small diagonal keeps it regular.
            var (h11, h12, h22) = (1e-12, 0.0, 1e-12)
            for (logit, target) in samples {
                let p = PlattScaling.logistic(at.slope * logit + at.intercept)
                let weight = p * (1 - p)
                gradient.slope += (p - target) * logit
                gradient.intercept += p - target
                h11 += weight * logit * logit
                h12 += weight * logit
                h22 += weight
            }
            let determinant = h11 * h22 - h12 * h12
            let step = (
                slope: -(h22 * gradient.slope - h12 * gradient.intercept) / determinant,
                intercept: -(h11 * gradient.intercept - h12 * gradient.slope) / determinant
            )
            return (gradient, step)
        }
    }
}
