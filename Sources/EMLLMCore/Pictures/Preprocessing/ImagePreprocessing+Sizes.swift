import Dispatch
import Foundation
import Synchronization

// The arithmetic of sizes is that of the families' published preprocessing, in doubles, so that no picture is rounded
// differently.
extension ImagePreprocessing {
    // MARK: Limits

    /// The maximum ratio of the longer side to the shorter, for all methods. Together with the decoder's limit of
    /// pixels, it bounds the longer side, and so the time and memory of every method.
    static let mostElongated = 4096
    /// The maximum number of pixels that a picture is scaled to.
    package static let mostPixels = 1 << 26

    /// Rejects pictures that are too long and narrow before memory is allocated for them.
    static func checkShape(of image: RGBImage, ratio most: Int = mostElongated) throws {
        let (short, long) = (min(image.width, image.height), max(image.width, image.height))
        guard Double(long) / Double(short) <= Double(most) else {
            throw EMLLMError.unsuitableImage(
                image,
                expected: "sides of which one is at most \(most) times the other",
                found: "\(Int((Double(long) / Double(short)).rounded())) times"
            )
        }
    }

    // MARK: Qwen2-VL

    /// A size near the picture's own, with sides that are multiples of `factor` and a number of pixels in the given
    /// range (transformers' `smart_resize`).
    static func nativeSize(
        of image: RGBImage,
        factor: Int,
        pixels: ClosedRange<Int>
    ) throws -> (width: Int, height: Int) {
        try checkShape(of: image, ratio: 200)
        let (width, height) = (Double(image.width), Double(image.height))
        let unit = Double(factor)
        // Round halves to even, as in Python.
        var newHeight = Int((height / unit).rounded(.toNearestOrEven)) * factor
        var newWidth = Int((width / unit).rounded(.toNearestOrEven)) * factor
        if newHeight * newWidth > pixels.upperBound {
            let beta = (height * width / Double(pixels.upperBound)).squareRoot()
            newHeight = max(factor, Int((height / beta / unit).rounded(.down)) * factor)
            newWidth = max(factor, Int((width / beta / unit).rounded(.down)) * factor)
        } else if newHeight * newWidth < pixels.lowerBound {
            let beta = (Double(pixels.lowerBound) / (height * width)).squareRoot()
            newHeight = Int((height * beta / unit).rounded(.up)) * factor
            newWidth = Int((width * beta / unit).rounded(.up)) * factor
        }
        guard newWidth <= mostPixels / newHeight else {
            throw EMLLMError.unsuitableImage(
                image,
                expected: "a shape that is scaled to at most \(mostPixels) pixels",
                found: "\(newWidth) × \(newHeight)"
            )
        }
        return (newWidth, newHeight)
    }

    // MARK: InternVL

    /// The grid of tiles whose shape is nearest to the picture's; of equally near grids, the one with more tiles if the
    /// picture covers at least half of it.
    static func grid(for image: RGBImage, side: Int, tiles: ClosedRange<Int>) -> (rows: Int, columns: Int) {
        let ratio = Double(image.width) / Double(image.height)
        let area = Double(image.width) * Double(image.height)
        var grids: [(columns: Int, rows: Int)] = []
        for columns in 1...tiles.upperBound {
            for rows in 1...tiles.upperBound where tiles.contains(columns * rows) { grids.append((columns, rows)) }
        }
        // A deterministic order: fewer tiles first, then fewer columns.
        grids = grids.enumerated().sorted {
            let (a, b) = ($0.element.columns * $0.element.rows, $1.element.columns * $1.element.rows)
            return a == b ? $0.offset < $1.offset : a < b
        }.map(\.element)
        var best = (columns: 1, rows: 1)
        var smallest = Double.infinity
        for grid in grids {
            let difference = abs(ratio - Double(grid.columns) / Double(grid.rows))
            if difference < smallest {
                smallest = difference
                best = grid
            } else if difference == smallest, area > 0.5 * Double(side * side * grid.columns * grid.rows) {
                best = grid
            }
        }
        return (best.rows, best.columns)
    }

    // MARK: Idefics 3

    /// The maximum length of a side in Idefics 3, whatever its configuration says.
    private static let longestSide = 4096

    /// Scales by the longer side, makes both sides multiples of the tile's side, and splits the picture into tiles.
    func tiled(
        _ image: RGBImage,
        longestEdge: Int,
        side: Int,
        splits: Bool
    ) throws -> (tiles: [RGBImage], rows: Int, columns: Int) {
        let (width, height) = Self.scaled((image.width, image.height), longestEdge: longestEdge)
        let scaled = image.resized(width: width, height: height, filter)
        guard splits else { return ([scaled.resized(width: side, height: side, filter)], 0, 0) }
        let (fullWidth, fullHeight) = Self.multiples((width, height), of: side)
        let full = scaled.resized(width: fullWidth, height: fullHeight, filter)
        guard fullWidth > side || fullHeight > side else { return ([full], 0, 0) }
        return (
            full.tiles(side: side) + [full.resized(width: side, height: side, filter)], fullHeight / side,
            fullWidth / side
        )
    }

