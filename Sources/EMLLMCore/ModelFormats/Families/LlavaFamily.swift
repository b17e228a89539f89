// LLaVA-1.5: CLIP's vision transformer, whose second-to-last block yields the features, and two linear layers. Liu et
// al., arXiv 2310.03744. References: transformers' models llava, clip, siglip, dinov2; llama.cpp's tools/mtmd.

extension VisionFamily {
    /// LLaVA-1.5 and models published in its layout, on CLIP, SigLIP or DINOv2.
    package static let llava = VisionFamily(
        name: "llava",
        modelTypes: ["llava"],
        projectors: ["mlp"],
        huggingFace: { source in
            let layer = try source.config.integer("vision_feature_layer", in: -256...256) ?? -2
            let strategy = try source.config.string("vision_feature_select_strategy") ?? "default"
            var tower = try source.llavaTower()
            try source.refuse(
                "vision_feature_select_strategy",
                tower.classToken ? "default" : "full",
                strategy,
                unless: (strategy == "default") == tower.classToken
            )
            // Features after block n; the reference counts the input of the first block as 0, and the output of the
            // last as -1.
            let blocks = layer >= 0 ? layer : tower.layerCount + 1 + layer
            try source.refuse(
                "vision_feature_layer",
                "a block of the tower",
                "\(layer)",
                unless: (1...tower.layerCount).contains(blocks)
            )
            tower.layerCount = blocks
            let side = try source.integer("image_size", default: 336)
            let grid = side / tower.patchSize
            tower.positions = tower.positions ?? .init(side: grid, lookup: .exact)
            return VisionConfiguration(
                preprocessing: try source.preprocessing(
                    try source.fixedSize(default: side),
                    filter: .bicubic,
                    mean: HuggingFaceVision.clipMean,
                    deviation: HuggingFaceVision.clipDeviation
                ),
                tower: tower,
                connector: ConnectorConfiguration(
                    merge: 1,
                    hiddenSize: source.decoder.hiddenSize,
                    activation: try HuggingFaceVision.activation(
                        source.config,
                        "projector_hidden_act",
                        default: "gelu"
                    ),
                    bias: try source.config.bool("multimodal_projector_bias") ?? true
                ),
                prompt: ImagePromptFormat(marker: "<image>")
            )
        },
        gguf: { source in
            // The file has only the blocks that are needed.
            var tower = try source.tower(activation: try source.activation())
            tower.patchBias = false
            tower.classToken = true
            tower.preNorm = true
            let side = try source.imageSide()
            tower.positions = .init(side: side / tower.patchSize, lookup: .exact)
            return VisionConfiguration(
                // Padded to a square, as in llama.cpp and in training.
                preprocessing: try source.preprocessing(.padded(side: side), filter: .bicubic),
                tower: tower,
                connector: ConnectorConfiguration(merge: 1, hiddenSize: source.decoder.hiddenSize),
                prompt: ImagePromptFormat(marker: "<image>")
            )
        }
    )
}

extension HuggingFaceVision {
    /// The tower by the `model_type` of `vision_config`.
    fileprivate func llavaTower() throws -> VisionTowerConfiguration {
        let type = try vision.string("model_type") ?? "clip_vision_model"
        switch type {
        case "clip_vision_model":
            var tower = try plainTower(activation: "quick_gelu", epsilon: 1e-5)
            tower.patchBias = false
            tower.classToken = true
            tower.preNorm = true
            return tower
        case "siglip_vision_model": return try plainTower(activation: "gelu_pytorch_tanh", epsilon: 1e-6)
        case "dinov2":
            try refuse("use_swiglu_ffn", "false", "true", unless: try vision.bool("use_swiglu_ffn") != true)
            let width = try integer("hidden_size", default: 768)
            let inner = try feedForwardSize("mlp_ratio", width: width)
            var tower = try plainTower(activation: "gelu", epsilon: 1e-6, feedForward: inner)
            tower.classToken = true
            tower.layerScale = true
            tower.queryKeyValueBias = try vision.bool("qkv_bias") ?? true
            let side = try integer("image_size", default: 224) / tower.patchSize
            tower.positions = .init(side: side, lookup: .bicubic)
            return tower
        default:
            throw EMLLMError.unsupportedPart(
                path: config.path,
                part: "vision_config.model_type",
                supported: "clip_vision_model, siglip_vision_model or dinov2",
                found: type
            )
        }
    }

    /// A tower with the keys that CLIP, SigLIP and DINOv2 share.
    func plainTower(
        activation: String,
        epsilon: Float,
        feedForward: Int? = nil
    ) throws -> VisionTowerConfiguration {
        VisionTowerConfiguration(
            patchSize: try integer("patch_size", default: 16),
            hiddenSize: try integer("hidden_size", default: 768),
            layerCount: try integer("num_hidden_layers", default: 12),
            headCount: try integer("num_attention_heads", default: 12),
            feedForwardSize: try feedForward ?? integer("intermediate_size", default: 3072),
            normEpsilon: try float("layer_norm_eps", default: epsilon),
            activation: try Self.activation(vision, "hidden_act", default: activation)
        )
    }
}
