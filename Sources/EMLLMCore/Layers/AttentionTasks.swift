import CTensor

/// A forward batch as the workers read it: plain pointers, valid for one pass.
struct ForwardBatchView {
    let rows: UnsafeBufferPointer<ForwardBatch.Row>
    let outputs: UnsafeBufferPointer<Int>
    let isLongRun: Bool
    let deepstackLayers: Int
    /// The layers whose residual stream is wanted, and where it goes. `[layers, maximumTokens, hidden]`
    var capture: (layers: UnsafeBufferPointer<Int>, states: UnsafeMutablePointer<Float>)?
    var count: Int { rows.count }
}

/// The attention of one forward pass, cut into tasks of a few query tokens and one key/value head.
///
/// All query heads that share a key/value head go into one task, so that its keys and values are loaded once for them.
/// The cut depends on each run alone, never on its neighbours or on the number of workers.
final class AttentionTasks {
    private struct Tile {
        let run: ForwardBatch.Run
        let rows: Range<Int>
    }

    private struct WorkerScratch {
        let spans: ScratchBuffer<ct_kv_span>
        let queries: ScratchBuffer<UnsafePointer<Float>?>
        let outputs: ScratchBuffer<UnsafeMutablePointer<Float>?>
        let limits: ScratchBuffer<Int32>
    }

    private let tiles: [Tile]
    private let batch: ForwardBatch
    private let configuration: DecoderConfiguration
    private let layout: KeyValueLayout
    private let kernels: UnsafePointer<ct_kernels>
    private let scratch: [WorkerScratch]
    private let scale: Float

    init(
        batch: ForwardBatch,
        configuration: DecoderConfiguration,
        layout: KeyValueLayout,
        kernels: UnsafePointer<ct_kernels>,
        workers: Int
    ) {
        self.batch = batch
        self.configuration = configuration
        self.layout = layout
        self.kernels = kernels
        scale = configuration.multipliers.attention ?? 1 / Float(configuration.headDimension).squareRoot()
        let step = ForwardWorkspace.attentionTokens
        tiles = batch.runs.flatMap { run in
            stride(from: run.rows.lowerBound, to: run.rows.upperBound, by: step).map { begin in
                Tile(run: run, rows: begin..<min(begin + step, run.rows.upperBound))
            }
        }
        let longest = batch.runs.map(\.pages.count).max() ?? 0
        let rows = step * (configuration.headCount / configuration.keyValueHeadCount)
        scratch = (0..<workers).map { _ in
            WorkerScratch(
                spans: ScratchBuffer(count: longest),
                queries: ScratchBuffer(count: rows),
                outputs: ScratchBuffer(count: rows),
                limits: ScratchBuffer(count: rows)
            )
        }
    }

    /// This worker's tasks of one layer.
    func run(layer: Int, workspace: ForwardWorkspace, worker: ThreadPool.Worker) {
        let heads = configuration.keyValueHeadCount
        // Dealt in turn, because later tiles of a causal run see more keys.
        for task in stride(from: worker.index, to: tiles.count * heads, by: worker.count) {
            run(tiles[task / heads], head: task % heads, layer: layer, workspace: workspace, worker: worker)
        }
    }

    private func run(
        _ tile: Tile,
        head: Int,
        layer: Int,
        workspace: ForwardWorkspace,
        worker: ThreadPool.Worker
    ) {
        let own = scratch[worker.index]
        let dimension = configuration.headDimension
        let group = configuration.headCount / configuration.keyValueHeadCount
        let width = configuration.headCount * dimension
        let keyOffset = layout.keyOffset(layer: layer, head: head)
        let valueOffset = layout.valueOffset(layer: layer, head: head)
        var rowCount = 0
        for row in tile.rows {
            let limit = Int32(batch.rows[row].index + 1)
            for member in 0..<group {
                let offset = row * width + (head * group + member) * dimension
                own.queries.base[rowCount] = UnsafePointer(workspace.query.base + offset)
                own.outputs.base[rowCount] = workspace.attention.base + offset
                own.limits.base[rowCount] = limit
                rowCount += 1
            }
        }
        for (index, page) in tile.run.pages.enumerated() {
            let run = batch.pages[page]
            own.spans.base[index] = ct_kv_span(
                keys: UnsafePointer(run.page + keyOffset),
                values: UnsafePointer(run.page + valueOffset),
                count: Int32(run.count)
            )
        }
        kernels.pointee.attention(
            own.queries.base,
            own.outputs.base,
            own.limits.base,
            Int32(rowCount),
            Int32(dimension),
            scale,
            own.spans.base,
            Int32(tile.run.pages.count),
            workspace.scores[worker.index].base,
            Int64(workspace.scoreStride)
        )
    }
}
