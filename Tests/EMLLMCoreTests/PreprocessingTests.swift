import Foundation
import Testing

@testable import EMLLMCore
@testable import EMLLMFormats
@testable import EMLLMPictures

/// The families' published preprocessing on pictures of awkward sizes and formats against transformers, bit for bit;
/// `Tests/Scripts/vision_fixtures.py` made the digests.
@Suite("Preprocessing against transformers")
struct PreprocessingTests {
    struct Reference: Decodable {
        struct Picture: Decodable {
            let file: String
            let shape: [Int]?
            let sha256: String?
            let error: String?
            let skipped: String?
        }

        struct Method: Decodable { let pictures: [Picture] }

        let methods: [String: Method]
    }

    static let reference: Reference? = {
        let url = VisionFamilyTests.folder.appending(path: "preprocessing.json")
        return (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(Reference.self, from: $0) }
    }()

    /// What `preprocessing.json` lists as parameters, in the engine's terms.
    static let methods: [String: ImagePreprocessing] = {
        let clip = (HuggingFaceVision.clipMean, HuggingFaceVision.clipDeviation)
        let halves = (HuggingFaceVision.halves, HuggingFaceVision.halves)
        let imageNet = (HuggingFaceVision.imageNetMean, HuggingFaceVision.imageNetDeviation)
        func make(
            _ method: ImagePreprocessing.Method,
            _ colours: ([Float], [Float]),
            _ filter: ResamplingFilter = .bicubic
        ) -> ImagePreprocessing {
            ImagePreprocessing(
                method: method,
                filter: filter,
                mean: colours.0,
                deviation: colours.1,
                rescale: 0.00392156862745098
            )
        }
        return [
            "clip-336-crop": make(.cropped(shortestEdge: 336, width: 336, height: 336), clip),
            "llava-336-pad": make(.padded(side: 336), clip),
            "siglip-384": make(.stretched(width: 384, height: 384), halves),
            "smolvlm": make(.tiled(longestEdge: 2048, tileSide: 512, splits: true), halves, .lanczos),
            "internvl": make(.grid(tileSide: 448, minimumTiles: 1, maximumTiles: 12, thumbnail: true), imageNet),
            "qwen2-vl": make(.native(factor: 28, minimumPixels: 3136, maximumPixels: 1_003_520), clip),
            "qwen3-vl": make(.native(factor: 32, minimumPixels: 65_536, maximumPixels: 1_003_520), halves),
        ]
    }()

    @Test("Every method is covered")
    func coverage() {
        #expect(Self.reference.map { Set($0.methods.keys) } == Set(Self.methods.keys))
    }

    @Test("Pixel values", arguments: methods.keys.sorted())
    func pixels(name: String) throws {
        let preprocessing = try #require(Self.methods[name])
        let pictures = try #require(Self.reference?.methods[name]?.pictures)
        #expect(pictures.count >= 10)
        for expected in pictures {
            let image = try VisionFamilyTests.picture(expected.file)
            guard expected.error == nil else {
                let error = #expect(throws: EMLLMError.self) { try preprocessing.apply(to: image) }
                #expect(error?.code == .unsuitableImage)
                continue
            }
            let result = try preprocessing.apply(to: image)
            // What takes the reference a gigabyte is computed all the same.
            guard expected.skipped == nil else { continue }
            let values = result.referenceOrder(preprocessing.method, merge: 2, frames: 2)
            #expect(values.count == expected.shape?.reduce(1, *), "\(expected.file)")
            let digest = values.withUnsafeBytes { Checksum(of: $0) }
            #expect("\(digest)" == expected.sha256, "\(expected.file)")
        }
    }

    /// The middle of a strip is that of the whole, which only small pictures can afford.
    @Test("A crop computes the samples of the whole")
    func crop() throws {
        let image = try VisionFamilyTests.picture("513x511.png")
        for filter in ResamplingFilter.allCases {
            for (width, height) in [(700, 90), (90, 700), (513, 300), (300, 511), (40, 600)] {
                let whole = image.resized(width: width, height: height, filter)
                let part = image.resized(width: width, height: height, filter, columns: 7..<31, rows: 11..<40)
                #expect(part == whole.cropped(x: 7, y: 11, width: 24, height: 29))
            }
        }
    }
}

