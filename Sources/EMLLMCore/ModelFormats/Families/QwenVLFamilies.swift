// The Qwen vision families: pictures at nearly their native size, two-dimensional rotary positions in the tower,
// patches joined 2 × 2, and positions of time, row and column in the decoder. Wang et al., arXiv 2409.12191 (Qwen2-VL);
// Bai et al., arXiv 2502.13923 (Qwen2.5-VL) and 2511.21631 (Qwen3-VL). References: transformers' models qwen2_vl,
// qwen2_5_vl, qwen3_vl; llama.cpp's tools/mtmd.

extension VisionFamily {
    /// Qwen2-VL: LayerNorm, a plain feed-forward layer.
    package static let qwen2VL = VisionFamily(
        name: "qwen2-vl",
        modelTypes: ["qwen2_vl"],
        projectors: ["qwen2vl_merger"],
        huggingFace: { source in
            let width = try source.integer("embed_dim", default: 1280)
            var tower = VisionTowerConfiguration(
                patchSize: try source.integer("patch_size", default: 14),
                hiddenSize: width,
                layerCount: try source.integer("depth", default: 32),
                headCount: try source.integer("num_heads", default: 16),
                feedForwardSize: try source.feedForwardSize("mlp_ratio", width: width),
                normEpsilon: 1e-6,
                activation: try HuggingFaceVision.activation(source.vision, "hidden_act", default: "quick_gelu")
            )
            tower.patchBias = false
            return try source.qwen(tower, maximumPixels: 28 * 28 * 1280)
        },
        gguf: { source in
            var tower = try source.tower(activation: try source.activation())
            tower.patchBias = false
            return try source.qwen(tower)
        }
    )

    /// Qwen2.5-VL: RMSNorm, a gated feed-forward layer, attention in windows.
    package static let qwen25VL = VisionFamily(
        name: "qwen2.5-vl",
        modelTypes: ["qwen2_5_vl"],
        projectors: ["qwen2.5vl_merger"],
        huggingFace: { source in
            var tower = VisionTowerConfiguration(
                patchSize: try source.integer("patch_size", default: 14),
                hiddenSize: try source.integer("hidden_size", default: 3584),
                layerCount: try source.integer("depth", default: 32),
                headCount: try source.integer("num_heads", default: 16),
                feedForwardSize: try source.integer("intermediate_size", default: 3420),
                normEpsilon: 1e-6,
                activation: try HuggingFaceVision.activation(source.vision, "hidden_act", default: "silu")
            )
            tower.windowSize = try source.integer("window_size", default: 112)
            let blocks = 0...max(0, tower.layerCount - 1)
            tower.fullAttentionLayers =
                source.vision.object["fullatt_block_indexes"] == nil
                ? [7, 15, 23, 31] : try source.vision.integers("fullatt_block_indexes", in: blocks)
            tower.asQwen25()
            return try source.qwen(tower, maximumPixels: 28 * 28 * 1280)
        },
        gguf: { source in
            var tower = try source.tower(activation: .silu)
            tower.asQwen25()
            try source.readWindows(into: &tower)
            return try source.qwen(tower)
        }
    )

    /// Qwen3-VL: learned positions that are interpolated between the cells of a table, and features from several depths
    /// (DeepStack).
    package static let qwen3VL = VisionFamily(
        name: "qwen3-vl",
        modelTypes: ["qwen3_vl"],
        projectors: ["qwen3vl_merger"],
        huggingFace: { source in
            var tower = VisionTowerConfiguration(
                patchSize: try source.integer("patch_size", default: 16),
                hiddenSize: try source.integer("hidden_size", default: 1152),
                layerCount: try source.integer("depth", default: 27),
                headCount: try source.integer("num_heads", default: 16),
                feedForwardSize: try source.integer("intermediate_size", default: 4304),
                normEpsilon: 1e-6,
                activation: try HuggingFaceVision.activation(
                    source.vision,
                    "hidden_act",
                    default: "gelu_pytorch_tanh"
                )
            )
            let cells = try source.integer("num_position_embeddings", default: 2304)
            tower.positions = .init(side: Int(Float(cells).squareRoot()), lookup: .bilinear)
            let blocks = 0...max(0, tower.layerCount - 1)
            tower.deepstackLayers =
                source.vision.object["deepstack_visual_indexes"] == nil
                ? [8, 16, 24] : try source.vision.integers("deepstack_visual_indexes", in: blocks)
            return try source.qwen(tower, minimumPixels: 65_536, maximumPixels: 16_777_216, halves: true)
        },
        gguf: { source in
            var tower = try source.tower(activation: .geluTanh)
            tower.positions = .init(side: try source.positionSide(), lookup: .bilinear)
            tower.deepstackLayers = try source.deepstackLayers()
            return try source.qwen(tower, minimumPixels: 65_536, maximumPixels: 16_777_216)
        }
    )
}

extension VisionTowerConfiguration {
    fileprivate mutating func asQwen25() {
        norm = .rmsNorm
        gatedFeedForward = true
        patchBias = false
    }

    /// Sets the properties that all Qwen towers share.
    mutating func asQwen() {
        framesPerPatch = 2
        rotaryBase = 10_000
    }

    /// The connector of Qwen's towers: each patch normalized, four joined, two layers.
    func qwenConnector(merge: Int) -> ConnectorConfiguration {
        ConnectorConfiguration(
            merge: merge,
            normPlace: .patch,
            norm: norm,
            normEpsilon: 1e-6,
            hiddenSize: hiddenSize * merge * merge,
            activation: .gelu
        )
    }
}

extension ImagePromptFormat {
    /// The template writes the tokens around a picture.
    static let qwen = ImagePromptFormat(marker: "<|image_pad|>")
}

extension HuggingFaceVision {
    fileprivate func qwen(
        _ plain: VisionTowerConfiguration,
        minimumPixels: Int = 56 * 56,
        maximumPixels: Int,
        halves: Bool = false
    ) throws -> VisionConfiguration {
        var tower = plain
        tower.asQwen()
        let frames = try integer("temporal_patch_size", default: 2)
        try refuse("temporal_patch_size", "2", "\(frames)", unless: frames == 2)
        let merge = try integer("spatial_merge_size", default: 2)
        let size = try processor?.fields("size")
        let pixels = 1...(1 << 28)
        let minimum = try size?.integer("shortest_edge", in: pixels) ?? processor?.integer("min_pixels", in: pixels)
        let maximum = try size?.integer("longest_edge", in: pixels) ?? processor?.integer("max_pixels", in: pixels)
        return VisionConfiguration(
            preprocessing: try preprocessing(
                .native(
                    factor: tower.patchSize * merge,
                    minimumPixels: minimum ?? minimumPixels,
                    maximumPixels: maximum ?? maximumPixels
                ),
                filter: .bicubic,
                mean: halves ? Self.halves : Self.clipMean,
                deviation: halves ? Self.halves : Self.clipDeviation
            ),
            tower: tower,
            connector: tower.qwenConnector(merge: merge),
            prompt: .qwen
        )
    }
}
