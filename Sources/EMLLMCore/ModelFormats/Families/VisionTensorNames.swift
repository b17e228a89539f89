/// The names of the tensors of vision towers and connectors in published files.
///
/// All families share the same tables, since no name has two meanings.
struct VisionTensorNames: Sendable {
    let vision: VisionConfiguration
    /// Whether the names of the layers in feed-forward blocks are swapped, as in mmproj files of early converters.
    var swapsFeedForward = false

    // MARK: Hugging Face's folders

    /// The role of a folder's tensor in the engine; `nil` for tensors of the text decoder.
    func role(ofHuggingFace name: String) -> TensorRole? {
        if let rest = Self.strip(name, Self.towerPrefixes) { return towerRole(rest) }
        if let rest = Self.strip(name, Self.connectorPrefixes) {
            return weight(Self.connectorParts[rest].map { "connector.\($0)" })
        }
        return nil
    }

    /// The name that a tensor of the text decoder has in a checkpoint without a vision tower.
    static func textName(_ name: String) -> String {
        if let rest = strip(name, ["language_model.lm_head.", "model.lm_head."]) { return "lm_head." + rest }
        if let rest = strip(name, ["language_model.output."]) { return "output." + rest }
        let prefixes = ["model.language_model.", "language_model.model.", "language_model.", "model.text_model."]
        if let rest = strip(name, prefixes) { return "model." + rest }
        return name
    }

    private static func strip(_ name: String, _ prefixes: [String]) -> String? {
        prefixes.first { name.hasPrefix($0) }.map { String(name.dropFirst($0.count)) }
    }

    private static let towerPrefixes = [
        "model.visual.", "visual.", "model.vision_tower.vision_model.", "vision_tower.vision_model.",
        "model.vision_tower.", "vision_tower.", "model.vision_model.", "vision_model.",
    ]
    private static let connectorPrefixes = [
        "model.multi_modal_projector.", "multi_modal_projector.", "model.connector.", "mlp1.",
    ]

    private func towerRole(_ name: String) -> TensorRole {
        if let part = Self.towerParts[name] {
            // Not needed if the features are taken before it.
            if part.hasPrefix("post_norm"), !vision.tower.postNorm { return .configuration }
            return weight(part)
        }
        if Self.unused.contains(where: { name.hasPrefix($0) }) { return .configuration }
        for prefix in ["blocks.", "encoder.layers.", "encoder.layer."] where name.hasPrefix(prefix) {
            return blockRole(name.dropFirst(prefix.count), Self.blockParts)
        }
        if let rest = Self.strip(name, ["merger."]) {
            return weight(Self.connectorParts[rest].map { "connector.\($0)" })
        }
        if let rest = Self.strip(name, ["deepstack_merger_list."]) {
            let words = rest.split(separator: ".", maxSplits: 1)
            guard words.count == 2, let index = Int(words[0]) else { return .unknown }
            return weight(Self.connectorParts[String(words[1])].map { "deepstack.\(index).\($0)" })
        }
        return .unknown
    }

    /// The role of a tensor of block N, whose name begins with N.
    private func blockRole(_ name: Substring, _ parts: [String: String]) -> TensorRole {
        let words = name.split(separator: ".", maxSplits: 1)
        guard words.count == 2, let layer = Int(words[0]), layer >= 0, "\(layer)" == words[0] else { return .unknown }
        // Blocks after the one that yields the features.
        guard layer < vision.tower.layerCount else { return .configuration }
        let part = String(words[1])
        for (suffix, bias) in [(".weight", ""), (".bias", "_bias")]
        where Self.fused.contains(part.dropLast(suffix.count)) {
            guard part.hasSuffix(suffix) else { continue }
            return .stacked(["q", "k", "v"].map { "vision.layers.\(layer).attention.\($0)\(bias)" })
        }
        return weight(parts[part].map { "layers.\(layer).\($0)" })
    }

    private func weight(_ name: String?) -> TensorRole { name.map { .weight("vision.\($0)") } ?? .unknown }

    private static let fused: Set<Substring> = ["attn.qkv", "attn_qkv"]

    /// Tensors that no feature depends on.
    private static let unused = [
        "embeddings.position_ids", "embeddings.mask_token", "head.", "rotary_pos_emb.", "layernorm.",
    ]

    private static let towerParts = [
        "patch_embed.proj.weight": "patch_embedding", "patch_embed.proj.bias": "patch_bias",
        "embeddings.patch_embedding.weight": "patch_embedding", "embeddings.patch_embedding.bias": "patch_bias",
        "embeddings.patch_embeddings.projection.weight": "patch_embedding",
        "embeddings.patch_embeddings.projection.bias": "patch_bias",
        "embeddings.class_embedding": "class_token", "embeddings.cls_token": "class_token",
        "pos_embed.weight": "positions", "embeddings.position_embedding.weight": "positions",
        "embeddings.position_embeddings": "positions", "embeddings.position_embedding": "positions",
        "pre_layrnorm.weight": "pre_norm", "pre_layrnorm.bias": "pre_norm_bias",
        "post_layernorm.weight": "post_norm", "post_layernorm.bias": "post_norm_bias",
    ]

