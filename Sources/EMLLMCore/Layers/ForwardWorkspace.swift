import CTensor

/// Scratch memory of one forward pass, for at most `maximumTokens` tokens and a fixed number of workers.
final class ForwardWorkspace {
    /// The most tokens that one forward pass takes.
    static let maximumTokens = 128
    /// Query tokens that one attention task takes together, so that they share the loads of keys and values.
    static let attentionTokens = 8

    let hidden: ScratchBuffer<Float>  // [tokens, hidden], the residual stream
    let normalized: ScratchBuffer<Float>  // [tokens, hidden]
    let query: ScratchBuffer<Float>  // [tokens, heads, headDim]
    let key: ScratchBuffer<Float>  // [tokens, kvHeads, headDim]
    let value: ScratchBuffer<Float>  // [tokens, kvHeads, headDim]
    let attention: ScratchBuffer<Float>  // [tokens, heads, headDim]
    let gate: ScratchBuffer<Float>  // [tokens, feedForward]
    let up: ScratchBuffer<Float>  // [tokens, feedForward]
    let cosine: ScratchBuffer<Float>  // [tokens, rotary / 2]
    let sine: ScratchBuffer<Float>  // [tokens, rotary / 2]
    /// The inputs of the next product in 8 bits. `[tokens, ct_q8_bytes(width)]`
    let quantized: ScratchBuffer<UInt8>
    /// What each worker alone writes.
    let workers: [WorkerScratch]

    struct WorkerScratch {
        /// A single token's inputs, which every worker prepares for itself rather than wait for another.
        let floats: ScratchBuffer<Float>  // [widest]
        let quantized: ScratchBuffer<UInt8>  // [ct_q8_bytes(widest)]
        /// Weights on their way to BLAS. Empty unless activations are floats or weights are.
        let blas: ScratchBuffer<Float>  // [blasRows, widest]
        /// Attention scores. `[attentionTokens * heads per group, scoreStride]`
        let scores: ScratchBuffer<Float>
    }

    /// Floats between two rows of attention scores: the longest context, rounded up to whole groups of keys.
    let scoreStride: Int

    init(configuration c: DecoderConfiguration, contextLength: Int, workers count: Int, usesBLAS: Bool) {
        let tokens = Self.maximumTokens
        let queryWidth = c.headCount * c.headDimension
        let keyValueWidth = c.keyValueHeadCount * c.headDimension
        let widest = max(c.hiddenSize, queryWidth, c.feedForwardSize)
        hidden = ScratchBuffer(count: tokens * c.hiddenSize)
        normalized = ScratchBuffer(count: tokens * c.hiddenSize)
        query = ScratchBuffer(count: tokens * queryWidth)
        key = ScratchBuffer(count: tokens * keyValueWidth)
        value = ScratchBuffer(count: tokens * keyValueWidth)
        attention = ScratchBuffer(count: tokens * queryWidth)
        gate = ScratchBuffer(count: tokens * c.feedForwardSize)
        up = ScratchBuffer(count: tokens * c.feedForwardSize)
        cosine = ScratchBuffer(count: tokens * c.rope.rotaryDimension / 2)
        sine = ScratchBuffer(count: tokens * c.rope.rotaryDimension / 2)
        quantized = ScratchBuffer(count: tokens * ct_q8_bytes(Int64(widest)))
        let group = Int(CT_KEY_GROUP)
        scoreStride = (contextLength + group - 1) / group * group
        let scoreRows = Self.attentionTokens * (c.headCount / c.keyValueHeadCount)
        workers = (0..<count).map { [scoreStride] _ in
            WorkerScratch(
                floats: ScratchBuffer(count: widest),
                quantized: ScratchBuffer(count: ct_q8_bytes(Int64(widest))),
                blas: ScratchBuffer(count: usesBLAS ? ProjectionKernels.blasRows * widest : 0),
                scores: ScratchBuffer(count: scoreRows * scoreStride)
            )
        }
    }
}
