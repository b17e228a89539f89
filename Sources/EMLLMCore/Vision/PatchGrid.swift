import CTensor

/// The patches of one tile in the order in which they are computed: those that the connector joins side by side, and
/// those that share a window together.
struct PatchGrid {
    /// Rows and columns of patches.
    let rows: Int
    let columns: Int
    /// Row and column of each patch. `[rows · columns]`
    let cells: [(row: Int, column: Int)]
    /// Where the feature of each group of joined patches belongs, counted row by row. `[rows · columns / merge²]`
    let featureOrder: [Int]
    /// The patches that see one another in blocks with windows.
    let windows: AttentionWindows

    /// - Parameters:
    ///   - rows, columns: of patches; multiples of `merge` where it is not 1.
    ///   - merge: patches of each side that the connector joins.
    ///   - window: joined patches of each side of a window; `nil` for one window of all.
    init(rows: Int, columns: Int, merge: Int, window: Int?) {
        self.rows = rows
        self.columns = columns
        let (groupRows, groupColumns) = (rows / merge, columns / merge)
        let side = window ?? max(groupRows, groupColumns)
        var cells: [(row: Int, column: Int)] = []
        var order: [Int] = []
        var windows: [Range<Int>] = []
        cells.reserveCapacity(rows * columns)
        for top in stride(from: 0, to: groupRows, by: side) {
            for left in stride(from: 0, to: groupColumns, by: side) {
                let first = cells.count
                for groupRow in top..<min(top + side, groupRows) {
                    for groupColumn in left..<min(left + side, groupColumns) {
                        order.append(groupRow * groupColumns + groupColumn)
                        for inner in 0..<(merge * merge) {
                            cells.append((groupRow * merge + inner / merge, groupColumn * merge + inner % merge))
                        }
                    }
                }
                windows.append(first..<cells.count)
            }
        }
        self.cells = cells
        featureOrder = order
        self.windows = AttentionWindows(windows)
    }

    /// The samples of each patch, in the order of ``cells``. `target`: `[patches, 3, frames, side, side]`
    func gather(
        _ tile: PreprocessedImage.Tile,
        side: Int,
        frames: Int,
        cells range: Range<Int>,
        into target: UnsafeMutablePointer<Float>
    ) {
        tile.values.withUnsafeBufferPointer { values in
            var out = target
            for cell in cells[range] {
                for channel in 0..<3 {
                    for _ in 0..<frames {
                        for line in 0..<side {
                            let row = channel * tile.height + cell.row * side + line
                            let from = values.baseAddress! + row * tile.width + cell.column * side
                            out.update(from: from, count: side)
                            out += side
                        }
                    }
                }
            }
        }
    }
}

/// Runs of tokens that see one another, and where the key cache has their keys.
struct AttentionWindows {
    /// The tokens of each window.
    let ranges: [Range<Int>]
    /// The first key slot of each window: windows begin at whole groups of keys. `[windows]`
    let firstSlots: [Int]
    /// The key slot of each token.
    let slots: [Int]
    /// Key slots in all.
    let slotCount: Int

    init(_ ranges: [Range<Int>]) {
        let group = Int(CT_KEY_GROUP)
        var (firsts, slots, next) = ([Int](), [Int](), 0)
        for range in ranges {
            firsts.append(next)
            slots += next..<(next + range.count)
            next += (range.count + group - 1) / group * group
        }
        self.ranges = ranges
        self.slots = slots
        firstSlots = firsts
        slotCount = next
    }
}

/// Which rows of a table of learned positions a patch takes on one axis, and how much of each.
enum PositionTaps {
    /// Taps for every row (or column) of a grid, on one axis: (index, weight) pairs.
    static func axis(
        count: Int,
        side: Int,
        lookup: VisionTowerConfiguration.PositionTable.Lookup
    ) -> [[(index: Int, weight: Float)]] {
        (0..<count).map { position in
            switch lookup {
            case .exact: return [(position, 1)]
            case .bucket: return [(bucket(position, of: count, side: side), 1)]
            case .bilinear:
                // Corners on corners.
                let source = Float(position) * Float(side - 1) / Float(max(count - 1, 1))
                return (0...1).map { offset in
                    let tap = source.rounded(.down) + Float(offset)
                    return (min(max(Int(tap), 0), side - 1), max(0, 1 - abs(source - tap)))
                }
            case .bicubic:
                // Centres on centres; Keys' kernel with a = −0.75, as torch's interpolate has it.
                let source = (Float(position) + 0.5) * Float(side) / Float(count) - 0.5
                return (-1...2).map { offset in
                    let tap = source.rounded(.down) + Float(offset)
                    return (min(max(Int(tap), 0), side - 1), cubic(abs(source - tap)))
                }
            }
        }
    }

    private static func cubic(_ distance: Float) -> Float {
        let a: Float = -0.75
        if distance <= 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
        return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    }

    /// NaViT's buckets as transformers computes them, in floats: how many boundaries k / side lie at or below the
    /// fraction.
    private static func bucket(_ position: Int, of count: Int, side: Int) -> Int {
        let fraction = min(Float(position) * (1 / Float(count)), Float(1 - 1e-6))
        let step = 1 / Double(side)
        var boundaries = 0
        while boundaries < side - 1, Float(step + Double(boundaries) * step) <= fraction { boundaries += 1 }
        return boundaries
    }
}
