import EMLLMCore
import Foundation
import Testing

@testable import EMLLMFormats

/// An `.emllm` file taken apart, so that tests can put it together wrongly, with checksums that match.
struct ContainerParts {
    var metadata: [UInt8]
    var tokenizer: [UInt8]
    var index: [UInt8]
    var data: [UInt8]
    /// Sections of other kinds, after the four.
    var extra: [ContainerSection] = []
    /// Changes the section table after everything has its place.
    var changeSections: (inout [ContainerSection]) -> Void = { _ in }
    /// Changes the bytes of the whole file at the very end.
    var changeBytes: (inout [UInt8]) -> Void = { _ in }

    init(_ file: [UInt8]) throws {
        let sections = try ContainerHeader.read(MappedFile(bytes: file, path: "x.emllm"))
        func part(_ kind: ContainerFormat.SectionKind) throws -> [UInt8] {
            let section = try #require(sections.first { $0.kind == kind.rawValue })
            return Array(file[section.offset..<section.offset + section.byteCount])
        }
        metadata = try part(.metadata)
        tokenizer = try part(.tokenizer)
        index = try part(.tensorIndex)
        data = try part(.tensorData)
    }

    /// The file, with matching checksums.
    func bytes() -> [UInt8] {
        let parts: [(ContainerFormat.SectionKind, [UInt8])] = [
            (.metadata, metadata), (.tokenizer, tokenizer), (.tensorIndex, index), (.tensorData, data),
        ]
        let start = 64 + 64 * (parts.count + extra.count)
        var body: [UInt8] = []
        var sections: [ContainerSection] = []
        for (kind, bytes) in parts {
            body += [UInt8](repeating: 0, count: -body.count & 63)
            sections.append(
                ContainerSection(
                    kind: kind.rawValue,
                    flags: 1,
                    offset: start + body.count,
                    byteCount: bytes.count,
                    checksum: kind == .tensorData ? .none : Checksum(of: bytes)
                )
            )
            body += bytes
        }
        for var section in extra {
            body += [UInt8](repeating: 0, count: -body.count & 63)
            section.offset = start + body.count
            body += [UInt8](repeating: 1, count: section.byteCount)
            sections.append(section)
        }
        changeSections(&sections)
        var file = ContainerHeader.bytes(sections: sections, fileSize: start + body.count)
        // A test that takes a section out of the table leaves the others where they are.
        file += [UInt8](repeating: 0, count: start - file.count) + body
        changeBytes(&file)
        return file
    }

    mutating func replaceMetadata(_ old: String, _ new: String) {
        let text = String(decoding: metadata, as: UTF8.self)
        precondition(text.contains(old), text)
        metadata = Array(text.replacing(old, with: new).utf8)
    }

    /// Overwrites a field of the `index`-th tensor; the offsets are those of weights-format.md.
    mutating func setTensor<T: FixedWidthInteger>(_ tensor: Int, _ field: Int, _ value: T) {
        Self.set(&index, 8 + 80 * tensor + field, value)
    }

    static func set<T: FixedWidthInteger>(_ bytes: inout [UInt8], _ offset: Int, _ value: T) {
        var field: [UInt8] = []
        field.append(littleEndian: value)
        bytes.replaceSubrange(offset..<offset + field.count, with: field)
    }
}

@Suite("Weights: .emllm files")
struct WeightsContainerTests {
    struct Defect: CustomTestStringConvertible, Sendable {
        let name: String
        let code: EMLLMError.Code
        let mention: String
        let change: @Sendable (inout ContainerParts) -> Void

        init(
            _ name: String,
            _ code: EMLLMError.Code,
            _ mention: String,
            _ change: @escaping @Sendable (inout ContainerParts) -> Void
        ) {
            self.name = name
            self.code = code
            self.mention = mention
            self.change = change
        }

        var testDescription: String { name }
    }

    static let good: Result<[UInt8], any Error> = Result {
        try WeightsFixtures.container(GGUFBuilder.tinyLlama(.q4_1).bytes())
    }

