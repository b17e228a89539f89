extension TokenizerDefinition {
    /// The maximum number of tokens that a file may define.
    static let mostTokens = 1 << 22
    /// The maximum size of one token's text, in bytes.
    static let mostTokenBytes = 65_535

    /// Checks what every user of a definition relies on: counts that agree, and identifiers within the vocabulary.
    ///
    /// - Throws: `EMLLMError.Code.invalidTokenizer`.
    func validate(path: String) throws {
        func fail(_ expected: String, _ found: String) -> EMLLMError {
            EMLLMError.invalidTokenizer(path: path, expected: expected, found: found)
        }
        guard !tokens.isEmpty, tokens.count <= Self.mostTokens else {
            throw fail("1 to \(Self.mostTokens) tokens", "\(tokens.count)")
        }
        guard merges.count <= Self.mostTokens else {
            throw fail("at most \(Self.mostTokens) merges", "\(merges.count)")
        }
        guard types.count == tokens.count else {
            throw fail("a type for each of the \(tokens.count) tokens", "\(types.count) types")
        }
        guard scores.isEmpty || scores.count == tokens.count else {
            throw fail("a score for each of the \(tokens.count) tokens", "\(scores.count) scores")
        }
        guard model != .sentencePiece || !scores.isEmpty else { throw fail("a score for each token", "none") }
        if let score = scores.first(where: { !$0.isFinite }) { throw fail("finite token scores", "\(score)") }
        if let long = tokens.first(where: { $0.utf8.count > Self.mostTokenBytes }) {
            throw fail("tokens of at most \(Self.mostTokenBytes) bytes", "one of \(long.utf8.count)")
        }
        guard preTokenizer.utf8.count <= Self.mostTokenBytes else {
            throw fail("a pre-tokenizer name of at most \(Self.mostTokenBytes) bytes", "\(preTokenizer.utf8.count)")
        }
        let single = [
            ("beginning-of-sequence", beginningOfSequence), ("end-of-sequence", endOfSequence), ("unknown", unknown),
            ("padding", padding),
        ]
        for (role, token) in single + endOfGeneration.map({ ("end-of-generation", $0) }) {
            guard let token else { continue }
            guard tokens.indices.contains(Int(token)) else {
                throw fail("a \(role) token from 0 to \(tokens.count - 1)", "\(token)")
            }
        }
        guard endOfGeneration.count <= tokens.count else {
            throw fail("at most \(tokens.count) end-of-generation tokens", "\(endOfGeneration.count)")
        }
    }
}

extension EMLLMError.Code {
    /// The tokenizer's parts contradict each other or lack something.
    public static let invalidTokenizer = Self(rawValue: "invalid-tokenizer")
}

extension EMLLMError {
    static func invalidTokenizer(path: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidTokenizer,
            subject: path,
            expected: "\(expected) in the tokenizer",
            found: found,
            remedy: damagedFileRemedy
        )
    }
}
