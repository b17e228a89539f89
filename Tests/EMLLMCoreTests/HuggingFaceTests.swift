import EMLLMCore
import Foundation
import Testing

@testable import EMLLMFormats

/// Hugging Face folders that lack something, lie, or hold what this engine does not run.
@Suite("Hugging Face folders: bad input")
struct HuggingFaceTests {
    struct Defect: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let code: EMLLMError.Code
        let mention: String
        let change: @Sendable (Folder) throws -> Void

        init(
            _ name: String,
            _ code: EMLLMError.Code,
            _ mention: String,
            _ change: @escaping @Sendable (Folder) throws -> Void
        ) {
            testDescription = name
            self.code = code
            self.mention = mention
            self.change = change
        }

        /// Replaces text in one of the files.
        static func text(
            _ name: String,
            _ code: EMLLMError.Code,
            _ mention: String,
            in file: String,
            _ old: String,
            _ new: String
        ) -> Defect {
            Defect(name, code, mention) { try $0.replace(old, with: new, in: file) }
        }
    }

    /// A copy of a fixture.
    final class Folder: Sendable {
        let url = FileManager.default.temporaryDirectory.appending(path: "emllm-hf-\(UUID().uuidString)")

        init(_ fixture: String, in family: String = "families") throws {
            let source = TestModels.fixtures.appending(path: "\(family)/\(fixture)")
            try FileManager.default.copyItem(at: source, to: url)
        }
        deinit { try? FileManager.default.removeItem(at: url) }

        func remove(_ file: String) throws { try FileManager.default.removeItem(at: url.appending(path: file)) }

        func replace(_ old: String, with new: String, in file: String) throws {
            let place = url.appending(path: file)
            var data = try Data(contentsOf: place)
            let range = try #require(data.range(of: Data(old.utf8)), "\(file) has no \(old)")
            data.replaceSubrange(range, with: Data(new.utf8))
            try data.write(to: place)
        }

        func error() -> EMLLMError? { WeightsFixtures.error { _ = try ModelPackage.open(url) } }
    }

    static let config = "config.json"
    static let weights = "model.safetensors"

    static let defects: [Defect] = [
        Defect("no tokenizer", .fileNotFound, "tokenizer.json") { try $0.remove("tokenizer.json") },
        Defect("no weights", .fileNotFound, weights) { try $0.remove(weights) },
        .text("another architecture", .unsupportedArchitecture, "among llama", in: config, "\"llama\"", "\"mamba\""),
        .text("no architecture", .missingMetadata, "model_type", in: config, "model_type", "modal_type"),
        .text("no hidden size", .missingMetadata, "hidden_size", in: config, "hidden_size", "hidden"),
        .text("negative size", .invalidMetadata, "hidden_size", in: config, "size\": 32", "size\": -1"),
        .text("size as text", .invalidMetadata, "a whole number", in: config, "size\": 32", "size\": \"32\""),
        .text("another activation", .unsupportedArchitecture, "gelu", in: config, "silu", "gelu"),
        .text("biases", .unsupportedArchitecture, "attention_bias", in: config, "bias\": false", "bias\": true"),
        .text("yarn", .unsupportedArchitecture, "yarn", in: config, "\"default\"", "\"yarn\""),
        .text(
            "heads that do not divide",
            .invalidConfiguration,
            "keyValueHeadCount",
            in: config,
            "value_heads\": 2",
            "value_heads\": 3"
        ),
        .text("another width", .wrongTensorShape, "[65, 32]", in: config, "size\": 64", "size\": 65"),
        .text("more blocks", .missingTensor, "layers.2.", in: config, "layers\": 2", "layers\": 3"),
        .text("fewer blocks", .unexpectedTensor, "layers.1.", in: config, "layers\": 2", "layers\": 1"),
        .text("config that is no JSON", .invalidMetadata, "JSON", in: config, "{", "("),
        .text("unknown tensor", .unexpectedTensor, "model.nurm.weight", in: weights, "model.norm", "model.nurm"),
        .text("unknown type", .unsupportedTensorType, "F33", in: weights, "\"F32\"", "\"F33\""),
        .text("shape and size disagree", .invalidTensorShape, "bytes for", in: weights, "[32,32]", "[32,33]"),
        .text(
            "beyond the end",
            .tensorOutsideFile,
            "of its data",
            in: weights,
            "140928]",
            "999999]"
        ),
        .text(
            "another tokenizer",
            .unsupportedTokenizer,
            "WordPiece",
            in: "tokenizer.json",
            "\"BPE\"",
            "\"WordPiece\""
        ),
        .text(
            "another pattern",
            .unsupportedTokenizer,
            "pre_tokenizer",
            in: "tokenizer.json",
            "ByteLevel",
            "Whitespace"
        ),
        .text("token outside the embedding", .invalidTokenizer, "300", in: "tokenizer.json", ": 259", ": 300"),
        .text("one number for two tokens", .invalidTokenizer, "one token for", in: "tokenizer.json", ": 259", ": 12"),
        Defect("header beyond the end", .truncatedFile, "the header") { folder in
            try Data([0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0x7B]).write(to: folder.url.appending(path: weights))
        },
        Defect("absurd header", .absurdCount, "bytes of header") { folder in
            try Data(repeating: 0xFF, count: 64).write(to: folder.url.appending(path: weights))
        },
        Defect("template that is not UTF-8", .invalidUTF8, "chat template") { folder in
            try Data([0xFF, 0xFE]).write(to: folder.url.appending(path: "chat_template.jinja"))
        },
    ]

    @Test("Each defect has its own error", arguments: defects)
    func defect(defect: Defect) throws {
        let folder = try Folder("llama")
        #expect(folder.error() == nil)
        try defect.change(folder)
        let error = try #require(folder.error())
        #expect(error.code == defect.code, "\(error)")
        #expect("\(error)".contains(defect.mention) && !"\(error)".contains("\n"), "\(error)")
    }

    @Test("A missing shard is named; an index cannot lead out of the folder")
    func shards() throws {
        let folder = try Folder("qwen3")
        #expect(folder.error() == nil)
        let index = "model.safetensors.index.json"
        try folder.replace("model-00002-of-00003.safetensors", with: "../00002-of-00003.safetensors", in: index)
        #expect(folder.error()?.code == .invalidMetadata)
        let other = try Folder("qwen3")
        try other.remove("model-00002-of-00003.safetensors")
        #expect(other.error().map { "\($0)".contains("model-00002-of-00003") } == true)
    }

    /// `Tests/Scripts/sentencepiece_folder.py` made the file.
    @Test("A SentencePiece vocabulary from tokenizer.json cuts text as SentencePiece does")
    func sentencePiece() throws {
        let folder = try Folder("llama")
        try folder.remove("tokenizer.json")
        try FileManager.default.copyItem(
            at: TestModels.fixtures.appending(path: "tokenizer/sentencepiece-tokenizer.json"),
            to: folder.url.appending(path: "tokenizer.json")
        )
        let settings = #"{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "add_bos_token": true}"#
        try Data(settings.utf8).write(to: folder.url.appending(path: "tokenizer_config.json"))
        try folder.replace("\"bos_token_id\": 256", with: "\"bos_token_id\": 1", in: Self.config)
        let definition = try HuggingFaceDirectory(folder.url).tokenizerDefinition(embeddingRows: 512)
        let reference = try TokenizerFixtures.sentencePiece("bytes")
        #expect(definition.model == .sentencePiece && definition.addsSpacePrefix)
        #expect(definition.tokens == reference.definition.tokens && definition.types == reference.definition.types)
        #expect(definition.beginningOfSequence == 1 && definition.endOfSequence == 2 && definition.unknown == 0)
        #expect(definition.addsBeginningOfSequence)
        let tokenizer = try Tokenizer(definition)
        for (text, tokens) in zip(TokenizerFixtures.strings, reference.ordinary) {
            #expect(tokenizer.encode(text) == tokens, "\(text)")
        }
    }

    @Test("Rows of the embedding without a token get unused ones")
    func padding() throws {
        let folder = try Folder("llama")
        try folder.replace(", \"th\": 259", with: "", in: "tokenizer.json")
        try folder.replace("\"t h\"", with: "", in: "tokenizer.json")
        let package = try ModelPackage.open(folder.url)
        #expect(package.tokenizer.tokens.count == 260 && package.tokenizer.types[259] == .unused)
    }
}

