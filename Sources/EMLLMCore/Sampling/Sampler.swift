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
    /// - Throws: ``EMLLMError`` when a logit is not a number or plus infinity, or all are minus infinity.
    /// - Complexity: O(V).
    public func sample(
        _ logits: Logits,
        recent: [TokenID] = [],
        branch: UInt64 = 0,
        position: Int
    ) throws -> TokenID {
        let maximum = try logits.checkedMaximum()
        return try choose(logits, maximum, recent: recent, branch: branch, position: position)
    }

    /// The same, with the natural logarithm of the token's probability before penalty, temperature and restrictions.
    package func sampleWithLogProbability(
        _ logits: Logits,
        recent: [TokenID] = [],
        branch: UInt64 = 0,
        position: Int
    ) throws -> (token: TokenID, logProbability: Double) {
        let maximum = try logits.checkedMaximum()
        let token = try choose(logits, maximum, recent: recent, branch: branch, position: position)
        return (token, Double(logits.values[Int(token)]) - logits.logSumExp(maximum: maximum))
    }

    private func choose(
        _ raw: Logits,
        _ rawMaximum: Float,
        recent: [TokenID],
        branch: UInt64,
        position: Int
    ) throws -> TokenID {
        var (logits, maximum) = (raw, rawMaximum)
        if options.repetitionPenalty != 1 {
            penalize(&logits, recent)
            maximum = try logits.checkedMaximum()
        }
        guard case .draw = options.samplingMode else { return logits.argmax(maximum: maximum) }
        return logits.values.withUnsafeBufferPointer { values in
            let ranking = TokenRanking(values, maximum: maximum, temperature: options.temperature)
            let kept = restrict(ranking)
            let share = CounterRandom(seed: seed).uniform(branch: branch, position: position)
            return ranking.token(beyond: share * kept.mass, in: kept)
        }
    }

    /// The tokens that a draw may choose: top-k, of those top-p, of those min-p.
    ///
    /// Each of the three keeps the likeliest ones up to some place.
    func restrict(_ ranking: TokenRanking) -> TokenRanking.Prefix {
        guard case .draw(let top, let threshold, _) = options.samplingMode else { return ranking.all }
        var kept = ranking.all
        if let top { kept = ranking.prefix(top) }
        if let threshold {
            let nucleus = ranking.prefix(reaching: threshold * kept.mass)
            if nucleus.count < kept.count { kept = nucleus }
        }
        if options.minimumProbability > 0 {
            // The likeliest token weighs 1, so that a weight is a share of its probability.
            let likely = ranking.prefix(from: options.minimumProbability)
            if likely.count < kept.count { kept = likely }
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