    private static let blockParts = withBiases([
        "norm1": "attention_norm", "layer_norm1": "attention_norm", "layernorm_before": "attention_norm",
        "norm2": "feed_forward_norm", "layer_norm2": "feed_forward_norm", "layernorm_after": "feed_forward_norm",
        "self_attn.q_proj": "attention.q", "attention.q_proj": "attention.q",
        "attention.attention.query": "attention.q",
        "self_attn.k_proj": "attention.k", "attention.k_proj": "attention.k",
        "attention.attention.key": "attention.k",
        "self_attn.v_proj": "attention.v", "attention.v_proj": "attention.v",
        "attention.attention.value": "attention.v",
        "attn.q_norm": "attention.q_norm", "attention.q_norm": "attention.q_norm",
        "attn.k_norm": "attention.k_norm", "attention.k_norm": "attention.k_norm",
        "attn.proj": "attention.output", "self_attn.out_proj": "attention.output",
        "attention.projection_layer": "attention.output", "attention.output.dense": "attention.output",
        "mlp.fc1": "feed_forward.up", "mlp.linear_fc1": "feed_forward.up", "mlp.up_proj": "feed_forward.up",
        "mlp.gate_proj": "feed_forward.gate",
        "mlp.fc2": "feed_forward.down", "mlp.linear_fc2": "feed_forward.down", "mlp.down_proj": "feed_forward.down",
    ]).merging([
        "lambda_1": "attention_scale", "ls1": "attention_scale", "layer_scale1.lambda1": "attention_scale",
        "lambda_2": "feed_forward_scale", "ls2": "feed_forward_scale", "layer_scale2.lambda1": "feed_forward_scale",
    ]) { first, _ in first }

    private static let connectorParts = withBiases([
        "ln_q": "norm", "norm": "norm", "layer_norm": "norm", "0": "norm",
        "mlp.0": "first", "linear_fc1": "first", "linear_1": "first", "1": "first",
        "modality_projection.proj": "first",
        "mlp.2": "second", "linear_fc2": "second", "linear_2": "second", "3": "second",
    ])

    /// Expands a table of layer names to the names of their weights and biases.
    private static func withBiases(_ named: [String: String]) -> [String: String] {
        var parts: [String: String] = [:]
        for (published, name) in named {
            parts[published + ".weight"] = name
            parts[published + ".bias"] = name + "_bias"
        }
        return parts
    }
}

// MARK: mmproj files

extension VisionTensorNames {
    /// The role of an mmproj file's tensor in the engine.
    func role(ofGGUF name: String) -> TensorRole {
        if let part = Self.ggufParts[name] { return weight(part) }
        if let part = Self.ggufPostNorm[name] {
            // Qwen's connectors normalize each patch; converters give that norm the tower's name.
            if vision.tower.postNorm { return weight(part) }
            return vision.connector.normPlace == .patch
                ? weight(part.replacing("post_norm", with: "connector.norm")) : .configuration
        }
        if name.hasPrefix("v.blk.") {
            let rest = String(name.dropFirst("v.blk.".count))
            return blockRole(swapsFeedForward ? Self.swapped(rest)[...] : rest[...], Self.ggufBlockParts)
        }
        if name.hasPrefix("v.deepstack.") {
            let words = name.dropFirst("v.deepstack.".count).split(separator: ".", maxSplits: 1)
            // Numbered by the tower's block.
            guard words.count == 2, let layer = Int(words[0]),
                let index = vision.tower.deepstackLayers.firstIndex(of: layer)
            else { return .unknown }
            return weight(Self.ggufDeepstackParts[String(words[1])].map { "deepstack.\(index).\($0)" })
        }
        if name.hasPrefix("mm.") { return connectorRole(String(name.dropFirst("mm.".count))) }
        return .unknown
    }

    private static func swapped(_ name: String) -> String {
        name.contains(".ffn_up.")
            ? name.replacing(".ffn_up.", with: ".ffn_down.") : name.replacing(".ffn_down.", with: ".ffn_up.")
    }

    private func connectorRole(_ name: String) -> TensorRole {
        // "model.mlp.0" is InternVL's norm; "0" is the first layer everywhere else.
        let part = Self.ggufConnectorParts[name]
        return weight(part.map { "connector.\($0)" })
    }

    private static let ggufPostNorm = withBiases(["v.post_ln": "post_norm"])

    private static let ggufParts = withBiases(["v.pre_ln": "pre_norm"]).merging([
        "v.patch_embd.weight": "patch_embedding", "v.patch_embd.bias": "patch_bias",
        "v.class_embd": "class_token", "v.position_embd.weight": "positions",
    ]) { first, _ in first }

    private static let ggufBlockParts = withBiases([
        "ln1": "attention_norm", "ln2": "feed_forward_norm", "attn_q": "attention.q", "attn_k": "attention.k",
        "attn_v": "attention.v", "attn_out": "attention.output", "attn_q_norm": "attention.q_norm",
        "attn_k_norm": "attention.k_norm", "ffn_up": "feed_forward.up", "ffn_gate": "feed_forward.gate",
        "ffn_down": "feed_forward.down",
    ]).merging(["ls1.weight": "attention_scale", "ls2.weight": "feed_forward_scale"]) { first, _ in first }

    private static let ggufConnectorParts = withBiases([
        "0": "first", "2": "second",
        "model.mlp.0": "norm", "model.mlp.1": "first", "model.mlp.3": "second",
        "model.fc": "first",
    ])

    private static let ggufDeepstackParts = withBiases(["norm": "norm", "fc1": "first", "fc2": "second"])
}
