/// A tokenizer's vocabulary and rules as stored in a model file, without behaviour.
///
/// The field names and numbers follow GGUF's `tokenizer.ggml.*` metadata, which is where most definitions come from.
/// ``Tokenizer`` checks and implements a definition.
public struct TokenizerDefinition: Codable, Sendable, Equatable {
    /// The algorithm that turns text into tokens.
    public enum Model: String, Codable, Sendable {
        /// Byte-level byte-pair encoding with ranked merges (GPT-2, Llama 3, Qwen 2, SmolLM2).
        case bytePairEncoding
        /// SentencePiece-style merging by score, with bytes as a fallback (Llama 2).
        case sentencePiece
    }

    /// The purpose of a token. The numbers are GGUF's.
    public enum TokenType: UInt8, Codable, Sendable {
        /// A piece of ordinary text.
        case normal = 1
        /// Stands for text that the vocabulary cannot spell.
        case unknown
        /// A control token such as the end of a turn; never part of the text.
        case control
        /// Added by the model's author; matched as a whole.
        case userDefined
        /// An unused slot.
        case unused
        /// One raw byte, written `<0xNN>`.
        case byte
    }

    /// The algorithm.
    public var model: Model
    /// GGUF's `tokenizer.ggml.pre` name of the pattern that splits text before merging, such as "smollm".
    public var preTokenizer: String
    /// The text of each token; byte-level BPE writes bytes in GPT-2's printable alphabet.
    public var tokens: [String]
    /// The purpose of each token. As many as ``tokens``.
    public var types: [TokenType]
    /// The SentencePiece score of each token. As many as ``tokens``, or empty.
    public var scores: [Float]
    /// The merges of byte-pair encoding, best first, each as "left right".
    public var merges: [String]
    /// The token that starts a text.
    public var beginningOfSequence: TokenID?
    /// The token that ends a text.
    public var endOfSequence: TokenID?
    /// The token for text that the vocabulary cannot spell.
    public var unknown: TokenID?
    /// The token that pads batches.
    public var padding: TokenID?
    /// Tokens, besides ``endOfSequence``, that end generation.
    public var endOfGeneration: [TokenID]
    /// Whether an encoded prompt starts with ``beginningOfSequence``.
    public var addsBeginningOfSequence: Bool
    /// Whether an encoded prompt ends with ``endOfSequence``.
    public var addsEndOfSequence: Bool
    /// Whether SentencePiece puts a space before the text.
    public var addsSpacePrefix: Bool

    /// Makes a definition from its parts.
    public init(
        model: Model,
        preTokenizer: String,
        tokens: [String],
        types: [TokenType],
        scores: [Float],
        merges: [String],
        beginningOfSequence: TokenID?,
        endOfSequence: TokenID?,
        unknown: TokenID?,
        padding: TokenID?,
        endOfGeneration: [TokenID],
        addsBeginningOfSequence: Bool,
        addsEndOfSequence: Bool,
        addsSpacePrefix: Bool
    ) {
        self.model = model
        self.preTokenizer = preTokenizer
        self.tokens = tokens
        self.types = types
        self.scores = scores
        self.merges = merges
        self.beginningOfSequence = beginningOfSequence
        self.endOfSequence = endOfSequence
        self.unknown = unknown
        self.padding = padding
        self.endOfGeneration = endOfGeneration
        self.addsBeginningOfSequence = addsBeginningOfSequence
        self.addsEndOfSequence = addsEndOfSequence
        self.addsSpacePrefix = addsSpacePrefix
    }
}
