import CTensor

/// Scratch memory of one forward pass, for at most `maximumTokens` tokens and a fixed number of workers.
final class ForwardWorkspace {
    /// The most tokens that one forward pass takes.
    static let maximumTokens = 128
    /// Query tokens that one attention task takes together, so that they share the loads of keys and values.
    static let attentionTokens = 8

    let hidden: AlignedBuffer<Float>  // [tokens, hidden], the residual stream
    let normalized: AlignedBuffer<Float>  // [tokens, hidden]
    let query: AlignedBuffer<Float>  // [tokens, heads, headDim]
    let key: AlignedBuffer<Float>  // [tokens, kvHeads, headDim]
    let value: AlignedBuffer<Float>  // [tokens, kvHeads, headDim]
    let attention: AlignedBuffer<Float>  // [tokens, heads, headDim]
    let gate: AlignedBuffer<Float>  // [tokens, feedForward]
    let up: AlignedBuffer<Float>  // [tokens, feedForward]
    let cosine: AlignedBuffer<Float>  // [tokens, rotary / 2]
    let sine: AlignedBuffer<Float>  // [tokens, rotary / 2]
    /// The inputs of the next product in 8 bits. `[tokens, ct_q8_bytes(width)]`
    let quantized: AlignedBuffer<UInt8>
    /// What each worker alone writes.
    let workers: [WorkerScratch]

    struct WorkerScratch {
        /// A single token's inputs, which every worker prepares for itself rather than wait for another.
        let floats: AlignedBuffer<Float>  // [widest]
        let quantized: AlignedBuffer<UInt8>  // [ct_q8_bytes(widest)]
        /// Weights on their way to BLAS. Empty unless activations are floats or weights are.
        let blas: AlignedBuffer<Float>  // [blasRows, widest]
        /// Attention scores. `[attentionTokens * heads per group, scoreStride]`
        let scores: AlignedBuffer<Float>
    }

    /// Floats between two rows of attention scores: the longest context, rounded up to whole groups of keys.
    let scoreStride: Int

    init(configuration c: DecoderConfiguration, contextLength: Int, workers count: Int, usesBLAS: Bool) {
        let tokens = Self.maximumTokens
        let queryWidth = c.headCount * c.headDimension
        let keyValueWidth = c.keyValueHeadCount * c.headDimension
        let widest = max(c.hiddenSize, queryWidth, c.feedForwardSize)
        hidden = AlignedBuffer(count: tokens * c.hiddenSize)
        normalized = AlignedBuffer(count: tokens * c.hiddenSize)
        query = AlignedBuffer(count: tokens * queryWidth)
        key = AlignedBuffer(count: tokens * keyValueWidth)
        value = AlignedBuffer(count: tokens * keyValueWidth)
        attention = AlignedBuffer(count: tokens * queryWidth)
        gate = AlignedBuffer(count: tokens * c.feedForwardSize)
        up = AlignedBuffer(count: tokens * c.feedForwardSize)
        cosine = AlignedBuffer(count: tokens * c.rope.rotaryDimension / 2)
        sine = AlignedBuffer(count: tokens * c.rope.rotaryDimension / 2)
        quantized = AlignedBuffer(count: tokens * ct_q8_bytes(Int64(widest)))
        let group = Int(CT_KEY_GROUP)
        scoreStride = (contextLength + group - 1) / group * group
        let scoreRows = Self.attentionTokens * (c.headCount / c.keyValueHeadCount)
        workers = (0..<count).map { [scoreStride] _ in
            WorkerScratch(
                floats: AlignedBuffer(count: widest),
                quantized: AlignedBuffer(count: ct_q8_bytes(Int64(widest))),
                blas: AlignedBuffer(count: usesBLAS ? ProjectionKernels.blasRows * widest : 0),
                scores: AlignedBuffer(count: scoreRows * scoreStride))
        }
    }
}
