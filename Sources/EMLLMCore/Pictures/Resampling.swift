import Dispatch

/// Computes a part of a resized canvas.
///
/// The intermediate rows between the two directions are computed in bands of output rows, so that they never take more
/// than ``bandBytes`` or the input of one row. Sums wrap, so the background can be added as one product of its colour
/// and its weights, which is exactly what adding it pixel by pixel would give.
struct Resampling {
    /// The maximum size of the intermediate rows in bytes, unless one row of the output needs more.
    static let bandBytes = 1 << 26

    private let bandBytes: Int
    private let canvas: Canvas
    private let horizontal: ResamplingKernel
    private let vertical: ResamplingKernel
    private let isHeightFirst: Bool

    /// - Parameters:
    ///   - width, height: the size of the whole.
    ///   - columns, rows: the requested part.
    init(
        _ canvas: Canvas,
        width: Int,
        height: Int,
        _ filter: ResamplingFilter,
        columns: Range<Int>,
        rows: Range<Int>,
        bandBytes: Int = Self.bandBytes
    ) {
        self.canvas = canvas
        self.bandBytes = bandBytes
        isHeightFirst = height < canvas.height && canvas.height - height > 2 * (canvas.width - width)
        horizontal = ResamplingKernel(
            from: canvas.width,
            to: width,
            filter,
            outputs: columns,
            present: canvas.columns
        )
        vertical = ResamplingKernel(from: canvas.height, to: height, filter, outputs: rows, present: canvas.rows)
    }

