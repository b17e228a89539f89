/// A decoded picture: 8-bit red, green and blue, in the picture's own colour space.
public struct RGBImage: Sendable, Equatable {
    /// Pixels in a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Samples from the top left, row by row. `[height, width, 3]`
    public let pixels: [UInt8]

    /// Makes a picture from samples.
    ///
    /// - Precondition: there are `width · height · 3` samples, and at least one pixel.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height * 3, "samples and size disagree")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// A SHA-256 digest of the size and of the samples' digest; this avoids copying the samples.
    public var contentHash: Checksum {
        let size = withUnsafeBytes(of: (width.littleEndian, height.littleEndian)) { Array($0) }
        return Checksum(of: size + Checksum(of: pixels).bytes)
    }

    /// The picture as the EXIF orientation tag says it should be displayed.
    ///
    /// - Parameter orientation: 1 to 8 (EXIF 2.32, tag 0x0112); any other value counts as 1.
    func oriented(_ orientation: Int) -> RGBImage {
        guard (2...8).contains(orientation) else { return self }
        let isTransposed = orientation >= 5
        let (newWidth, newHeight) = isTransposed ? (height, width) : (width, height)
        let flipsColumns = [2, 3, 7, 8].contains(orientation)
        let flipsRows = [3, 4, 6, 7].contains(orientation)
        let result = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, count in
            count = pixels.count
            for row in 0..<newHeight {
                for column in 0..<newWidth {
                    // The position in the stored picture of what belongs at (row, column).
                    var (y, x) = isTransposed ? (column, row) : (row, column)
                    if flipsColumns { x = width - 1 - x }
                    if flipsRows { y = height - 1 - y }
                    let (to, from) = ((row * newWidth + column) * 3, (y * width + x) * 3)
                    for sample in 0..<3 { target[to + sample] = pixels[from + sample] }
                }
            }
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: result)
    }
}
