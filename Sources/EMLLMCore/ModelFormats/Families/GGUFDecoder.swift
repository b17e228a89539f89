/// How GGUF files describe a decoder: the keys and tensor names that all dense architectures share.
///
/// The keys are those of ggml's docs/gguf.md, with the architecture's name in front.
struct GGUFDecoder: Sendable {
    /// The values of `general.architecture`.
    let architectures: [String]
    /// Which elements of a head form a pair in such files.
    let layout: RopeConfiguration.Layout
    /// Whether queries, keys and values have biases.
    var queryKeyValueBias = false
    /// Whether heads of queries and keys are normalized.
    var queryKeyNorm = false

    // MARK: Configuration

    /// Reads and checks the configuration.
    ///
    /// - Throws: `EMLLMError` naming the key that is missing or wrong, or the part that is not supported.
    func configuration(of file: GGUFFile) throws -> DecoderConfiguration {
        let metadata = file.metadata
        let path = file.file.path
        let prefix = try Self.prefix(file)
        func required(_ key: String, _ most: Int) throws -> Int {
            try metadata.require(prefix + key, try metadata.integer(prefix + key, in: 1...most))
        }
        func optional(_ key: String, _ most: Int) throws -> Int? {
            try metadata.integer(prefix + key, in: 1...most)
        }
        if let experts = try metadata.integer("\(prefix)expert_count", in: 0...Int(Int32.max)), experts > 0 {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "the feed-forward layers",
                supported: "dense layers",
                found: "\(prefix)expert_count \(experts) (a mixture of experts)"
            )
        }

