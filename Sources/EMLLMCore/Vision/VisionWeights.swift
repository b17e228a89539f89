import CTensor

/// A norm's weights; without a bias it is an RMSNorm.
struct NormWeights {
    let weight: UnsafePointer<Float>
    let bias: UnsafePointer<Float>?
    let width: Int
    let epsilon: Float

    /// The norm of one row. Both `[width]`.
    func apply(
        _ row: UnsafePointer<Float>,
        to out: UnsafeMutablePointer<Float>,
        _ kernels: UnsafePointer<ct_kernels>
    ) {
        if let bias {
            kernels.pointee.layer_norm(row, weight, bias, Int64(width), epsilon, out)
        } else {
            kernels.pointee.rms_norm(row, weight, Int64(width), epsilon, out)
        }
    }
}

/// A linear layer, y = W x + b.
struct LinearWeights {
    let matrix: ct_matrix  // [outputs, inputs]
    let bias: UnsafePointer<Float>?  // [outputs]
    var outputs: Int { Int(matrix.rows) }
}

/// The weights of one block of a vision tower.
struct VisionBlockWeights {
    let attentionNorm: NormWeights
    let query: LinearWeights  // [hidden, hidden]
    let key: LinearWeights
    let value: LinearWeights
    let queryNorm: NormWeights?
    let keyNorm: NormWeights?
    let attentionOutput: LinearWeights
    let attentionScale: UnsafePointer<Float>?  // [hidden]
    let feedForwardNorm: NormWeights
    let gate: LinearWeights?  // [feedForward, hidden]
    let up: LinearWeights
    let down: LinearWeights  // [hidden, feedForward]
    let feedForwardScale: UnsafePointer<Float>?  // [hidden]
}

/// The weights of a connector.
struct ConnectorWeights {
    let place: ConnectorConfiguration.NormPlace?
    let norm: NormWeights?
    let first: LinearWeights
    let second: LinearWeights?
}

/// All weights of a model's vision encoder, checked against its configuration.
///
/// The pointers lead into memory that the `ModelPackage` owns; this object keeps the package alive. Immutable after
/// `init`, hence safe to share.
final class VisionWeights: @unchecked Sendable {
    let package: ModelPackage
    let configuration: VisionConfiguration
    let patchEmbedding: LinearWeights  // [hidden, patchSamples]
    let classToken: UnsafePointer<Float>?  // [hidden]
    let positions: ct_matrix?  // [(class) + side · side, hidden]
    let preNorm: NormWeights?
    let blocks: [VisionBlockWeights]
    let postNorm: NormWeights?
    let connector: ConnectorWeights
    let deepstack: [ConnectorWeights]

    /// Finds every tensor that the configuration calls for.
    init(package: ModelPackage, vision: VisionConfiguration, decoderWidth: Int) throws {
        let tower = vision.tower
        let reader = Reader(package: package, shapes: vision.weightShapes(decoderWidth: decoderWidth))
        self.package = package
        configuration = vision
        patchEmbedding = LinearWeights(
            matrix: try reader.matrix("patch_embedding"),
            bias: try reader.vector("patch_bias")
        )
        classToken = try reader.vector("class_token")
        positions = tower.positions == nil ? nil : try reader.matrix("positions")
        preNorm = try reader.norm("pre_norm", tower.hiddenSize, tower.normEpsilon)
        blocks = try (0..<tower.layerCount).map { index in
            let block = "layers.\(index)"
            func norm(_ name: String) throws -> NormWeights {
                try reader.norm("\(block).\(name)", tower.hiddenSize, tower.normEpsilon)!
            }
            func linear(_ name: String) throws -> LinearWeights { try reader.linear("\(block).\(name)") }
            return VisionBlockWeights(
                attentionNorm: try norm("attention_norm"),
                query: try linear("attention.q"),
                key: try linear("attention.k"),
                value: try linear("attention.v"),
                queryNorm: try reader.norm("\(block).attention.q_norm", tower.hiddenSize, tower.normEpsilon),
                keyNorm: try reader.norm("\(block).attention.k_norm", tower.hiddenSize, tower.normEpsilon),
                attentionOutput: try linear("attention.output"),
                attentionScale: try reader.vector("\(block).attention_scale"),
                feedForwardNorm: try norm("feed_forward_norm"),
                gate: tower.gatedFeedForward ? try linear("feed_forward.gate") : nil,
                up: try linear("feed_forward.up"),
                down: try linear("feed_forward.down"),
                feedForwardScale: try reader.vector("\(block).feed_forward_scale")
            )
        }
        postNorm = try reader.norm("post_norm", tower.hiddenSize, tower.normEpsilon)
        connector = try reader.connector("connector", vision.connector, width: tower.hiddenSize)
        deepstack = try tower.deepstackLayers.indices.map {
            try reader.connector("deepstack.\($0)", vision.deepstackConnector, width: tower.hiddenSize)
        }
    }

    /// Whether any product takes 8-bit inputs.
    var hasQuantizedMatrices: Bool {
        blocks.contains { block in
            [block.query, block.key, block.value, block.attentionOutput, block.up, block.down]
                .contains { $0.matrix.isQuantized }
        } || connector.first.matrix.isQuantized
    }

    /// The widest input of any product.
    var widest: Int {
        let tower = configuration.tower
        let merged = tower.hiddenSize * configuration.connector.merge * configuration.connector.merge
        return max(tower.hiddenSize, tower.feedForwardSize, tower.patchSamples, merged, connector.first.outputs)
    }
}

/// Finds tensors by name; those that the configuration does not call for are `nil`.
private struct Reader {
    let package: ModelPackage
    let shapes: [String: WeightShape]

    init(package: ModelPackage, shapes: [(name: String, shape: WeightShape)]) {
        self.package = package
        self.shapes = Dictionary(shapes.map { ($0.name, $0.shape) }) { first, _ in first }
    }

    func matrix(_ name: String) throws -> ct_matrix {
        guard case .matrix(let rows, let columns)? = shapes["vision.\(name)"] else {
            preconditionFailure("no matrix \(name) in this configuration")
        }
        return ct_matrix(try package.matrix("vision.\(name)", rows: rows, columns: columns))
    }

    func vector(_ name: String) throws -> UnsafePointer<Float>? {
        guard case .vector(let count)? = shapes["vision.\(name)"] else { return nil }
        return try package.vector("vision.\(name)", count: count).pointer
    }

    func linear(_ name: String) throws -> LinearWeights {
        LinearWeights(matrix: try matrix(name), bias: try vector("\(name)_bias"))
    }

    func norm(_ name: String, _ width: Int, _ epsilon: Float) throws -> NormWeights? {
        guard let weight = try vector(name) else { return nil }
        return NormWeights(weight: weight, bias: try vector("\(name)_bias"), width: width, epsilon: epsilon)
    }

    func connector(
        _ name: String,
        _ configuration: ConnectorConfiguration,
        width: Int
    ) throws -> ConnectorWeights {
        let merged = width * configuration.merge * configuration.merge
        let normWidth = configuration.normPlace == .merged ? merged : width
        return ConnectorWeights(
            place: configuration.normPlace,
            norm: try norm("\(name).norm", normWidth, configuration.normEpsilon),
            first: try linear("\(name).first"),
            second: configuration.hiddenSize == nil ? nil : try linear("\(name).second")
        )
    }
}
