import Foundation

/// A weighted sum of signals that gives the log-odds that something is right: p = 1 / (1 + exp(−(Σ wᵢ · xᵢ +
/// intercept))).
///
/// The maximum-likelihood weights are found by Newton's method with backtracking, as in Lin, Lin and Weng, "A Note on
/// Platt's Probabilistic Outputs for Support Vector Machines", Machine Learning 68, 2007.
public struct LogisticRegression: Sendable, Equatable {
    /// The factor of each feature.
    public var coefficients: [Double]
    /// The constant term.
    public var intercept: Double

    /// Fits weights by maximum likelihood on smoothed labels.
    ///
    /// With N₊ right and N₋ wrong samples, right ones count as (N₊ + 1) / (N₊ + 2) and wrong ones as 1 / (N₋ + 2)
    /// (Platt 1999). So there is an optimum for separable data too. With only one class, every coefficient is 0. A
    /// feature that is the same for all samples, or is a linear combination of those before it, also gets the
    /// coefficient 0.
    ///
    /// - Parameters:
    ///   - features: [samples, features]. Samples with a feature that is infinite or NaN are left out.
    ///   - labels: for each sample, whether it is right.
    /// - Returns: `nil` if there are no samples, or the weights are not finite.
    /// - Complexity: O(samples · features²) for each of at most 100 Newton steps; about ten are usual.
    public init?(fitting features: [[Double]], labels: [Bool]) {
        precondition(features.count == labels.count, "every sample has a label")
        let samples = zip(features, labels).filter { $0.0.allSatisfy(\.isFinite) }
        guard let width = samples.first?.0.count else { return nil }
        precondition(samples.allSatisfy { $0.0.count == width }, "every sample has the same features")
        let count = Double(samples.count)
        let positives = Double(samples.count { $0.1 })
        let high = (positives + 1) / (positives + 2)
        let low = 1 / (count - positives + 2)

        // Newton's matrix is well conditioned only for features of mean 0 and variance 1.
        let means = (0..<width).map { place in samples.reduce(0) { $0 + $1.0[place] / count } }
        let scales = (0..<width).map { place in
            let mean = means[place]
            let variance = samples.reduce(0) { $0 + ($1.0[place] - mean) * ($1.0[place] - mean) / count }
            return variance.squareRoot() > 1e-12 * abs(mean) ? 1 / variance.squareRoot() : 0
        }
        let problem = Problem(
            // The last weight is the intercept.
            features: samples.map { sample in
                (0..<width).map { (sample.0[$0] - means[$0]) * scales[$0] } + [1]
            },
            targets: samples.map { $0.1 ? high : low }
        )
        let start = [Double](repeating: 0, count: width) + [log((positives + 1) / (count - positives + 1))]
        let optimum = problem.minimum(from: start)
        coefficients = (0..<width).map { optimum[$0] * scales[$0] }
        intercept = optimum[width] - zip(coefficients, means).reduce(0) { $0 + $1.0 * $1.1 }
        guard coefficients.allSatisfy(\.isFinite), intercept.isFinite else { return nil }
    }

    /// 1 / (1 + exp(−x)).
    static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    /// The cross-entropy of targets, and its minimum.
    private struct Problem {
        let features: [[Double]]
        let targets: [Double]

        /// Newton's steps, halved until the loss falls enough (Armijo's condition).
        func minimum(from start: [Double]) -> [Double] {
            var current = start
            var loss = loss(current)
            for _ in 0..<100 {
                let (gradient, step) = newtonStep(current)
                guard gradient.contains(where: { abs($0) > 1e-10 * Double(targets.count) }) else { break }
                let descent = Self.dot(gradient, step)
                // This close to the optimum, the loss changes by rounding alone, and the full step is right.
                let isNear = -descent < 1e-12 * loss
                var length = 1.0
                var next = current
                var nextLoss = loss
                repeat {
                    next = zip(current, step).map { $0 + length * $1 }
                    nextLoss = self.loss(next)
                    if isNear || nextLoss < loss + 1e-4 * length * descent { break }
                    length /= 2
                } while length > 1e-10
                guard length > 1e-10 else { break }
                (current, loss) = (next, nextLoss)
            }
            return current
        }

        /// Σ log(1 + exp(z)) − t · z.
        private func loss(_ weights: [Double]) -> Double {
            zip(features, targets).reduce(0) { sum, sample in
                let z = Self.dot(weights, sample.0)
                return sum + max(z, 0) + log1p(exp(-abs(z))) - sample.1 * z
            }
        }

        private func newtonStep(_ weights: [Double]) -> (gradient: [Double], step: [Double]) {
            let width = weights.count
            var gradient = [Double](repeating: 0, count: width)
            var hessian = [[Double]](repeating: gradient, count: width)  // the lower triangle
            for (row, target) in zip(features, targets) {
                let p = LogisticRegression.logistic(Self.dot(weights, row))
                let weight = p * (1 - p)
                for i in 0..<width {
                    gradient[i] += (p - target) * row[i]
                    for j in 0...i { hessian[i][j] += weight * row[i] * row[j] }
                }
            }
            return (gradient, Self.solve(hessian, gradient.map { -$0 }))
        }

        /// Solves A · x = b for a symmetric A without negative eigenvalues, by Cholesky's factors A = L · Lᵀ. A row
        /// that depends linearly on those before it gets 0.
        private static func solve(_ lowerTriangle: [[Double]], _ b: [Double]) -> [Double] {
            var factor = lowerTriangle
            var x = b
            for i in b.indices {
                let pivot = factor[i][i]
                for j in 0...i {
                    let rest = factor[i][j] - (0..<j).reduce(0) { $0 + factor[i][$1] * factor[j][$1] }
                    if i == j {
                        factor[i][i] = rest > 1e-12 * pivot ? rest.squareRoot() : 0
                    } else {
                        factor[i][j] = factor[j][j] > 0 ? rest / factor[j][j] : 0
                    }
                }
                let rest = x[i] - (0..<i).reduce(0) { $0 + factor[i][$1] * x[$1] }
                x[i] = factor[i][i] > 0 ? rest / factor[i][i] : 0
            }
            for i in b.indices.reversed() {
                let rest = x[i] - (i + 1..<b.count).reduce(0) { $0 + factor[$1][i] * x[$1] }
                x[i] = factor[i][i] > 0 ? rest / factor[i][i] : 0
            }
            return x
        }

        private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    }
}
