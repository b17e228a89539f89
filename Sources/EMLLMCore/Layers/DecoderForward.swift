import CTensor

/// The forward pass of a decoder-only transformer: pre-normalization, rotary positions, grouped-query attention, gated
/// feed-forward; biases and normalized heads where the configuration says so.
///
/// Every worker of the pool runs the whole pass and takes its share of each product; a barrier stands wherever one
/// worker reads what another wrote. Nothing is allocated inside, and no reduction depends on how the work is split.
struct DecoderForward {
    let configuration: DecoderConfiguration
    let weights: DecoderWeights
    let kernels: UnsafePointer<ct_kernels>
    let layout: KeyValueLayout
    let rotary: RotaryEmbedding
    let activations: ActivationPrecision
    let workspace: ForwardWorkspace

    private var projections: ProjectionKernels { ProjectionKernels(kernels: kernels) }
    private var queryWidth: Int { configuration.headCount * configuration.headDimension }
    private var keyValueWidth: Int { configuration.keyValueHeadCount * configuration.headDimension }

    /// One worker's part of a forward pass. `logits`: `[batch.outputs.count, vocabulary]`.
    func run(
        _ batch: ForwardBatchView,
        attentionTasks: AttentionTasks,
        logits: UnsafeMutablePointer<Float>,
        worker: ThreadPool.Worker
    ) {
        let ws = workspace
        let scratch = ws.workers[worker.index]
        embed(batch, worker: worker)
        worker.barrier()
        capture(batch, behind: 0, worker: worker)
        for layer in 0..<configuration.layerCount {
            let block = weights.blocks[layer]
            let attentionInput = normalize(batch.count, weight: block.attentionNorm, worker: worker)
            projections.apply(
                Projection(weights: block.query, output: ws.query.base),
                Projection(weights: block.key, output: ws.key.base),
                Projection(weights: block.value, output: ws.value.base),
                to: attentionInput,
                usesBLAS: batch.isLongRun,
                scratch: scratch.blas.base,
                worker: worker
            )
            worker.barrier()
            rotateAndStore(batch, layer: layer, worker: worker)
            worker.barrier()
            attentionTasks.run(layer: layer, workspace: ws, worker: worker)
            worker.barrier()
            scaleResidual(ws.attention.base, width: queryWidth, tokens: batch.count, worker: worker)
            let attended = prepare(ws.attention.base, width: queryWidth, tokens: batch.count, worker: worker)
            projections.apply(
                Projection(weights: block.attentionOutput, output: ws.hidden.base, accumulates: true),
                to: attended,
                usesBLAS: batch.isLongRun,
                scratch: scratch.blas.base,
                worker: worker
            )
            worker.barrier()
            let feedForwardInput = normalize(batch.count, weight: block.feedForwardNorm, worker: worker)
            projections.apply(
                Projection(weights: block.gate, output: ws.gate.base),
                Projection(weights: block.up, output: ws.up.base),
                to: feedForwardInput,
                usesBLAS: batch.isLongRun,
                scratch: scratch.blas.base,
                worker: worker
            )
            worker.barrier()
            let gated = gate(batch.count, worker: worker)
            projections.apply(
                Projection(weights: block.down, output: ws.hidden.base, accumulates: true),
                to: gated,
                usesBLAS: batch.isLongRun,
                scratch: scratch.blas.base,
                worker: worker
            )
            worker.barrier()
            if layer < batch.deepstackLayers { addFeatures(batch, layer: layer, worker: worker) }
            capture(batch, behind: layer + 1, worker: worker)
        }
        writeLogits(batch, to: logits, worker: worker)
    }

    /// Copies the residual stream behind a layer, where it is wanted. Nobody writes to it before the next barrier.
    private func capture(_ batch: ForwardBatchView, behind layer: Int, worker: ThreadPool.Worker) {
        guard let (layers, states) = batch.capture else { return }
        let width = configuration.hiddenSize
        for (place, wanted) in layers.enumerated() where wanted == layer {
            let target = states + place * ForwardWorkspace.maximumTokens * width
            for index in worker.share(of: batch.count) {
                (target + index * width).update(from: workspace.hidden.base + index * width, count: width)
            }
        }
    }

    /// Adds what the vision tower says about the pictures' features behind one of its own blocks (DeepStack).
    private func addFeatures(_ batch: ForwardBatchView, layer: Int, worker: ThreadPool.Worker) {
        let width = configuration.hiddenSize
        for index in worker.share(of: batch.count) {
            guard let features = batch.rows[index].features else { continue }
            let (hidden, added) = (workspace.hidden.base + index * width, features + (1 + layer) * width)
            for column in 0..<width { hidden[column] += added[column] }
        }
        worker.barrier()
    }