    static let defects: [Defect] = [
        // The header
        Defect("wrong magic", .wrongMagic, ".emllm") { $0.changeBytes = { $0[0] = 0x50 } },
        Defect("line endings changed", .textModeTransfer, "binary") { $0.changeBytes = { $0.remove(at: 6) } },
        Defect("newer version", .unsupportedVersion, "version 2") { $0.changeBytes = { $0[8] = 2 } },
        Defect("absurd section count", .absurdCount, "sections") {
            $0.changeBytes = { ContainerParts.set(&$0, 12, UInt32.max) }
        },
        Defect("file size that is not the file's", .wrongFileSize, "bytes") { $0.changeBytes = { $0[16] ^= 1 } },
        Defect("cut short", .wrongFileSize, "bytes") { $0.changeBytes = { $0.removeLast(1000) } },
        Defect("cut to a stub", .truncatedFile, "file size") { $0.changeBytes = { $0.removeLast($0.count - 20) } },
        Defect("longer than it should be", .wrongFileSize, "bytes") { $0.changeBytes = { $0.append(0) } },
        Defect("flipped bit in the header", .checksumMismatch, "header") { $0.changeBytes = { $0[24] ^= 1 } },
        Defect("flipped bit in the section table", .checksumMismatch, "header") { $0.changeBytes = { $0[70] ^= 1 } },
        // Sections
        Defect("no tokenizer", .invalidSection, "tokenizer") {
            $0.changeSections = { $0.removeAll { $0.kind == 2 } }
        },
        Defect("two sections of a kind", .invalidSection, "metadata") { $0.changeSections = { $0[1].kind = 1 } },
        Defect("unknown required section", .unknownSection, "kind 99") { $0.changeSections = { $0[1].kind = 99 } },
        Defect("section beyond the end", .invalidSection, "tensor data") {
            $0.changeSections = { $0[3].byteCount += 64 }
        },
        Defect("section that wraps around", .invalidSection, "tensor data") {
            $0.changeSections = { $0[3].offset = -64 }
        },
        Defect("section in the header", .invalidSection, "metadata") { $0.changeSections = { $0[0].offset = 64 } },
        Defect("section that is not aligned", .invalidSection, "metadata") {
            $0.changeSections = {
                $0[0].offset += 1
                $0[0].byteCount -= 1
            }
        },
        Defect("overlapping sections", .invalidSection, "overlap") {
            $0.changeSections = { $0[1].offset = $0[0].offset }
        },
        Defect("flipped bit in the metadata", .checksumMismatch, "metadata") {
            $0.changeSections = { $0[0].checksum = .none }
        },
        Defect("flipped bit in the tokenizer", .checksumMismatch, "tokenizer") {
            $0.changeSections = { $0[1].checksum = .none }
        },
        Defect("flipped bit in the tensor index", .checksumMismatch, "tensor index") {
            $0.changeSections = { $0[2].checksum = .none }
        },
        // Metadata
        Defect("metadata that is not JSON", .invalidSection, "JSON") { $0.metadata = Array("hello".utf8) },
        Defect("metadata without a configuration", .missingMetadata, "configuration") {
            $0.metadata = Array("{}".utf8)
        },
        Defect("missing property", .missingMetadata, "headCount") {
            $0.replaceMetadata(#""headCount""#, #""headCounts""#)
        },
        Defect("property of another type", .invalidMetadata, "headCount") {
            $0.replaceMetadata(#""headCount":4"#, #""headCount":"four""#)
        },
        Defect("number that is no integer", .invalidSection, "JSON") {
            $0.replaceMetadata(#""headCount":4"#, #""headCount":1e300"#)
        },
        Defect("heads that do not divide", .invalidConfiguration, "keyValueHeadCount") {
            $0.replaceMetadata(#""keyValueHeadCount":2"#, #""keyValueHeadCount":3"#)
        },
        Defect("zero blocks", .invalidConfiguration, "layerCount") {
            $0.replaceMetadata(#""layerCount":1"#, #""layerCount":0"#)
        },
        Defect("absurd number of blocks", .invalidConfiguration, "layerCount") {
            $0.replaceMetadata(#""layerCount":1"#, #""layerCount":1000000000"#)
        },
        Defect("unknown family", .unsupportedArchitecture, "llama") {
            $0.replaceMetadata(#""family":"llama""#, #""family":"lama""#)
        },
        Defect("JSON nested too deep", .invalidSection, "JSON") {
            $0.metadata = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        },
        // Tokenizer
        Defect("unknown tokenizer", .invalidTokenizer, "model") { ContainerParts.set(&$0.tokenizer, 0, UInt32(7)) },
        Defect("unknown tokenizer flag", .invalidTokenizer, "flags") {
            ContainerParts.set(&$0.tokenizer, 4, UInt32(256))
        },
        Defect("start token outside the vocabulary", .invalidTokenizer, "beginning-of-sequence") {
            ContainerParts.set(&$0.tokenizer, 8, Int32(19))
        },
        Defect("negative token", .invalidTokenizer, "end-of-sequence") {
            ContainerParts.set(&$0.tokenizer, 12, Int32(-2))
        },
        Defect("absurd token count", .absurdCount, "tokens") {
            ContainerParts.set(&$0.tokenizer, 24, UInt32.max)
        },
        Defect("absurd merge count", .absurdCount, "merges") {
            ContainerParts.set(&$0.tokenizer, 28, UInt32.max)
        },
        Defect("ends of tokens that go back", .invalidTokenizer, "ends of tokens") {
            ContainerParts.set(&$0.tokenizer, 52, UInt32(0))
        },
        Defect("token that ends beyond the text", .invalidTokenizer, "ends of tokens") {
            ContainerParts.set(&$0.tokenizer, 52, UInt32(100_000))
        },
        Defect("token that is not UTF-8", .invalidUTF8, "tokens") { $0.tokenizer[$0.tokenizer.count - 1] = 0xC3 },
        Defect("token type 9", .invalidTokenizer, "token types") {
            $0.tokenizer[48 + 19 * 4 + 19 * 4] = 9
        },
        Defect("score that is no number", .invalidTokenizer, "finite") {
            ContainerParts.set(&$0.tokenizer, 48 + 19 * 4, Float.nan.bitPattern)
        },
        Defect("tokenizer with bytes left over", .invalidTokenizer, "section") { $0.tokenizer.append(0) },
        Defect("tokenizer cut short", .truncatedFile, "tokens") { $0.tokenizer.removeLast() },
        // Tensor index
        Defect("absurd tensor count", .absurdCount, "tensors") { ContainerParts.set(&$0.index, 0, UInt32.max) },
        Defect("index with bytes left over", .invalidSection, "tensor index") { $0.index.append(0) },
        Defect("empty tensor name", .absurdCount, "name of tensor 0") { $0.setTensor(0, 4, UInt32(0)) },
        Defect("tensor name beyond the names", .truncatedFile, "name of tensor 0") {
            $0.setTensor(0, 0, UInt32.max)
        },
        Defect("tensor name that is not UTF-8", .invalidUTF8, "name of tensor 0") {
            $0.index[8 + 80 * 11] = 0xFF
        },
        Defect("tensor twice", .duplicateTensor, "token_embedding") { parts in
            parts.setTensor(2, 0, UInt32(0))
            parts.setTensor(2, 4, UInt32("token_embedding".utf8.count))
        },
        Defect("unknown tensor type", .unsupportedTensorType, "type number 11") { $0.setTensor(0, 8, UInt32(11)) },
        Defect("rank 3", .invalidTensorShape, "rank") { $0.setTensor(0, 12, UInt32(3)) },
        Defect("vector that is not F32", .invalidTensorShape, "layers.0.attention_norm") {
            $0.setTensor(1, 8, UInt32(1))
        },
        Defect("no rows", .invalidTensorShape, "token_embedding") { $0.setTensor(0, 16, UInt64(0)) },
        Defect("2^63 columns", .invalidTensorShape, "token_embedding") { $0.setTensor(0, 24, UInt64(1) << 63) },
        Defect("columns that do not fit the type", .invalidTensorShape, "multiple of 32") {
            $0.setTensor(0, 24, UInt64(33))
        },
        Defect("size that does not fit the shape", .invalidTensorShape, "token_embedding") {
            $0.setTensor(0, 40, UInt64(64))
        },
        Defect("offset that is not aligned", .misalignedTensor, "token_embedding") { $0.setTensor(0, 32, UInt64(8)) },
        Defect("offset beyond the end", .tensorOutsideFile, "token_embedding") {
            $0.setTensor(0, 32, UInt64(1) << 40)
        },
        Defect("offset that wraps around", .tensorOutsideFile, "token_embedding") {
            $0.setTensor(0, 32, UInt64.max - 63)
        },
        Defect("overlapping tensors", .overlappingTensors, "token_embedding") { $0.setTensor(1, 32, UInt64(0)) },
        // The whole
        Defect("tensor missing", .missingTensor, "layers.0.attention_norm") { parts in
            // The name with its last letter cut off.
            parts.setTensor(1, 4, UInt32("layers.0.attention_norm".utf8.count - 1))
        },
        Defect("tensor of another shape", .wrongTensorShape, "layers.0.attention.k") {
            $0.replaceMetadata(#""keyValueHeadCount":2"#, #""keyValueHeadCount":4"#)
        },
        Defect("tensor too many", .unexpectedTensor, "output") { parts in
            // A second entry for the norm, under the first letters of its name and at a place of its own.
            var extra = Array(parts.index[8 + 80 * 10..<8 + 80 * 11])
            ContainerParts.set(&extra, 4, UInt32("output".utf8.count))
            parts.data += [UInt8](repeating: 0, count: -parts.data.count & 63)
            ContainerParts.set(&extra, 32, UInt64(parts.data.count))
            parts.data += [UInt8](repeating: 0, count: 128)
            parts.index.insert(contentsOf: extra, at: 8 + 80 * 11)
            ContainerParts.set(&parts.index, 0, UInt32(12))
        },
        Defect("vocabulary and embedding differ", .wrongTensorShape, "token_embedding") {
            $0.replaceMetadata(#""vocabularySize":19"#, #""vocabularySize":20"#)
        },
    ]

    @Test("Each defect has its own error", arguments: defects)
    func defect(_ defect: Defect) throws {
        var parts = try ContainerParts(Self.good.get())
        defect.change(&parts)
        let bytes = parts.bytes()
        let error = try #require(
            WeightsFixtures.error { _ = try ModelPackage(MappedFile(bytes: bytes, path: "x.emllm")) }
        )
        #expect(error.code == defect.code, "\(error)")
        #expect("\(error)".contains(defect.mention), "\(error)")
        #expect(!"\(error)".contains("\n"))
    }

    @Test("Taking a file apart and together gives the same file")
    func parts() throws {
        let good = try Self.good.get()
        #expect(try ContainerParts(good).bytes() == good)
    }

    @Test("An unknown section that is not required is skipped")
    func optionalSection() throws {
        var parts = try ContainerParts(Self.good.get())
        parts.extra = [ContainerSection(kind: 77, flags: 0, offset: 0, byteCount: 100, checksum: .none)]
        let file = try EMLLMFile(MappedFile(bytes: parts.bytes(), path: "x.emllm"))
        #expect(file.tensors.count == 11)
        try file.verify()
    }

    @Test("A flipped bit in a tensor does not keep the file from opening, and verify finds it")
    func verify() throws {
        var bytes = try Self.good.get()
        let file = try EMLLMFile(MappedFile(bytes: bytes, path: "x.emllm"))
        var last = 0
        try file.verify { done, total in
            #expect(done > last && done <= total)
            last = done
        }
        #expect(last == file.tensors.reduce(0) { $0 + $1.byteCount })
        for tensor in file.tensors {
            bytes[tensor.offset] ^= 4
            let damaged = try EMLLMFile(MappedFile(bytes: bytes, path: "x.emllm"))
            let error = WeightsFixtures.error { try damaged.verify() }
            #expect(error?.code == .checksumMismatch)
            #expect("\(error!)".contains(tensor.name))
            bytes[tensor.offset] ^= 4
        }
    }

    @Test("Tensors are aligned in the file")
    func alignment() throws {
        let file = try EMLLMFile(MappedFile(bytes: Self.good.get(), path: "x.emllm"))
        #expect(file.tensors.allSatisfy { $0.offset % 64 == 0 })
        #expect(file.version == 1)
        #expect(file.provenance.license == "MIT")
    }

    @Test("A file cut anywhere is an error, never a crash")
    func truncation() throws {
        let bytes = try Self.good.get()
        for count in stride(from: 1, to: bytes.count, by: 13) {
            let file = try MappedFile(bytes: Array(bytes.prefix(count)), path: "x.emllm")
            #expect(WeightsFixtures.error { _ = try ModelFile(file) } != nil, "\(count) bytes")
        }
    }
}
