import CTensor
import Foundation

extension ModelPackage {
    /// A model with random weights, for benchmarks, whose times do not depend on the weights' values.
    ///
    /// Matrices are uniformly distributed, with a variance that keeps activations of order 1; norms are 1 and biases 0.
    /// The tokenizer has one token for each byte, and the rest of the vocabulary is unused.
    ///
    /// - Parameters:
    ///   - configuration: the model's shape.
    ///   - type: how matrices are stored; those whose columns do not fit the type stay floats.
    ///   - seed: makes the weights repeatable.
    /// - Throws: `EMLLMError` when the configuration is invalid, the type cannot be written, or memory runs out.
    package static func random(
        configuration: ModelConfiguration,
        type: TensorType,
        seed: UInt64 = 0
    ) throws -> ModelPackage {
        let subject = "random model"
        try configuration.validate(subject: subject)
        guard type.isWritable else {
            throw EMLLMError.cannotQuantize(
                path: subject,
                what: "random weights",
                expected: "a type that can be written",
                found: type.name
            )
        }
        let plan = configuration.weightShapes.map {
            name,
            shape -> (name: String, type: TensorType, shape: WeightShape) in
            guard case .matrix(_, let columns) = shape, columns % type.blockColumns == 0 else {
                return (name, .f32, shape)
            }
            return (name, type, shape)
        }
        let layout = try PackedLayout(plan, path: subject)
        let buffer = try AlignedBuffer(byteCount: layout.byteCount, for: subject)
        var weights: [String: Weight] = [:]
        for (index, (tensor, place)) in zip(plan, layout.places).enumerated() {
            let target = buffer.bytes.baseAddress! + place.offset
            switch tensor.shape {
            case .vector(let count):
                let value: Float = tensor.name.hasSuffix("bias") ? 0 : 1
                target.bindMemory(to: Float.self, capacity: count).initialize(repeating: value, count: count)
            case .matrix(let rows, let columns):
                let random = CounterRandom(seed: seed &+ UInt64(index) << 32)
                try fill(target, tensor.type, rows: rows, columns: columns, random, subject: subject)
            }
            weights[tensor.name] = Weight(type: tensor.type, shape: tensor.shape, pointer: target, owner: buffer)
        }
        return ModelPackage(
            configuration: configuration,
            tokenizer: byteTokenizer(vocabularySize: configuration.decoder.vocabularySize),
            provenance: Provenance(name: "random \(configuration.family)"),
            path: subject,
            weights: weights,
            weightBytes: layout.places.reduce(0) { $0 + $1.byteCount }
        )
    }

    /// Random rows, quantized and packed on all processors.
    private static func fill(
        _ target: UnsafeMutableRawPointer,
        _ type: TensorType,
        rows: Int,
        columns: Int,
        _ random: CounterRandom,
        subject: String
    ) throws {
        guard let rowBytes = type.rowBytes(columns: columns) else {
            throw EMLLMError.outOfMemory(subject: subject, byteCount: rows * columns)
        }
        let blocks = try AlignedBuffer(byteCount: rows * rowBytes, for: subject)
        // Each chunk writes only its own rows.
        nonisolated(unsafe) let blockBase = blocks.bytes.baseAddress!
        nonisolated(unsafe) let target = target
        let range = (3 / Float(columns)).squareRoot()
        TensorPacking.forEachChunk(ofRows: rows, columns: columns) { chunk in
            var values = [Float](repeating: 0, count: columns)
            for row in chunk {
                for column in 0..<columns {
                    let draw = Float(random.uniform(branch: UInt64(row), position: column))
                    values[column] = (2 * draw - 1) * range
                }
                _ = ct_quantize_row(type.cType, values, Int64(columns), blockBase + row * rowBytes)
            }
            ct_pack(
                type.cType,
                Int64(rows),
                Int64(columns),
                blockBase,
                target,
                Int64(chunk.lowerBound),
                Int64(chunk.upperBound)
            )
        }
    }

    private static func byteTokenizer(vocabularySize: Int) -> TokenizerDefinition {
        let bytes = ByteAlphabet.scalars.map { String(Character($0)) }
        let unused = (256..<max(256, vocabularySize)).map { "[unused \($0)]" }
        return TokenizerDefinition(
            model: .bytePairEncoding,
            preTokenizer: "gpt-2",
            tokens: Array((bytes + unused).prefix(vocabularySize)),
            types: (0..<vocabularySize).map { $0 < 256 ? .normal : .unused },
            scores: [],
            merges: [],
            beginningOfSequence: nil,
            endOfSequence: nil,
            unknown: nil,
            padding: nil,
            endOfGeneration: [],
            addsBeginningOfSequence: false,
            addsEndOfSequence: false,
            addsSpacePrefix: false
        )
    }
}
