import EMLLMCore
import Testing

@testable import EMLLMFormats

@Suite("Weights: GGUF files")
struct WeightsGGUFTests {
    /// A defect: what is done to a good file, and what the reader must say.
    struct Defect: CustomTestStringConvertible, Sendable {
        let name: String
        let code: EMLLMError.Code
        /// Something that the message must mention, so that a user can find the place.
        let mention: String
        let change: @Sendable (inout GGUFBuilder) -> Void

        init(
            _ name: String,
            _ code: EMLLMError.Code,
            _ mention: String,
            _ change: @escaping @Sendable (inout GGUFBuilder) -> Void
        ) {
            self.name = name
            self.code = code
            self.mention = mention
            self.change = change
        }

        var testDescription: String { name }
    }

    static let defects: [Defect] = [
        Defect("wrong magic", .wrongMagic, "GGUF") { $0.magic = Array("GGUX".utf8) },
        Defect("version 1", .unsupportedVersion, "version 1") { $0.version = 1 },
        Defect("version 4", .unsupportedVersion, "version 4") { $0.version = 4 },
        Defect("big-endian", .bigEndianFile, "big-endian") { $0.version = 3 << 24 },
        Defect("absurd tensor count", .absurdCount, "tensors") { $0.tensorCount = 1 << 60 },
        Defect("absurd key count", .absurdCount, "metadata keys") { $0.metadataCount = UInt64.max },
        Defect("key twice", .invalidMetadata, "general.name") { $0.metadata.append(("general.name", .text("again"))) },
        Defect("key that is not UTF-8", .invalidUTF8, "general.name") { $0["general.name"] = .string([0xFF, 0xFE]) },
        Defect("unknown value type", .unknownMetadataType, "general.x") { $0["general.x"] = .raw(13, []) },
        Defect("string longer than the file", .absurdCount, "general.x") {
            $0["general.x"] = .raw(8, [UInt8](repeating: 0xFF, count: 8))
        },
        Defect("array longer than the file", .absurdCount, "general.x") {
            $0["general.x"] = .raw(9, [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        },
        Defect("arrays nested too deep", .invalidMetadata, "general.x") { file in
            let level: [UInt8] = [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
            file["general.x"] = .raw(
                9,
                Array(repeatElement(level, count: 6).joined()) + [4, 0, 0, 0] + Array(repeating: 0, count: 8)
            )
        },
        Defect("boolean of 2", .invalidMetadata, "general.x") { $0["general.x"] = .bool(2) },
        Defect("alignment of 24", .invalidMetadata, "general.alignment") { $0["general.alignment"] = .uint32(24) },
        Defect("alignment of 0", .invalidMetadata, "general.alignment") { $0["general.alignment"] = .uint32(0) },
        Defect("tensor name that is not UTF-8", .invalidUTF8, "tensor 1") {
            $0.change("output_norm.weight") { $0.name = [0xC3, 0x28] }
        },
        Defect("tensor name too long", .absurdCount, "tensor 1") {
            $0.change("output_norm.weight") { $0.name = [UInt8](repeating: 65, count: 256) }
        },
        Defect("tensor twice", .duplicateTensor, "token_embd.weight") { $0.tensors.append($0.tensors[0]) },
        Defect("tensor without dimensions", .invalidTensorShape, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.dimensions = [] }
        },
        Defect("tensor of 5 dimensions", .invalidTensorShape, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.dimensions = [32, 1, 1, 1, 1] }
        },
        Defect("dimension of 0", .invalidTensorShape, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.dimensions = [0] }
        },
        Defect("dimension of 2^40", .invalidTensorShape, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.dimensions = [1 << 40] }
        },
        Defect("more elements than numbers", .invalidTensorShape, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.dimensions = [1 << 30, 1 << 30, 1 << 30] }
        },
        Defect("more bytes than numbers", .invalidTensorShape, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.dimensions = [1 << 30, 1 << 30, 2] }
        },
        Defect("unsupported tensor type", .unsupportedTensorType, "IQ4_XS") {
            $0.change("output_norm.weight") { $0.type = 23 }
        },
        Defect("unknown tensor type", .unsupportedTensorType, "type number 999") {
            $0.change("output_norm.weight") { $0.type = 999 }
        },
        Defect("columns that do not fit the type", .invalidTensorShape, "multiple of 32") {
            $0.change("output_norm.weight") {
                $0.type = 8
                $0.dimensions = [33]
            }
        },
        Defect("offset that is not aligned", .misalignedTensor, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.offset = 33 }
        },
        Defect("offset beyond the end", .tensorOutsideFile, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.offset = 1 << 40 }
        },
        Defect("offset that wraps around", .tensorOutsideFile, "output_norm.weight") {
            $0.change("output_norm.weight") { $0.offset = UInt64.max - 31 }
        },
        Defect("overlapping tensors", .overlappingTensors, "token_embd.weight") {
            $0.change("output_norm.weight") { $0.offset = 32 }
        },
    ]

    @Test("Each defect has its own error", arguments: defects)
    func defect(_ defect: Defect) throws {
        var file = GGUFBuilder.tinyLlama()
        defect.change(&file)
        let error = try #require(
            WeightsFixtures.error { _ = try ModelFile(MappedFile(bytes: file.bytes(), path: "x.gguf")) }
        )
        #expect(error.code == defect.code, "\(error)")
        #expect("\(error)".contains(defect.mention), "\(error)")
        #expect(!"\(error)".contains("\n"))
    }

    @Test("A file cut anywhere is an error, never a crash")
    func truncation() throws {
        let bytes = GGUFBuilder.tinyLlama().bytes()
        for count in stride(from: 1, to: bytes.count, by: 7) {
            let file = try MappedFile(bytes: Array(bytes.prefix(count)), path: "x.gguf")
            #expect(WeightsFixtures.error { _ = try ModelFile(file) } != nil, "\(count) bytes")
        }
    }

    @Test("Values of every type come back")
    func values() throws {
        var file = GGUFBuilder()
        file["a.u8"] = .raw(0, [200])
        file["a.i8"] = .raw(1, [0xFF])
        file["a.u16"] = .raw(2, [1, 2])
        file["a.i16"] = .raw(3, [0xFE, 0xFF])
        file["a.u64"] = .uint64(1 << 63)
        file["a.i64"] = .raw(11, [UInt8](repeating: 0xFF, count: 8))
        file["a.f64"] = .raw(12, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
        file["a.true"] = .bool(1)
        file["a.nested"] = .raw(9, [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 8])
        let read = try GGUFFile(MappedFile(bytes: file.bytes(), path: "x.gguf"))
        #expect(read.version == 3 && read.alignment == 32 && read.tensors.isEmpty)
        #expect(read.metadata.keys == file.metadata.map(\.key))
        let expected: [String: GGUFValue] = [
            "a.u8": .unsigned(200), "a.i8": .signed(-1), "a.u16": .unsigned(513), "a.i16": .signed(-2),
            "a.u64": .unsigned(1 << 63), "a.i64": .signed(-1), "a.f64": .float(1), "a.true": .bool(true),
            "a.nested": .array(.arrays([.unsigned([7, 8])])),
        ]
        for (key, value) in expected { #expect(read.metadata[key] == value, "\(key)") }
        #expect(read.metadata["a.none"] == nil)
    }

    @Test("Version 2 and other alignments are read")
    func variants() throws {
        var file = GGUFBuilder.tinyLlama()
        file.version = 2
        file.alignment = 8
        file["general.alignment"] = .uint32(8)
        let read = try GGUFFile(MappedFile(bytes: file.bytes(), path: "x.gguf"))
        #expect(read.version == 2 && read.alignment == 8)
        for (tensor, source) in zip(read.tensors, file.tensors) {
            #expect(Array(read.bytes(of: tensor)) == source.data, "\(tensor.name)")
        }
    }

    @Test("The table of tensors of a real file")
    func realFile() throws {
        let file = try GGUFFile(MappedFile(WeightsFixtures.stories260K))
        #expect(file.tensors.count == 48)
        let embedding = try #require(file.tensors.first { $0.name == "token_embd.weight" })
        #expect(embedding.dimensions == [64, 512] && embedding.type == .f32 && embedding.byteCount == 131_072)
        #expect(try file.metadata.string("general.license") == "mit")
        #expect(try file.metadata.integer("llama.block_count", in: 1...10) == 5)
        #expect(throws: EMLLMError.self) { try file.metadata.integer("llama.block_count", in: 6...10) }
        #expect(throws: EMLLMError.self) { try file.metadata.string("llama.block_count") }
    }
}