/// Pictures that are long and narrow: refused, or computed within bounds, with the samples that the plain way has.
@Suite("Preprocessing: long and narrow pictures")
struct ElongatedPictureTests {
    private static func strip(_ width: Int, _ height: Int) -> RGBImage {
        RGBImage(width: width, height: height, pixels: [UInt8](repeating: 7, count: 3 * width * height))
    }

    @Test("One bound for every method", arguments: PreprocessingTests.methods.keys.sorted())
    func bound(name: String) throws {
        let preprocessing = try #require(PreprocessingTests.methods[name])
        let most = ImagePreprocessing.mostElongated
        for (width, height) in [(200_000, 1), (1, 2_000_000), (most + 1, 1), (1, most + 1), (2 * most + 1, 2)] {
            let error = #expect(throws: EMLLMError.self) { try preprocessing.apply(to: Self.strip(width, height)) }
            #expect(error?.code == .unsuitableImage, "\(width) × \(height)")
        }
        guard case .native = preprocessing.method else {
            for (width, height) in [(most, 1), (1, most)] {
                #expect(try preprocessing.apply(to: Self.strip(width, height)).tiles.isEmpty == false)
            }
            return
        }
    }

    @Test("A square that is never in memory has the samples of one that is")
    func squares() throws {
        let picture = try VisionFamilyTests.picture("513x511.png")
        let colour: [UInt8] = [122, 3, 250]
        for filter in ResamplingFilter.allCases {
            for (width, height) in [(300, 7), (7, 300), (1, 511), (513, 1), (40, 41), (64, 64)] {
                let part = picture.cropped(x: 0, y: 0, width: width, height: height)
                let side = max(width, height)
                var square = [UInt8]()
                let (left, top) = ((side - width) / 2, (side - height) / 2)
                for row in 0..<side {
                    for column in 0..<side {
                        let isInside = (left..<left + width).contains(column) && (top..<top + height).contains(row)
                        let at = 3 * ((row - top) * width + column - left)
                        square += isInside ? Array(part.pixels[at..<at + 3]) : colour
                    }
                }
                let whole = RGBImage(width: side, height: side, pixels: square)
                for target in [1, 14, side, 301] {
                    let expected = whole.resized(width: target, height: target, filter)
                    #expect(part.squared(on: colour, side: target, filter) == expected, "\(width) × \(height)")
                }
            }
        }
    }

    @Test("Bands change nothing")
    func bands() throws {
        let picture = try VisionFamilyTests.picture("513x511.png")
        for (width, height) in [(64, 40), (600, 20), (20, 600), (513, 80)] {
            let make = { (bytes: Int) in
                Resampling(
                    Canvas(picture),
                    width: width,
                    height: height,
                    .lanczos,
                    columns: 3..<width - 2,
                    rows: 1..<height - 5,
                    bandBytes: bytes
                ).image()
            }
            #expect(make(1 << 26) == make(1))
            #expect(make(1 << 26) == make(20_000))
        }
    }
}

extension PreprocessedImage {
    /// Pixel values as transformers lays them out: tiles one after the other, or for Qwen's models patch by patch.
    ///
    /// - Parameter patch: the side of a patch; `nil` takes what a native size is a multiple of, by `merge`.
    func referenceOrder(
        _ method: ImagePreprocessing.Method,
        patch: Int? = nil,
        merge: Int,
        frames: Int
    ) -> [Float] {
        guard case .native(let factor, _, _) = method else { return tiles.flatMap(\.values) }
        let side = patch ?? factor / merge
        let grid = PatchGrid(rows: tiles[0].height / side, columns: tiles[0].width / side, merge: merge, window: nil)
        let samples = 3 * frames * side * side
        return [Float](unsafeUninitializedCapacity: grid.cells.count * samples) { target, count in
            grid.gather(tiles[0], side: side, frames: frames, cells: grid.cells.indices, into: target.baseAddress!)
            count = grid.cells.count * samples
        }
    }
}
