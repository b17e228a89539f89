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
    }

    /// Attention scores of each worker. `[attentionTokens * heads per group, scoreStride]`
    private(set) var scores: [ScratchBuffer<Float>]
    /// Floats between two rows of attention scores: what the longest branch so far needed, in whole groups of keys.
    private(set) var scoreStride = 0
    private let scoreRows: Int
    private let contextLength: Int

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
        self.contextLength = contextLength
        scoreRows = Self.attentionTokens * (c.headCount / c.keyValueHeadCount)
        scores = (0..<count).map { _ in ScratchBuffer(count: 0) }
        workers = (0..<count).map { _ in
            WorkerScratch(
                floats: ScratchBuffer(count: widest),
                quantized: ScratchBuffer(count: ct_q8_bytes(Int64(widest))),
                blas: ScratchBuffer(count: usesBLAS ? ProjectionKernels.blasRows * widest : 0)
            )
        }
    }

    /// Makes room for the scores of branches of so many positions: twice what is needed, so that a branch that grows token
    /// by token seldom asks again, and never more than the context.
    func reserve(positions: Int) {
        guard positions > scoreStride else { return }
        let group = Int(CT_KEY_GROUP)
        let wanted = max(positions, min(contextLength, max(1024, 2 * positions)))
        scoreStride = (wanted + group - 1) / group * group
        for index in scores.indices {
            // The old memory goes first.
            scores[index] = ScratchBuffer(count: 0)
            scores[index] = ScratchBuffer(count: scoreRows * scoreStride)
        }
    }
}
