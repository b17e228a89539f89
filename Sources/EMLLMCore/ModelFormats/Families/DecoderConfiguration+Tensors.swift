/// The shape of a weight.
package enum WeightShape: Sendable, Equatable, CustomStringConvertible {
    /// One-dimensional, always 32-bit floats in memory.
    case vector(count: Int)
    /// Outputs × inputs.
    case matrix(rows: Int, columns: Int)

    package var dimensions: [Int] {
        switch self {
        case .vector(let count): [count]
        case .matrix(let rows, let columns): [rows, columns]
        }
    }

    package var description: String { "\(dimensions)" }
}

extension DecoderConfiguration {
    /// Every weight that the decoder reads, by canonical name. A file must have exactly these.
    package var weightShapes: [(name: String, shape: WeightShape)] {
        let queries = headCount * headDimension
        let keys = keyValueHeadCount * headDimension
        var shapes: [(name: String, shape: WeightShape)] = [
            ("token_embedding", .matrix(rows: vocabularySize, columns: hiddenSize))
        ]
        for layer in 0..<layerCount {
            var block: [(String, WeightShape)] = [
                ("attention_norm", .vector(count: hiddenSize)),
                ("attention.q", .matrix(rows: queries, columns: hiddenSize)),
                ("attention.k", .matrix(rows: keys, columns: hiddenSize)),
                ("attention.v", .matrix(rows: keys, columns: hiddenSize)),
                ("attention.output", .matrix(rows: hiddenSize, columns: queries)),
                ("feed_forward_norm", .vector(count: hiddenSize)),
                ("feed_forward.gate", .matrix(rows: feedForwardSize, columns: hiddenSize)),
                ("feed_forward.up", .matrix(rows: feedForwardSize, columns: hiddenSize)),
                ("feed_forward.down", .matrix(rows: hiddenSize, columns: feedForwardSize)),
            ]
            if queryKeyValueBias {
                block += [
                    ("attention.q_bias", .vector(count: queries)), ("attention.k_bias", .vector(count: keys)),
                    ("attention.v_bias", .vector(count: keys)),
                ]
            }
            if queryKeyNorm {
                block += [
                    ("attention.q_norm", .vector(count: headDimension)),
                    ("attention.k_norm", .vector(count: headDimension)),
                ]
            }
            shapes += block.map { ("layers.\(layer).\($0.0)", $0.1) }
        }
        shapes.append(("output_norm", .vector(count: hiddenSize)))
        if !tiedOutputHead { shapes.append(("output", .matrix(rows: vocabularySize, columns: hiddenSize))) }
        return shapes
    }
}
