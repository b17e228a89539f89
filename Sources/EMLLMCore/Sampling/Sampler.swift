import Foundation

/// Chooses the next token from logits, as ``GenerationOptions`` says.
public struct Sampler: Sendable {
    /// The options in force.
    public let options: GenerationOptions
    /// The source of the draws: the seed that the options give, or one of the sampler's own. Greedy sampling does not use it.
    public let seed: UInt64

    /// Makes a sampler.
    ///
    /// - Throws: ``EMLLMError`` when an option is out of range.
    public init(_ options: GenerationOptions) throws {
        try options.validate()
        self.options = options
        seed =
            switch options.samplingMode {
            case .greedy: 0
            case .draw(_, _, let seed): seed ?? .random(in: 0...UInt64.max)
            }
    }

    /// Chooses one token.
    ///
    /// - Parameters:
    ///   - logits: the logits of every token.
    ///   - recent: tokens that the repetition penalty looks at.
    ///   - branch: which line of text draws; with `position` and the seed it fixes the random number.
    ///   - position: the absolute position of the token to be chosen.
    /// - Complexity: O(V), and O(V log V) for a draw that must order the tokens.
    public func sample(_ logits: Logits, recent: [TokenID] = [], branch: UInt64 = 0, position: Int) -> TokenID {
        var logits = logits
        if options.repetitionPenalty != 1 { penalize(&logits, recent) }
        guard case .draw(let top, let threshold, _) = options.samplingMode else { return logits.argmax }
        let candidates = candidates(logits, top: top, probabilityThreshold: threshold)
        let total = candidates.reduce(0) { $0 + $1.weight }
        var remaining = CounterRandom(seed: seed).uniform(branch: branch, position: position) * total
        for candidate in candidates {
            remaining -= candidate.weight
            if remaining < 0 { return candidate.token }
        }
        return candidates.last?.token ?? logits.argmax
    }

    /// The tokens that a draw may choose, likeliest first, with weights proportional to their probabilities.
    package func candidates(
        _ logits: Logits,
        top: Int?,
        probabilityThreshold: Double?
    ) -> [(token: TokenID, weight: Double)] {
        let maximum = logits.values.max() ?? 0
        let floor = options.minimumProbability
        var kept: [(token: TokenID, weight: Double)] = []
        for (index, value) in logits.values.enumerated() {
            let weight = exp(Double(value - maximum) / options.temperature)
            // The likeliest token has weight 1, so the weight is its share of the likeliest one's probability.
            if weight > 0 && weight >= floor { kept.append((TokenID(index), weight)) }
        }
        kept.sort { ($1.weight, $0.token) < ($0.weight, $1.token) }
        if let top { kept.removeLast(max(0, kept.count - top)) }
        if let probabilityThreshold {
            let wanted = probabilityThreshold * kept.reduce(0) { $0 + $1.weight }
            var sum = 0.0
            if let end = kept.firstIndex(where: {
                sum += $0.weight; return sum >= wanted
            }) {
                kept.removeLast(kept.count - end - 1)
            }
        }
        return kept
    }

    private func penalize(_ logits: inout Logits, _ recent: [TokenID]) {
        let penalty = Float(options.repetitionPenalty)
        for token in Set(recent) where logits.values.indices.contains(Int(token)) {
            let value = logits.values[Int(token)]
            logits.values[Int(token)] = value > 0 ? value / penalty : value * penalty
        }
    }
}
