import CTensor

/// The weights of one transformer block, as the kernels see them.
struct DecoderBlockWeights {
    let attentionNorm: UnsafePointer<Float>  // [hidden]
    let query: ct_matrix  // [heads * headDim, hidden]
    let key: ct_matrix  // [kvHeads * headDim, hidden]
    let value: ct_matrix  // [kvHeads * headDim, hidden]
    let queryBias: UnsafePointer<Float>?  // [heads * headDim]
    let keyBias: UnsafePointer<Float>?  // [kvHeads * headDim]
    let valueBias: UnsafePointer<Float>?  // [kvHeads * headDim]
    let queryNorm: UnsafePointer<Float>?  // [headDim]
    let keyNorm: UnsafePointer<Float>?  // [headDim]
    let attentionOutput: ct_matrix  // [hidden, heads * headDim]
    let feedForwardNorm: UnsafePointer<Float>  // [hidden]
    let gate: ct_matrix  // [feedForward, hidden]
    let up: ct_matrix  // [feedForward, hidden]
    let down: ct_matrix  // [hidden, feedForward]
}

/// All weights of a decoder, checked against its configuration.
///
/// The pointers lead into memory that the `ModelPackage` owns; this object keeps the package alive. Immutable after
/// `init`, hence safe to share.
final class DecoderWeights: @unchecked Sendable {
    let package: ModelPackage
    let tokenEmbedding: ct_matrix  // [vocabulary, hidden]
    let outputNorm: UnsafePointer<Float>  // [hidden]
    let output: ct_matrix  // [vocabulary, hidden]
    let blocks: [DecoderBlockWeights]

    /// Finds every tensor that the configuration calls for.
    init(package: ModelPackage, configuration: DecoderConfiguration) throws {
        let c = configuration
        let hidden = c.hiddenSize
        let queryRows = c.headCount * c.headDimension
        let keyValueRows = c.keyValueHeadCount * c.headDimension
        func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> ct_matrix {
            ct_matrix(try package.matrix(name, rows: rows, columns: columns))
        }
        func vector(_ name: String) throws -> UnsafePointer<Float> {
            try package.vector(name, count: hidden).pointer
        }
        func vector(_ name: String, _ count: Int, if isThere: Bool) throws -> UnsafePointer<Float>? {
            isThere ? try package.vector(name, count: count).pointer : nil
        }
        self.package = package
        tokenEmbedding = try matrix("token_embedding", c.vocabularySize, hidden)
        outputNorm = try vector("output_norm")
        output = c.tiedOutputHead ? tokenEmbedding : try matrix("output", c.vocabularySize, hidden)
        blocks = try (0..<c.layerCount).map { index in
            let block = "layers.\(index)"
            return DecoderBlockWeights(
                attentionNorm: try vector("\(block).attention_norm"),
                query: try matrix("\(block).attention.q", queryRows, hidden),
                key: try matrix("\(block).attention.k", keyValueRows, hidden),
                value: try matrix("\(block).attention.v", keyValueRows, hidden),
                queryBias: try vector("\(block).attention.q_bias", queryRows, if: c.queryKeyValueBias),
                keyBias: try vector("\(block).attention.k_bias", keyValueRows, if: c.queryKeyValueBias),
                valueBias: try vector("\(block).attention.v_bias", keyValueRows, if: c.queryKeyValueBias),
                queryNorm: try vector("\(block).attention.q_norm", c.headDimension, if: c.queryKeyNorm),
                keyNorm: try vector("\(block).attention.k_norm", c.headDimension, if: c.queryKeyNorm),
                attentionOutput: try matrix("\(block).attention.output", hidden, queryRows),
                feedForwardNorm: try vector("\(block).feed_forward_norm"),
                gate: try matrix("\(block).feed_forward.gate", c.feedForwardSize, hidden),
                up: try matrix("\(block).feed_forward.up", c.feedForwardSize, hidden),
                down: try matrix("\(block).feed_forward.down", hidden, c.feedForwardSize)
            )
        }
    }
}

extension ct_matrix {
    init(_ matrix: WeightMatrix) {
        self.init(
            type: ct_type(rawValue: matrix.type.rawValue),
            rows: Int32(matrix.rows),
            columns: Int32(matrix.columns),
            data: matrix.pointer
        )
    }

    /// Whether the type stores blocks of small integers rather than floats.
    var isQuantized: Bool { type.rawValue >= CT_Q8_0.rawValue }
}

extension DecoderWeights {
    /// Whether any matrix is stored in floats, whose products may go to BLAS.
    var hasFloatMatrices: Bool {
        !output.isQuantized
            || blocks.contains { block in
                [block.query, block.key, block.value, block.attentionOutput, block.gate, block.up, block.down]
                    .contains { !$0.isQuantized }
            }
    }
}
