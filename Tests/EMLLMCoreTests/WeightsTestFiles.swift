import EMLLMCore
import Foundation

@testable import EMLLMFormats

/// Writes GGUF files in memory, well-formed ones and others.
struct GGUFBuilder {
    /// A metadata value with its type number.
    enum Value {
        case uint32(UInt32)
        case int32(Int32)
        case uint64(UInt64)
        case float(Float)
        case bool(UInt8)
        case string([UInt8])
        case strings([String])
        case floats([Float])
        case int32s([Int32])
        /// A type number and the bytes after it, whatever they are.
        case raw(UInt32, [UInt8])

        static func text(_ text: String) -> Value { .string(Array(text.utf8)) }
    }

    /// One tensor of the table; the fields that files lie about can be set apart from the data.
    struct Tensor {
        var name: [UInt8]
        var dimensions: [UInt64]
        var type: UInt32
        var data: [UInt8]
        var rank: UInt32?
        var offset: UInt64?
    }

    var magic = Array("GGUF".utf8)
    var version: UInt32 = 3
    var metadata: [(key: String, value: Value)] = []
    var tensors: [Tensor] = []
    var tensorCount: UInt64?
    var metadataCount: UInt64?
    var alignment = 32

    subscript(key: String) -> Value? {
        get { metadata.first { $0.key == key }?.value }
        set {
            let index = metadata.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): metadata[index].value = value
            case (let index?, nil): metadata.remove(at: index)
            case (nil, let value?): metadata.append((key, value))
            case (nil, nil): break
            }
        }
    }

    mutating func change(_ name: String, _ body: (inout Tensor) -> Void) {
        for index in tensors.indices where tensors[index].name == Array(name.utf8) { body(&tensors[index]) }
    }

    func bytes() -> [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: tensorCount ?? UInt64(tensors.count))
        bytes.append(littleEndian: metadataCount ?? UInt64(metadata.count))
        for (key, value) in metadata {
            Self.append(Array(key.utf8), to: &bytes)
            Self.append(value, to: &bytes)
        }
        var data: [UInt8] = []
        for tensor in tensors {
            Self.append(tensor.name, to: &bytes)
            bytes.append(littleEndian: tensor.rank ?? UInt32(tensor.dimensions.count))
            for size in tensor.dimensions { bytes.append(littleEndian: size) }
            bytes.append(littleEndian: tensor.type)
            data += [UInt8](repeating: 0, count: -data.count & (alignment - 1))
            bytes.append(littleEndian: tensor.offset ?? UInt64(data.count))
            data += tensor.data
        }
        bytes += [UInt8](repeating: 0, count: -bytes.count & (alignment - 1))
        return bytes + data
    }

    private static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(littleEndian: UInt64(text.count))
        bytes += text
    }

    private static func append(_ value: Value, to bytes: inout [UInt8]) {
        func array<T>(_ type: UInt32, _ values: [T], _ body: (T, inout [UInt8]) -> Void) {
            bytes.append(littleEndian: UInt32(9))
            bytes.append(littleEndian: type)
            bytes.append(littleEndian: UInt64(values.count))
            for value in values { body(value, &bytes) }
        }
        func scalar<T: FixedWidthInteger>(_ type: UInt32, _ value: T) {
            bytes.append(littleEndian: type)
            bytes.append(littleEndian: value)
        }
        switch value {
        case .uint32(let number): scalar(4, number)
        case .int32(let number): scalar(5, number)
        case .uint64(let number): scalar(10, number)
        case .float(let number): scalar(6, number.bitPattern)
        case .bool(let byte): scalar(7, byte)
        case .string(let text):
            bytes.append(littleEndian: UInt32(8))
            append(text, to: &bytes)
        case .strings(let texts): array(8, texts) { append(Array($0.utf8), to: &$1) }
        case .floats(let numbers): array(6, numbers) { $1.append(littleEndian: $0.bitPattern) }
        case .int32s(let numbers): array(5, numbers) { $1.append(littleEndian: $0) }
        case .raw(let type, let rest):
            bytes.append(littleEndian: type)
            bytes += rest
        }
    }
}

extension GGUFBuilder {
    /// ggml's number of a type.
    static func number(_ type: TensorType) -> UInt32 { GGMLType.supported.first { $0.value == type }!.key }

