extension RGBImage {
    /// Resizes the picture, with the same samples as Pillow's `resize`, bit for bit.
    ///
    /// One direction is resampled first and rounded to 8 bits, then the other. The order is that of Pillow 13: rows
    /// first, unless the picture loses more than twice as much height as width. Earlier versions always began with the
    /// rows; where the order differs, samples differ by 1 or 2. A picture that already has the size is returned
    /// unchanged.
    ///
    /// - Parameters:
    ///   - width: the new width, at least 1.
    ///   - height: the new height, at least 1.
    ///   - filter: the filter for interpolation.
    /// - Complexity: O(pixels · taps), on all processors.
    public func resized(width: Int, height: Int, _ filter: ResamplingFilter) -> RGBImage {
        resized(width: width, height: height, filter, columns: 0..<width, rows: 0..<height)
    }

    /// A part of the resized picture. Only this part is computed, however long the whole would be.
    func resized(
        width: Int,
        height: Int,
        _ filter: ResamplingFilter,
        columns: Range<Int>,
        rows: Range<Int>
    ) -> RGBImage {
        precondition(width > 0 && height > 0, "a size is at least 1")
        if width == self.width, height == self.height {
            let isWhole = columns == 0..<width && rows == 0..<height
            guard !isWhole else { return self }
            return cropped(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
        }
        return Resampling(Canvas(self), width: width, height: height, filter, columns: columns, rows: rows).image()
    }

    /// The picture in the middle of a square of one colour, resized. The square itself is never in memory.
    func squared(on colour: [UInt8], side: Int, _ filter: ResamplingFilter) -> RGBImage {
        guard width != height else { return resized(width: side, height: side, filter) }
        let square = Canvas(self, square: max(width, height), colour: colour)
        return Resampling(square, width: side, height: side, filter, columns: 0..<side, rows: 0..<side).image()
    }
}

/// A picture on a background of one colour, of which only the picture is in memory.
struct Canvas {
    let image: RGBImage
    /// The position of the picture.
    let columns: Range<Int>
    let rows: Range<Int>
    let width: Int
    let height: Int
    /// `[red, green, blue]`
    let colour: [UInt8]

    /// A canvas that contains only the picture.
    init(_ image: RGBImage) {
        self.image = image
        (width, height) = (image.width, image.height)
        (columns, rows) = (0..<image.width, 0..<image.height)
        colour = [0, 0, 0]
    }

    /// A square canvas with the picture in the middle.
    init(_ image: RGBImage, square side: Int, colour: [UInt8]) {
        self.image = image
        (width, height) = (side, side)
        let (x, y) = ((side - image.width) / 2, (side - image.height) / 2)
        (columns, rows) = (x..<x + image.width, y..<y + image.height)
        self.colour = colour
    }
}
