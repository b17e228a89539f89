import EMLLMCore
import Testing

@testable import EMLLMFormats

@Suite("Weights: from metadata to configuration")
struct WeightsFamilyTests {
    struct Defect: CustomTestStringConvertible, Sendable {
        let name: String
        let code: EMLLMError.Code
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

    static let required = [
        "general.architecture", "llama.context_length", "llama.embedding_length", "llama.block_count",
        "llama.feed_forward_length", "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon",
        "tokenizer.ggml.model", "tokenizer.ggml.tokens",
    ]

    @Test("A missing key is named", arguments: required)
    func missing(key: String) throws {
        var file = GGUFBuilder.tinyLlama()
        file[key] = nil
        let error = try #require(Self.openingError(file))
        #expect(error.code == .missingMetadata)
        #expect("\(error)".contains(key), "\(error)")
    }

    static let defects: [Defect] = [
        Defect("another architecture", .unsupportedArchitecture, "among llama") {
            $0["general.architecture"] = .text("mamba")
        },
        Defect("architecture that is no string", .invalidMetadata, "general.architecture") {
            $0["general.architecture"] = .uint32(1)
        },
        Defect("one part of several", .unsupportedArchitecture, "3 parts") { $0["split.count"] = .uint32(3) },
        Defect("mixture of experts", .unsupportedArchitecture, "expert") { $0["llama.expert_count"] = .uint32(8) },
        Defect("sliding window", .unsupportedArchitecture, "sliding_window") {
            $0["llama.attention.sliding_window"] = .uint32(16)
        },
        Defect("values of another length", .unsupportedArchitecture, "value_length") {
            $0["llama.attention.value_length"] = .uint32(4)
        },
        Defect("yarn", .unsupportedArchitecture, "yarn") { $0["llama.rope.scaling.type"] = .text("yarn") },
        Defect("bias", .unexpectedTensor, "blk.0.attn_q.bias") { file in
            var bias = file.tensors[1]
            bias.name = Array("blk.0.attn_q.bias".utf8)
            file.tensors.append(bias)
        },
        Defect("zero heads", .invalidMetadata, "head_count") { $0["llama.attention.head_count"] = .uint32(0) },
        Defect("heads that do not divide", .invalidMetadata, "llama.attention.head_count") {
            $0["llama.attention.head_count"] = .uint32(5)
        },
        Defect("key/value heads that do not divide", .invalidMetadata, "head_count_kv") {
            $0["llama.attention.head_count_kv"] = .uint32(3)
        },
        Defect("heads as an array", .invalidMetadata, "head_count_kv") {
            $0["llama.attention.head_count_kv"] = .int32s([2])
        },
        Defect("negative width", .invalidMetadata, "embedding_length") { $0["llama.embedding_length"] = .int32(-32) },
        Defect("absurd number of blocks", .invalidMetadata, "block_count") {
            $0["llama.block_count"] = .uint32(1 << 31)
        },
        Defect("more blocks than tensors", .missingTensor, "layers.1.") { $0["llama.block_count"] = .uint32(2) },
        Defect("fewer blocks than tensors", .unexpectedTensor, "layers.1.") { file in
            for var tensor in file.tensors where tensor.name.starts(with: Array("blk.0".utf8)) {
                tensor.name = Array(String(decoding: tensor.name, as: UTF8.self).replacing("blk.0", with: "blk.1").utf8)
                file.tensors.append(tensor)
            }
        },
        Defect("another feed-forward width", .wrongTensorShape, "[63, 32]") {
            $0["llama.feed_forward_length"] = .uint32(63)
        },
        Defect("epsilon of zero", .invalidConfiguration, "normEpsilon") {
            $0["llama.attention.layer_norm_rms_epsilon"] = .float(0)
        },
        Defect("epsilon that is no number", .invalidMetadata, "epsilon") {
            $0["llama.attention.layer_norm_rms_epsilon"] = .float(.nan)
        },
        Defect("infinite rotary base", .invalidMetadata, "freq_base") {
            $0["llama.rope.freq_base"] = .float(.infinity)
        },
        Defect("rotary dimension beyond the head", .invalidConfiguration, "rotaryDimension") {
            $0["llama.rope.dimension_count"] = .uint32(16)
        },
        Defect("odd rotary dimension", .invalidConfiguration, "rotaryDimension") {
            $0["llama.rope.dimension_count"] = .uint32(7)
        },
        Defect("rope factors of another length", .invalidConfiguration, "4 numbers") {
            $0.tensors.append(
                .init(
                    name: Array("rope_freqs.weight".utf8),
                    dimensions: [3],
                    type: 0,
                    data: .init(repeating: 1, count: 12)
                )
            )
        },
        Defect("rope factors of zero", .invalidConfiguration, "factors") {
            $0.tensors.append(
                .init(
                    name: Array("rope_freqs.weight".utf8),
                    dimensions: [4],
                    type: 0,
                    data: .init(repeating: 0, count: 16)
                )
            )
        },
        Defect("embedding of one dimension", .invalidTensorShape, "token_embd.weight") {
            $0.change("token_embd.weight") { $0.dimensions = [32 * 19] }
        },
        Defect("embedding of three dimensions", .invalidTensorShape, "token_embd.weight") {
            $0.change("token_embd.weight") { $0.dimensions = [32, 19, 1] }
        },
        Defect("no embedding", .missingTensor, "token_embd.weight") { $0.tensors.removeFirst() },
        // Tokenizers
        Defect("unknown tokenizer", .unsupportedTokenizer, "bert") { $0["tokenizer.ggml.model"] = .text("bert") },
        Defect("byte-pair encoding without merges", .missingMetadata, "merges") {
            $0["tokenizer.ggml.model"] = .text("gpt2")
        },
        Defect("fewer tokens than embedding rows", .invalidTokenizer, "19 tokens") {
            $0["tokenizer.ggml.tokens"] = .strings(["a", "b"])
            $0["tokenizer.ggml.scores"] = .floats([0, 0])
            $0["tokenizer.ggml.token_type"] = .int32s([1, 1])
            $0["tokenizer.ggml.bos_token_id"] = nil
            $0["tokenizer.ggml.eos_token_id"] = nil
        },
        Defect("no tokens", .invalidTokenizer, "tokens") { $0["tokenizer.ggml.tokens"] = .strings([]) },
        Defect("tokens that are not strings", .invalidMetadata, "tokenizer.ggml.tokens") {
            $0["tokenizer.ggml.tokens"] = .floats([1])
        },
        Defect("fewer scores than tokens", .invalidTokenizer, "scores") { $0["tokenizer.ggml.scores"] = .floats([1]) },
        Defect("SentencePiece without scores", .invalidTokenizer, "score") { $0["tokenizer.ggml.scores"] = nil },
        Defect("score that is no number", .invalidTokenizer, "finite") {
            $0["tokenizer.ggml.scores"] = .floats([Float](repeating: .infinity, count: 19))
        },
        Defect("fewer types than tokens", .invalidTokenizer, "types") {
            $0["tokenizer.ggml.token_type"] = .int32s([1])
        },
        Defect("token type 0", .invalidMetadata, "token_type") {
            $0["tokenizer.ggml.token_type"] = .int32s([Int32](repeating: 0, count: 19))
        },
        Defect("start token outside the vocabulary", .invalidMetadata, "bos_token_id") {
            $0["tokenizer.ggml.bos_token_id"] = .uint32(19)
        },
    ]

