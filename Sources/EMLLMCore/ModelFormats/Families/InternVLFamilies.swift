// InternVL 2, 2.5 and 3: InternViT on a grid of tiles with a thumbnail, 2 × 2 pixel shuffle, two linear layers. Chen et
// al., arXiv 2404.16821, 2412.05271; Zhu et al., 2504.10479. References: transformers' model internvl;
// modeling_intern_vit.py of the original repositories; llama.cpp's tools/mtmd.

extension VisionFamily {
    /// InternVL in the layout of transformers.
    package static let internVL = VisionFamily(
        name: "internvl",
        modelTypes: ["internvl"],
        projectors: [],
        huggingFace: { source in
            var tower = try source.plainTower(activation: "gelu", epsilon: 1e-6)
            tower.norm = try source.vision.string("norm_type") == "rms_norm" ? .rmsNorm : .layerNorm
            tower.queryKeyValueBias = try source.vision.bool("attention_bias") ?? false
            tower.queryKeyNorm = try source.vision.bool("use_qk_norm") ?? false
            let layer = try source.config.integer("vision_feature_layer", in: -256...256) ?? -1
            try source.refuse("vision_feature_layer", "-1", "\(layer)", unless: layer == -1)
            let pools = try source.vision.bool("use_mean_pooling") ?? true
            try source.refuse("vision_config.use_mean_pooling", "true", "false", unless: pools)
            let side = try source.integer("image_size", default: 448)
            let range = 1...1024
            let method = ImagePreprocessing.Method.grid(
                tileSide: try source.processor?.fields("size")?.integer("height", in: 1...(1 << 14)) ?? side,
                minimumTiles: try source.processor?.integer("min_patches", in: range) ?? 1,
                maximumTiles: try source.processor?.integer("max_patches", in: range) ?? 12,
                thumbnail: true
            )
            return try source.internVL(
                tower,
                side: side,
                method: method,
                mean: HuggingFaceVision.clipMean,
                deviation: HuggingFaceVision.clipDeviation,
                activation: try HuggingFaceVision.activation(source.config, "projector_hidden_act", default: "gelu"),
                marker: "<IMG_CONTEXT>"
            )
        }
    )

    /// InternVL as its authors publish it, with decoders of Qwen2, InternLM2, Llama or Qwen3.
    package static let internVLOriginal = VisionFamily(
        name: "internvl-chat",
        modelTypes: ["internvl_chat"],
        projectors: ["internvl"],
        huggingFace: { source in
            let range = 1...1024
            var tower = try source.plainTower(activation: "gelu", epsilon: 1e-6)
            tower.norm = try source.vision.string("norm_type") == "rms_norm" ? .rmsNorm : .layerNorm
            tower.queryKeyValueBias = try source.vision.bool("qkv_bias") ?? false
            tower.queryKeyNorm = try source.vision.bool("qk_normalization") ?? false
            let layer = try source.config.integer("select_layer", in: -256...256) ?? -1
            try source.refuse("select_layer", "-1", "\(layer)", unless: layer == -1)
            let version = try source.config.string("ps_version") ?? "v1"
            try source.refuse("ps_version", "v2", version, unless: version == "v2")
            let side = try source.config.integer("force_image_size", in: 1...(1 << 14))
            let dynamic = try source.config.bool("dynamic_image_size") ?? true
            let most = try source.config.integer("max_dynamic_patch", in: range) ?? 6
            return try source.internVL(
                tower,
                side: try source.integer("image_size", default: 448),
                method: .grid(
                    tileSide: try side ?? source.integer("image_size", default: 448),
                    minimumTiles: dynamic ? try source.config.integer("min_dynamic_patch", in: range) ?? 1 : 1,
                    maximumTiles: dynamic ? most : 1,
                    thumbnail: try source.config.bool("use_thumbnail") ?? false
                ),
                mean: HuggingFaceVision.imageNetMean,
                deviation: HuggingFaceVision.imageNetDeviation,
                activation: .gelu,
                marker: "<image>"
            )
        },
        gguf: { source in
            var tower = try source.tower(activation: .gelu)
            tower.classToken = true
            tower.layerScale = true
            tower.queryKeyNorm = source.has("v.blk.0.attn_q_norm.weight")
            tower.queryKeyValueBias = source.has("v.blk.0.attn_q.bias") || source.has("v.blk.0.attn_qkv.bias")
            tower.norm = source.has("v.blk.0.ln1.bias") ? .layerNorm : .rmsNorm
            let side = try source.imageSide()
            tower.positions = .init(side: try source.positionSide(classRows: 1), lookup: .bicubic)
            let merge = try source.mergeFactor(default: 2)
            let tiles = try source.tileRange(default: 1...12)
            return VisionConfiguration(
                preprocessing: try source.preprocessing(
                    .grid(
                        tileSide: side,
                        minimumTiles: tiles.lowerBound,
                        maximumTiles: tiles.upperBound,
                        thumbnail: true
                    ),
                    filter: .bicubic
                ),
                tower: tower,
                connector: .internVL(merge: merge, width: source.decoder.hiddenSize, activation: .gelu),
                prompt: .internVL(marker: "<image>")
            )
        }
    )
}

extension ConnectorConfiguration {
    fileprivate static func internVL(
        merge: Int,
        width: Int,
        activation: VisionTowerConfiguration.Activation
    ) -> ConnectorConfiguration {
        ConnectorConfiguration(
            merge: merge,
            normPlace: .merged,
            normEpsilon: 1e-5,
            hiddenSize: width,
            activation: activation
        )
    }
}

extension ImagePromptFormat {
    fileprivate static func internVL(marker: String) -> ImagePromptFormat {
        ImagePromptFormat(marker: marker, surroundings: .between(begin: "<img>", end: "</img>"))
    }
}

extension HuggingFaceVision {
    fileprivate func internVL(
        _ plain: VisionTowerConfiguration,
        side: Int,
        method: ImagePreprocessing.Method,
        mean: [Float],
        deviation: [Float],
        activation: VisionTowerConfiguration.Activation,
        marker: String
    ) throws -> VisionConfiguration {
        var tower = plain
        tower.classToken = true
        tower.layerScale = true
        tower.positions = .init(side: side / tower.patchSize, lookup: .bicubic)
        let ratio = try config.float("downsample_ratio") ?? 0.5
        try refuse("downsample_ratio", "one over a whole number", "\(ratio)", unless: ratio > 0.05 && ratio <= 1)
        let merge = Int((1 / ratio).rounded())
        return VisionConfiguration(
            preprocessing: try preprocessing(method, filter: .bicubic, mean: mean, deviation: deviation),
            tower: tower,
            connector: .internVL(merge: merge, width: decoder.hiddenSize, activation: activation),
            prompt: .internVL(marker: marker)
        )
    }
}
