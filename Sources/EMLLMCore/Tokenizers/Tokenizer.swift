/// Turns text into the tokens of a model, and tokens into text.
///
/// A tokenizer is made from the definition in a model file and never changes; copies share its tables.
///
/// ```swift
/// let tokenizer = try Tokenizer(package.tokenizer)
/// let tokens = tokenizer.encode([.trusted("<|im_start|>user\n"), .untrusted("2 + 2?"), .trusted("<|im_end|>\n")])
/// let text = tokenizer.decode(tokens)
/// ```
///
/// ## Special tokens
///
/// | kind of token | in trusted pieces | in untrusted pieces |
/// |---|---|---|
/// | control and unknown tokens, such as `<\|im_end\|>` | recognized | never: their spelling is ordinary text |
/// | user-defined tokens with punctuation or symbols, such as `<tool_call>` | recognized | never |
/// | user-defined tokens of letters, numbers and white space only | recognized | recognized |
///
/// The last row is for words and runs of spaces that vocabularies such as GPT-NeoX's spell with added tokens. If
/// several tokens start at the same place, the longest wins. A special token is recognized only inside trusted text,
/// never across a boundary between trusted and untrusted text.
///
/// ## Leading spaces
///
/// A SentencePiece vocabulary with ``TokenizerDefinition/addsSpacePrefix`` puts a space before text at the start of a
/// sequence and after each special token, as llama.cpp and Hugging Face's `LlamaTokenizer(legacy=True)` do; decoding
/// takes away the one at the start. Text that continues a sequence gets none: see the parameter `continuing`.
public struct Tokenizer: Sendable {
    private let vocabulary: Vocabulary

    /// Makes a tokenizer.
    ///
    /// - Parameter definition: The definition from a model file.
    /// - Throws: `EMLLMError` if the definition contradicts itself or lacks something that the algorithm needs.
    public init(_ definition: TokenizerDefinition) throws { vocabulary = try Vocabulary(definition) }

    // MARK: Encoding

    /// Turns a prompt into tokens.
    ///
    /// Ordinary text is joined across pieces before it is split into tokens, so that the tokens do not depend on where
    /// one piece ends and the next begins.
    ///
    /// - Parameters:
    ///   - pieces: The prompt, in order.
    ///   - addSpecialTokens: Whether the beginning- and end-of-sequence tokens are added that the definition asks for;
    ///     a prompt that already has them there does not get them twice.
    ///   - continuing: Whether the text continues a sequence, so that neither a beginning-of-sequence token nor a
    ///     SentencePiece vocabulary's leading space is added.
    /// - Returns: Token ids; empty for an empty prompt without special tokens.
    /// - Complexity: O(n log n) in the length of the text.
    public func encode(
        _ pieces: [PromptPiece],
        addSpecialTokens: Bool = true,
        continuing: Bool = false
    ) -> [TokenID] {
        var output: [TokenID] = []
        var ordinary: [UInt8] = []
        var isAtStart = !continuing
        func flush() {
            encodeOrdinary(&ordinary, isAtStart: isAtStart, into: &output)
            isAtStart = isAtStart && output.isEmpty
        }
        var index = 0
        while index < pieces.count {
            let isTrusted = pieces[index].isTrusted
            guard isTrusted else {
                ordinary += pieces[index].text.utf8
                index += 1
                continue
            }
            // Neighbouring trusted pieces are one text: a template may write a special token in parts.
            var trusted: [UInt8] = []
            while index < pieces.count, pieces[index].isTrusted {
                trusted += pieces[index].text.utf8
                index += 1
            }
            trusted.withUnsafeBufferPointer { text in
                vocabulary.special.split(text) {
                    ordinary += $0
                } onToken: { token in
                    flush()
                    output.append(token)
                    isAtStart = true
                }
            }
        }
        flush()
        if addSpecialTokens { addDelimiters(to: &output, continuing: continuing) }
        return output
    }

    /// Turns untrusted text into tokens, without a beginning-of-sequence token.
    ///
    /// - Parameters:
    ///   - text: Text in which no special token is recognized.
    ///   - continuing: Whether the text continues a sequence, so that a SentencePiece vocabulary adds no leading space.
    public func encode(_ text: String, continuing: Bool = false) -> [TokenID] {
        encode([.untrusted(text)], addSpecialTokens: false, continuing: continuing)
    }

    /// Appends the tokens of ordinary text, and empties the text.
    private func encodeOrdinary(_ text: inout [UInt8], isAtStart: Bool, into output: inout [TokenID]) {
        guard !text.isEmpty else { return }
        if isAtStart, addsSpacePrefix { text.insert(0x20, at: 0) }
        if vocabulary.definition.model == .sentencePiece { text = SentencePieceEncoder.escape(text) }
        text.withUnsafeBufferPointer { bytes in
            vocabulary.wholeWords.split(bytes) { run in
                switch vocabulary.encoder {
                case .bytePair(let encoder): encoder.encode(run, into: &output)
                case .sentencePiece(let encoder): encoder.encode(run, into: &output)
                }
            } onToken: {
                output.append($0)
            }
        }
        text.removeAll(keepingCapacity: true)
    }

