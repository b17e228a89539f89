/// How a model processes pictures: from pixels to embeddings among those of the text. Stored as JSON inside `.emllm`
/// files.
public struct VisionConfiguration: Codable, Sendable, Equatable {
    /// From pictures to pixel values.
    public var preprocessing: ImagePreprocessing
    /// From pixel values to patch features.
    package var tower: VisionTowerConfiguration
    /// From patch features to embeddings of the decoder.
    package var connector: ConnectorConfiguration
    /// How a prompt represents a picture.
    package var prompt: ImagePromptFormat

    /// Makes a configuration; ``ModelConfiguration/validate(subject:)`` checks whether the engine can run it.
    package init(
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

/// The shape of a vision transformer (Dosovitskiy et al., arXiv 2010.11929): everything that distinguishes towers, as
/// data.
package struct VisionTowerConfiguration: Codable, Sendable, Equatable {
    /// The norm of the residual stream before each half of a block.
    package enum Norm: String, Codable, Sendable {
        /// LayerNorm, with weight and bias.
        case layerNorm = "layer-norm"
        /// RMSNorm, with a weight.
        case rmsNorm = "rms-norm"
    }

    /// The activation of a feed-forward layer.
    package enum Activation: String, Codable, Sendable {
        /// x · Φ(x).
        case gelu
        /// Its approximation by a hyperbolic tangent.
        case geluTanh = "gelu-tanh"
        /// Its approximation by a logistic function (CLIP).
        case geluQuick = "gelu-quick"
        /// x · sigmoid(x).
        case silu
    }

    /// A learned table of positions: side × side rows, preceded by one for the class token, if any.
    package struct PositionTable: Codable, Sendable, Equatable {
        /// How positions of a picture are looked up in the table.
        package enum Lookup: String, Codable, Sendable {
            /// The patch grid is that of the table.
            case exact
            /// The nearest lower cell of the table (NaViT's fractional coordinates, arXiv 2307.06304; Idefics 3).
            case bucket
            /// Interpolated between four cells, with corners aligned (Qwen3-VL).
            case bilinear
            /// Interpolated between sixteen cells with a = −0.75, with pixel centres aligned (DINOv2, InternVL).
            case bicubic
        }

        /// The number of cells along each side.
        package var side: Int
        /// How positions are looked up.
        package var lookup: Lookup

        /// Makes a description of a table.
        package init(side: Int, lookup: Lookup) {
            self.side = side
            self.lookup = lookup
        }
    }

    /// The side of a patch, in pixels.
    package var patchSize: Int
    /// Frames in a patch; a still picture fills each of them.
    package var framesPerPatch: Int
    /// Width of the residual stream.
    package var hiddenSize: Int
    /// Number of transformer blocks that run.
    package var layerCount: Int
    /// Heads per block.
    package var headCount: Int
    /// Width of the feed-forward layer.
    package var feedForwardSize: Int
    /// The norm.
    package var norm: Norm
    /// Added under the square root of norms.
    package var normEpsilon: Float
    /// The activation of the feed-forward layer.
    package var activation: Activation
    /// Whether the feed-forward layer has a gate (SwiGLU, arXiv 2002.05202).
    package var gatedFeedForward: Bool
    /// Whether the patch embedding has a bias.
    package var patchBias: Bool
    /// Whether queries, keys and values have biases. All other products of a block have one.
    package var queryKeyValueBias: Bool
    /// Whether queries and keys are normalized over their whole width (InternViT-6B).
    package var queryKeyNorm: Bool
    /// Whether the output of each block is scaled by a learned vector (Touvron et al., arXiv 2103.17239).
    package var layerScale: Bool
    /// Whether a class token precedes the patches. It is not part of the features.
    package var classToken: Bool
    /// Whether the embedded patches are normalized before the first block (CLIP).
    package var preNorm: Bool
    /// Whether the features are normalized after the last block.
    package var postNorm: Bool
    /// Learned positions; `nil` for towers that have none.
    package var positions: PositionTable?
    /// The base of two-dimensional rotary positions; `nil` for towers that have none.
    package var rotaryBase: Float?
    /// The side of an attention window, in pixels; `nil` for full attention.
    package var windowSize: Int?
    /// With windows, the blocks that use full attention.
    package var fullAttentionLayers: [Int]
    /// Blocks whose output also goes to the decoder's first blocks (DeepStack, arXiv 2406.04334).
    package var deepstackLayers: [Int]

    /// Makes the configuration of a plain vision transformer; all other properties can be set afterwards.
    package init(
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
    package var headDimension: Int { hiddenSize / headCount }
    /// The number of samples in one patch: colours × frames × pixels.
    package var patchSamples: Int { 3 * framesPerPatch * patchSize * patchSize }
}

/// The shape of a connector: neighbouring patches are joined, and go through one or two linear layers.
package struct ConnectorConfiguration: Codable, Sendable, Equatable {
    /// Where the input is normalized.
    package enum NormPlace: String, Codable, Sendable {
        /// Each patch, before joining.
        case patch
        /// The patches, after joining.
        case merged
    }

    /// The number of patches along each side that are joined, row by row (pixel shuffle).
    package var merge: Int
    /// Where the input is normalized; `nil` if it is not.
    package var normPlace: NormPlace?
    /// The norm of the input.
    package var norm: VisionTowerConfiguration.Norm
    /// Added under its square root.
    package var normEpsilon: Float
    /// The width between two linear layers; `nil` if there is only one layer.
    package var hiddenSize: Int?
    /// The activation between two layers.
    package var activation: VisionTowerConfiguration.Activation
    /// Whether the layers have biases.
    package var bias: Bool

    /// Makes a configuration.
    package init(
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
