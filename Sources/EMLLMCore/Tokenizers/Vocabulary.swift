/// A checked tokenizer definition, arranged for look-ups in both directions.
final class Vocabulary: Sendable {
    /// The algorithm with its tables.
    enum Encoder: Sendable {
        case bytePair(BytePairEncoder)
        case sentencePiece(SentencePieceEncoder)
    }

    let definition: TokenizerDefinition
    /// The purpose of each token; markup that delimits sequences is a control token, whatever type the file gives it.
    let types: [TokenizerDefinition.TokenType]
    /// The bytes that each token stands for in a text.
    let bytes: ByteStrings
    let encoder: Encoder
    /// Tokens that only trusted text can spell.
    let special: SpecialTokenMatcher
    /// Whole tokens that occur in ordinary text; SentencePiece spells their spaces as "▁".
    let wholeWords: SpecialTokenMatcher
    let endOfGeneration: Set<TokenID>
    /// The cache of words that were looked up.
    let spellings = SpellingCache()

    /// Checks a definition and builds its tables.
    init(_ definition: TokenizerDefinition) throws {
        try Self.checkSizes(definition)
        let types = Self.effectiveTypes(definition)
        self.definition = definition
        self.types = types
        switch definition.model {
        case .bytePairEncoding:
            let (encoder, strings) = try BytePairEncoder.make(definition, types: types)
            self.encoder = .bytePair(encoder)
            bytes = strings
        case .sentencePiece:
            let (encoder, strings) = try SentencePieceEncoder.make(definition, types: types)
            self.encoder = .sentencePiece(encoder)
            bytes = strings
        }
        var special: [SpecialTokenMatcher.Entry] = []
        var wholeWords: [SpecialTokenMatcher.Entry] = []
        var endOfGeneration = Set(definition.endOfGeneration)
        if let end = definition.endOfSequence { endOfGeneration.insert(end) }
        for (index, type) in types.enumerated() where type == .control || type == .userDefined || type == .unknown {
            let text = definition.tokens[index]
            if type == .userDefined, Self.isPlainText(text) {
                wholeWords.append(SpecialTokenMatcher.Entry(text: Array(text.utf8), token: TokenID(index)))
            } else {
                special.append(SpecialTokenMatcher.Entry(text: Array(bytes[index]), token: TokenID(index)))
            }
        }
        self.special = SpecialTokenMatcher(special)
        self.wholeWords = SpecialTokenMatcher(wholeWords)
        self.endOfGeneration = endOfGeneration
        if let duplicate = self.special.duplicate ?? self.wholeWords.duplicate {
            throw EMLLMError.duplicateToken(definition.tokens[Int(duplicate.1)], duplicate.0, duplicate.1)
        }
    }

    /// Whether a user-defined token consists of letters, marks, numbers and white space only, like the runs of spaces
    /// of GPT-NeoX, and unlike the markup `<tool_call>`.
    private static func isPlainText(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
                .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .enclosingMark:
                true
            default: scalar.properties.isWhitespace || scalar == "\u{2581}"
            }
        }
    }

    private static func checkSizes(_ definition: TokenizerDefinition) throws {
        let count = definition.tokens.count
        guard count > 0 else { throw EMLLMError.emptyVocabulary() }
        guard count <= Int(TokenID.max) else { throw EMLLMError.vocabularyTooLarge(count, limit: Int(TokenID.max)) }
        guard definition.types.count == count else {
            throw EMLLMError.vocabularySizeMismatch("token types", definition.types.count, tokens: count)
        }
        guard definition.scores.isEmpty || definition.scores.count == count else {
            throw EMLLMError.vocabularySizeMismatch("token scores", definition.scores.count, tokens: count)
        }
        let named: [(String, TokenID?)] =
            [
                ("beginning-of-sequence", definition.beginningOfSequence),
                ("end-of-sequence", definition.endOfSequence),
                ("unknown", definition.unknown), ("padding", definition.padding),
            ] + definition.endOfGeneration.map { ("end-of-generation", $0) }
        for case (let name, let token?) in named where token < 0 || Int(token) >= count {
            throw EMLLMError.tokenOutOfRange(name, token, vocabularySize: count)
        }
        if definition.addsBeginningOfSequence, definition.beginningOfSequence == nil {
            throw EMLLMError.missingRequiredToken("a beginning-of-sequence token, which it puts before every prompt")
        }
        if definition.addsEndOfSequence, definition.endOfSequence == nil {
            throw EMLLMError.missingRequiredToken("an end-of-sequence token, which it puts after every prompt")
        }
    }

    /// The file's types, except that ordinary text can never spell the markup that delimits sequences: some files call
    /// `<|endoftext|>` a normal token. A comma or a word that a file marks by mistake remains ordinary text.
    private static func effectiveTypes(_ definition: TokenizerDefinition) -> [TokenizerDefinition.TokenType] {
        var types = definition.types
        let delimiters = [definition.beginningOfSequence, definition.endOfSequence] + definition.endOfGeneration
        for case let token? in delimiters where types[Int(token)] == .normal {
            let text = definition.tokens[Int(token)]
            if text.unicodeScalars.count > 1, !isPlainText(text) { types[Int(token)] = .control }
        }
        return types
    }
}
