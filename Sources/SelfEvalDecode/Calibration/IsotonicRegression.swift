import EMLLMCore

/// A non-decreasing curve from verdict logits to probabilities: the one with the least squared error.
///
/// Fitted by pooling adjacent violators (Ayer et al., "An Empirical Distribution Function for Sampling with Incomplete
/// Information", 1955; for calibration Zadrozny and Elkan, KDD 2002). The curve is constant within a pooled block,
/// linear from one block to the next, and constant beyond the outermost logits. So it passes through the least-squares
/// solution at every logit it was fitted on, which lines between the blocks' centres would not, and it has no jumps,
/// which a step function would have. scikit-learn's `IsotonicRegression(out_of_bounds="clip")` yields the same curve.
///
/// At either end the value may be exactly 0 or 1; keep that in mind before taking a logarithm.
public struct IsotonicRegression: Codable, Sendable, Equatable {
    /// The logits where the curve bends, strictly ascending; never empty.
    public let thresholds: [Double]
    /// The probabilities there, in 0...1, non-decreasing; as many as thresholds.
    public let values: [Double]

    /// Makes a curve from its corners.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when they do not form a curve as the properties describe it.
    public init(thresholds: [Double], values: [Double]) throws {
        guard thresholds.count == values.count, !values.isEmpty else {
            throw EMLLMError.invalidCalibration(
                expected: "as many values as thresholds, at least one",
                found: "\(thresholds.count) thresholds and \(values.count) values"
            )
        }
        guard thresholds.allSatisfy(\.isFinite), zip(thresholds, thresholds.dropFirst()).allSatisfy(<) else {
            throw EMLLMError.invalidCalibration(expected: "thresholds in ascending order", found: "others")
        }
        guard values.allSatisfy((0...1).contains), zip(values, values.dropFirst()).allSatisfy(<=) else {
            throw EMLLMError.invalidCalibration(expected: "values from 0 to 1 that never fall", found: "others")
        }
        self.thresholds = thresholds
        self.values = values
    }

    /// Reads a curve.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the numbers do not form a curve.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            thresholds: container.decode([Double].self, forKey: .thresholds),
            values: container.decode([Double].self, forKey: .values)
        )
    }

    /// Fits a curve. Equal logits are pooled first.
    ///
    /// - Parameters:
    ///   - logits: verdict logits. Samples whose logit is infinite or NaN are left out.
    ///   - labels: whether the step is right, for each logit.
    /// - Returns: `nil` if there are no samples.
    /// - Complexity: O(n log n).
    public init?(fitting logits: [Double], labels: [Bool]) {
        precondition(logits.count == labels.count, "every logit has a label")
        let samples = zip(logits, labels).filter { $0.0.isFinite }.sorted { $0.0 < $1.0 }
        guard !samples.isEmpty else { return nil }
        var blocks: [Block] = []
        for (logit, label) in samples {
            if blocks.last?.upper == logit {
                blocks[blocks.count - 1].positives += label ? 1 : 0
                blocks[blocks.count - 1].count += 1
            } else {
                // The previous block is complete, ties included, and can be pooled now.
                Self.pool(&blocks)
                blocks.append(Block(lower: logit, upper: logit, positives: label ? 1 : 0, count: 1))
            }
        }
        Self.pool(&blocks)
        var thresholds: [Double] = []
        var values: [Double] = []
        for block in blocks {
            for end in block.lower == block.upper ? [block.lower] : [block.lower, block.upper] {
                thresholds.append(end)
                values.append(Double(block.positives) / Double(block.count))
            }
        }
        self.thresholds = thresholds
        self.values = values
    }

    /// The curve's value at a logit, in 0...1; NaN for NaN.
    ///
    /// - Complexity: O(log n) in the number of corners.
    public func probability(logit: Double) -> Double {
        guard !logit.isNaN else { return logit }
        // The first corner beyond the logit.
        var (low, high) = (0, thresholds.count)
        while low < high {
            let middle = (low + high) / 2
            if thresholds[middle] > logit { high = middle } else { low = middle + 1 }
        }
        guard low > 0 else { return values[0] }
        guard low < thresholds.count else { return values[values.count - 1] }
        let share = (logit - thresholds[low - 1]) / (thresholds[low] - thresholds[low - 1])
        return values[low - 1] + share * (values[low] - values[low - 1])
    }

    /// Samples that share one value.
    private struct Block {
        let lower: Double
        var upper: Double
        var positives: Int
        var count: Int
    }

    /// Joins the last block to those before it until the means ascend. Products of counts compare them exactly.
    private static func pool(_ blocks: inout [Block]) {
        while blocks.count > 1 {
            let (left, right) = (blocks[blocks.count - 2], blocks[blocks.count - 1])
            guard left.positives * right.count >= right.positives * left.count else { return }
            blocks.removeLast()
            blocks[blocks.count - 1].upper = right.upper
            blocks[blocks.count - 1].positives += right.positives
            blocks[blocks.count - 1].count += right.count
        }
    }
}

extension EMLLMError.Code {
    /// An invalid calibration curve.
    public static let invalidCalibration = Self(rawValue: "invalid-calibration")
}

extension EMLLMError {
    static func invalidCalibration(expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidCalibration,
            subject: "isotonic calibration",
            expected: expected,
            found: found,
            remedy: "fit the calibration again"
        )
    }
}
