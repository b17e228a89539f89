// The Llama family: RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases.
// Touvron et al., arXiv 2302.13971 and 2307.09288; Grattafiori et al., arXiv 2407.21783.
// GGUF's names and keys: ggml's docs/gguf.md, architecture "llama" (also SmolLM, SmolLM2, Mistral 7B, TinyLlama).

extension ModelFamily {
    /// Llama 1 to 3 and everything published with the same blocks.
    public static let llama = ModelFamily(
        name: "llama",
        ggufArchitectures: ["llama"],
        decoderConfiguration: { try llamaConfiguration($0) },
        role: { llamaRole($0) }
    )

    // MARK: Configuration

    private static func llamaConfiguration(_ file: GGUFFile) throws -> DecoderConfiguration {
        let metadata = file.metadata
        let path = file.file.path
        func required(_ key: String, _ most: Int) throws -> Int {
            try metadata.require("llama." + key, try metadata.integer("llama." + key, in: 1...most))
        }
        func optional(_ key: String, _ most: Int) throws -> Int? {
            try metadata.integer("llama." + key, in: 1...most)
        }
        if let experts = try metadata.integer("llama.expert_count", in: 0...Int(Int32.max)), experts > 0 {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "the feed-forward layers",
                supported: "dense layers",
                found: "llama.expert_count \(experts) (a mixture of experts)"
            )
        }

        let hiddenSize = try required("embedding_length", 1 << 20)
        let headCount = try required("attention.head_count", 4096)
        let keyLength = try optional("attention.key_length", 4096)
        guard keyLength != nil || hiddenSize % headCount == 0 else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: "llama.attention.head_count",
                expected: "a divisor of llama.embedding_length \(hiddenSize)",
                found: "\(headCount)"
            )
        }
        let headDimension = keyLength ?? hiddenSize / headCount
        if let valueLength = try optional("attention.value_length", 4096), valueLength != headDimension {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "attention",
                supported: "values as long as keys (\(headDimension))",
                found: "llama.attention.value_length \(valueLength)"
            )
        }
        let keyValueHeadCount = try optional("attention.head_count_kv", 4096) ?? headCount
        guard headCount % keyValueHeadCount == 0 else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: "llama.attention.head_count_kv",
                expected: "a divisor of llama.attention.head_count \(headCount)",
                found: "\(keyValueHeadCount)"
            )
        }
        let contextLength = try required("context_length", 1 << 28)
        if let window = try metadata.integer("llama.attention.sliding_window", in: 0...Int(Int32.max)),
            window > 0, window < contextLength
        {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "attention",
                supported: "attention over the whole context",
                found: "llama.attention.sliding_window \(window)"
            )
        }
        let epsilonKey = "llama.attention.layer_norm_rms_epsilon"
        let names = Set(file.tensors.map(\.name))
        let configuration = DecoderConfiguration(
            vocabularySize: try vocabularySize(file),
            hiddenSize: hiddenSize,
            layerCount: try required("block_count", 1024),
            headCount: headCount,
            keyValueHeadCount: keyValueHeadCount,
            headDimension: headDimension,
            feedForwardSize: try required("feed_forward_length", 1 << 22),
            contextLength: contextLength,
            normEpsilon: try metadata.require(epsilonKey, try metadata.float(epsilonKey)),
            rope: RopeConfiguration(
                base: try metadata.float("llama.rope.freq_base") ?? 10_000,
                rotaryDimension: try optional("rope.dimension_count", 4096) ?? headDimension,
                // Converters to GGUF permute the rows of Q and K so that neighbours form pairs.
                layout: .interleaved,
                scaling: try ropeScaling(file)
            ),
            tiedOutputHead: !names.contains("output.weight")
        )
        try configuration.validate(subject: path)
        return configuration
    }

    private static func vocabularySize(_ file: GGUFFile) throws -> Int {
        guard let embedding = file.tensors.first(where: { $0.name == "token_embd.weight" }) else {
            throw EMLLMError.missingTensor(path: file.file.path, name: "token_embd.weight")
        }
        guard embedding.dimensions.count == 2 else {
            throw EMLLMError.invalidTensorShape(
                path: file.file.path,
                name: embedding.name,
                expected: "2 dimensions",
                found: "\(embedding.dimensions.count)"
            )
        }
        return embedding.dimensions[1]
    }

    private static func ropeScaling(_ file: GGUFFile) throws -> RopeConfiguration.Scaling {
        let metadata = file.metadata
        // As in llama.cpp: without a type, a factor means linear scaling, and it also applies on top of rope_freqs.
        let kind = try metadata.string("llama.rope.scaling.type") ?? "linear"
        guard kind == "none" || kind == "linear" else {
            throw EMLLMError.unsupportedPart(
                path: file.file.path,
                part: "llama.rope.scaling.type",
                supported: "none or linear",
                found: kind
            )
        }
        let stored = try metadata.float("llama.rope.scaling.factor") ?? metadata.float("llama.rope.scale_linear")
        let factor = kind == "linear" ? stored ?? 1 : 1
        if let tensor = file.tensors.first(where: { $0.name == "rope_freqs.weight" }) {
            return .perFrequency(factors: try floats(of: tensor, in: file).map { $0 * factor })
        }
        return factor == 1 ? .none : .linear(factor: factor)
    }

    private static func floats(of tensor: GGUFFile.Tensor, in file: GGUFFile) throws -> [Float] {
        guard tensor.type == .f32, tensor.dimensions.count == 1 else {
            throw EMLLMError.invalidTensorShape(
                path: file.file.path,
                name: tensor.name,
                expected: "one dimension of F32",
                found: "\(tensor.dimensions.count) of \(tensor.type.name)"
            )
        }
        let bytes = file.bytes(of: tensor)
        return (0..<tensor.dimensions[0]).map { index in
            Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
        }
    }

    // MARK: Weights

    private static func llamaRole(_ name: String) -> GGUFTensorRole {
        switch name {
        case "token_embd.weight": return .weight("token_embedding")
        case "output_norm.weight": return .weight("output_norm")
        case "output.weight": return .weight("output")
        case "rope_freqs.weight": return .configuration
        default: break
        }
        // blk.N.<part>.weight
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "blk", parts[3] == "weight", let layer = Int(parts[1]), layer >= 0,
            "\(layer)" == parts[1], let part = llamaBlockParts[String(parts[2])]
        else { return .unknown }
        return .weight("layers.\(layer).\(part)")
    }

    private static let llamaBlockParts = [
        "attn_norm": "attention_norm", "attn_q": "attention.q", "attn_k": "attention.k", "attn_v": "attention.v",
        "attn_output": "attention.output", "ffn_norm": "feed_forward_norm", "ffn_gate": "feed_forward.gate",
        "ffn_up": "feed_forward.up", "ffn_down": "feed_forward.down",
    ]
}
