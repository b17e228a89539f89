import Foundation

/// How `config.json` and a checkpoint's tensor names describe a decoder: the parts that Llama-like families share.
struct HuggingFaceDecoder: Sendable {
    /// The values of `model_type`, the family's own first.
    let modelTypes: [String]
    /// Whether queries, keys and values have biases.
    var queryKeyValueBias = false
    /// Whether heads of queries and keys are normalized.
    var queryKeyNorm = false
    /// Whether the checkpoint has the tensor names of InternLM2, with queries, keys and values in one tensor.
    var isInternLM2 = false
    /// The width of a head if `head_dim` is absent; `nil` divides the hidden size by the number of heads.
    var defaultHeadDimension: Int?

    // MARK: Configuration

    /// Translates a configuration.
    ///
    /// - Throws: `EMLLMError` naming the key that is missing or wrong, or the part that is not supported.
    func configuration(of config: JSONFields) throws -> DecoderConfiguration {
        func required(_ key: String, _ most: Int) throws -> Int {
            try config.require(key, try config.integer(key, in: 1...most))
        }
        try refuseUnsupported(config)
        let hiddenSize = try required("hidden_size", 1 << 20)
        let headCount = try required("num_attention_heads", 4096)
        let published = try config.integer("head_dim", in: 1...4096) ?? defaultHeadDimension
        guard published != nil || hiddenSize % headCount == 0 else {
            throw EMLLMError.invalidMetadata(
                path: config.path,
                key: "num_attention_heads",
                expected: "a divisor of hidden_size \(hiddenSize)",
                found: "\(headCount)"
            )
        }
        let headDimension = published ?? hiddenSize / headCount
        let configuration = DecoderConfiguration(
            vocabularySize: try required("vocab_size", TokenizerDefinition.mostTokens),
            hiddenSize: hiddenSize,
            layerCount: try required("num_hidden_layers", 1024),
            headCount: headCount,
            keyValueHeadCount: try config.integer("num_key_value_heads", in: 1...4096) ?? headCount,
            headDimension: headDimension,
            feedForwardSize: try required("intermediate_size", 1 << 22),
            contextLength: try required("max_position_embeddings", 1 << 28),
            normEpsilon: try config.require("rms_norm_eps", try config.float("rms_norm_eps")),
            rope: try rope(config, headDimension: headDimension),
            tiedOutputHead: try config.bool("tie_word_embeddings") ?? false,
            queryKeyValueBias: queryKeyValueBias,
            queryKeyNorm: queryKeyNorm,
            multipliers: DecoderConfiguration.Multipliers(
                embedding: try config.float("embedding_multiplier") ?? 1,
                residual: try config.float("residual_multiplier") ?? 1,
                attention: try config.float("attention_multiplier"),
                logits: try config.float("logits_scaling").map { 1 / $0 } ?? 1
            )
        )
        try configuration.validate(subject: config.path)
        return configuration
    }

    private func refuseUnsupported(_ config: JSONFields) throws {
        func refuse(_ key: String, _ supported: String, _ found: String?, unless holds: Bool) throws {
            guard !holds else { return }
            throw EMLLMError.unsupportedPart(
                path: config.path,
                part: key,
                supported: supported,
                found: found ?? "another"
            )
        }
        let activation = try config.string("hidden_act")
        try refuse("hidden_act", "silu", activation, unless: activation == nil || activation == "silu")
        // Qwen2 has biases on queries, keys and values whatever this key says. For other families, it means all four.
        let hasBias = try config.bool("attention_bias") ?? false
        try refuse("attention_bias", "false", "true", unless: queryKeyValueBias || !hasBias)
        try refuse("bias", "false", "true", unless: try !isInternLM2 || config.bool("bias") != true)
        try refuse("mlp_bias", "false", "true", unless: try config.bool("mlp_bias") != true)
        try refuse("use_sliding_window", "false", "true", unless: try config.bool("use_sliding_window") != true)
        let layers = config.object["layer_types"]?.elements ?? []
        try refuse("layer_types", "full_attention", nil, unless: layers.allSatisfy { $0.text == "full_attention" })
    }

    private func rope(_ config: JSONFields, headDimension: Int) throws -> RopeConfiguration {
        // One object since transformers 5, two keys before that.
        let parameters = try config.fields("rope_parameters") ?? config.fields("rope_scaling")
        let base = try parameters?.float("rope_theta") ?? config.float("rope_theta") ?? 10_000
        let share = try parameters?.float("partial_rotary_factor") ?? config.float("partial_rotary_factor") ?? 1
        guard share > 0, share <= 1 else {
            throw EMLLMError.invalidMetadata(
                path: config.path,
                key: "partial_rotary_factor",
                expected: "a share of at most 1",
                found: "\(share)"
            )
        }
        let dimension = Int(Float(headDimension) * share)
        let kind = try parameters?.string("rope_type") ?? parameters?.string("type") ?? "default"
        let scaling: RopeConfiguration.Scaling
        switch (kind, parameters) {
        // Sections define "mrope". "dynamic" stretches only positions beyond the trained context, which are rejected.
        case ("default", _), ("mrope", _), ("dynamic", _): scaling = .none
        case ("linear", let parameters?):
            scaling = .linear(factor: try parameters.require("factor", try parameters.float("factor")))
        case ("llama3", let parameters?):
            scaling = try llama3Scaling(parameters, base: base, dimension: dimension)
        default:
            throw EMLLMError.unsupportedPart(
                path: config.path,
                part: "rope_type",
                supported: "default, linear or llama3",
                found: kind
            )
        }
        return RopeConfiguration(
            base: base,
            rotaryDimension: dimension,
            layout: .half,
            scaling: scaling,
            sections: try sections(parameters, pairs: dimension / 2)
        )
    }