    @Test("Each defect has its own error", arguments: defects)
    func defect(_ defect: Defect) throws {
        var file = GGUFBuilder.tinyLlama()
        defect.change(&file)
        let error = try #require(Self.openingError(file))
        #expect(error.code == defect.code, "\(error)")
        #expect("\(error)".contains(defect.mention), "\(error)")
    }

    @Test("Defaults and explicit values")
    func configuration() throws {
        var file = GGUFBuilder.tinyLlama()
        var decoder = try Self.open(file).configuration.decoder
        #expect(decoder.headDimension == 8 && decoder.tiedOutputHead && decoder.contextLength == 64)
        #expect(decoder.rope == RopeConfiguration(base: 10_000, rotaryDimension: 8, layout: .interleaved))

        file["llama.rope.freq_base"] = .float(500_000)
        file["llama.rope.dimension_count"] = .uint32(4)
        file["llama.rope.scaling.type"] = .text("linear")
        file["llama.rope.scaling.factor"] = .float(4)
        file["llama.attention.key_length"] = .uint32(8)
        file["llama.attention.value_length"] = .uint32(8)
        file["llama.attention.sliding_window"] = .uint32(64)
        file.tensors.append(file.tensors[0])
        file.change("token_embd.weight") { _ in }
        file.tensors[file.tensors.count - 1].name = Array("output.weight".utf8)
        decoder = try Self.open(file).configuration.decoder
        #expect(!decoder.tiedOutputHead)
        #expect(
            decoder.rope
                == RopeConfiguration(
                    base: 500_000,
                    rotaryDimension: 4,
                    layout: .interleaved,
                    scaling: .linear(factor: 4)
                )
        )
        file["llama.rope.scaling.type"] = .text("none")
        #expect(try Self.open(file).configuration.decoder.rope.scaling == .none)
    }

