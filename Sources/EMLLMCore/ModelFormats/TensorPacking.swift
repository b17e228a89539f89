import CTensor
import Foundation

/// Rearranging weights between GGUF's rows of blocks and the kernels' packed layout, on all processors.
enum TensorPacking {
    /// Packs a whole matrix. `source`: rows of blocks; `packed`: `packedBytes(rows:columns:)` zeroed bytes.
    static func pack(
        type: TensorType,
        rows: Int,
        columns: Int,
        source: UnsafeRawPointer,
        packed: UnsafeMutableRawPointer
    ) {
        // Disjoint panels: no two calls touch the same bytes.
        nonisolated(unsafe) let source = source
        nonisolated(unsafe) let packed = packed
        forEachChunk(ofRows: rows, columns: columns) { range in
            ct_pack(
                type.cType,
                Int64(rows),
                Int64(columns),
                source,
                packed,
                Int64(range.lowerBound),
                Int64(range.upperBound)
            )
        }
    }

    /// Runs `body` for ranges of rows that begin at whole panels, in parallel when there is enough to do.
    static func forEachChunk(ofRows rows: Int, columns: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let panel = Int(CT_PANEL_ROWS)
        // About a million elements a chunk: far more work than starting it costs.
        let chunkRows = max(1, (1 << 20) / columns / panel) * panel
        let chunks = (rows + chunkRows - 1) / chunkRows
        @Sendable func run(_ chunk: Int) { body(chunk * chunkRows..<min(rows, (chunk + 1) * chunkRows)) }
        guard chunks > 1 else { return run(0) }
        DispatchQueue.concurrentPerform(iterations: chunks) { run($0) }
    }

    /// A vector of any type as floats. `source`: one row of blocks.
    static func floats(
        type: TensorType,
        count: Int,
        source: UnsafeRawPointer,
        into floats: UnsafeMutablePointer<Float>,
        path: String
    ) throws {
        guard let size = type.packedBytes(rows: 1, columns: count) else {
            throw EMLLMError.outOfMemory(subject: path, byteCount: count)
        }
        let packed = try AlignedBuffer(byteCount: size, for: path)
        let address = packed.bytes.baseAddress!
        ct_pack(type.cType, 1, Int64(count), source, address, 0, 1)
        ct_dequantize_row(type.cType, 1, Int64(count), address, 0, floats)
    }
}
