// The Llama family: RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases.
// Touvron et al., arXiv 2302.13971 and 2307.09288; Grattafiori et al., arXiv 2407.21783.
// GGUF's names and keys: ggml's docs/gguf.md, architecture "llama" (also SmolLM, SmolLM2, Mistral 7B, TinyLlama).

extension ModelFamily {
    /// Llama 1 to 3 and everything published with the same blocks.
    ///
    /// Converters to GGUF permute the rows of queries and keys so that neighbours form pairs; in checkpoints, halves
    /// do.
    package static let llama = ModelFamily(
        name: "llama",
        gguf: GGUFDecoder(architectures: ["llama"], layout: .interleaved),
        huggingFace: HuggingFaceDecoder(modelTypes: ["llama"])
    )

    /// Granite 3, dense: Llama with constant factors on embeddings, residuals, attention and logits.
    package static let granite = ModelFamily(
        name: "granite",
        gguf: GGUFDecoder(architectures: ["granite"], layout: .interleaved),
        huggingFace: HuggingFaceDecoder(modelTypes: ["granite"])
    )

    /// InternLM2 (arXiv 2403.17297): Llama with queries, keys and values in one tensor.
    package static let internLM2 = ModelFamily(
        name: "internlm2",
        gguf: GGUFDecoder(architectures: ["internlm2"], layout: .interleaved),
        huggingFace: HuggingFaceDecoder(modelTypes: ["internlm2"], isInternLM2: true)
    )
}
