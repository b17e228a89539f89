extension RGBImage {
    /// The picture shifted within its frame. The rows or columns that become free repeat the one at the edge.
    ///
    /// - Parameters:
    ///   - right: pixels to the right; negative ones to the left.
    ///   - down: pixels down; negative ones up.
    /// - Returns: a picture of the same size.
    public func shifted(right: Int, down: Int) -> RGBImage {
        let columns = (0..<width).map { 3 * min(max($0.saturatingSubtract(right), 0), width - 1) }
        let moved = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, count in
            count = pixels.count
            var to = 0
            for row in 0..<height {
                let line = 3 * width * min(max(row.saturatingSubtract(down), 0), height - 1)
                for column in columns {
                    for sample in 0..<3 { target[to + sample] = pixels[line + column + sample] }
                    to += 3
                }
            }
        }
        return RGBImage(width: width, height: height, pixels: moved)
    }
}

extension Int {
    /// The difference, or the nearest representable number.
    fileprivate func saturatingSubtract(_ other: Int) -> Int {
        let (difference, overflows) = subtractingReportingOverflow(other)
        return overflows ? (other < 0 ? .max : .min) : difference
    }
}
