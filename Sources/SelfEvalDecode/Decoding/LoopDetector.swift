import EMLLMCore

/// Recognizes that a model is stuck in a loop, and repeats the same tokens for a few hundred tokens.
///
/// A sentence that occurs twice is not a loop, and neither is a table with equal rows. Small models that have lost
/// their way repeat a cycle until the budget is used up.
struct LoopDetector {
    /// The longest cycle that is detected, in tokens.
    static let longestCycle = 128
    /// The least number of tokens in a loop.
    static let leastTokens = 240
    /// The least number of rounds in a loop.
    static let leastRounds = 4

    private var tokens: [TokenID] = []
    /// For each cycle length, how many of the last tokens in a row equal the token that many places earlier.
    private var runs = [Int](repeating: 0, count: LoopDetector.longestCycle + 1)

    /// Makes a detector that continues after a text.
    init(behind tokens: some Sequence<TokenID> = []) {
        for token in tokens { _ = append(token) }
    }

    /// Appends a token. Returns whether the text now ends in a loop.
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

    /// Where the loop at the end of the text begins to repeat itself; `nil` if the text does not end in a loop.
    var repetitionStart: Int? {
        (1...Self.longestCycle).first(where: isLong).map { tokens.count - runs[$0] }
    }

    private func isLong(_ length: Int) -> Bool {
        runs[length] + length >= Self.leastTokens && runs[length] >= (Self.leastRounds - 1) * length
    }
}
