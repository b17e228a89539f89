import CTensor

/// Scratch memory to encode one tile.
final class VisionWorkspace {
    /// Rows that go through one product together; what lies between two products is never larger.
    static let chunk = 512
    /// Query rows that one attention task takes.
    static let attentionRows = 32

    let tokens: Int
    let hidden: ScratchBuffer<Float>  // [tokens, hidden], the residual stream
    let query: ScratchBuffer<Float>  // [tokens, hidden]; attention writes its output over it
    let keys: ScratchBuffer<Float>  // [heads, slots, headDim], in groups of CT_KEY_GROUP
    let values: ScratchBuffer<Float>  // [heads, tokens, headDim]
    let key: ScratchBuffer<Float>  // [chunk, hidden]
    let value: ScratchBuffer<Float>  // [chunk, hidden]
    let normalized: ScratchBuffer<Float>  // [chunk, patchSamples or hidden], or [groups, merge² · hidden]
    let mixed: ScratchBuffer<Float>  // [chunk, hidden], or [groups, decoder's hidden]
    let inner: ScratchBuffer<Float>  // [chunk, feedForward], or [groups, connector's hidden]
    let gate: ScratchBuffer<Float>  // [chunk, feedForward]
    let quantized: ScratchBuffer<UInt8>  // the inputs of the next product in 8 bits
    let cosine: ScratchBuffer<Float>  // [tokens, headDim / 2]
    let sine: ScratchBuffer<Float>  // [tokens, headDim / 2]
    let workers: [WorkerScratch]
    let scoreStride: Int
    /// Key slots of one head: each window begins at a whole group.
    let slots: Int

    struct WorkerScratch {
        /// Weights on their way to BLAS.
        let blas: ScratchBuffer<Float>  // [blasRows, widest]
        let scores: ScratchBuffer<Float>  // [attentionRows, scoreStride]
        let queries: ScratchBuffer<UnsafePointer<Float>?>
        let outputs: ScratchBuffer<UnsafeMutablePointer<Float>?>
        let limits: ScratchBuffer<Int32>
    }

    init(weights: VisionWeights, tokens: Int, windows: [AttentionWindows], outputWidth: Int, workers count: Int) {
        let tower = weights.configuration.tower
        let group = Int(CT_KEY_GROUP)
        func rounded(_ count: Int) -> Int { (count + group - 1) / group * group }
        let rows = min(Self.chunk, tokens)
        let width = tower.hiddenSize
        let joined = weights.configuration.connector.merge * weights.configuration.connector.merge
        // The connector's rows are as many times fewer as they are wider.
        let groups = (rows + joined - 1) / joined
        let connected = weights.connector.first.outputs
        self.tokens = tokens
        slots = windows.map(\.slotCount).max() ?? 0
        scoreStride = rounded(tokens)
        hidden = ScratchBuffer(count: tokens * tower.hiddenSize)
        query = ScratchBuffer(count: tokens * tower.hiddenSize)
        keys = ScratchBuffer(count: tower.headCount * slots * tower.headDimension)
        values = ScratchBuffer(count: tower.headCount * tokens * tower.headDimension)
        key = ScratchBuffer(count: rows * width)
        value = ScratchBuffer(count: rows * width)
        normalized = ScratchBuffer(count: max(rows * max(width, tower.patchSamples), groups * joined * width))
        mixed = ScratchBuffer(count: max(rows * width, groups * outputWidth))
        inner = ScratchBuffer(count: max(rows * tower.feedForwardSize, groups * connected))
        gate = ScratchBuffer(count: tower.gatedFeedForward ? rows * tower.feedForwardSize : 0)
        func quantizedBytes(_ columns: Int) -> Int { ct_q8_bytes(Int64(columns)) }
        let inputs = rows * quantizedBytes(max(width, tower.feedForwardSize))
        let connectorInputs = groups * quantizedBytes(max(joined * width, connected))
        quantized = ScratchBuffer(count: weights.hasQuantizedMatrices ? max(inputs, connectorInputs) : 0)
        let pairs = tower.rotaryBase == nil ? 0 : tower.headDimension / 2
        cosine = ScratchBuffer(count: tokens * pairs)
        sine = ScratchBuffer(count: tokens * pairs)
        workers = (0..<count).map { [scoreStride] _ in
            WorkerScratch(
                blas: ScratchBuffer(count: ProjectionKernels.blasRows * weights.widest),
                scores: ScratchBuffer(count: Self.attentionRows * scoreStride),
                queries: ScratchBuffer(count: Self.attentionRows),
                outputs: ScratchBuffer(count: Self.attentionRows),
                limits: ScratchBuffer(count: Self.attentionRows)
            )
        }
    }
}
