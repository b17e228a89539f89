/// How a model sees: from pictures to embeddings between those of words. Stored as JSON inside `.emllm` files.
public struct VisionConfiguration: Codable, Sendable, Equatable {
    /// From pictures to pixel values.
    public var preprocessing: ImagePreprocessing
    /// From pixel values to patch features.
    public var tower: VisionTowerConfiguration
    /// From patch features to embeddings of the decoder.
    public var connector: ConnectorConfiguration
    /// How a prompt speaks of a picture.
    public var prompt: ImagePromptFormat

    /// Makes a configuration; ``ModelConfiguration/validate(subject:)`` says whether the engine can run it.
    public init(
        preprocessing: ImagePreprocessing,
        tower: VisionTowerConfiguration,
        connector: ConnectorConfiguration,
        prompt: ImagePromptFormat
    ) {
        self.preprocessing = preprocessing
        self.tower = tower
        self.connector = connector
        self.prompt = prompt
    }
}

/// The shape of a vision transformer (Dosovitskiy et al., arXiv 2010.11929): everything that tells one tower from
/// another, as data.
public struct VisionTowerConfiguration: Codable, Sendable, Equatable {
    /// What normalizes the residual stream before each half of a block.
    public enum Norm: String, Codable, Sendable {
        /// LayerNorm, with weight and bias.
        case layerNorm = "layer-norm"
        /// RMSNorm, with a weight.
        case rmsNorm = "rms-norm"
    }

    /// The activation of a feed-forward layer.
    public enum Activation: String, Codable, Sendable {
        /// x · Φ(x).
        case gelu
        /// Its approximation by a hyperbolic tangent.
        case geluTanh = "gelu-tanh"
        /// Its approximation by a logistic function (CLIP).
        case geluQuick = "gelu-quick"
        /// x · sigmoid(x).
        case silu
    }

    /// A learned table of positions: side × side rows, one more in front for a class token.
    public struct PositionTable: Codable, Sendable, Equatable {
        /// How positions of a picture are found in the table.
        public enum Lookup: String, Codable, Sendable {
            /// The patch grid is the table's own.
            case exact
            /// The table's nearest cell below (NaViT's fractional coordinates, arXiv 2307.06304; Idefics 3).
            case bucket
            /// Between four cells, corners on corners (Qwen3-VL).
            case bilinear
            /// Between sixteen cells, a = −0.75, pixel centres on pixel centres (DINOv2, InternVL).
            case bicubic
        }

        /// Cells of each side.
        public var side: Int
        /// How positions are found.
        public var lookup: Lookup

        /// Makes a description of a table.
        public init(side: Int, lookup: Lookup) {
            self.side = side
            self.lookup = lookup
        }
    }

    /// Pixels of each side of a patch.
    public var patchSize: Int
    /// Frames in a patch; a still picture fills each of them.
    public var framesPerPatch: Int
    /// Width of the residual stream.
    public var hiddenSize: Int
    /// Number of transformer blocks that run.
    public var layerCount: Int
    /// Heads per block.
    public var headCount: Int
    /// Width of the feed-forward layer.
    public var feedForwardSize: Int
    /// What normalizes.
    public var norm: Norm
    /// Added under the square root of norms.
    public var normEpsilon: Float
    /// The activation of the feed-forward layer.
    public var activation: Activation
    /// Whether the feed-forward layer has a gate (SwiGLU, arXiv 2002.05202).
    public var gatedFeedForward: Bool
    /// Whether the patch embedding has a bias.
    public var patchBias: Bool
    /// Whether queries, keys and values have biases. All other products of a block have.
    public var queryKeyValueBias: Bool
    /// Whether queries and keys are normalized over their whole width (InternViT-6B).
    public var queryKeyNorm: Bool
    /// Whether what a block adds is scaled by a learned vector (Touvron et al., arXiv 2103.17239).
    public var layerScale: Bool
    /// Whether a class token stands before the patches. It is left out of the features.
    public var classToken: Bool
    /// Whether the embedded patches are normalized before the first block (CLIP).
    public var preNorm: Bool
    /// Whether the features are normalized after the last block.
    public var postNorm: Bool
    /// Learned positions; `nil` for towers that have none.
    public var positions: PositionTable?
    /// The base of two-dimensional rotary positions; `nil` for towers that have none.
    public var rotaryBase: Float?
    /// Pixels of each side of an attention window; `nil` when every patch sees every other.
    public var windowSize: Int?
    /// With windows: the blocks in which every patch sees every other.
    public var fullAttentionLayers: [Int]
    /// Blocks whose output goes to the decoder's first blocks as well (DeepStack, arXiv 2406.04334).
    public var deepstackLayers: [Int]

    /// Makes a configuration of a plain vision transformer; every other property can be set afterwards.
    public init(
        patchSize: Int,
        hiddenSize: Int,
        layerCount: Int,
        headCount: Int,
        feedForwardSize: Int,
        normEpsilon: Float,
        activation: Activation
    ) {
        self.patchSize = patchSize
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.feedForwardSize = feedForwardSize
        self.normEpsilon = normEpsilon
        self.activation = activation
        framesPerPatch = 1
        norm = .layerNorm
        gatedFeedForward = false
        patchBias = true
        queryKeyValueBias = true
        queryKeyNorm = false
        layerScale = false
        classToken = false
        preNorm = false
        postNorm = false
        fullAttentionLayers = []
        deepstackLayers = []
    }

    /// Width of one head.
    public var headDimension: Int { hiddenSize / headCount }
    /// Samples of one patch: three colours, its frames, its pixels.
    public var patchSamples: Int { 3 * framesPerPatch * patchSize * patchSize }
}

/// The shape of a connector: neighbouring patches joined, then one or two linear layers.
public struct ConnectorConfiguration: Codable, Sendable, Equatable {
    /// What is normalized first.
    public enum NormPlace: String, Codable, Sendable {
        /// Each patch.
        case patch
        /// The joined patches.
        case merged
    }

    /// Patches of each side that are joined, row by row (pixel shuffle).
    public var merge: Int
    /// What is normalized, if anything.
    public var normPlace: NormPlace?
    /// By which norm.
    public var norm: VisionTowerConfiguration.Norm
    /// Added under its square root.
    public var normEpsilon: Float
    /// Width between two linear layers; `nil` when there is one layer.
    public var hiddenSize: Int?
    /// The activation between two layers.
    public var activation: VisionTowerConfiguration.Activation
    /// Whether the layers have biases.
    public var bias: Bool

    /// Makes a configuration.
    public init(
        merge: Int,
        normPlace: NormPlace? = nil,
        norm: VisionTowerConfiguration.Norm = .layerNorm,
        normEpsilon: Float = 1e-6,
        hiddenSize: Int? = nil,
        activation: VisionTowerConfiguration.Activation = .gelu,
        bias: Bool = true
    ) {
        self.merge = merge
        self.normPlace = normPlace
        self.norm = norm
        self.normEpsilon = normEpsilon
        self.hiddenSize = hiddenSize
        self.activation = activation
        self.bias = bias
    }
}