    private static func scaled(_ size: (width: Int, height: Int), longestEdge: Int) -> (width: Int, height: Int) {
        var (width, height) = size
        let aspect = Double(width) / Double(height)
        if width >= height {
            width = longestEdge
            height = Int(Double(width) / aspect)
            height += height % 2
        } else {
            height = longestEdge
            width = Int(Double(height) * aspect)
            width += width % 2
        }
        (width, height) = (max(width, 1), max(height, 1))
        let newAspect = Double(width) / Double(height)
        if width >= height, width > longestSide {
            width = longestSide
            height = Int(Double(width) / newAspect)
        } else if height > width, height > longestSide {
            height = longestSide
            width = Int(Double(height) * newAspect)
        }
        return (max(width, 1), max(height, 1))
    }

    private static func multiples(_ size: (width: Int, height: Int), of side: Int) -> (width: Int, height: Int) {
        var (width, height) = size
        let aspect = Double(width) / Double(height)
        func up(_ length: Int) -> Int { (length + side - 1) / side * side }
        if width >= height {
            width = up(width)
            height = up(Int(Double(width) / aspect))
        } else {
            height = up(height)
            width = up(Int(Double(height) * aspect))
        }
        return (width, height)
    }

    // MARK: CLIP

    /// Scales by the shorter side and crops the middle. For long strips, only the middle is computed.
    func cropped(_ image: RGBImage, shortestEdge: Int, width: Int, height: Int) -> RGBImage {
        let (short, long) = (min(image.width, image.height), max(image.width, image.height))
        // Python's int(edge * long / short): the product first, then a division in doubles.
        let scaled = Int(Double(shortestEdge * long) / Double(short))
        let (newWidth, newHeight) = image.width <= image.height ? (shortestEdge, scaled) : (scaled, shortestEdge)
        guard newWidth >= width, newHeight >= height else {
            // The shorter side is smaller than the crop, so padding is needed.
            let columns = Self.middle(of: newWidth, min(newWidth, width))
            let rows = Self.middle(of: newHeight, min(newHeight, height))
            return image.resized(width: newWidth, height: newHeight, filter, columns: columns, rows: rows)
                .centre(width: width, height: height)
        }
        return image.resized(
            width: newWidth,
            height: newHeight,
            filter,
            columns: Self.middle(of: newWidth, width),
            rows: Self.middle(of: newHeight, height)
        )
    }

    /// The middle of a side, as in transformers' `center_crop`.
    private static func middle(of length: Int, _ wanted: Int) -> Range<Int> {
        let first = (length - wanted) / 2
        return first..<(first + wanted)
    }

    /// Computes values on all processors, in order.
    static func concurrently<Value: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Value) -> [Value] {
        guard count > 1 else { return (0..<count).map(body) }
        let values = Mutex([Value?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let value = body(index)
            values.withLock { $0[index] = value }
        }
        return values.withLock { $0.map { $0! } }
    }
}

extension RGBImage {
    /// The rectangle with a corner at (x, y).
    func cropped(x: Int, y: Int, width newWidth: Int, height newHeight: Int) -> RGBImage {
        var samples: [UInt8] = []
        samples.reserveCapacity(newWidth * newHeight * 3)
        for row in y..<(y + newHeight) {
            let start = (row * width + x) * 3
            samples += pixels[start..<(start + newWidth * 3)]
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: samples)
    }

    /// Square tiles, row by row; the sides are multiples of `side`.
    func tiles(side: Int) -> [RGBImage] {
        (0..<(height / side)).flatMap { row in
            (0..<(width / side)).map { cropped(x: $0 * side, y: row * side, width: side, height: side) }
        }
    }

    /// The middle of the picture, padded with black if it is too small (transformers' `center_crop`).
    func centre(width newWidth: Int, height newHeight: Int) -> RGBImage {
        func floorHalf(_ value: Int) -> Int { value >> 1 }
        let top = floorHalf(height - newHeight)
        let left = floorHalf(width - newWidth)
        if top >= 0, left >= 0 { return cropped(x: left, y: top, width: newWidth, height: newHeight) }
        // Place it on a canvas that has room for both, and take the middle of that.
        let (canvasWidth, canvasHeight) = (max(newWidth, width), max(newHeight, height))
        let topPad = (canvasHeight - height + 1) / 2
        let leftPad = (canvasWidth - width + 1) / 2
        return placed(x: leftPad, y: topPad, width: canvasWidth, height: canvasHeight, on: [0, 0, 0])
            .cropped(x: max(0, left + leftPad), y: max(0, top + topPad), width: newWidth, height: newHeight)
    }

    private func placed(x: Int, y: Int, width newWidth: Int, height newHeight: Int, on colour: [UInt8]) -> RGBImage {
        var samples = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
        for index in samples.indices { samples[index] = colour[index % 3] }
        for row in 0..<height {
            let target = ((row + y) * newWidth + x) * 3
            samples.replaceSubrange(
                target..<(target + width * 3),
                with: pixels[(row * width * 3)..<((row + 1) * width * 3)]
            )
        }
        return RGBImage(width: newWidth, height: newHeight, pixels: samples)
    }
}
