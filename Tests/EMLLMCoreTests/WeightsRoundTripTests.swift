import CTensor
import EMLLMCore
import Foundation
import Testing

@testable import EMLLMFormats

@Suite("Weights: from GGUF to .emllm and back")
struct WeightsRoundTripTests {
    @Test("Every block of every type comes back bit for bit", arguments: TensorType.allCases)
    func blocks(type: TensorType) throws {
        let gguf = GGUFBuilder.tinyLlama(type)
        let container = try WeightsFixtures.container(gguf.bytes())
        let direct = try ModelPackage(MappedFile(bytes: gguf.bytes(), path: "x.gguf"))
        let converted = try ModelPackage(MappedFile(bytes: container, path: "x.emllm"))
        #expect(direct.configuration == converted.configuration)
        #expect(direct.tokenizer == converted.tokenizer)
        #expect(direct.chatTemplate == converted.chatTemplate)
        #expect(direct.weightBytes == converted.weightBytes)

        for tensor in gguf.tensors where tensor.dimensions.count == 2 {
            let name = String(decoding: tensor.name, as: UTF8.self)
            guard case .weight(let canonical) = ModelFamily.llama.gguf.role(of: name) else { continue }
            let (columns, rows) = (Int(tensor.dimensions[0]), Int(tensor.dimensions[1]))
            let rowBytes = try #require(type.rowBytes(columns: columns))
            for package in [direct, converted] {
                let matrix = try package.matrix(canonical, rows: rows, columns: columns)
                #expect(matrix.type == type)
                #expect(UInt(bitPattern: matrix.pointer) % 64 == 0)
                var blocks: [UInt8] = []
                for row in 0..<rows {
                    var unpacked = [UInt8](repeating: 0, count: rowBytes)
                    ct_unpack_row(
                        type.cType,
                        Int64(rows),
                        Int64(columns),
                        matrix.pointer,
                        Int64(row),
                        &unpacked
                    )
                    blocks += unpacked
                }
                #expect(blocks == tensor.data, "\(name) in \(package.path)")
            }
        }
    }

    @Test("Norms in half precision become the same floats")
    func vectors() throws {
        let gguf = GGUFBuilder.tinyLlama(.q8_0)
        let container = try WeightsFixtures.container(gguf.bytes())
        for file in [(gguf.bytes(), "x.gguf"), (container, "x.emllm")] {
            let package = try ModelPackage(MappedFile(bytes: file.0, path: file.1))
            for (name, canonical) in [
                ("blk.0.attn_norm.weight", "layers.0.attention_norm"),
                ("blk.0.ffn_norm.weight", "layers.0.feed_forward_norm"),
            ] {
                let tensor = try #require(gguf.tensors.first { $0.name == Array(name.utf8) })
                let vector = try package.vector(canonical, count: 32)
                #expect(UInt(bitPattern: vector.pointer) % 64 == 0)
                for index in 0..<32 {
                    let bits = UInt16(tensor.data[2 * index]) | UInt16(tensor.data[2 * index + 1]) << 8
                    let expected =
                        tensor.type == 30 ? Float(bitPattern: UInt32(bits) << 16) : Self.half(bits)
                    #expect(vector.pointer[index] == expected, "\(name) \(index)")
                }
            }
        }
    }

    /// A normal half-precision number as a float, by its definition.
    static func half(_ bits: UInt16) -> Float {
        let fraction = 1 + Float(bits & 0x3FF) / 1024
        let value = fraction * Float(sign: .plus, exponent: Int(bits >> 10 & 31) - 15, significand: 1)
        return bits & 0x7C00 == 0 ? 0 : bits & 0x8000 == 0 ? value : -value
    }

    @Test("A real model: tokenizer, configuration and weights")
    func stories260K() throws {
        let folder = try TemporaryFolder()
        let output = try folder.file("stories.emllm")
        let report = try ModelConverter.convert(WeightsFixtures.stories260K, to: output)
        #expect(report.tensors.count == 48)
        #expect(report.tensors.allSatisfy { $0.error == nil && $0.note == nil })
        #expect(report.fileBytes == (try Data(contentsOf: output)).count)
        let direct = try ModelPackage.open(WeightsFixtures.stories260K)
        let converted = try ModelPackage.open(output)
        #expect(direct.format == "GGUF 3" && converted.format == ".emllm 1")
        #expect(direct.configuration == converted.configuration)
        #expect(direct.tokenizer == converted.tokenizer)
        #expect(
            direct.configuration.decoder
                == DecoderConfiguration(
                    vocabularySize: 512,
                    hiddenSize: 64,
                    layerCount: 5,
                    headCount: 8,
                    keyValueHeadCount: 4,
                    headDimension: 8,
                    feedForwardSize: 172,
                    contextLength: 512,
                    normEpsilon: 1e-5,
                    rope: RopeConfiguration(base: 10_000, rotaryDimension: 8, layout: .interleaved),
                    tiedOutputHead: false
                )
        )
        for (name, shape) in direct.configuration.decoder.weightShapes {
            guard case .matrix(let rows, let columns) = shape else { continue }
            let first = try direct.matrix(name, rows: rows, columns: columns)
            let second = try converted.matrix(name, rows: rows, columns: columns)
            #expect(memcmp(first.pointer, second.pointer, rows * columns * 4) == 0, "\(name)")
        }
        let sum = Checksum(of: [UInt8](try Data(contentsOf: WeightsFixtures.stories260K)))
        #expect(converted.provenance.sourceSHA256 == "\(sum)")
        #expect(converted.provenance.sourceFile == "stories260K-f32.gguf")
    }

    @Test("Converting twice gives the same bytes")
    func determinism() throws {
        let gguf = GGUFBuilder.tinyLlama(.q5_K).bytes()
        #expect(try WeightsFixtures.container(gguf) == WeightsFixtures.container(gguf))
    }

    @Test("Weights outlive the package that they came from")
    func lifetime() throws {
        let matrix: WeightMatrix
        let vector: WeightVector
        do {
            let package = try ModelPackage(MappedFile(bytes: GGUFBuilder.tinyLlama().bytes(), path: "x.gguf"))
            matrix = try package.matrix("layers.0.attention.k", rows: 16, columns: 32)
            vector = try package.vector("output_norm", count: 32)
        }
        let tensor = try #require(
            GGUFBuilder.tinyLlama().tensors.first { $0.name == Array("blk.0.attn_k.weight".utf8) }
        )
        #expect(Array(UnsafeRawBufferPointer(start: matrix.pointer, count: 16 * 32 * 4)) == tensor.data)
        #expect((0..<32).allSatisfy { vector.pointer[$0].isFinite })
    }

    @Test("Asking for another shape or name is an error")
    func wrongShape() throws {
        let package = try ModelPackage(MappedFile(bytes: GGUFBuilder.tinyLlama().bytes(), path: "x.gguf"))
        #expect(
            WeightsFixtures.error { _ = try package.matrix("output", rows: 19, columns: 32) }?.code == .missingTensor
        )
        let shape = WeightsFixtures.error { _ = try package.matrix("token_embedding", rows: 32, columns: 19) }
        #expect(shape?.code == .wrongTensorShape && "\(shape!)".contains("[19, 32]"))
        #expect(
            WeightsFixtures.error { _ = try package.vector("token_embedding", count: 32) }?.code == .wrongTensorShape
        )
    }

    @Test("SHA-256 of the standard's examples")
    func checksum() {
        // FIPS 180-4, examples published with the standard.
        #expect(
            "\(Checksum(of: Array("abc".utf8)))" == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect("\(Checksum(of: []))" == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect("\(Checksum(of: million))" == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}
