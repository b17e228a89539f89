import Dispatch

extension RGBImage {
    /// The picture in another size, with the samples that Pillow's `resize` gives, bit for bit.
    ///
    /// One direction is resampled first and rounded to 8 bits, then the other. The order is that of Pillow 13: rows
    /// first, unless the picture loses more than twice as much height as width. Earlier versions always began with the
    /// rows; where the order differs, samples differ by a step or two. A picture that has the size already is returned
    /// as it is.
    ///
    /// - Parameters:
    ///   - width: the new width, at least 1.
    ///   - height: the new height, at least 1.
    ///   - filter: how samples between samples are made.
    /// - Complexity: O(pixels · taps), on all processors.
    public func resized(width: Int, height: Int, _ filter: ResamplingFilter) -> RGBImage {
        resized(width: width, height: height, filter, columns: 0..<width, rows: 0..<height)
    }

    /// A part of the picture in another size: only what is asked for is computed, however long the whole would be.
    func resized(
        width: Int,
        height: Int,
        _ filter: ResamplingFilter,
        columns: Range<Int>,
        rows: Range<Int>
    ) -> RGBImage {
        precondition(width > 0 && height > 0, "a size is at least 1")
        let heightFirst = height < self.height && self.height - height > 2 * (self.width - width)
        return heightFirst
            ? withHeight(height, filter, rows).withWidth(width, filter, columns)
            : withWidth(width, filter, columns).withHeight(height, filter, rows)
    }

    private func withWidth(_ newWidth: Int, _ filter: ResamplingFilter, _ columns: Range<Int>) -> RGBImage {
        guard newWidth != width else {
            let isWhole = columns == 0..<width
            return isWhole ? self : cropped(x: columns.lowerBound, y: 0, width: columns.count, height: height)
        }
        let kernel = ResamplingKernel(from: width, to: newWidth, filter, outputs: columns)
        let (width, newWidth) = (width, columns.count)
        let samples = Self.filled(count: newWidth * height * 3, pixels, rows: height) { source, target, row in
            for column in 0..<newWidth {
                let (start, count) = kernel.spans[column]
                var (red, green, blue) = (Self.half, Self.half, Self.half)
                var at = (row * width + start) * 3
                for tap in column * kernel.stride..<column * kernel.stride + count {
                    let weight = kernel.weights[tap]
                    red &+= Int32(source[at]) &* weight
                    green &+= Int32(source[at + 1]) &* weight
                    blue &+= Int32(source[at + 2]) &* weight
                    at += 3
                }
                let to = (row * newWidth + column) * 3
                target[to] = Self.clamped(red)
                target[to + 1] = Self.clamped(green)
                target[to + 2] = Self.clamped(blue)
            }
        }
        return RGBImage(width: newWidth, height: height, pixels: samples)
    }

    private func withHeight(_ newHeight: Int, _ filter: ResamplingFilter, _ rows: Range<Int>) -> RGBImage {
        guard newHeight != height else {
            let isWhole = rows == 0..<height
            return isWhole ? self : cropped(x: 0, y: rows.lowerBound, width: width, height: rows.count)
        }
        let kernel = ResamplingKernel(from: height, to: newHeight, filter, outputs: rows)
        let rowSamples = width * 3
        let samples = Self.filled(count: rows.count * rowSamples, pixels, rows: rows.count) { source, target, row in
            let (start, count) = kernel.spans[row]
            for sample in 0..<rowSamples {
                var sum = Self.half
                for tap in 0..<count {
                    sum &+=
                        Int32(source[(start + tap) * rowSamples + sample]) &* kernel.weights[row * kernel.stride + tap]
                }
                target[row * rowSamples + sample] = Self.clamped(sum)
            }
        }
        return RGBImage(width: width, height: rows.count, pixels: samples)
    }

    /// One half in fixed point, so that truncation rounds.
    private static let half = Int32(1) << (ResamplingKernel.fractionBits - 1)

    private static func clamped(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> ResamplingKernel.fractionBits) }

    /// Makes samples row by row, in parallel. `body` writes only its own row of the target.
    private static func filled(
        count: Int,
        _ source: [UInt8],
        rows: Int,
        _ body: @Sendable (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>, _ row: Int) -> Void
    ) -> [UInt8] {
        source.withUnsafeBufferPointer { source in
            [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
                // Rows are disjoint, and the source is only read.
                nonisolated(unsafe) let source = source
                nonisolated(unsafe) let target = target
                let chunk = 16
                DispatchQueue.concurrentPerform(iterations: (rows + chunk - 1) / chunk) { index in
                    for row in index * chunk..<min(rows, (index + 1) * chunk) { body(source, target, row) }
                }
                initialized = count
            }
        }
    }
}