        let hiddenSize = try required("embedding_length", 1 << 20)
        let headCount = try required("attention.head_count", 4096)
        let keyLength = try optional("attention.key_length", 4096)
        guard keyLength != nil || hiddenSize % headCount == 0 else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: "\(prefix)attention.head_count",
                expected: "a divisor of \(prefix)embedding_length \(hiddenSize)",
                found: "\(headCount)"
            )
        }
        let headDimension = keyLength ?? hiddenSize / headCount
        if let valueLength = try optional("attention.value_length", 4096), valueLength != headDimension {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "attention",
                supported: "values as long as keys (\(headDimension))",
                found: "\(prefix)attention.value_length \(valueLength)"
            )
        }
        let keyValueHeadCount = try optional("attention.head_count_kv", 4096) ?? headCount
        guard headCount % keyValueHeadCount == 0 else {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: "\(prefix)attention.head_count_kv",
                expected: "a divisor of \(prefix)attention.head_count \(headCount)",
                found: "\(keyValueHeadCount)"
            )
        }
        let contextLength = try required("context_length", 1 << 28)
        if let window = try metadata.integer("\(prefix)attention.sliding_window", in: 0...Int(Int32.max)),
            window > 0, window < contextLength
        {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "attention",
                supported: "attention over the whole context",
                found: "\(prefix)attention.sliding_window \(window)"
            )
        }
        let epsilonKey = "\(prefix)attention.layer_norm_rms_epsilon"
        let names = Set(file.tensors.map(\.name))
        let configuration = DecoderConfiguration(
            vocabularySize: try Self.vocabularySize(file),
            hiddenSize: hiddenSize,
            layerCount: try required("block_count", 1024),
            headCount: headCount,
            keyValueHeadCount: keyValueHeadCount,
            headDimension: headDimension,
            feedForwardSize: try required("feed_forward_length", 1 << 22),
            contextLength: contextLength,
            normEpsilon: try metadata.require(epsilonKey, try metadata.float(epsilonKey)),
            rope: RopeConfiguration(
                base: try metadata.float("\(prefix)rope.freq_base") ?? 10_000,
                rotaryDimension: try optional("rope.dimension_count", 4096) ?? headDimension,
                layout: layout,
                scaling: try ropeScaling(file),
                sections: try sections(metadata, prefix)
            ),
            tiedOutputHead: !names.contains("output.weight"),
            queryKeyValueBias: queryKeyValueBias,
            queryKeyNorm: queryKeyNorm,
            multipliers: try multipliers(metadata, prefix)
        )
        try configuration.validate(subject: path)
        return configuration
    }

    private static func prefix(_ file: GGUFFile) throws -> String {
        let key = "general.architecture"
        return try file.metadata.require(key, try file.metadata.string(key)) + "."
    }

    /// Granite's factors; logits are divided by their factor.
    private func multipliers(_ metadata: GGUFMetadata, _ prefix: String) throws -> DecoderConfiguration.Multipliers {
        DecoderConfiguration.Multipliers(
            embedding: try metadata.float("\(prefix)embedding_scale") ?? 1,
            residual: try metadata.float("\(prefix)residual_scale") ?? 1,
            attention: try metadata.float("\(prefix)attention.scale"),
            logits: try metadata.float("\(prefix)logit_scale").map { 1 / $0 } ?? 1
        )
    }

    /// The pairs for each coordinate of positions in pictures: four numbers, of which the last is not used.
    private func sections(_ metadata: GGUFMetadata, _ prefix: String) throws -> RopeConfiguration.Sections? {
        guard let counts = try metadata.integers("\(prefix)rope.dimension_sections") else { return nil }
        return RopeConfiguration.Sections(counts: Array(counts.prefix(3)), areInterleaved: prefix == "qwen3vl.")
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

    private func ropeScaling(_ file: GGUFFile) throws -> RopeConfiguration.Scaling {
        let metadata = file.metadata
        let prefix = try Self.prefix(file)
        // As in llama.cpp: without a type, a factor means linear scaling, and it also applies on top of rope_freqs.
        let kind = try metadata.string("\(prefix)rope.scaling.type") ?? "linear"
        guard kind == "none" || kind == "linear" else {
            throw EMLLMError.unsupportedPart(
                path: file.file.path,
                part: "\(prefix)rope.scaling.type",
                supported: "none or linear",
                found: kind
            )
        }
        let stored = try metadata.float("\(prefix)rope.scaling.factor") ?? metadata.float("\(prefix)rope.scale_linear")
        let factor = kind == "linear" ? stored ?? 1 : 1
        if let tensor = file.tensors.first(where: { $0.name == "rope_freqs.weight" }) {
            return .perFrequency(factors: try Self.floats(of: tensor, in: file).map { $0 * factor })
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

    /// The role of a tensor in the engine.
    func role(of name: String) -> TensorRole {
        switch name {
        case "token_embd.weight": return .weight("token_embedding")
        case "output_norm.weight": return .weight("output_norm")
        case "output.weight": return .weight("output")
        case "rope_freqs.weight": return .configuration
        default: break
        }
        // blk.N.<part>.weight or .bias
        let words = name.split(separator: ".", omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == "blk", let layer = Int(words[1]), layer >= 0, "\(layer)" == words[1],
            let part = blockPart(named: words[2] + "." + words[3])
        else { return .unknown }
        return .weight("layers.\(layer).\(part)")
    }

    private func blockPart(named name: Substring) -> String? {
        if let part = Self.blockParts[String(name)] { return part }
        if queryKeyValueBias, let part = Self.biases[String(name)] { return part }
        return queryKeyNorm ? Self.headNorms[String(name)] : nil
    }

    private static let blockParts = [
        "attn_norm.weight": "attention_norm", "attn_q.weight": "attention.q", "attn_k.weight": "attention.k",
        "attn_v.weight": "attention.v", "attn_output.weight": "attention.output",
        "ffn_norm.weight": "feed_forward_norm", "ffn_gate.weight": "feed_forward.gate",
        "ffn_up.weight": "feed_forward.up", "ffn_down.weight": "feed_forward.down",
    ]
    private static let biases = [
        "attn_q.bias": "attention.q_bias", "attn_k.bias": "attention.k_bias", "attn_v.bias": "attention.v_bias",
    ]
    private static let headNorms = ["attn_q_norm.weight": "attention.q_norm", "attn_k_norm.weight": "attention.k_norm"]
}