    private static func scale(_ row: UnsafeMutablePointer<Float>, count: Int, by factor: Float) {
        guard factor != 1 else { return }
        for index in 0..<count { row[index] *= factor }
    }

    /// Scales what attention adds to the residual stream, before the product that adds it.
    private func scaleResidual(
        _ rows: UnsafeMutablePointer<Float>,
        width: Int,
        tokens: Int,
        worker: ThreadPool.Worker
    ) {
        guard configuration.multipliers.residual != 1 else { return }
        for token in worker.share(of: tokens) {
            Self.scale(rows + token * width, count: width, by: configuration.multipliers.residual)
        }
        worker.barrier()
    }

    /// Looks the tokens up in the embedding, and computes the rotary angles of their positions.
    private func embed(_ batch: ForwardBatchView, worker: ThreadPool.Worker) {
        let table = weights.tokenEmbedding
        let width = configuration.hiddenSize
        for index in worker.share(of: batch.count) {
            let row = batch.rows[index]
            let hidden = workspace.hidden.base + index * width
            if let features = row.features {
                hidden.update(from: features, count: width)
            } else {
                ct_dequantize_row(
                    table.type,
                    Int64(table.rows),
                    Int64(table.columns),
                    table.data,
                    Int64(row.token),
                    hidden
                )
                Self.scale(hidden, count: width, by: configuration.multipliers.embedding)
            }
            rotary.write(
                position: row.position,
                cosine: workspace.cosine.base + index * rotary.pairs,
                sine: workspace.sine.base + index * rotary.pairs
            )
        }
    }

    /// RMSNorm of the residual stream, in the precision that the next product wants.
    private func normalize(_ tokens: Int, weight: UnsafePointer<Float>, worker: ThreadPool.Worker) -> ActivationRows {
        let width = configuration.hiddenSize
        return fill(tokens: tokens, width: width, into: workspace.normalized.base, worker: worker) { token, out in
            kernels.pointee.rms_norm(
                workspace.hidden.base + token * width,
                weight,
                Int64(width),
                configuration.normEpsilon,
                out
            )
        }
    }

    /// gate · sigmoid(gate) · up, in the precision that the next product wants.
    private func gate(_ tokens: Int, worker: ThreadPool.Worker) -> ActivationRows {
        let width = configuration.feedForwardSize
        return fill(tokens: tokens, width: width, into: workspace.gate.base, worker: worker) { token, out in
            kernels.pointee.swiglu(
                workspace.gate.base + token * width,
                workspace.up.base + token * width,
                Int64(width),
                out
            )
            Self.scale(out, count: width, by: configuration.multipliers.residual)
        }
    }

    /// Existing floats, in the precision that the next product wants.
    private func prepare(
        _ rows: UnsafeMutablePointer<Float>,
        width: Int,
        tokens: Int,
        worker: ThreadPool.Worker
    ) -> ActivationRows {
        guard activations == .q8 && width % Int(CT_BLOCK) == 0 else {
            return ActivationRows(floats: UnsafePointer(rows), width: width, quantized: nil, tokens: tokens)
        }
        let bytes = ct_q8_bytes(Int64(width))
        if tokens == 1 {
            let own = workspace.workers[worker.index].quantized.base
            kernels.pointee.quantize_q8(rows, Int64(width), own)
            return ActivationRows(floats: UnsafePointer(rows), width: width, quantized: own, tokens: 1)
        }
        for token in worker.share(of: tokens) {
            kernels.pointee.quantize_q8(
                rows + token * width,
                Int64(width),
                workspace.quantized.base + token * bytes
            )
        }
        worker.barrier()
        return ActivationRows(
            floats: UnsafePointer(rows),
            width: width,
            quantized: UnsafeRawPointer(workspace.quantized.base),
            tokens: tokens
        )
    }