    /// Computes the part.
    func image() -> RGBImage {
        let (width, height) = (horizontal.spans.count, vertical.spans.count)
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, initialized in
            canvas.image.pixels.withUnsafeBufferPointer { source in
                var first = 0
                while first < height {
                    let rows = first..<end(ofBandFrom: first)
                    let band = UnsafeMutableBufferPointer(
                        rebasing: target[first * width * 3..<rows.upperBound * width * 3]
                    )
                    if isHeightFirst {
                        heightFirst(source, into: band, rows: rows)
                    } else {
                        widthFirst(source, into: band, rows: rows)
                    }
                    first = rows.upperBound
                }
            }
            initialized = width * height * 3
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// The end of a band: after the last row whose input still fits, but at least after its first row.
    private func end(ofBandFrom first: Int) -> Int {
        let height = vertical.spans.count
        if isHeightFirst {
            let most = max(1, bandBytes / (3 * max(1, horizontal.input.count)))
            return min(height, first + most)
        }
        let most = max(1, bandBytes / (3 * horizontal.spans.count))
        var end = first + 1
        while end < height, vertical.input(of: first..<end + 1).count <= most { end += 1 }
        return end
    }

    // MARK: Bands

    private func widthFirst(
        _ source: UnsafeBufferPointer<UInt8>,
        into target: UnsafeMutableBufferPointer<UInt8>,
        rows: Range<Int>
    ) {
        let samples = horizontal.spans.count * 3
        let input = vertical.input(of: rows)
        let firstRow = input.lowerBound - canvas.rows.lowerBound
        // A row of only the background.
        let background = horizontal.spans.flatMap { span in
            canvas.colour.map { Self.clamped(Self.half &+ Int32($0) &* span.total) }
        }
        Self.withRows(input.count, samples) { between in
            Self.concurrently(input.count) { row, _ in
                horizontalRow(
                    source.baseAddress! + (firstRow + row) * canvas.image.width * 3,
                    firstColumn: canvas.columns.lowerBound,
                    background: canvas.colour,
                    into: between + row * samples
                )
            }
            Self.concurrently(rows.count) { row, sums in
                verticalRow(
                    rows.lowerBound + row,
                    between,
                    firstRow: input.lowerBound,
                    stride: samples,
                    count: samples,
                    background: background,
                    into: target.baseAddress! + row * samples,
                    &sums
                )
            }
        }
    }

    private func heightFirst(
        _ source: UnsafeBufferPointer<UInt8>,
        into target: UnsafeMutableBufferPointer<UInt8>,
        rows: Range<Int>
    ) {
        let input = horizontal.input
        let samples = input.count * 3
        let offset = (input.lowerBound - canvas.columns.lowerBound) * 3
        let background = (0..<input.count).flatMap { _ in canvas.colour }
        Self.withRows(rows.count, samples) { between in
            Self.concurrently(rows.count) { row, sums in
                verticalRow(
                    rows.lowerBound + row,
                    source.baseAddress! + offset,
                    firstRow: canvas.rows.lowerBound,
                    stride: canvas.image.width * 3,
                    count: samples,
                    background: background,
                    into: between + row * samples,
                    &sums
                )
                let total = vertical.spans[rows.lowerBound + row].total
                horizontalRow(
                    between + row * samples,
                    firstColumn: input.lowerBound,
                    background: canvas.colour.map { Self.clamped(Self.half &+ Int32($0) &* total) },
                    into: target.baseAddress! + row * horizontal.spans.count * 3
                )
            }
        }
    }

    // MARK: Rows

    /// - Parameter firstColumn: the column of the canvas that `source` begins at.
    private func horizontalRow(
        _ source: UnsafePointer<UInt8>,
        firstColumn: Int,
        background: [UInt8],
        into target: UnsafeMutablePointer<UInt8>
    ) {
        let (backRed, backGreen, backBlue) = (Int32(background[0]), Int32(background[1]), Int32(background[2]))
        horizontal.weights.withUnsafeBufferPointer { weights in
            for (column, span) in horizontal.spans.enumerated() {
                var red = Self.half &+ backRed &* span.absent
                var green = Self.half &+ backGreen &* span.absent
                var blue = Self.half &+ backBlue &* span.absent
                var at = (span.start - firstColumn) * 3
                for tap in span.firstWeight..<span.firstWeight + span.count {
                    let weight = weights[tap]
                    red &+= Int32(source[at]) &* weight
                    green &+= Int32(source[at + 1]) &* weight
                    blue &+= Int32(source[at + 2]) &* weight
                    at += 3
                }
                target[3 * column] = Self.clamped(red)
                target[3 * column + 1] = Self.clamped(green)
                target[3 * column + 2] = Self.clamped(blue)
            }
        }
    }

    /// - Parameters:
    ///   - firstRow: the row of the canvas that `source` begins at.
    ///   - stride: the number of samples from one row to the next.
    ///   - count: the number of samples in a row.
    private func verticalRow(
        _ row: Int,
        _ source: UnsafePointer<UInt8>,
        firstRow: Int,
        stride: Int,
        count: Int,
        background: [UInt8],
        into target: UnsafeMutablePointer<UInt8>,
        _ sums: inout [Int32]
    ) {
        let span = vertical.spans[row]
        if sums.count < count { sums = [Int32](repeating: 0, count: count) }
        sums.withUnsafeMutableBufferPointer { sums in
            background.withUnsafeBufferPointer { background in
                for sample in 0..<count { sums[sample] = Self.half &+ Int32(background[sample]) &* span.absent }
            }
            for tap in 0..<span.count {
                let weight = vertical.weights[span.firstWeight + tap]
                let line = source + (span.start + tap - firstRow) * stride
                for sample in 0..<count { sums[sample] &+= Int32(line[sample]) &* weight }
            }
            for sample in 0..<count { target[sample] = Self.clamped(sums[sample]) }
        }
    }

    /// One half in fixed point, so that truncation rounds.
    private static let half = Int32(1) << (ResamplingKernel.fractionBits - 1)

    private static func clamped(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> ResamplingKernel.fractionBits) }

    // MARK: Memory and threads

    /// Allocates memory for intermediate rows.
    private static func withRows(_ rows: Int, _ samples: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, rows * samples))
        defer { memory.deallocate() }
        body(memory)
    }

    /// Computes rows in parallel; each call writes only its own row. `body` also gets scratch memory for sums.
    private static func concurrently(_ rows: Int, _ body: (_ row: Int, _ sums: inout [Int32]) -> Void) {
        // Rows are disjoint, and the source is only read.
        nonisolated(unsafe) let body = body
        let chunk = 16
        DispatchQueue.concurrentPerform(iterations: (rows + chunk - 1) / chunk) { index in
            var sums: [Int32] = []
            for row in index * chunk..<min(rows, (index + 1) * chunk) { body(row, &sums) }
        }
    }
}
