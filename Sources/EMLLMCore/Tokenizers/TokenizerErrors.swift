extension EMLLMError.Code {
    /// The tokenizer's vocabulary has no tokens.
    public static let emptyVocabulary = Self(rawValue: "empty-vocabulary")
    /// The tokenizer has more tokens or merges than identifiers or ranks can represent.
    public static let vocabularyTooLarge = Self(rawValue: "vocabulary-too-large")
    /// The tokenizer's lists are not of the same length.
    public static let vocabularySizeMismatch = Self(rawValue: "vocabulary-size-mismatch")
    /// The id of a named token is outside the vocabulary.
    public static let tokenOutOfRange = Self(rawValue: "token-out-of-range")
    /// Two tokens have the same text.
    public static let duplicateToken = Self(rawValue: "duplicate-token")
    /// A token that the algorithm requires is missing.
    public static let missingRequiredToken = Self(rawValue: "missing-required-token")
    /// A byte-pair encoding comes without its merges.
    public static let missingMerges = Self(rawValue: "missing-merges")
    /// A merge is not a pair of byte-level tokens.
    public static let malformedMerge = Self(rawValue: "malformed-merge")
    /// A merge names a token that is not in the vocabulary.
    public static let mergeNamesUnknownToken = Self(rawValue: "merge-names-unknown-token")
    /// A token of the type byte is not written `<0xNN>`.
    public static let malformedByteToken = Self(rawValue: "malformed-byte-token")
    /// A token's score is not a number.
    public static let malformedScore = Self(rawValue: "malformed-score")
    /// The pattern that splits text before merging is not one of the supported ones.
    public static let unsupportedPreTokenizer = Self(rawValue: "unsupported-pre-tokenizer")
}

extension EMLLMError {
    private static func tokenizer(_ code: Code, expected: String, found: String, remedy: String? = nil) -> EMLLMError {
        EMLLMError(
            code: code,
            subject: "tokenizer",
            expected: expected,
            found: found,
            remedy: remedy ?? "the model file is damaged or was converted wrongly; download or convert it again"
        )
    }

    static func emptyVocabulary() -> EMLLMError {
        tokenizer(.emptyVocabulary, expected: "a vocabulary of at least one token", found: "none")
    }

    static func vocabularyTooLarge(_ count: Int, limit: Int) -> EMLLMError {
        tokenizer(.vocabularyTooLarge, expected: "at most \(limit) tokens or merges", found: "\(count)")
    }

    static func vocabularySizeMismatch(_ list: String, _ count: Int, tokens: Int) -> EMLLMError {
        tokenizer(.vocabularySizeMismatch, expected: "\(tokens) \(list), one for each token", found: "\(count)")
    }

    static func tokenOutOfRange(_ name: String, _ token: TokenID, vocabularySize: Int) -> EMLLMError {
        tokenizer(
            .tokenOutOfRange,
            expected: "the id of the \(name) token in 0..<\(vocabularySize)",
            found: "\(token)"
        )
    }

    static func duplicateToken(_ text: String, _ first: TokenID, _ second: TokenID) -> EMLLMError {
        tokenizer(
            .duplicateToken,
            expected: "a text of its own for each token",
            found: "\"\(text.prefix(80))\" as token \(first) and as token \(second)"
        )
    }

    static func missingRequiredToken(_ requirement: String, lacking count: Int = 1, example: String? = nil)
        -> EMLLMError
    {
        let found = example.map { "\(count) missing, first \($0)" } ?? "none"
        return tokenizer(.missingRequiredToken, expected: requirement, found: found)
    }

    static func missingMerges(tokens: Int) -> EMLLMError {
        tokenizer(.missingMerges, expected: "the merges that build \(tokens) tokens", found: "no merges")
    }

    static func malformedMerge(_ merge: String, rank: Int) -> EMLLMError {
        tokenizer(
            .malformedMerge,
            expected: "merge \(rank) as two byte-level tokens with one space between",
            found: "\"\(merge.prefix(80))\""
        )
    }

    static func mergeNamesUnknownToken(_ merge: String, rank: Int) -> EMLLMError {
        tokenizer(
            .mergeNamesUnknownToken,
            expected: "merge \(rank) to join two ordinary tokens into a third",
            found: "\"\(merge.prefix(80))\", of which a part or the whole is not an ordinary token"
        )
    }

    static func malformedByteToken(_ text: String, _ token: TokenID) -> EMLLMError {
        tokenizer(
            .malformedByteToken,
            expected: "byte token \(token) as <0x00> to <0xFF>",
            found: "\"\(text.prefix(80))\""
        )
    }

    static func malformedScore(_ text: String, _ token: TokenID) -> EMLLMError {
        tokenizer(
            .malformedScore,
            expected: "a number as the score of token \(token), \"\(text.prefix(80))\"",
            found: "NaN"
        )
    }

    static func unsupportedPreTokenizer(_ name: String) -> EMLLMError {
        tokenizer(
            .unsupportedPreTokenizer,
            expected: "a pre-tokenizer among \(PreTokenizer.named.map(\.key).joined(separator: ", "))",
            found: "\"\(name.prefix(80))\"",
            remedy: "use a model with one of these, or add the pattern to PreTokenizer.swift"
        )
    }
}

extension PreTokenizer {
    /// Looks up a pre-tokenizer by GGUF's name.
    init(named name: String) throws {
        guard let (_, preTokenizer) = Self.named.first(where: { $0.key == name }) else {
            throw EMLLMError.unsupportedPreTokenizer(name)
        }
        self = preTokenizer
    }
}
