extension GGUFFile {
    /// The tokenizer that `tokenizer.ggml.*` describes.
    ///
    /// - Throws: `EMLLMError` when a key is missing, when counts disagree, or for a kind of tokenizer that this engine
    ///   does not support.
    package func tokenizerDefinition() throws -> TokenizerDefinition {
        let prefix = "tokenizer.ggml."
        let modelName = try metadata.require(prefix + "model", try metadata.string(prefix + "model"))
        guard let model = Self.tokenizerModels[modelName] else {
            throw EMLLMError.unsupportedTokenizer(path: file.path, model: modelName)
        }
        let isSentencePiece = model == .sentencePiece
        let tokens = try metadata.require(prefix + "tokens", try metadata.strings(prefix + "tokens"))
        let merges = try metadata.strings(prefix + "merges")
        let types = try tokenTypes(prefix + "token_type", count: tokens.count)
        let preTokenizer = try metadata.string(prefix + "pre") ?? (isSentencePiece ? "default" : "gpt-2")
        let definition = TokenizerDefinition(
            model: model,
            preTokenizer: preTokenizer,
            tokens: tokens,
            types: types,
            scores: try tokenScores(prefix + "scores"),
            merges: isSentencePiece ? merges ?? [] : try metadata.require(prefix + "merges", merges),
            beginningOfSequence: try tokenID(prefix + "bos_token_id", count: tokens.count),
            endOfSequence: try tokenID(prefix + "eos_token_id", count: tokens.count),
            unknown: try tokenID(prefix + "unknown_token_id", count: tokens.count),
            padding: try tokenID(prefix + "padding_token_id", count: tokens.count),
            endOfGeneration: try endOfGeneration(prefix, tokens: tokens, types: types),
            // If these keys are absent, llama.cpp's defaults apply.
            addsBeginningOfSequence: try metadata.bool(prefix + "add_bos_token")
                ?? (isSentencePiece || Self.preTokenizersWithBeginning.contains(preTokenizer)),
            addsEndOfSequence: try metadata.bool(prefix + "add_eos_token") ?? false,
            addsSpacePrefix: try metadata.bool(prefix + "add_space_prefix") ?? isSentencePiece
        )
        try definition.validate(path: file.path)
        return definition
    }

    private static let tokenizerModels: [String: TokenizerDefinition.Model] = [
        "gpt2": .bytePairEncoding, "llama": .sentencePiece,
    ]

    /// Byte-pair tokenizers whose prompts start with a token although the file does not state it.
    private static let preTokenizersWithBeginning: Set<String> = ["llama3", "llama-v3", "llama-bpe"]

    /// Tokens after which chat models stop, whatever the file's `eos_token_id` is.
    static let endOfGenerationTexts: Set<String> = [
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>", "<|return|>",
        "<end_of_turn>", "<end_of_utterance>", "<EOT>", "[EOT]", "</s>",
    ]

    private func endOfGeneration(
        _ prefix: String,
        tokens: [String],
        types: [TokenizerDefinition.TokenType]
    ) throws -> [TokenID] {
        let named = try ["eot_token_id", "eom_token_id"].compactMap { try tokenID(prefix + $0, count: tokens.count) }
        // Not by index, since the number of types is checked only later.
        let known = zip(tokens, types).enumerated()
            .filter { $1.1 == .control && Self.endOfGenerationTexts.contains($1.0) }
            .map(\.offset)
        let end = try tokenID(prefix + "eos_token_id", count: tokens.count)
        return Set(named + known.map { TokenID($0) }).subtracting([end].compactMap { $0 }).sorted()
    }

    private func tokenID(_ key: String, count: Int) throws -> TokenID? {
        guard count > 0, count <= Int(Int32.max) else { return nil }
        // Some converters write the unsigned or signed form of -1 for "none".
        if let value = metadata[key], value == .signed(-1) || value == .unsigned(UInt64(UInt32.max)) { return nil }
        return try metadata.integer(key, in: 0...(count - 1)).map { TokenID($0) }
    }

    private func tokenTypes(_ key: String, count: Int) throws -> [TokenizerDefinition.TokenType] {
        let numbers: [Int?]
        switch try metadata.array(key) {
        case nil: return Array(repeating: .normal, count: count)
        case .signed(let values): numbers = values.map { Int(exactly: $0) }
        case .unsigned(let values): numbers = values.map { Int(exactly: $0) }
        default:
            throw EMLLMError.invalidMetadata(
                path: file.path,
                key: key,
                expected: "an array of integers",
                found: "an array of something else"
            )
        }
        return try numbers.map { number in
            guard let raw = number.flatMap({ UInt8(exactly: $0) }),
                let type = TokenizerDefinition.TokenType(rawValue: raw)
            else {
                throw EMLLMError.invalidMetadata(
                    path: file.path,
                    key: key,
                    expected: "token types from 1 to 6",
                    found: number.map { "\($0)" } ?? "a huge number"
                )
            }
            return type
        }
    }

    private func tokenScores(_ key: String) throws -> [Float] {
        guard let array = try metadata.array(key) else { return [] }
        guard case .floats(let values) = array else {
            throw EMLLMError.invalidMetadata(
                path: file.path,
                key: key,
                expected: "an array of floats",
                found: "an array of something else"
            )
        }
        return values.map { Float($0) }
    }
}

extension EMLLMError.Code {
    /// The file's tokenizer is of a kind that this build does not support.
    public static let unsupportedTokenizer = Self(rawValue: "unsupported-tokenizer")
}

extension EMLLMError {
    static func unsupportedTokenizer(path: String, model: String) -> EMLLMError {
        EMLLMError(
            code: .unsupportedTokenizer,
            subject: path,
            expected: "tokenizer.ggml.model gpt2 (byte-level BPE) or llama (SentencePiece)",
            found: model,
            remedy: "use a model with one of these tokenizers"
        )
    }
}
