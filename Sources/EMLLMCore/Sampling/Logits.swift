import CTensor
import Foundation

/// The unnormalized log-probabilities of the next token, one for each entry of the vocabulary.
public struct Logits: Sendable, Equatable {
    /// One value for each token id. `[vocabularySize]`
    public var values: [Float]

    /// Wraps raw values.
    public init(_ values: [Float]) { self.values = values }

    /// log Σ exp(values), computed in double precision after subtracting the maximum; not a number where a value is none.
    public var logSumExp: Double { logSumExp(maximum: maximum) }

    /// The natural logarithm of the probability of `token`.
    public func logProbability(of token: TokenID) -> Double { Double(values[Int(token)]) - logSumExp }

    /// The most likely token; the lowest id among equals. Values that are not numbers are passed over.
    public var argmax: TokenID { argmax(maximum: maximum) }

    /// The `count` most likely tokens, best first; equal values are ordered by id.
    ///
    /// - Complexity: O(V log V).
    public func top(_ count: Int) -> [(token: TokenID, logit: Float)] {
        let wanted = max(0, min(count, values.count))
        let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        return order.prefix(wanted).map { (TokenID($0), values[$0]) }
    }
}

// MARK: With a maximum that is known

extension Logits {
    /// The kernels that sampling uses. All of them give the same bits. The table that it points to is constant.
    nonisolated(unsafe) static let kernels: UnsafePointer<ct_kernels> = {
        let set = (try? InstructionSet.resolve()) ?? .best
        guard let kernels = ct_kernels_for(set.cValue) else { preconditionFailure("the scalar kernels run everywhere") }
        return kernels
    }()

    /// The greatest value; not a number where one is none, minus infinity where there is no value.
    var maximum: Float {
        values.isEmpty ? -.infinity : Self.kernels.pointee.maximum(values, Int64(values.count))
    }

    /// The greatest value, if tokens can be chosen from the logits.
    ///
    /// - Throws: ``EMLLMError`` when a value is not a number or plus infinity, or none is above minus infinity.
    func checkedMaximum() throws -> Float {
        let maximum = maximum
        guard maximum.isFinite else { throw EMLLMError.invalidLogits(self) }
        return maximum
    }

    func logSumExp(maximum: Float) -> Double {
        guard maximum.isFinite else { return Double(maximum) }
        return Double(maximum) + log(ct_exp_sum(Self.kernels, values, Int64(values.count), maximum, 1))
    }

    func argmax(maximum: Float) -> TokenID {
        var wanted = maximum
        if wanted.isNaN { wanted = values.lazy.filter { !$0.isNaN }.max() ?? 0 }
        return TokenID(values.firstIndex(of: wanted) ?? 0)
    }
}

extension EMLLMError.Code {
    /// Logits that no token can be chosen from.
    public static let invalidLogits = Self(rawValue: "invalid-logits")
}

extension EMLLMError {
    static func invalidLogits(_ logits: Logits) -> EMLLMError {
        let bad = logits.values.firstIndex { $0.isNaN || $0 == .infinity }
        return EMLLMError(
            code: .invalidLogits,
            subject: "logits of the next token",
            expected: "numbers, and one at least above -infinity",
            found: bad.map { "\(logits.values[$0].isNaN ? "NaN" : "infinity") for token \($0), layer unknown" }
                ?? "-infinity for every token",
            remedy: "convert the model again from its original weights; some of them may be damaged"
        )
    }
}
