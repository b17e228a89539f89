import CTensor

/// The forward pass of a vision tower over one tile: every worker of the pool runs each stage and takes its share.
///
/// As in the decoder, nothing is allocated inside, and no reduction depends on how the work is split.
struct VisionForward {
    let weights: VisionWeights
    let kernels: UnsafePointer<ct_kernels>
    let activations: ActivationPrecision
    let workspace: VisionWorkspace
    let grid: PatchGrid
    /// All tokens, for blocks without windows.
    let everything: AttentionWindows

    private var tower: VisionTowerConfiguration { weights.configuration.tower }
    private var width: Int { tower.hiddenSize }
    private var tokens: Int { workspace.tokens }
    /// The class token comes first.
    private var firstPatch: Int { tower.classToken ? 1 : 0 }
    private var projections: ProjectionKernels { ProjectionKernels(kernels: kernels) }

    // MARK: Stages

    /// Patches times the patch embedding, plus positions; the angles of rotary positions.
    func embed(_ tile: PreprocessedImage.Tile, positions: PositionLookup, worker: ThreadPool.Worker) {
        let ws = workspace
        for chunk in chunks(0..<grid.cells.count) {
            for index in worker.share(of: chunk.count) {
                let cell = chunk.lowerBound + index
                grid.gather(
                    tile,
                    side: tower.patchSize,
                    frames: tower.framesPerPatch,
                    cells: cell..<(cell + 1),
                    into: ws.normalized.base + index * tower.patchSamples
                )
            }
            worker.barrier()
            let rows = ActivationRows(
                floats: UnsafePointer(ws.normalized.base),
                width: tower.patchSamples,
                quantized: nil,
                tokens: chunk.count
            )
            project(weights.patchEmbedding, rows, to: hidden(firstPatch + chunk.lowerBound), worker)
            worker.barrier()
            for index in worker.share(of: chunk.count) {
                let cell = chunk.lowerBound + index
                let row = hidden(firstPatch + cell)
                add(weights.patchEmbedding.bias, to: row, count: width)
                positions.add(to: row, cell: grid.cells[cell])
                positions.writeAngles(
                    cell: grid.cells[cell],
                    cosine: ws.cosine.base + (firstPatch + cell) * (tower.headDimension / 2),
                    sine: ws.sine.base + (firstPatch + cell) * (tower.headDimension / 2)
                )
            }
        }
        if worker.index == 0, let token = weights.classToken {
            hidden(0).update(from: token, count: width)
            positions.addClass(to: hidden(0))
        }
        worker.barrier()
        if let norm = weights.preNorm {
            for row in worker.share(of: tokens) { norm.apply(hidden(row), to: hidden(row), kernels) }
            worker.barrier()
        }
    }

    /// One block, in place.
    func block(_ index: Int, worker: ThreadPool.Worker) {
        let block = weights.blocks[index]
        let hasWindows = tower.windowSize != nil && !tower.fullAttentionLayers.contains(index)
        let windows = hasWindows ? grid.windows : everything
        for chunk in chunks(0..<tokens) {
            let input = normalized(chunk, by: block.attentionNorm, worker)
            project(block.query, input, to: workspace.query.base + chunk.lowerBound * width, worker)
            project(block.key, input, to: workspace.key.base, worker)
            project(block.value, input, to: workspace.value.base, worker)
            worker.barrier()
            for row in worker.share(of: chunk.count) {
                let token = chunk.lowerBound + row
                store(block, row: row, token: token, slot: windows.slots[token])
            }
            worker.barrier()
        }
        attend(windows, worker: worker)
        worker.barrier()
        for chunk in chunks(0..<tokens) { feedForward(block, chunk, worker) }
    }

    // MARK: Attention

    /// Adds biases, norms and turns one token's queries and keys, and stores its key and value for attention.
    private func store(_ block: VisionBlockWeights, row: Int, token: Int, slot: Int) {
        let ws = workspace
        let dimension = tower.headDimension
        let query = ws.query.base + token * width
        let key = ws.key.base + row * width
        let value = ws.value.base + row * width
        add(block.query.bias, to: query, count: width)
        add(block.key.bias, to: key, count: width)
        add(block.value.bias, to: value, count: width)
        block.queryNorm?.apply(query, to: query, kernels)
        block.keyNorm?.apply(key, to: key, kernels)
        if tower.rotaryBase != nil {
            for rows in [query, key] {
                kernels.pointee.rope(
                    rows,
                    Int32(tower.headCount),
                    Int32(dimension),
                    Int32(dimension),
                    CT_ROPE_HALF,
                    ws.cosine.base + token * (dimension / 2),
                    ws.sine.base + token * (dimension / 2)
                )
            }
        }
        for head in 0..<tower.headCount {
            ct_store_key(
                ws.keys.base + head * ws.slots * dimension,
                Int32(dimension),
                Int32(slot),
                key + head * dimension
            )
            let target = ws.values.base + (head * tokens + token) * dimension
            target.update(from: value + head * dimension, count: dimension)
        }
    }

