// The Llama family: RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases.
// Touvron et al., arXiv 2302.13971 and 2307.09288; Grattafiori et al., arXiv 2407.21783.
// GGUF's names and keys: ggml's docs/gguf.md, architecture "llama" (also SmolLM, SmolLM2, Mistral 7B, TinyLlama).

extension ModelFamily {
    /// Llama 1 to 3 and everything published with the same blocks.
    ///
    /// Converters to GGUF permute the rows of its queries and keys so that neighbours form pairs;
    /// checkpoints have halves.
    public static let llama = ModelFamily(
        name: "llama",
        gguf: GGUFDecoder(architecture: "llama", layout: .interleaved),
        huggingFace: HuggingFaceDecoder(modelType: "llama")
    )
}