/// Mutated folders: any may be refused, none may crash.
@Suite("Hugging Face fuzz")
struct HuggingFaceFuzzTests {
    @Test("Mutated headers of safetensors files are read or refused")
    func safetensors() throws {
        let url = TestModels.fixtures.appending(path: "families/llama/model.safetensors")
        let original = Array(try Data(contentsOf: url))
        let header = 8 + Int(original[0]) + Int(original[1]) << 8
        var random = SplitMix64(state: 21)
        var opened = 0
        for _ in 0..<5_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<header, using: &random)
                // Digits and punctuation keep most headers JSON.
                let characters = Array("0123456789[],:\"{}-e".utf8)
                bytes[place] = characters.randomElement(using: &random) ?? 0
            }
            if random.next() % 16 == 0 { bytes.removeLast(Int.random(in: 1..<bytes.count - 1, using: &random)) }
            guard let file = try? SafetensorsFile(MappedFile(bytes: bytes, path: "x.safetensors")) else { continue }
            opened += 1
            // Touches the ends of everything that was accepted.
            for tensor in file.tensors {
                let data = file.bytes(of: tensor)
                #expect(data.count == tensor.byteCount && (data.last ?? 0) <= 255)
            }
        }
        #expect(opened > 50 && opened < 4_950, "\(opened) opened")
    }
}
