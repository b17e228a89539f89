// The Qwen families' text decoders: Llama's blocks, with biases on queries, keys and values in Qwen2 and 2.5, and with
// normalized heads instead in Qwen3. Pairs of the rotary embedding are halves, in checkpoints and in GGUF files.
// Yang et al., arXiv 2407.10671, 2412.15115 and 2505.09388.

extension ModelFamily {
    /// Qwen2 and Qwen2.5, dense.
    public static let qwen2 = ModelFamily(
        name: "qwen2",
        gguf: GGUFDecoder(architecture: "qwen2", layout: .half, queryKeyValueBias: true),
        huggingFace: HuggingFaceDecoder(modelType: "qwen2", queryKeyValueBias: true)
    )

    /// Qwen3, dense.
    public static let qwen3 = ModelFamily(
        name: "qwen3",
        gguf: GGUFDecoder(architecture: "qwen3", layout: .half, queryKeyNorm: true),
        huggingFace: HuggingFaceDecoder(modelType: "qwen3", queryKeyNorm: true, defaultHeadDimension: 128)
    )
}
