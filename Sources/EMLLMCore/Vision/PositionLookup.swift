import CTensor
import Foundation

/// The positions of a tile's patches: rows of a learned table, or between its rows, and rotary angles.
struct PositionLookup {
    private let table: ct_matrix?
    private let classRows: Int
    private let side: Int
    private let rowTaps: [[(index: Int, weight: Float)]]
    private let columnTaps: [[(index: Int, weight: Float)]]
    /// Radians per row or column. `[headDimension / 4]`
    private let frequencies: [Double]

    init(weights: VisionWeights, grid: PatchGrid) {
        let tower = weights.configuration.tower
        table = weights.positions
        classRows = tower.classToken ? 1 : 0
        if let positions = tower.positions {
            side = positions.side
            // A grid of the table's own size is never interpolated.
            let isOwn = grid.rows == side && grid.columns == side && positions.lookup == .bicubic
            let lookup = isOwn ? .exact : positions.lookup
            rowTaps = PositionTaps.axis(count: grid.rows, side: side, lookup: lookup)
            columnTaps = PositionTaps.axis(count: grid.columns, side: side, lookup: lookup)
        } else {
            side = 0
            rowTaps = []
            columnTaps = []
        }
        // Half of a head's pairs turn with the row, half with the column, both with the same frequencies.
        let quarter = tower.headDimension / 4
        frequencies =
            tower.rotaryBase.map { base in
                (0..<quarter).map { pow(Double(base), -Double($0) / Double(quarter)) }
            } ?? []
    }

    /// Adds the learned position of a patch. `row`: `[hidden]`
    func add(to row: UnsafeMutablePointer<Float>, cell: (row: Int, column: Int)) {
        guard let table else { return }
        for vertical in rowTaps[cell.row] {
            for horizontal in columnTaps[cell.column] {
                let weight = vertical.weight * horizontal.weight
                guard weight != 0 else { continue }
                add(table, row: classRows + vertical.index * side + horizontal.index, weight: weight, to: row)
            }
        }
    }

    /// Adds the learned position of the class token. `row`: `[hidden]`
    func addClass(to row: UnsafeMutablePointer<Float>) {
        guard let table else { return }
        add(table, row: 0, weight: 1, to: row)
    }

    private func add(_ table: ct_matrix, row: Int, weight: Float, to target: UnsafeMutablePointer<Float>) {
        let width = Int(table.columns)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { scratch in
            let values = scratch.baseAddress!
            ct_dequantize_row(
                table.type,
                Int64(table.rows),
                Int64(table.columns),
                table.data,
                Int64(row),
                values
            )
            for index in 0..<width { target[index] += weight * values[index] }
        }
    }

    /// Writes the angles of a patch: the row's, then the column's. Both `[headDimension / 2]`
    func writeAngles(
        cell: (row: Int, column: Int),
        cosine: UnsafeMutablePointer<Float>,
        sine: UnsafeMutablePointer<Float>
    ) {
        for (pair, frequency) in frequencies.enumerated() {
            for (half, position) in [cell.row, cell.column].enumerated() {
                let angle = Double(position) * frequency
                cosine[half * frequencies.count + pair] = Float(cos(angle))
                sine[half * frequencies.count + pair] = Float(sin(angle))
            }
        }
    }
}
