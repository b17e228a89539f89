import EMLLMCore
import Foundation
import Testing

@testable import EMLLMPictures

/// Resampling against Pillow; `Tests/Scripts/resize_fixtures.py` made the numbers.
@Suite("Resizing against Pillow")
struct ImageResizeTests {
    struct Case: Codable, CustomTestStringConvertible {
        let from: [Int]
        let to: [Int]
        let filter: ResamplingFilter
        let sha256: String
        let pixels: Data?

        var testDescription: String { "\(from[0])×\(from[1]) to \(to[0])×\(to[1]), \(filter)" }
    }

    private struct File: Codable { let cases: [Case] }

    static let cases: [Case] = {
        let file = ImageFixtures.folder.appending(path: "resized.json")
        guard let data = try? Data(contentsOf: file) else { return [] }
        return (try? JSONDecoder().decode(File.self, from: data))?.cases ?? []
    }()

    /// The picture that the script makes.
    static func picture(width: Int, height: Int) -> RGBImage {
        var state = UInt32(width * 1000 + height)
        let samples = (0..<width * height * 3).map { index in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: Int(state >> 24) + index / 3 % width)
        }
        return RGBImage(width: width, height: height, pixels: samples)
    }

    @Test("Samples are Pillow's, bit for bit", arguments: cases)
    func samples(test: Case) throws {
        let image = Self.picture(width: test.from[0], height: test.from[1])
            .resized(width: test.to[0], height: test.to[1], test.filter)
        #expect(image.width == test.to[0] && image.height == test.to[1])
        if let pixels = test.pixels { #expect(ImageFixtures.difference(image, pixels) == nil) }
        #expect(Checksum(of: image.pixels).description == test.sha256)
    }

    @Test("Every filter and every kind of change is covered")
    func coverage() {
        #expect(Self.cases.count == 70)
        #expect(Set(Self.cases.map(\.filter)) == Set(ResamplingFilter.allCases))
    }

    @Test("A picture of that size already is the picture")
    func identity() {
        let image = Self.picture(width: 12, height: 9)
        #expect(image.resized(width: 12, height: 9, .lanczos) == image)
    }
}