    /// The pairs for each coordinate of positions in pictures.
    private func sections(_ parameters: JSONFields?, pairs: Int) throws -> RopeConfiguration.Sections? {
        guard let parameters else { return nil }
        let counts = try parameters.integers("mrope_section", in: 0...pairs)
        guard !counts.isEmpty else { return nil }
        // Qwen3-VL is always interleaved, but only some of its files state it.
        let isInterleaved = try parameters.bool("mrope_interleaved") ?? queryKeyNorm
        return RopeConfiguration.Sections(counts: counts, areInterleaved: isInterleaved)
    }

    /// Llama 3.1's scaling: long wavelengths are stretched, short ones are not, and those between are stretched in part
    /// (arXiv 2407.21783, and transformers' `_compute_llama3_parameters`).
    private func llama3Scaling(
        _ parameters: JSONFields,
        base: Float,
        dimension: Int
    ) throws -> RopeConfiguration.Scaling {
        func positive(_ key: String) throws -> Double {
            let value = Double(try parameters.require(key, try parameters.float(key)))
            guard value > 0 else {
                throw EMLLMError.invalidMetadata(
                    path: parameters.path,
                    key: parameters.prefix + key,
                    expected: "a positive number",
                    found: "\(value)"
                )
            }
            return value
        }
        let factor = try positive("factor")
        let low = try positive("low_freq_factor")
        let high = try positive("high_freq_factor")
        let context = try positive("original_max_position_embeddings")
        return .perFrequency(
            factors: (0..<max(1, dimension / 2)).map { pair in
                let frequency = pow(Double(base), -Double(2 * pair) / Double(dimension))
                let wavelength = 2 * Double.pi / frequency
                if wavelength > context / low { return Float(factor) }
                if wavelength < context / high { return 1 }
                let smooth = (context / wavelength - low) / (high - low)
                return Float(1 / ((1 - smooth) / factor + smooth))
            }
        )
    }

    // MARK: Weights

    /// The role of a tensor in the engine.
    func role(of name: String, isTied: Bool) -> TensorRole {
        if isInternLM2 { return internLM2Role(of: name) }
        switch name {
        case "model.embed_tokens.weight": return .weight("token_embedding")
        case "model.norm.weight": return .weight("output_norm")
        // Some checkpoints store the embedding a second time.
        case "lm_head.weight": return isTied ? .configuration : .weight("output")
        default: break
        }
        if name.hasSuffix("rotary_emb.inv_freq") { return .configuration }
        // model.layers.N.<part>
        let words = name.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == "model", words[1] == "layers", let layer = Int(words[2]), layer >= 0,
            "\(layer)" == words[2], let part = Self.parts[String(words[3])]
        else { return .unknown }
        if part.hasSuffix("_bias"), !queryKeyValueBias { return .unknown }
        if part.hasSuffix(".q_norm") || part.hasSuffix(".k_norm"), !queryKeyNorm { return .unknown }
        return .weight("layers.\(layer).\(part)")
    }

    private func internLM2Role(of name: String) -> TensorRole {
        switch name {
        case "model.tok_embeddings.weight": return .weight("token_embedding")
        case "model.norm.weight": return .weight("output_norm")
        case "output.weight": return .weight("output")
        default: break
        }
        let words = name.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == "model", words[1] == "layers", let layer = Int(words[2]), layer >= 0,
            "\(layer)" == words[2]
        else { return .unknown }
        if words[3] == "attention.wqkv.weight" { return .groupedQueryKeyValue("layers.\(layer).attention") }
        return Self.internLM2Parts[String(words[3])].map { .weight("layers.\(layer).\($0)") } ?? .unknown
    }

    private static let internLM2Parts = [
        "attention_norm.weight": "attention_norm", "attention.wo.weight": "attention.output",
        "ffn_norm.weight": "feed_forward_norm", "feed_forward.w1.weight": "feed_forward.gate",
        "feed_forward.w3.weight": "feed_forward.up", "feed_forward.w2.weight": "feed_forward.down",
    ]

    private static let parts = [
        "input_layernorm.weight": "attention_norm",
        "self_attn.q_proj.weight": "attention.q", "self_attn.q_proj.bias": "attention.q_bias",
        "self_attn.k_proj.weight": "attention.k", "self_attn.k_proj.bias": "attention.k_bias",
        "self_attn.v_proj.weight": "attention.v", "self_attn.v_proj.bias": "attention.v_bias",
        "self_attn.q_norm.weight": "attention.q_norm", "self_attn.k_norm.weight": "attention.k_norm",
        "self_attn.o_proj.weight": "attention.output",
        "post_attention_layernorm.weight": "feed_forward_norm",
        "mlp.gate_proj.weight": "feed_forward.gate",
        "mlp.up_proj.weight": "feed_forward.up",
        "mlp.down_proj.weight": "feed_forward.down",
    ]
}
