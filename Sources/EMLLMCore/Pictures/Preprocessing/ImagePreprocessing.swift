/// How a family converts a picture to pixel values. Stored as JSON inside `.emllm` files.
public struct ImagePreprocessing: Codable, Sendable, Equatable {
    /// How a picture is resized.
    public enum Method: Codable, Sendable, Equatable {
        /// Distorted to one fixed size (CLIP, SigLIP).
        case stretched(width: Int, height: Int)
        /// Scaled by the shorter side, then cropped to the centre (CLIP, LLaVA-1.5 in transformers).
        case cropped(shortestEdge: Int, width: Int, height: Int)
        /// Padded to a square with the mean colour, then scaled (LLaVA-1.5 as it was trained).
        case padded(side: Int)
        /// Scaled by the longer side and split into square tiles, with the whole picture added (Idefics 3, SmolVLM).
        case tiled(longestEdge: Int, tileSide: Int, splits: Bool)
        /// Distorted to the grid of tiles that best fits its shape, with a thumbnail added (InternVL).
        case grid(tileSide: Int, minimumTiles: Int, maximumTiles: Int, thumbnail: Bool)
        /// Nearly the native size: multiples of a merged patch, with the number of pixels between two limits
        /// (Qwen2-VL).
        case native(factor: Int, minimumPixels: Int, maximumPixels: Int)
    }

    /// How a picture is resized.
    public var method: Method
    /// The filter for interpolation.
    public var filter: ResamplingFilter
    /// Subtracted from samples in 0…1. `[red, green, blue]`
    public var mean: [Float]
    /// The standard deviation that they are then divided by. `[red, green, blue]`
    public var deviation: [Float]
    /// The factor that samples in 0…255 are first multiplied by; 1/255 in published models.
    public var rescale: Double

    /// Makes a description.
    public init(
        method: Method,
        filter: ResamplingFilter,
        mean: [Float],
        deviation: [Float],
        rescale: Double = 1.0 / 255
    ) {
        self.method = method
        self.filter = filter
        self.mean = mean
        self.deviation = deviation
        self.rescale = rescale
    }
}

/// A picture in the form that a vision tower takes: one or several tiles of normalized samples.
public struct PreprocessedImage: Sendable {
    /// Samples of one tile.
    public struct Tile: Sendable {
        /// Pixels in a row.
        public let width: Int
        /// Rows.
        public let height: Int
        /// Normalized samples. `[3, height, width]`
        public let values: [Float]
    }

    /// The tiles, row by row, followed by the whole picture if it was split.
    public let tiles: [Tile]
    /// The rows and columns of tiles; both are zero for a picture that was not split.
    public let arrangement: (rows: Int, columns: Int)
}

extension ImagePreprocessing {
    /// Converts a picture to pixel values, as in the family's published preprocessing.
    ///
    /// - Throws: `EMLLMError.Code.unsuitableImage` for a picture that is too long and narrow: one side more than 4096
    ///   times the other, or more than 200 times if the family preserves shapes.
    public func apply(to image: RGBImage) throws -> PreprocessedImage {
        try Self.checkShape(of: image)
        let (tiles, rows, columns) = try cut(image)
        let tables = (0..<3).map { channel in table(channel) }
        let values = Self.concurrently(tiles.count) { index in Self.normalized(tiles[index], tables) }
        return PreprocessedImage(tiles: values, arrangement: (rows, columns))
    }

    private func cut(_ image: RGBImage) throws -> (tiles: [RGBImage], rows: Int, columns: Int) {
        switch method {
        case .stretched(let width, let height):
            return ([image.resized(width: width, height: height, filter)], 0, 0)
        case .cropped(let shortestEdge, let width, let height):
            return ([cropped(image, shortestEdge: shortestEdge, width: width, height: height)], 0, 0)
        case .padded(let side):
            let colour = mean.map { UInt8(max(0, min(255, $0 * 255))) }
            return ([image.squared(on: colour, side: side, filter)], 0, 0)
        case .tiled(let longestEdge, let tileSide, let splits):
            return try tiled(image, longestEdge: longestEdge, side: tileSide, splits: splits)
        case .grid(let side, let minimum, let maximum, let thumbnail):
            let (rows, columns) = Self.grid(for: image, side: side, tiles: minimum...maximum)
            var tiles = image.resized(width: columns * side, height: rows * side, filter).tiles(side: side)
            if thumbnail, tiles.count > 1 { tiles.append(image.resized(width: side, height: side, filter)) }
            return (tiles, rows, columns)
        case .native(let factor, let minimum, let maximum):
            let (width, height) = try Self.nativeSize(of: image, factor: factor, pixels: minimum...maximum)
            return ([image.resized(width: width, height: height, filter)], 0, 0)
        }
    }

    /// A table of the value for each 8-bit sample: scaled in doubles and rounded, then centred and divided in floats.
    private func table(_ channel: Int) -> [Float] {
        (0..<256).map { (Float(Double($0) * rescale) - mean[channel]) / deviation[channel] }
    }

    private static func normalized(_ image: RGBImage, _ tables: [[Float]]) -> PreprocessedImage.Tile {
        let count = image.width * image.height
        let values = [Float](unsafeUninitializedCapacity: 3 * count) { target, initialized in
            image.pixels.withUnsafeBufferPointer { pixels in
                for channel in 0..<3 {
                    tables[channel].withUnsafeBufferPointer { table in
                        for index in 0..<count {
                            target[channel * count + index] = table[Int(pixels[3 * index + channel])]
                        }
                    }
                }
            }
            initialized = 3 * count
        }
        return PreprocessedImage.Tile(width: image.width, height: image.height, values: values)
    }
}

extension EMLLMError.Code {
    /// A picture that a family's preprocessing cannot handle, whatever its format.
    public static let unsuitableImage = Self(rawValue: "unsuitable-image")
}

extension EMLLMError {
    static func unsuitableImage(_ image: RGBImage, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .unsuitableImage,
            subject: "picture of \(image.width) × \(image.height) pixels",
            expected: expected,
            found: found,
            remedy: "cut the picture into parts, or use a model that scales pictures to one size"
        )
    }
}