    /// Computes rows of inputs with `body` and quantizes them.
    ///
    /// A single token's row is computed by every worker for itself: cheaper than waiting for one another.
    @inline(__always)
    private func fill(
        tokens: Int,
        width: Int,
        into rows: UnsafeMutablePointer<Float>,
        worker: ThreadPool.Worker,
        body: (_ token: Int, _ out: UnsafeMutablePointer<Float>) -> Void
    ) -> ActivationRows {
        if tokens == 1 {
            let own = workspace.workers[worker.index].floats.base
            body(0, own)
            return prepare(own, width: width, tokens: 1, worker: worker)
        }
        for token in worker.share(of: tokens) { body(token, rows + token * width) }
        guard activations == .q8 && width % Int(CT_BLOCK) == 0 else {
            worker.barrier()
            return ActivationRows(floats: UnsafePointer(rows), width: width, quantized: nil, tokens: tokens)
        }
        // Each worker quantizes the rows it has just written, so that one barrier serves both.
        return prepare(rows, width: width, tokens: tokens, worker: worker)
    }

    /// Adds biases and normalizes heads where the family has them, turns queries and keys by their positions, and
    /// stores keys and values in the cache.
    private func rotateAndStore(_ batch: ForwardBatchView, layer: Int, worker: ThreadPool.Worker) {
        let c = configuration
        let block = weights.blocks[layer]
        let dimension = c.headDimension
        // Units: the query heads of a token, then its key/value heads.
        for unit in worker.share(of: batch.count * 2) {
            let index = unit / 2
            if unit % 2 == 0 {
                let queries = workspace.query.base + index * queryWidth
                add(block.queryBias, to: queries, count: queryWidth)
                normalize(queries, heads: c.headCount, weight: block.queryNorm)
                rotate(queries, heads: c.headCount, token: index)
                continue
            }
            let row = batch.rows[index]
            let keys = workspace.key.base + index * keyValueWidth
            add(block.keyBias, to: keys, count: keyValueWidth)
            normalize(keys, heads: c.keyValueHeadCount, weight: block.keyNorm)
            rotate(keys, heads: c.keyValueHeadCount, token: index)
            let values = workspace.value.base + index * keyValueWidth
            add(block.valueBias, to: values, count: keyValueWidth)
            for head in 0..<c.keyValueHeadCount {
                ct_store_key(
                    row.page + layout.keyOffset(layer: layer, head: head),
                    Int32(dimension),
                    Int32(row.slot),
                    keys + head * dimension
                )
                let target = row.page + layout.valueOffset(layer: layer, head: head) + row.slot * dimension
                target.update(from: values + head * dimension, count: dimension)
            }
        }
    }

    private func add(_ bias: UnsafePointer<Float>?, to row: UnsafeMutablePointer<Float>, count: Int) {
        guard let bias else { return }
        for index in 0..<count { row[index] += bias[index] }
    }

    /// RMSNorm of each head by itself. `rows`: `[heads, headDimension]`, in place.
    private func normalize(_ rows: UnsafeMutablePointer<Float>, heads: Int, weight: UnsafePointer<Float>?) {
        guard let weight else { return }
        let dimension = configuration.headDimension
        for head in 0..<heads {
            let row = rows + head * dimension
            kernels.pointee.rms_norm(row, weight, Int64(dimension), configuration.normEpsilon, row)
        }
    }

    /// Turns each head by its token's position. `rows`: `[heads, headDimension]`, in place.
    private func rotate(_ rows: UnsafeMutablePointer<Float>, heads: Int, token: Int) {
        let rope = configuration.rope
        kernels.pointee.rope(
            rows,
            Int32(heads),
            Int32(configuration.headDimension),
            Int32(rope.rotaryDimension),
            rope.layout == .half ? CT_ROPE_HALF : CT_ROPE_INTERLEAVED,
            workspace.cosine.base + token * rotary.pairs,
            workspace.sine.base + token * rotary.pairs
        )
    }

    /// Final norm and output head, for the rows whose logits are wanted.
    private func writeLogits(
        _ batch: ForwardBatchView,
        to logits: UnsafeMutablePointer<Float>,
        worker: ThreadPool.Worker
    ) {
        guard !batch.outputs.isEmpty else { return }
        let width = configuration.hiddenSize
        let scratch = workspace.workers[worker.index]
        let input = fill(
            tokens: batch.outputs.count,
            width: width,
            into: workspace.normalized.base,
            worker: worker
        ) { index, out in
            kernels.pointee.rms_norm(
                workspace.hidden.base + batch.outputs[index] * width,
                weights.outputNorm,
                Int64(width),
                configuration.normEpsilon,
                out
            )
            Self.scale(out, count: width, by: configuration.multipliers.logits)
        }
        projections.apply(
            Projection(weights: weights.output, output: logits),
            to: input,
            usesBLAS: false,
            scratch: scratch.blas.base,
            worker: worker
        )
    }
}