    /// Softmax attention inside each window; the output takes the place of the queries.
    private func attend(_ windows: AttentionWindows, worker: ThreadPool.Worker) {
        let own = workspace.workers[worker.index]
        let step = VisionWorkspace.attentionRows
        var task = 0
        for (index, window) in windows.ranges.enumerated() {
            for head in 0..<tower.headCount {
                for begin in stride(from: window.lowerBound, to: window.upperBound, by: step) {
                    if task % worker.count == worker.index {
                        let rows = begin..<min(begin + step, window.upperBound)
                        attend(rows, window, slot: windows.firstSlots[index], head: head, own)
                    }
                    task += 1
                }
            }
        }
    }

    private func attend(
        _ rows: Range<Int>,
        _ window: Range<Int>,
        slot: Int,
        head: Int,
        _ own: VisionWorkspace.WorkerScratch
    ) {
        let ws = workspace
        let dimension = tower.headDimension
        for (index, token) in rows.enumerated() {
            let row = ws.query.base + token * width + head * dimension
            own.queries.base[index] = UnsafePointer(row)
            own.outputs.base[index] = row
            own.limits.base[index] = Int32(window.count)
        }
        var span = ct_kv_span(
            keys: UnsafePointer(ws.keys.base + (head * ws.slots + slot) * dimension),
            values: UnsafePointer(ws.values.base + (head * tokens + window.lowerBound) * dimension),
            count: Int32(window.count)
        )
        kernels.pointee.attention(
            own.queries.base,
            own.outputs.base,
            own.limits.base,
            Int32(rows.count),
            Int32(dimension),
            1 / Float(dimension).squareRoot(),
            &span,
            1,
            own.scores.base,
            Int64(ws.scoreStride)
        )
    }

    // MARK: Feed-forward

    /// The output of attention and the feed-forward layer of some tokens, added to the residual stream.
    private func feedForward(_ block: VisionBlockWeights, _ chunk: Range<Int>, _ worker: ThreadPool.Worker) {
        let ws = workspace
        let attended = inputs(ws.query.base + chunk.lowerBound * width, width: width, tokens: chunk.count, worker)
        project(block.attentionOutput, attended, to: ws.mixed.base, worker)
        worker.barrier()
        addMixed(chunk, bias: block.attentionOutput.bias, scale: block.attentionScale, worker)
        let input = normalized(chunk, by: block.feedForwardNorm, worker)
        project(block.up, input, to: ws.inner.base, worker)
        if let gate = block.gate { project(gate, input, to: ws.gate.base, worker) }
        worker.barrier()
        let inner = tower.feedForwardSize
        for row in worker.share(of: chunk.count) {
            let up = ws.inner.base + row * inner
            if let gate = block.gate {
                let gates = ws.gate.base + row * inner
                kernels.pointee.activate(tower.activation.kernel, gates, gate.bias, Int64(inner), gates)
                add(block.up.bias, to: up, count: inner)
                for column in 0..<inner { up[column] *= gates[column] }
            } else {
                kernels.pointee.activate(tower.activation.kernel, up, block.up.bias, Int64(inner), up)
            }
        }
        let activated = inputs(ws.inner.base, width: inner, tokens: chunk.count, worker)
        project(block.down, activated, to: ws.mixed.base, worker)
        worker.barrier()
        addMixed(chunk, bias: block.down.bias, scale: block.feedForwardScale, worker)
        worker.barrier()
    }

    /// hidden += (mixed + bias) · scale. Each worker its own rows.
    private func addMixed(
        _ chunk: Range<Int>,
        bias: UnsafePointer<Float>?,
        scale: UnsafePointer<Float>?,
        _ worker: ThreadPool.Worker
    ) {
        for row in worker.share(of: chunk.count) {
            let (target, added) = (hidden(chunk.lowerBound + row), workspace.mixed.base + row * width)
            add(bias, to: added, count: width)
            if let scale {
                for column in 0..<width { target[column] += added[column] * scale[column] }
            } else {
                add(UnsafePointer(added), to: target, count: width)
            }
        }
    }

    // MARK: Connector

    /// The features of the tile, row by row. `target`: `[features, stride]`, of which this writes the first columns.
    func connect(
        _ connector: ConnectorWeights,
        postNorm: NormWeights?,
        to target: UnsafeMutablePointer<Float>,
        stride: Int,
        worker: ThreadPool.Worker
    ) {
        let ws = workspace
        let joined = weights.configuration.connector.merge * weights.configuration.connector.merge
        let merged = joined * width
        let step = max(1, min(VisionWorkspace.chunk, tokens) / joined)
        for begin in Swift.stride(from: 0, to: grid.featureOrder.count, by: step) {
            let groups = begin..<min(begin + step, grid.featureOrder.count)
            for index in worker.share(of: groups.count) {
                let row = ws.normalized.base + index * merged
                join((groups.lowerBound + index) * joined, connector, postNorm: postNorm, to: row)
            }
            let input = inputs(ws.normalized.base, width: merged, tokens: groups.count, worker)
            project(connector.first, input, to: ws.inner.base, worker)
            worker.barrier()
            if let second = connector.second {
                let inner = connector.first.outputs
                for index in worker.share(of: groups.count) {
                    let row = ws.inner.base + index * inner
                    let activation = weights.configuration.connector.activation.kernel
                    kernels.pointee.activate(activation, row, connector.first.bias, Int64(inner), row)
                }
                let activated = inputs(ws.inner.base, width: inner, tokens: groups.count, worker)
                project(second, activated, to: ws.mixed.base, worker)
                worker.barrier()
            }
            let last = connector.second ?? connector.first
            let results = connector.second == nil ? ws.inner.base : ws.mixed.base
            for index in worker.share(of: groups.count) {
                let feature = target + grid.featureOrder[groups.lowerBound + index] * stride
                feature.update(from: results + index * last.outputs, count: last.outputs)
                add(last.bias, to: feature, count: last.outputs)
            }
            worker.barrier()
        }
    }

