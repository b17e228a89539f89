// Idefics 3, SmolVLM and SmolVLM2: SigLIP on square tiles of a scaled picture and on the whole picture, pixel shuffle,
// one linear layer. Laurençon et al., arXiv 2408.12637; Marafioti et al., arXiv 2504.05299. References: transformers'
// models idefics3, smolvlm; llama.cpp's tools/mtmd.

extension VisionFamily {
    /// Idefics 3 and SmolVLM.
    package static let idefics3 = VisionFamily(
        name: "idefics3",
        modelTypes: ["idefics3", "smolvlm"],
        projectors: ["idefics3"],
        huggingFace: { source in
            var tower = try source.plainTower(activation: "gelu_pytorch_tanh", epsilon: 1e-6)
            tower.postNorm = true
            let side = try source.integer("image_size", default: 224)
            tower.positions = .init(side: side / tower.patchSize, lookup: .bucket)
            let range = 1...(1 << 14)
            let tile = try source.processor?.fields("max_image_size")?.integer("longest_edge", in: range)
            let longest = try source.processor?.fields("size")?.integer("longest_edge", in: range)
            return VisionConfiguration(
                preprocessing: try source.preprocessing(
                    .tiled(
                        longestEdge: longest ?? 4 * 364,
                        tileSide: tile ?? 364,
                        splits: try source.processor?.bool("do_image_splitting") ?? true
                    ),
                    filter: .lanczos,
                    mean: HuggingFaceVision.halves,
                    deviation: HuggingFaceVision.halves
                ),
                tower: tower,
                connector: ConnectorConfiguration(
                    merge: try source.config.integer("scale_factor", in: 1...16) ?? 2,
                    bias: false
                ),
                prompt: .idefics3
            )
        },
        gguf: { source in
            var tower = try source.tower(activation: .geluTanh)
            tower.postNorm = true
            let side = try source.imageSide()
            tower.positions = .init(side: side / tower.patchSize, lookup: .bucket)
            return VisionConfiguration(
                preprocessing: try source.preprocessing(
                    .tiled(longestEdge: try source.longestEdge(default: 4 * side), tileSide: side, splits: true),
                    filter: .lanczos
                ),
                tower: tower,
                connector: ConnectorConfiguration(merge: try source.mergeFactor(default: 3), bias: false),
                prompt: .idefics3
            )
        }
    )
}

extension ImagePromptFormat {
    fileprivate static let idefics3 = ImagePromptFormat(
        marker: "<image>",
        surroundings: .tiles(around: "<fake_token_around_image>", whole: "<global-img>")
    )
}
