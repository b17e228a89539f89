import Foundation

/// Rows of numbers side by side in memory. `[rows, columns]`
struct FeatureMatrix: Sendable {
    let columns: Int
    private(set) var values: [Float] = []

    init(columns: Int) { self.columns = columns }

    var rows: Int { columns == 0 ? 0 : values.count / columns }

    mutating func reserve(rows: Int) { values.reserveCapacity(rows * columns) }

    mutating func append(_ row: some Sequence<Float>) { values.append(contentsOf: row) }

    subscript(row: Int) -> ArraySlice<Float> { values[(row * columns)..<((row + 1) * columns)] }

    /// Chosen rows, one after the other.
    func rows(_ chosen: [Int]) -> FeatureMatrix {
        var matrix = FeatureMatrix(columns: columns)
        matrix.reserve(rows: chosen.count)
        for row in chosen { matrix.append(self[row]) }
        return matrix
    }
}

/// The mean and the scale of each feature.
struct Standardization: Sendable {
    let means: [Double]
    /// 1 / standard deviation; 0 for a feature that is the same everywhere.
    let scales: [Double]

    /// Measures rows.
    ///
    /// - Precondition: there is a row.
    init(_ matrix: FeatureMatrix) {
        let count = Double(matrix.rows)
        var sums = [Double](repeating: 0, count: matrix.columns)
        for row in 0..<matrix.rows { for (column, value) in matrix[row].enumerated() { sums[column] += Double(value) } }
        let means = sums.map { $0 / count }
        var squares = [Double](repeating: 0, count: matrix.columns)
        for row in 0..<matrix.rows {
            for (column, value) in matrix[row].enumerated() {
                let distance = Double(value) - means[column]
                squares[column] += distance * distance
            }
        }
        self.means = means
        scales = squares.map { $0 > 1e-12 ? 1 / ($0 / count).squareRoot() : 0 }
    }

    /// The rows with mean 0 and variance 1 in each feature, as far as they are those that were measured.
    func applied(to matrix: FeatureMatrix) -> FeatureMatrix {
        var result = FeatureMatrix(columns: matrix.columns)
        result.reserve(rows: matrix.rows)
        for row in 0..<matrix.rows {
            result.append(matrix[row].enumerated().map { Float((Double($1) - means[$0]) * scales[$0]) })
        }
        return result
    }
}

/// Logistic regression with an L2 penalty, for more features than ``LogisticRegression`` takes: thousands of them.
///
/// It minimizes Σ weight · log(1 + exp(−y · (w · x + b))) + penalty / 2 · |w|², y being 1 or −1; the intercept b is not penalized.
/// Found by L-BFGS (Liu and Nocedal, "On the Limited Memory BFGS Method", 1989) with backtracking. scikit-learn's
/// `LogisticRegression(C=1/penalty)` minimizes the same.
struct PenalizedLogisticRegression: Sendable {
    /// The factor of each feature.
    private(set) var coefficients: [Double]
    /// What is added.
    private(set) var intercept: Double

    /// Fits weights.
    ///
    /// - Parameters:
    ///   - features: the samples.
    ///   - labels: whether it is right, for each sample.
    ///   - weights: how much each sample counts.
    ///   - penalty: the strength of the penalty, above 0.
    ///   - start: where to begin; the optimum is the same.
    /// - Complexity: O(samples · features) for each of at most `steps` steps.
    init(
        _ features: FeatureMatrix,
        labels: [Bool],
        weights: [Double],
        penalty: Double,
        from start: PenalizedLogisticRegression? = nil,
        steps: Int = 300
    ) {
        precondition(
            features.rows == labels.count && labels.count == weights.count,
            "every sample has a label and a weight"
        )
        precondition(penalty > 0, "a penalty above 0")
        let problem = Problem(features: features, labels: labels, weights: weights, penalty: penalty)
        let first = start.map { $0.coefficients + [$0.intercept] }
        let optimum = problem.minimum(from: first ?? [Double](repeating: 0, count: features.columns + 1), steps: steps)
        coefficients = Array(optimum.dropLast())
        intercept = optimum[features.columns]
    }

    /// The log-odds of a sample.
    func logOdds(_ features: some Sequence<Float>) -> Double {
        zip(coefficients, features).reduce(intercept) { $0 + $1.0 * Double($1.1) }
    }

