import CTensor
import Foundation
import Synchronization

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

    /// Runs `body` for ranges of rows that begin at panel boundaries, in parallel when there is enough work.
    static func forEachChunk(ofRows rows: Int, columns: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let panel = Int(CT_PANEL_ROWS)
        // About a million elements per chunk, which is far more work than the overhead of starting it.
        let chunkRows = max(1, (1 << 20) / columns / panel) * panel
        let chunks = (rows + chunkRows - 1) / chunkRows
        @Sendable func run(_ chunk: Int) { body(chunk * chunkRows..<min(rows, (chunk + 1) * chunkRows)) }
        guard chunks > 1 else { return run(0) }
        DispatchQueue.concurrentPerform(iterations: chunks) { run($0) }
    }

    /// Checks that all elements of a packed matrix, or of a vector as one row, are finite.
    ///
    /// - Throws: `EMLLMError.Code.nonFiniteWeight` naming the tensor.
    static func checkFinite(
        type: TensorType,
        rows: Int,
        columns: Int,
        packed: UnsafeRawPointer,
        name: String,
        path: String
    ) throws {
        // The bytes are only read.
        nonisolated(unsafe) let packed = packed
        let found = Mutex<(row: Int, column: Int, value: Float)?>(nil)
        forEachChunk(ofRows: rows, columns: columns) { range in
            var row = [Float](repeating: 0, count: columns)
            for index in range {
                ct_dequantize_row(type.cType, Int64(rows), Int64(columns), packed, Int64(index), &row)
                // A sum is finite only if every element is. If it is not, the elements are checked, since the sum may
                // have overflowed.
                guard !row.reduce(0, +).isFinite, let column = row.firstIndex(where: { !$0.isFinite }) else { continue }
                found.withLock { if $0.map({ index < $0.row }) ?? true { $0 = (index, column, row[column]) } }
                return
            }
        }
        guard let (row, column, value) = found.withLock({ $0 }) else { return }
        throw EMLLMError(
            code: .nonFiniteWeight,
            subject: path,
            expected: "numbers in the tensor \(name)",
            found: "\(value) in row \(row), column \(column)",
            remedy: "fetch the model again; if it was trained, train it again with smaller steps"
        )
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

extension EMLLMError.Code {
    /// A weight that is infinite or NaN.
    public static let nonFiniteWeight = Self(rawValue: "non-finite-weight")
}
