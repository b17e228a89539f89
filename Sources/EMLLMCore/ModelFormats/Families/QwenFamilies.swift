// The Qwen families' text decoders: Llama's blocks, with biases on queries, keys and values in Qwen2 and 2.5, and with
// normalized heads in Qwen3. Pairs of the rotary embedding are halves, in checkpoints and in GGUF files. Yang et al.,
// arXiv 2407.10671, 2412.15115 and 2505.09388.

extension ModelFamily {
    /// Qwen2 and Qwen2.5, dense, and the decoders of their vision models.
    package static let qwen2 = ModelFamily(
        name: "qwen2",
        gguf: GGUFDecoder(architectures: ["qwen2", "qwen2vl"], layout: .half, queryKeyValueBias: true),
        huggingFace: HuggingFaceDecoder(
            modelTypes: ["qwen2", "qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text"],
            queryKeyValueBias: true
        )
    )

    /// Qwen3, dense, and the decoder of Qwen3-VL.
    package static let qwen3 = ModelFamily(
        name: "qwen3",
        gguf: GGUFDecoder(architectures: ["qwen3", "qwen3vl"], layout: .half, queryKeyNorm: true),
        huggingFace: HuggingFaceDecoder(
            modelTypes: ["qwen3", "qwen3_vl_text"],
            queryKeyNorm: true,
            defaultHeadDimension: 128
        )
    )
}
