import Foundation

/// The unnormalized log-probabilities of the next token, one for each entry of the vocabulary.
public struct Logits: Sendable, Equatable {
    /// One value for each token id. `[vocabularySize]`
    public var values: [Float]

    /// Wraps raw values.
    public init(_ values: [Float]) { self.values = values }

    /// log Σ exp(values), computed in double precision after subtracting the maximum.
    public var logSumExp: Double {
        guard let maximum = values.max(), maximum > -.infinity else { return -.infinity }
        var sum = 0.0
        for value in values { sum += exp(Double(value - maximum)) }
        return Double(maximum) + log(sum)
    }

    /// The natural logarithm of the probability of `token`.
    public func logProbability(of token: TokenID) -> Double { Double(values[Int(token)]) - logSumExp }

    /// The most likely token; the lowest id among equals.
    public var argmax: TokenID {
        var best = 0
        for index in values.indices where values[index] > values[best] { best = index }
        return TokenID(best)
    }

    /// The `count` most likely tokens, best first; equal values are ordered by id.
    ///
    /// - Complexity: O(V log V).
    public func top(_ count: Int) -> [(token: TokenID, logit: Float)] {
        let wanted = max(0, min(count, values.count))
        let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        return order.prefix(wanted).map { (TokenID($0), values[$0]) }
    }
}
