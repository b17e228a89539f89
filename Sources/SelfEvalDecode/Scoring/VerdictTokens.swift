import EMLLMCore

/// The tokens that say yes, and those that say no.
///
/// A model spells its verdict in several ways ("Yes", " yes", "YES"): each spelling that is one token counts. A word
/// that is never one token counts through the first token of its spellings, unless the other word begins with the same
/// token.
public struct VerdictTokens: Sendable, Equatable {
    /// Tokens for the positive word, ascending.
    public let positive: [TokenID]
    /// Tokens for the negative word, ascending.
    public let negative: [TokenID]
    /// What a person should know before trusting verdicts; `nil` if there is nothing.
    public let warning: String?

    /// Finds the spellings in a vocabulary.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when no token tells the two words apart.
    /// - Complexity: O(V) in the size of the vocabulary the first time; a tokenizer caches its words.
    public init(positive: String, negative: String, tokenizer: Tokenizer) throws {
        var found = [positive, negative].map { Set(tokenizer.tokens(spelling: $0)) }
        var warning: String?
        if found.contains(where: \.isEmpty) {
            let first = [positive, negative].map { Self.firstTokens(of: $0, tokenizer) }
            for index in found.indices where found[index].isEmpty { found[index] = first[index] }
            let shared = found[0].intersection(found[1])
            found = found.map { $0.subtracting(shared) }
            if !shared.isEmpty {
                warning = """
                    '\(positive)' and '\(negative)' begin alike in this model's vocabulary; verdicts view at those of their \
                    spellings alone that do not
                    """
            }
        }
        guard !found[0].isEmpty, !found[1].isEmpty else {
            throw EMLLMError.indistinctVerdictWords(positive, negative)
        }
        self.positive = found[0].sorted()
        self.negative = found[1].sorted()
        self.warning = warning
    }

    private static func firstTokens(of word: String, _ tokenizer: Tokenizer) -> Set<TokenID> {
        let spellings = [word, word.lowercased(), word.uppercased()]
        let first = spellings.flatMap { [$0, " " + $0] }.compactMap { spelling in
            // A tokenizer may spell the space as a separate token, which carries no information.
            tokenizer.encode(spelling).first { !Tokenizer.spellingKey(tokenizer.bytes(of: $0)[...]).isEmpty }
        }
        return Set(first.filter { !tokenizer.isSpecial($0) })
    }
}

extension EMLLMError.Code {
    /// Verdict words that no token tells apart.
    public static let indistinctVerdictWords = Self(rawValue: "indistinct-verdict-words")
}

extension EMLLMError {
    static func indistinctVerdictWords(_ positive: String, _ negative: String) -> EMLLMError {
        EMLLMError(
            code: .indistinctVerdictWords,
            subject: "verdict words '\(positive)' and '\(negative)'",
            expected: "words whose first tokens differ in this model's vocabulary",
            found: "none that do",
            remedy: "choose other words"
        )
    }
}
