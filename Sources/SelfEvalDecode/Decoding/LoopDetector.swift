import EMLLMCore

/// Recognizes that a model goes round in a circle: the same tokens again and again, over a few hundred of them.
///
/// A sentence that is said twice is no loop, and neither is a table with equal rows. Small models that have lost their way
/// repeat a cycle to the end of the budget.
struct LoopDetector {
    /// The longest cycle that is looked for, in tokens.
    static let longestCycle = 128
    /// Tokens that a loop covers at least.
    static let leastTokens = 240
    /// Rounds of the cycle that a loop has at least.
    static let leastRounds = 4

    private var tokens: [TokenID] = []
    /// For each length of a cycle, how many tokens at the end equal the one that far before them.
    private var runs = [Int](repeating: 0, count: LoopDetector.longestCycle + 1)

    /// A detector behind a text.
    init(behind tokens: some Sequence<TokenID> = []) {
        for token in tokens { _ = append(token) }
    }

    /// Takes one more token; whether the text ends in a loop now.
    mutating func append(_ token: TokenID) -> Bool {
        var isLoop = false
        let count = tokens.count
        for length in 1...Self.longestCycle {
            guard length <= count, tokens[count - length] == token else {
                runs[length] = 0
                continue
            }
            runs[length] += 1
            isLoop = isLoop || isLong(length)
        }
        tokens.append(token)
        return isLoop
    }

    /// Where a loop that the text ends in begins to repeat itself; `nil` where it ends in none.
    var repetitionStart: Int? {
        (1...Self.longestCycle).first(where: isLong).map { tokens.count - runs[$0] }
    }

    private func isLong(_ length: Int) -> Bool {
        runs[length] + length >= Self.leastTokens && runs[length] >= (Self.leastRounds - 1) * length
    }
}
