import CTensor

/// A model's vision encoder, made ready to compute with the worker threads of an ``InferenceContext``.
struct VisionEncoder {
    let weights: VisionWeights
    let decoderWidth: Int
    let kernels: UnsafePointer<ct_kernels>
    let activations: ActivationPrecision
    let pool: ThreadPool

    private var vision: VisionConfiguration { weights.configuration }

    /// Features of a picture in the decoder's space.
    struct Features {
        /// The connector's output, and DeepStack's behind it. `[count, 1 + deepstack, decoderWidth]`
        let values: ScratchBuffer<Float>
        /// Features of the picture, its tiles' in order.
        let count: Int
        /// Rows and columns of features, for a picture that was not cut.
        let grid: (rows: Int, columns: Int)
        /// Patches that went through the tower.
        let patches: Int
    }

    /// Features of one row: the embedding, and what is added behind the decoder's first blocks.
    var rowsPerFeature: Int { 1 + vision.tower.deepstackLayers.count }

    /// Encodes all tiles of a picture, one after the other.
    ///
    /// - Parameters:
    ///   - image: pixel values.
    ///   - cancellation: checked between blocks.
    /// - Throws: `EMLLMError` when cancelled.
    func encode(_ image: PreprocessedImage, cancellation: CancellationFlag) throws -> Features {
        let merge = vision.connector.merge
        let grids = image.tiles.map(grid)
        let count = grids.reduce(0) { $0 + $1.featureOrder.count }
        let stride = rowsPerFeature * decoderWidth
        let buffer = ScratchBuffer<Float>(count: count * stride)
        var first = 0
        try forEachTile(of: image, grids, cancellation: cancellation) { forward, layer in
            let target = buffer.base + first * stride
            guard let layer else {
                pool.run { worker in
                    forward.connect(
                        weights.connector,
                        postNorm: weights.postNorm,
                        to: target,
                        stride: stride,
                        worker: worker
                    )
                }
                first += forward.grid.featureOrder.count
                return
            }
            guard let index = vision.tower.deepstackLayers.firstIndex(of: layer) else { return }
            let place = target + (1 + index) * decoderWidth
            let deepstack = weights.deepstack[index]
            pool.run { forward.connect(deepstack, postNorm: nil, to: place, stride: stride, worker: $0) }
        }
        return Features(
            values: buffer,
            count: count,
            grid: (grids[0].rows / merge, grids[0].columns / merge),
            patches: grids.reduce(0) { $0 + $1.cells.count }
        )
    }

    /// The tower's output before the connector, row by row of each tile. `[tiles][rows · columns, hidden]`
    func patchFeatures(of image: PreprocessedImage, cancellation: CancellationFlag) throws -> [[Float]] {
        let grids = image.tiles.map(grid)
        var tiles: [[Float]] = []
        try forEachTile(of: image, grids, cancellation: cancellation) { forward, layer in
            if layer == nil { tiles.append(forward.patchFeatures()) }
        }
        return tiles
    }

    private func grid(of tile: PreprocessedImage.Tile) -> PatchGrid {
        let merge = vision.connector.merge
        let patch = vision.tower.patchSize
        return PatchGrid(
            rows: tile.height / patch,
            columns: tile.width / patch,
            merge: merge,
            window: vision.tower.windowSize.map { $0 / patch / merge }
        )
    }

    /// Runs the tower over each tile; calls `body` behind every block, and with `nil` behind the last.
    private func forEachTile(
        of image: PreprocessedImage,
        _ grids: [PatchGrid],
        cancellation: CancellationFlag,
        _ body: (VisionForward, _ layer: Int?) -> Void
    ) throws {
        var workspace: VisionWorkspace?
        for (tile, grid) in zip(image.tiles, grids) {
            let tokens = grid.cells.count + (vision.tower.classToken ? 1 : 0)
            let everything = AttentionWindows([0..<tokens])
            if workspace?.tokens != tokens {
                workspace = VisionWorkspace(
                    weights: weights,
                    tokens: tokens,
                    windows: [everything, grid.windows],
                    outputWidth: decoderWidth,
                    workers: pool.threads
                )
            }
            let forward = VisionForward(
                weights: weights,
                kernels: kernels,
                activations: activations,
                workspace: workspace!,
                grid: grid,
                everything: everything
            )
            let positions = PositionLookup(weights: weights, grid: grid)
            pool.run { forward.embed(tile, positions: positions, worker: $0) }
            for layer in 0..<vision.tower.layerCount {
                try cancellation.check()
                pool.run { forward.block(layer, worker: $0) }
                body(forward, layer)
            }
            body(forward, nil)
        }
    }
}
