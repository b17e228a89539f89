/// The shape of a decoder-only transformer: everything that distinguishes families, as data.
///
/// Stored as JSON inside `.emllm` files; the keys are the property names. A family (see `ModelRegistry`) translates
/// its published configuration into this one.
public struct DecoderConfiguration: Codable, Sendable, Equatable {
    /// Rows of the embedding and of the output head.
    public var vocabularySize: Int
    /// Width of the residual stream.
    public var hiddenSize: Int
    /// Number of transformer blocks.
    public var layerCount: Int
    /// Query heads per block.
    public var headCount: Int
    /// Key/value heads per block; divides ``headCount`` (grouped-query attention, arXiv 2305.13245).
    public var keyValueHeadCount: Int
    /// Width of one head.
    public var headDimension: Int
    /// Width of the gated feed-forward layer.
    public var feedForwardSize: Int
    /// The maximum number of positions that the model was trained for.
    public var contextLength: Int
    /// Added under the square root of RMSNorm.
    package var normEpsilon: Float
    /// Rotary position embedding.
    package var rope: RopeConfiguration
    /// Whether the output head is the embedding matrix.
    package var tiedOutputHead: Bool
    /// Whether queries, keys and values have biases (Qwen2).
    package var queryKeyValueBias: Bool
    /// Whether each head of queries and keys is normalized by RMSNorm before its rotation (Qwen3).
    package var queryKeyNorm: Bool
    /// The factors of embeddings, residuals, attention scores and logits (Granite).
    package var multipliers: Multipliers

    /// Constant factors. They default to 1, and that of attention to its usual scale.
    package struct Multipliers: Codable, Sendable, Equatable {
        /// The factor of token embeddings.
        package var embedding: Float
        /// The factor of what attention and feed-forward layers add to the residual stream.
        package var residual: Float
        /// The factor of the products of queries and keys; `nil` for one over the square root of the head width.
        package var attention: Float?
        /// The factor of logits.
        package var logits: Float

        /// Makes factors.
        package init(embedding: Float = 1, residual: Float = 1, attention: Float? = nil, logits: Float = 1) {
            self.embedding = embedding
            self.residual = residual
            self.attention = attention
            self.logits = logits
        }
    }

    /// Makes a configuration; ``validate(subject:)`` checks whether the engine can run it.
    package init(
        vocabularySize: Int,
        hiddenSize: Int,
        layerCount: Int,
        headCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int,
        feedForwardSize: Int,
        contextLength: Int,
        normEpsilon: Float,
        rope: RopeConfiguration,
        tiedOutputHead: Bool,
        queryKeyValueBias: Bool = false,
        queryKeyNorm: Bool = false,
        multipliers: Multipliers = Multipliers()
    ) {
        self.vocabularySize = vocabularySize
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headDimension = headDimension
        self.feedForwardSize = feedForwardSize
        self.contextLength = contextLength
        self.normEpsilon = normEpsilon
        self.rope = rope
        self.tiedOutputHead = tiedOutputHead
        self.queryKeyValueBias = queryKeyValueBias
        self.queryKeyNorm = queryKeyNorm
        self.multipliers = multipliers
    }

    /// Decodes a configuration; fields that were added after the format's first version have defaults.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            vocabularySize: try values.decode(Int.self, forKey: .vocabularySize),
            hiddenSize: try values.decode(Int.self, forKey: .hiddenSize),
            layerCount: try values.decode(Int.self, forKey: .layerCount),
            headCount: try values.decode(Int.self, forKey: .headCount),
            keyValueHeadCount: try values.decode(Int.self, forKey: .keyValueHeadCount),
            headDimension: try values.decode(Int.self, forKey: .headDimension),
            feedForwardSize: try values.decode(Int.self, forKey: .feedForwardSize),
            contextLength: try values.decode(Int.self, forKey: .contextLength),
            normEpsilon: try values.decode(Float.self, forKey: .normEpsilon),
            rope: try values.decode(RopeConfiguration.self, forKey: .rope),
            tiedOutputHead: try values.decode(Bool.self, forKey: .tiedOutputHead),
            queryKeyValueBias: try values.decodeIfPresent(Bool.self, forKey: .queryKeyValueBias) ?? false,
            queryKeyNorm: try values.decodeIfPresent(Bool.self, forKey: .queryKeyNorm) ?? false,
            multipliers: try values.decodeIfPresent(Multipliers.self, forKey: .multipliers) ?? Multipliers()
        )
    }
}

/// Rotary position embedding (arXiv 2104.09864).
package struct RopeConfiguration: Codable, Sendable, Equatable {
    /// Which elements of a head form a pair that is rotated together.
    package enum Layout: String, Codable, Sendable {
        /// Neighbours: (0,1), (2,3), … GGUF files of the Llama family.
        case interleaved
        /// Halves: (0,R/2), (1,R/2+1), … Hugging Face checkpoints.
        case half
    }

    /// How the frequencies are stretched beyond the trained context.
    package enum Scaling: Codable, Sendable, Equatable {
        /// Unchanged.
        case none
        /// All positions divided by a factor.
        case linear(factor: Float)
        /// One divisor for each pair of elements, as Llama 3 files store them. `[rotaryDimension / 2]`
        case perFrequency(factors: [Float])
    }

    /// The base of the geometric series of frequencies ("theta").
    package var base: Float
    /// How many elements of each head are rotated; the others pass through.
    package var rotaryDimension: Int
    /// Which elements form a pair.
    package var layout: Layout
    /// How frequencies are stretched.
    package var scaling: Scaling
    /// Which pairs are rotated by which coordinate of a picture's positions; `nil` if all are rotated by the index.
    package var sections: Sections?

    /// The pairs of each coordinate of a position in a picture: time, row, column (M-RoPE, arXiv 2409.12191).
    package struct Sections: Codable, Sendable, Equatable {
        /// The number of pairs for time, row and column. `[3]`
        package var counts: [Int]
        /// Whether the coordinates alternate from pair to pair (Qwen3-VL), instead of each having a run of pairs.
        package var areInterleaved: Bool

        /// Makes a description.
        package init(counts: [Int], areInterleaved: Bool) {
            self.counts = counts
            self.areInterleaved = areInterleaved
        }
    }

    /// Makes a configuration.
    package init(
        base: Float,
        rotaryDimension: Int,
        layout: Layout,
        scaling: Scaling = .none,
        sections: Sections? = nil
    ) {
        self.base = base
        self.rotaryDimension = rotaryDimension
        self.layout = layout
        self.scaling = scaling
        self.sections = sections
    }
}