    /// A Llama of one block with random weights: small enough to be mutated a hundred thousand times.
    ///
    /// - Parameter type: Of the matrices; the embedding, with an odd number of rows, is the same.
    static func tinyLlama(_ type: TensorType = .f32, seed: UInt64 = 1) -> GGUFBuilder {
        let hidden = max(32, type.blockColumns)
        let (vocabulary, feedForward) = (19, 2 * hidden)
        var random = SplitMix64(state: seed)
        var file = GGUFBuilder()
        file["general.architecture"] = .text("llama")
        file["general.name"] = .text("tiny")
        file["general.license"] = .text("MIT")
        file["llama.context_length"] = .uint32(64)
        file["llama.embedding_length"] = .uint32(UInt32(hidden))
        file["llama.block_count"] = .uint32(1)
        file["llama.feed_forward_length"] = .uint32(UInt32(feedForward))
        file["llama.attention.head_count"] = .uint32(4)
        file["llama.attention.head_count_kv"] = .uint32(2)
        file["llama.attention.layer_norm_rms_epsilon"] = .float(1e-5)
        file["tokenizer.ggml.model"] = .text("llama")
        file["tokenizer.ggml.tokens"] = .strings(["<unk>", "<s>", "</s>"] + (3..<vocabulary).map { "t\($0)é" })
        file["tokenizer.ggml.scores"] = .floats((0..<vocabulary).map { -Float($0) / 3 })
        file["tokenizer.ggml.token_type"] = .int32s([2, 3, 3] + [Int32](repeating: 1, count: vocabulary - 3))
        file["tokenizer.ggml.bos_token_id"] = .uint32(1)
        file["tokenizer.ggml.eos_token_id"] = .uint32(2)
        file["tokenizer.chat_template"] = .text("{{ messages[0].content }}")
        func add(_ name: String, _ type: TensorType, _ dimensions: [Int]) {
            let rows = dimensions.dropFirst().reduce(1, *)
            let bytes = random.blocks(type, count: rows * dimensions[0] / type.blockColumns)
            file.tensors.append(
                Tensor(
                    name: Array(name.utf8),
                    dimensions: dimensions.map(UInt64.init),
                    type: number(type),
                    data: bytes
                )
            )
        }
        add("token_embd.weight", type, [hidden, vocabulary])
        add("output_norm.weight", .f32, [hidden])
        add("blk.0.attn_norm.weight", .f16, [hidden])
        add("blk.0.ffn_norm.weight", .bf16, [hidden])
        add("blk.0.attn_q.weight", type, [hidden, hidden])
        add("blk.0.attn_k.weight", type, [hidden, hidden / 2])
        add("blk.0.attn_v.weight", type, [hidden, hidden / 2])
        add("blk.0.attn_output.weight", type, [hidden, hidden])
        add("blk.0.ffn_gate.weight", type, [hidden, feedForward])
        add("blk.0.ffn_up.weight", type, [hidden, feedForward])
        add("blk.0.ffn_down.weight", type, [feedForward, hidden])
        return file
    }
}

extension SplitMix64 {
    /// Blocks whose integers are any bits and whose scales are small finite numbers.
    mutating func blocks(_ type: TensorType, count: Int) -> [UInt8] {
        func half(_ value: Float) -> [UInt8] {
            let bits = Float16Bits.of(value)
            return [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
        }
        var bytes: [UInt8] = []
        for _ in 0..<count {
            let value = Float.random(in: -1...1, using: &self)
            if type == .f32 { bytes.append(littleEndian: value.bitPattern) }
            if type == .f16 { bytes += half(value) }
            if type == .bf16 { bytes.append(littleEndian: UInt16(value.bitPattern >> 16)) }
            guard type.isQuantized else { continue }
            var block = (0..<type.blockBytes).map { _ in UInt8.random(in: 0...255, using: &self) }
            let scaleOffsets: [Int] =
                switch type {
                case .q6_K: [208]
                case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
                default: [0]
                }
            for offset in scaleOffsets {
                block.replaceSubrange(offset..<offset + 2, with: half(Float.random(in: -1...1, using: &self) / 16))
            }
            bytes += block
        }
        return bytes
    }
}

/// Conversion to half precision by truncation: `Float16` is missing on some Macs, and tests need no rounding.
enum Float16Bits {
    static func of(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let exponent = Int(bits >> 23 & 255) - 127 + 15
        guard exponent > 0 else { return UInt16(bits >> 16 & 0x8000) }
        return UInt16(bits >> 16 & 0x8000 | UInt32(exponent) << 10 | bits >> 13 & 0x3FF)
    }
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "emllm-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String, _ bytes: [UInt8]? = nil) throws -> URL {
        let file = url.appending(path: name)
        if let bytes { try Data(bytes).write(to: file) }
        return file
    }

    /// Everything in the folder, hidden files included.
    func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
}

/// Files that the weights' tests read.
enum WeightsFixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static let stories260K = folder.appending(path: "stories260K/stories260K-f32.gguf")

    /// The `.emllm` file that a GGUF file becomes.
    static func container(_ gguf: [UInt8], options: ModelConverter.Options = .init()) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let output = try folder.file("out.emllm")
        try ModelConverter.convert(try folder.file("in.gguf", gguf), to: output, options: options)
        return Array(try Data(contentsOf: output))
    }

    /// The error that a body throws.
    static func error(_ body: () throws -> Void) -> EMLLMError? {
        do {
            try body()
            return nil
        } catch {
            return error as? EMLLMError
        }
    }
}