    private func addDelimiters(to output: inout [TokenID], continuing: Bool) {
        let definition = vocabulary.definition
        if definition.addsBeginningOfSequence, !continuing, let token = definition.beginningOfSequence,
            output.first != token
        {
            output.insert(token, at: 0)
        }
        if definition.addsEndOfSequence, let token = definition.endOfSequence, output.last != token {
            output.append(token)
        }
    }

    // MARK: Decoding

    /// Turns tokens into text. Bytes that are not well-formed UTF-8 become U+FFFD.
    ///
    /// - Parameters:
    ///   - tokens: Token ids; ids outside the vocabulary decode to nothing.
    ///   - skippingSpecialTokens: Whether control, unknown and unused tokens are left out. Otherwise they are spelled.
    ///   - continuing: Whether the tokens continue a text, so that their leading space is part of it.
    public func decode(
        _ tokens: some Sequence<TokenID>,
        skippingSpecialTokens: Bool = true,
        continuing: Bool = false
    ) -> String {
        var detokenizer = makeDetokenizer(skippingSpecialTokens: skippingSpecialTokens, continuing: continuing)
        return detokenizer.finish(with: tokens)
    }

    /// Makes a detokenizer for tokens that arrive one by one.
    ///
    /// - Parameters:
    ///   - skippingSpecialTokens: Whether control, unknown and unused tokens are left out. Otherwise they are spelled.
    ///   - continuing: Whether the tokens continue a text, so that their leading space is part of it.
    public func makeDetokenizer(
        skippingSpecialTokens: Bool = true,
        continuing: Bool = false
    ) -> StreamingDetokenizer {
        StreamingDetokenizer(tokenizer: self, skippingSpecialTokens: skippingSpecialTokens, continuing: continuing)
    }

    /// The exact bytes that a token stands for in a text: the spelling of a special token; no bytes for an id outside
    /// the vocabulary.
    public func bytes(of token: TokenID) -> [UInt8] { Array(rawBytes(of: token)) }

    var spellings: SpellingCache { vocabulary.spellings }

    func rawBytes(of token: TokenID) -> ArraySlice<UInt8> {
        contains(token) ? vocabulary.bytes[Int(token)] : []
    }

    // MARK: Vocabulary

    /// The number of tokens.
    public var vocabularySize: Int { vocabulary.definition.tokens.count }

    /// The token that starts a text.
    public var beginningOfSequence: TokenID? { vocabulary.definition.beginningOfSequence }

    /// The token that ends a text.
    public var endOfSequence: TokenID? { vocabulary.definition.endOfSequence }

    /// The token for text that the vocabulary cannot spell.
    public var unknown: TokenID? { vocabulary.definition.unknown }

    /// The token that pads batches.
    public var padding: TokenID? { vocabulary.definition.padding }

    /// Whether text at the start of a sequence gets a leading space.
    var addsSpacePrefix: Bool {
        vocabulary.definition.model == .sentencePiece && vocabulary.definition.addsSpacePrefix
    }

    /// The special or user-defined token that is spelled `text`, as in `token(forSpecial: "<|im_end|>")`.
    public func token(forSpecial text: String) -> TokenID? {
        let bytes = Array(text.utf8)
        let escaped = vocabulary.definition.model == .sentencePiece ? SentencePieceEncoder.escape(bytes) : bytes
        return vocabulary.special.token(spelled: bytes) ?? vocabulary.wholeWords.token(spelled: escaped)
    }

    /// Whether a token is never part of a text: a control, unknown or unused token.
    public func isSpecial(_ token: TokenID) -> Bool {
        guard contains(token) else { return false }
        switch vocabulary.types[Int(token)] {
        case .control, .unknown, .unused: return true
        case .normal, .userDefined, .byte: return false
        }
    }

    /// Whether generation ends after this token: true for the end-of-sequence token, and for those that the definition
    /// lists.
    public func isEndOfGeneration(_ token: TokenID) -> Bool { vocabulary.endOfGeneration.contains(token) }

    /// The bytes that no token stands for. A byte-level vocabulary drops them when encoding text, as Hugging Face's
    /// implementation does. Vocabularies that were trained on well-formed text lack a few.
    public var bytesWithoutToken: [UInt8] {
        let byteTokens =
            switch vocabulary.encoder {
            case .bytePair(let encoder): encoder.byteTokens
            case .sentencePiece(let encoder): encoder.byteTokens
            }
        return (UInt8.min...UInt8.max).filter { byteTokens[Int($0)] < 0 }
    }

    private func contains(_ token: TokenID) -> Bool { token >= 0 && Int(token) < vocabularySize }
}
