/// `tokenizer.json`, as the tokenizers library writes it: byte-level byte-pair encoding, and SentencePiece models that were
/// converted to byte-pair encoding with byte fallback.
struct TokenizerFile: Sendable {
    private struct Content: Decodable {
        struct Model: Decodable {
            let type: String?
            let vocab: [String: Int]
            let merges: [Merge]
            let byte_fallback: Bool?
            let ignore_merges: Bool?
            let unk_token: String?
        }

        let model: Model
        let added_tokens: [AddedToken]?
        let normalizer: JSONValue?
        let pre_tokenizer: JSONValue?
        let post_processor: JSONValue?
    }

    /// "left right" in older files, ["left", "right"] in newer ones.
    private struct Merge: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                self.text = text
            } else {
                let parts = try value.decode([String].self)
                guard parts.count == 2, !parts.contains(where: { $0.contains(" ") }) else {
                    throw DecodingError.dataCorruptedError(in: value, debugDescription: "a merge has two parts")
                }
                text = parts.joined(separator: " ")
            }
        }
    }

    /// A token in addition to the vocabulary, matched as a whole.
    struct AddedToken: Decodable, Sendable {
        let id: Int
        let content: String
        let special: Bool
    }

    let path: String
    let model: TokenizerDefinition.Model
    let vocabulary: [String: Int]
    let merges: [String]
    let added: [AddedToken]
    /// GGUF's name of the pattern that splits text into words.
    let preTokenizer: String
    /// The token for text that the vocabulary cannot spell.
    let unknown: String?
    /// Whether a space goes before the text.
    let addsSpacePrefix: Bool
    /// The token that the post-processor puts before a text.
    let firstToken: String?

    /// Reads and validates a file.
    ///
    /// - Throws: `EMLLMError` naming the part that this engine does not support.
    init(_ file: MappedFile) throws {
        path = file.path
        let content = try JSONFile.decode(Content.self, file.bytes, path: path)
        guard content.model.type == nil || content.model.type == "BPE" else {
            throw Self.unsupported(path, "the model", "BPE", content.model.type ?? "none")
        }
        vocabulary = content.model.vocab
        merges = content.model.merges.map(\.text)
        added = content.added_tokens ?? []
        unknown = content.model.unk_token
        if content.model.byte_fallback == true {
            model = .sentencePiece
            preTokenizer = "default"
            addsSpacePrefix = try Self.spacePrefix(content.normalizer, content.pre_tokenizer, path: path)
        } else {
            model = .bytePairEncoding
            preTokenizer = try Self.preTokenizer(
                content.pre_tokenizer,
                normalizer: content.normalizer,
                ignoresMerges: content.model.ignore_merges ?? false,
                path: path
            )
            addsSpacePrefix = false
        }
        firstToken = Self.firstToken(content.post_processor)
    }

    /// Scores for SentencePiece that give the same order of merges: a piece made by an earlier merge has a higher
    /// score.
    func scores(of tokens: [String]) -> [Float] {
        var ranks: [String: Int] = [:]
        for (rank, merge) in merges.enumerated() {
            let piece = merge.replacing(" ", with: "", maxReplacements: 1)
            if ranks[piece] == nil { ranks[piece] = rank }
        }
        return tokens.map { -Float(ranks[$0] ?? merges.count) }
    }

    // MARK: Cutting text into words

    private static let gpt2 =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static func cl100k(numbers: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    private static func preTokenizer(
        _ value: JSONValue?,
        normalizer: JSONValue?,
        ignoresMerges: Bool,
        path: String
    ) throws -> String {
        let steps = flattened(value, "pretokenizers")
        let normalizers = flattened(normalizer, "normalizers").compactMap { $0["type"]?.text }
        let types = steps.compactMap { $0["type"]?.text }
        let found = types.joined(separator: ", ")
        guard steps.last?["type"]?.text == "ByteLevel", steps.last?["add_prefix_space"]?.flag != true else {
            throw unsupported(path, "pre_tokenizer", "one that ends with ByteLevel without a prefix space", found)
        }
        let usesPattern = steps.last?["use_regex"]?.flag ?? true
        let isNFC = normalizers == ["NFC"]
        switch (types.dropLast(), usesPattern) {
        case ([], true) where normalizers.isEmpty: return "gpt-2"
        case (["Digits"], true) where normalizers.isEmpty && steps[0]["individual_digits"]?.flag == true:
            return "smollm"
        case (["Split"], false):
            let pattern = steps[0]["pattern"]?["Regex"]?.text ?? ""
            if pattern == cl100k(numbers: #"\p{N}"#), isNFC { return "qwen2" }
            guard normalizers.isEmpty else { break }
            if pattern == cl100k(numbers: #"\p{N}{1,3}"#) { return ignoresMerges ? "llama-bpe" : "dbrx" }
            if pattern == gpt2 { return "gpt-2" }
        default: break
        }
        let list = (types + normalizers).joined(separator: ", ")
        throw unsupported(path, "pre_tokenizer", "the pattern of GPT-2, SmolLM2, Llama 3 or Qwen2", "another (\(list))")
    }

    /// The steps of a sequence, or the single step.
    private static func flattened(_ value: JSONValue?, _ key: String) -> [JSONValue] {
        guard let value, value != .null else { return [] }
        guard value["type"]?.text == "Sequence" else { return [value] }
        return (value[key]?.elements ?? []).flatMap { flattened($0, key) }
    }

    /// Checks how SentencePiece's spaces are made: either normalizers put "▁" before the text and in place of spaces,
    /// or the pre-tokenizer Metaspace does both.
    ///
    /// - Returns: whether a space is put before the text.
    private static func spacePrefix(_ normalizer: JSONValue?, _ preTokenizer: JSONValue?, path: String) throws -> Bool {
        let normalizers = flattened(normalizer, "normalizers")
        let steps = flattened(preTokenizer, "pretokenizers")
        let types = (normalizers + steps).compactMap { $0["type"]?.text }
        func isMark(_ step: JSONValue, _ key: String) -> Bool { step[key]?.text == "\u{2581}" }
        let replaces = normalizers.contains {
            $0["type"]?.text == "Replace" && $0["pattern"]?["String"]?.text == " " && isMark($0, "content")
        }
        switch (types, steps.first) {
        case (["Prepend", "Replace"], nil) where replaces && isMark(normalizers[0], "prepend"): return true
        case (["Replace"], nil) where replaces: return false
        case (["Metaspace"], let step?) where isMark(step, "replacement"):
            return step["prepend_scheme"]?.text.map { $0 != "never" } ?? step["add_prefix_space"]?.flag ?? true
        default:
            let found = types.joined(separator: ", ")
            throw unsupported(path, "normalizer and pre_tokenizer", "SentencePiece's spaces", found)
        }
    }

    private static func firstToken(_ value: JSONValue?) -> String? {
        let templates = flattened(value, "processors").filter { $0["type"]?.text == "TemplateProcessing" }
        return templates.first?["single"]?.elements?.first?["SpecialToken"]?["id"]?.text
    }

    private static func unsupported(_ path: String, _ part: String, _ expected: String, _ found: String) -> EMLLMError {
        EMLLMError(
            code: .unsupportedTokenizer,
            subject: path,
            expected: "\(expected) for \(part)",
            found: found,
            remedy: "convert the model from GGUF"
        )
    }
}

extension HuggingFaceDirectory {
    /// The tokenizer, with as many tokens as the embedding has rows; rows without a token get unused tokens.
    ///
    /// - Throws: `EMLLMError` when identifiers are out of range or used twice.
    package func tokenizerDefinition(embeddingRows: Int) throws -> TokenizerDefinition {
        let file = tokenizerFile
        var tokens = (0..<embeddingRows).map { "[unused \($0)]" }
        var types = [TokenizerDefinition.TokenType](repeating: .unused, count: embeddingRows)
        func place(_ text: String, _ id: Int, _ type: TokenizerDefinition.TokenType) throws {
            guard tokens.indices.contains(id) else {
                throw EMLLMError.invalidTokenizer(
                    path: file.path,
                    expected: "token numbers from 0 to \(embeddingRows - 1), the rows of the embedding,",
                    found: "\(id)"
                )
            }
            guard types[id] == .unused || tokens[id] == text else {
                throw EMLLMError.invalidTokenizer(
                    path: file.path,
                    expected: "one token for number \(id)",
                    found: "'\(tokens[id])' and '\(text)'"
                )
            }
            (tokens[id], types[id]) = (text, type)
        }
        let isSentencePiece = file.model == .sentencePiece
        for (text, id) in file.vocabulary {
            let isByte = isSentencePiece && text.utf8.count == 6 && text.hasPrefix("<0x") && text.hasSuffix(">")
            try place(text, id, isByte ? .byte : text == file.unknown ? .unknown : .normal)
        }
        for token in file.added {
            let isUnknown = isSentencePiece && token.content == file.unknown
            try place(token.content, token.id, isUnknown ? .unknown : token.special ? .control : .userDefined)
        }

        let identifiers = Dictionary(tokens.enumerated().map { ($1, TokenID($0)) }) { first, _ in first }
        let all = 0...max(0, embeddingRows - 1)
        func named(_ key: String) -> TokenID? {
            let value = tokenizerSettings?.object[key]
            return (value?.text ?? value?["content"]?.text).flatMap { identifiers[$0] }
        }
        let ends = try
            (configuration.integers("eos_token_id", in: all)
            + (generation?.integers("eos_token_id", in: all) ?? [])).map { TokenID($0) }
        let beginning =
            try named("bos_token") ?? configuration.integers("bos_token_id", in: all).first.map { TokenID($0) }
        let end = named("eos_token") ?? ends.first
        let known = tokens.indices.filter {
            types[$0] == .control && GGUFFile.endOfGenerationTexts.contains(tokens[$0])
        }
        let addsBeginning =
            try tokenizerSettings?.bool("add_bos_token")
            ?? file.firstToken.map { identifiers[$0] == beginning && beginning != nil } ?? false
        let definition = TokenizerDefinition(
            model: file.model,
            preTokenizer: file.preTokenizer,
            tokens: tokens,
            types: types,
            scores: isSentencePiece ? file.scores(of: tokens) : [],
            merges: isSentencePiece ? [] : file.merges,
            beginningOfSequence: beginning,
            endOfSequence: end,
            unknown: isSentencePiece ? file.unknown.flatMap { identifiers[$0] } : nil,
            padding: named("pad_token"),
            endOfGeneration: Set(ends + known.map { TokenID($0) }).subtracting([end].compactMap { $0 }).sorted(),
            addsBeginningOfSequence: addsBeginning,
            addsEndOfSequence: false,
            addsSpacePrefix: file.addsSpacePrefix
        )
        try definition.validate(path: file.path)
        return definition
    }
}
