import CTensor

/// The inputs of a matrix product for a batch of tokens, in the precision that the weights call for.
struct ActivationRows {
    /// `[tokens, width]`
    let floats: UnsafePointer<Float>
    let width: Int
    /// The same rows in 8 bits, `ct_q8_bytes(width)` apart; `nil` when activations stay floats.
    let quantized: UnsafeRawPointer?
    let tokens: Int
}

/// One product of a group that shares its inputs.
struct Projection {
    let weights: ct_matrix
    /// `[tokens, weights.rows]`
    let output: UnsafeMutablePointer<Float>
    /// Adds to the output (a residual) instead of overwriting it.
    var accumulates = false
}

/// Computes matrix products, each worker its share of the rows.
struct ProjectionKernels {
    let kernels: UnsafePointer<ct_kernels>
    /// Rows of weights that one call to BLAS sees. Fixed, so that its rounding depends neither on the number of threads
    /// nor on which worker computes a row.
    static let blasRows = 64

    /// The products of one group, all on the same inputs. No barrier inside.
    ///
    /// - Parameters:
    ///   - usesBLAS: whether float products go to BLAS: worth its packing only for long runs of tokens.
    ///   - scratch: this worker's `[blasRows, widest input]` floats for weights on their way to BLAS.
    @inline(__always)
    func apply(
        _ group: Projection...,
        to input: ActivationRows,
        usesBLAS: Bool,
        scratch: UnsafeMutablePointer<Float>,
        worker: ThreadPool.Worker
    ) {
        // Blocks for BLAS are cut at fixed rows, which a share of whole blocks guarantees.
        let cutsBlocks = usesBLAS && group.contains { input.quantized == nil || !$0.weights.isQuantized }
        let unit = cutsBlocks ? Self.blasRows : Int(CT_PANEL_ROWS)
        var units = 0
        for projection in group { units += (Int(projection.weights.rows) + unit - 1) / unit }
        let share = worker.share(of: units)
        var first = 0
        for projection in group {
            let count = (Int(projection.weights.rows) + unit - 1) / unit
            let mine = share.clamped(to: first..<(first + count))
            if !mine.isEmpty {
                let begin = (mine.lowerBound - first) * unit
                let end = min((mine.upperBound - first) * unit, Int(projection.weights.rows))
                apply(projection, to: input, rows: begin..<end, usesBLAS: usesBLAS, scratch: scratch)
            }
            first += count
        }
    }

    private func apply(
        _ projection: Projection,
        to input: ActivationRows,
        rows: Range<Int>,
        usesBLAS: Bool,
        scratch: UnsafeMutablePointer<Float>
    ) {
        var weights = projection.weights
        let stride = Int64(weights.rows)
        if weights.isQuantized, let quantized = input.quantized {
            kernels.pointee.matmul_q8(
                &weights,
                quantized,
                Int32(input.tokens),
                projection.output,
                stride,
                Int32(rows.lowerBound),
                Int32(rows.upperBound),
                projection.accumulates
            )
        } else if usesBLAS {
            applyWithBLAS(projection, to: input, rows: rows, scratch: scratch)
        } else {
            kernels.pointee.matmul_f32(
                &weights,
                input.floats,
                Int64(input.width),
                Int32(input.tokens),
                projection.output,
                stride,
                Int32(rows.lowerBound),
                Int32(rows.upperBound),
                projection.accumulates
            )
        }
    }

    /// Widens blocks of rows to floats and hands them to `cblas_sgemm`.
    private func applyWithBLAS(
        _ projection: Projection,
        to input: ActivationRows,
        rows: Range<Int>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let weights = projection.weights
        let columns = Int(weights.columns)
        for begin in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.blasRows) {
            let end = min(begin + Self.blasRows, rows.upperBound)
            var block = UnsafePointer(scratch)  // [end - begin, columns]
            if weights.type == CT_F32 {
                block = weights.data.assumingMemoryBound(to: Float.self) + begin * columns
            } else {
                for row in begin..<end {
                    ct_dequantize_row(
                        weights.type,
                        Int64(weights.rows),
                        Int64(columns),
                        weights.data,
                        Int64(row),
                        scratch + (row - begin) * columns
                    )
                }
            }
            ct_gemm_f32(
                block,
                Int32(end - begin),
                weights.columns,
                input.floats,
                Int64(input.width),
                Int32(input.tokens),
                projection.output + begin,
                Int64(weights.rows),
                projection.accumulates
            )
        }
    }
}