    @Test("Llama 3's factors, in both formats")
    func ropeFactors() throws {
        var file = GGUFBuilder.tinyLlama()
        var data: [UInt8] = []
        for factor: Float in [1, 2.5, 0.1, 8] { data.append(littleEndian: factor.bitPattern) }
        file.tensors.append(.init(name: Array("rope_freqs.weight".utf8), dimensions: [4], type: 0, data: data))
        let expected = RopeConfiguration.Scaling.perFrequency(factors: [1, 2.5, 0.1, 8])
        #expect(try Self.open(file).configuration.decoder.rope.scaling == expected)
        let container = try WeightsFixtures.container(file.bytes())
        let converted = try ModelPackage(MappedFile(bytes: container, path: "x.emllm"))
        #expect(converted.configuration.decoder.rope.scaling == expected)
    }

    @Test("Tokenizer metadata")
    func tokenizer() throws {
        var file = GGUFBuilder.tinyLlama()
        var tokenizer = try Self.open(file).tokenizer
        #expect(tokenizer.model == .sentencePiece && tokenizer.addsBeginningOfSequence && tokenizer.addsSpacePrefix)
        #expect(tokenizer.beginningOfSequence == 1 && tokenizer.endOfSequence == 2 && tokenizer.padding == nil)
        #expect(tokenizer.types.prefix(4) == [.unknown, .control, .control, .normal])
        #expect(tokenizer.endOfGeneration == [])

        let texts = ["<unk>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>"] + (5..<19).map { "t\($0)" }
        file["tokenizer.ggml.model"] = .text("gpt2")
        file["tokenizer.ggml.pre"] = .text("llama-bpe")
        file["tokenizer.ggml.tokens"] = .strings(texts)
        file["tokenizer.ggml.merges"] = .strings(["t 5", "Ġ t"])
        // The fifth text looks like the end of a turn, but is an ordinary token.
        file["tokenizer.ggml.token_type"] = .int32s([2, 3, 3, 3, 1] + [Int32](repeating: 1, count: 14))
        file["tokenizer.ggml.eot_token_id"] = .uint32(7)
        file["tokenizer.ggml.padding_token_id"] = .int32(-1)
        tokenizer = try Self.open(file).tokenizer
        #expect(tokenizer.model == .bytePairEncoding && tokenizer.preTokenizer == "llama-bpe")
        #expect(tokenizer.merges == ["t 5", "Ġ t"])
        #expect(tokenizer.endOfSequence == 2 && tokenizer.endOfGeneration == [3, 7])
        #expect(tokenizer.addsBeginningOfSequence && !tokenizer.addsSpacePrefix && !tokenizer.addsEndOfSequence)
        #expect(tokenizer.padding == nil)
        let container = try WeightsFixtures.container(file.bytes())
        #expect(try ModelPackage(MappedFile(bytes: container, path: "x")).tokenizer == tokenizer)

        file["tokenizer.ggml.add_bos_token"] = .bool(0)
        #expect(try !Self.open(file).tokenizer.addsBeginningOfSequence)
    }

    private static func open(_ file: GGUFBuilder) throws -> ModelPackage {
        try ModelPackage(MappedFile(bytes: file.bytes(), path: "x.gguf"))
    }

    private static func openingError(_ file: GGUFBuilder) -> EMLLMError? {
        WeightsFixtures.error { _ = try open(file) }
    }
}