    /// Neighbouring patches side by side, normalized as the tower and the connector want. `out`: `[merge², hidden]`
    private func join(
        _ first: Int,
        _ connector: ConnectorWeights,
        postNorm: NormWeights?,
        to out: UnsafeMutablePointer<Float>
    ) {
        let joined = weights.configuration.connector.merge * weights.configuration.connector.merge
        for inner in 0..<joined {
            let (from, to) = (hidden(firstPatch + first + inner), out + inner * width)
            if let postNorm { postNorm.apply(from, to: to, kernels) } else { to.update(from: from, count: width) }
            if connector.place == .patch { connector.norm?.apply(to, to: to, kernels) }
        }
        if connector.place == .merged { connector.norm?.apply(out, to: out, kernels) }
    }

    /// The output of the tower, row by row of the grid. `[rows · columns, hidden]`
    func patchFeatures() -> [Float] {
        var features = [Float](repeating: 0, count: grid.cells.count * width)
        features.withUnsafeMutableBufferPointer { target in
            for (index, cell) in grid.cells.enumerated() {
                let (from, to) = (
                    hidden(firstPatch + index), target.baseAddress! + (cell.row * grid.columns + cell.column) * width
                )
                if let norm = weights.postNorm {
                    norm.apply(from, to: to, kernels)
                } else {
                    to.update(from: from, count: width)
                }
            }
        }
        return features
    }

    // MARK: Rows

    private func hidden(_ row: Int) -> UnsafeMutablePointer<Float> { workspace.hidden.base + row * width }

    private func chunks(_ rows: Range<Int>) -> [Range<Int>] {
        stride(from: rows.lowerBound, to: rows.upperBound, by: VisionWorkspace.chunk).map {
            $0..<min($0 + VisionWorkspace.chunk, rows.upperBound)
        }
    }

    private func add(_ values: UnsafePointer<Float>?, to row: UnsafeMutablePointer<Float>, count: Int) {
        guard let values else { return }
        for index in 0..<count { row[index] += values[index] }
    }

    /// Rows of the residual stream, normalized, as the next product wants them.
    private func normalized(_ rows: Range<Int>, by norm: NormWeights, _ worker: ThreadPool.Worker) -> ActivationRows {
        for index in worker.share(of: rows.count) {
            norm.apply(hidden(rows.lowerBound + index), to: workspace.normalized.base + index * width, kernels)
        }
        return inputs(workspace.normalized.base, width: width, tokens: rows.count, worker)
    }

    /// Rows that each worker has written its share of, in the precision of the next product. A barrier is inside.
    private func inputs(
        _ rows: UnsafeMutablePointer<Float>,
        width: Int,
        tokens: Int,
        _ worker: ThreadPool.Worker
    ) -> ActivationRows {
        var quantized: UnsafeRawPointer?
        if activations == .q8, weights.hasQuantizedMatrices, width % Int(CT_BLOCK) == 0 {
            let bytes = ct_q8_bytes(Int64(width))
            for token in worker.share(of: tokens) {
                let target = workspace.quantized.base + token * bytes
                kernels.pointee.quantize_q8(rows + token * width, Int64(width), target)
            }
            quantized = UnsafeRawPointer(workspace.quantized.base)
        }
        worker.barrier()
        return ActivationRows(floats: UnsafePointer(rows), width: width, quantized: quantized, tokens: tokens)
    }

    private func project(
        _ linear: LinearWeights,
        _ input: ActivationRows,
        to output: UnsafeMutablePointer<Float>,
        _ worker: ThreadPool.Worker
    ) {
        projections.apply(
            Projection(weights: linear.matrix, output: output),
            to: input,
            usesBLAS: true,
            scratch: workspace.workers[worker.index].blas.base,
            worker: worker
        )
    }
}

extension VisionTowerConfiguration.Activation {
    /// The kernels' name of this activation.
    var kernel: ct_activation {
        switch self {
        case .gelu: CT_GELU
        case .geluTanh: CT_GELU_TANH
        case .geluQuick: CT_GELU_QUICK
        case .silu: CT_SILU
        }
    }
}