    /// The largest part of the gradient at these weights; 0 at the optimum.
    func gradientNorm(_ features: FeatureMatrix, labels: [Bool], weights: [Double], penalty: Double) -> Double {
        let problem = Problem(features: features, labels: labels, weights: weights, penalty: penalty)
        return problem.gradient(at: coefficients + [intercept]).gradient.map(abs).max() ?? 0
    }

    private struct Problem {
        let features: FeatureMatrix
        let labels: [Bool]
        let weights: [Double]
        let penalty: Double

        /// Loss and gradient.
        func gradient(at point: [Double]) -> (loss: Double, gradient: [Double]) {
            let width = features.columns
            var gradient = [Double](repeating: 0, count: width + 1)
            var loss = 0.0
            features.values.withUnsafeBufferPointer { values in
                point.withUnsafeBufferPointer { point in
                    gradient.withUnsafeMutableBufferPointer { gradient in
                        for row in labels.indices {
                            let x = values.baseAddress! + row * width
                            // Four sums, so that the compiler need not wait for one to go on with the next.
                            var (a, b, c, d) = (point[width], 0.0, 0.0, 0.0)
                            var column = 0
                            while column + 4 <= width {
                                a += point[column] * Double(x[column])
                                b += point[column + 1] * Double(x[column + 1])
                                c += point[column + 2] * Double(x[column + 2])
                                d += point[column + 3] * Double(x[column + 3])
                                column += 4
                            }
                            while column < width {
                                a += point[column] * Double(x[column])
                                column += 1
                            }
                            let z = (a + b) + (c + d)
                            let margin = labels[row] ? z : -z
                            loss += weights[row] * (max(-margin, 0) + log1p(exp(-abs(margin))))
                            let slope = weights[row] * (1 / (1 + exp(-z)) - (labels[row] ? 1 : 0))
                            for column in 0..<width { gradient[column] += slope * Double(x[column]) }
                            gradient[width] += slope
                        }
                        for column in 0..<width {
                            loss += penalty / 2 * point[column] * point[column]
                            gradient[column] += penalty * point[column]
                        }
                    }
                }
            }
            return (loss, gradient)
        }

        func minimum(from start: [Double], steps: Int) -> [Double] {
            var point = start
            var (loss, slope) = gradient(at: point)
            var memory: [(step: [Double], change: [Double], product: Double)] = []
            let tolerance = 1e-6 * max(1, weights.reduce(0, +))
            for _ in 0..<steps {
                guard slope.contains(where: { abs($0) > tolerance }) else { break }
                var direction = Self.direction(slope, memory)
                var descent = Self.dot(direction, slope)
                if descent >= 0 {
                    // Rounding: begin anew, straight down.
                    memory = []
                    direction = slope.map { -$0 }
                    descent = -Self.dot(slope, slope)
                }
                var length = memory.isEmpty ? 1 / max(1, (-descent).squareRoot()) : 1.0
                var accepted: (point: [Double], loss: Double, slope: [Double])?
                for _ in 0..<40 {
                    let next = zip(point, direction).map { $0 + length * $1 }
                    let (nextLoss, nextSlope) = gradient(at: next)
                    if nextLoss <= loss + 1e-4 * length * descent {
                        accepted = (next, nextLoss, nextSlope)
                        break
                    }
                    length /= 2
                }
                guard let accepted else { break }
                let step = zip(accepted.point, point).map { $0 - $1 }
                let change = zip(accepted.slope, slope).map { $0 - $1 }
                let product = Self.dot(step, change)
                if product > 1e-12 * Self.dot(change, change) { memory.append((step, change, product)) }
                if memory.count > 10 { memory.removeFirst() }
                (point, loss, slope) = accepted
            }
            return point
        }

        /// The two-loop recursion: −H · gradient for an estimate H of the inverse Hessian.
        private static func direction(
            _ gradient: [Double],
            _ memory: [(step: [Double], change: [Double], product: Double)]
        ) -> [Double] {
            var result = gradient.map { -$0 }
            var factors: [Double] = []
            for item in memory.reversed() {
                let factor = dot(item.step, result) / item.product
                factors.append(factor)
                for index in result.indices { result[index] -= factor * item.change[index] }
            }
            if let last = memory.last {
                let scale = last.product / dot(last.change, last.change)
                for index in result.indices { result[index] *= scale }
            }
            for (item, factor) in zip(memory, factors.reversed()) {
                let correction = factor - dot(item.change, result) / item.product
                for index in result.indices { result[index] += correction * item.step[index] }
            }
            return result
        }

        private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    }
}
