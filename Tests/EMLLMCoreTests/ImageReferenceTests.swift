import EMLLMCore
import Foundation
import Logging
import Testing

@testable import EMLLMPictures

/// Decoded pictures against Pillow's pixels; `Tests/Scripts/image_fixtures.py` made the files and the numbers.
@Suite("Images against Pillow")
struct ImageReferenceTests {
    struct Fixture: Codable, CustomTestStringConvertible {
        let file: String
        let width: Int
        let height: Int
        /// Transparency dropped. `[height, width, 3]`
        let ignored: Data
        /// On white; absent where that is the same, or where Pillow's own result is a known defect.
        let composited: Data?
        let opaque: Bool?

        var testDescription: String { file }
        var url: URL { ImageFixtures.folder.appending(path: file) }
    }

    @Test("Pixels are Pillow's, bit for bit", arguments: ImageFixtures.all)
    func pixels(fixture: Fixture) throws {
        var decoder = ImageDecoder()
        decoder.transparency = .ignored
        let image = try decoder.decode(contentsOf: fixture.url)
        #expect(image.width == fixture.width && image.height == fixture.height)
        #expect(ImageFixtures.difference(image, fixture.ignored) == nil)
    }

    @Test("On white, too", arguments: ImageFixtures.all.filter { $0.composited != nil || $0.opaque == true })
    func composited(fixture: Fixture) throws {
        let image = try ImageDecoder().decode(contentsOf: fixture.url)
        let expected = fixture.composited ?? fixture.ignored
        #expect(ImageFixtures.difference(image, expected) == nil)
    }

    @Test("The fixture covers every kind")
    func coverage() {
        let names = ImageFixtures.all.map(\.file)
        #expect(names.count == 75)
        for kind in ["color0-depth1", "color3-depth4", "color6-depth16-interlaced", "cmyk", "ycck", "420-progressive"] {
            #expect(names.contains { $0.contains(kind) }, "\(kind)")
        }
    }

    @Test("Bytes and a file are the same")
    func data() throws {
        let fixture = ImageFixtures.all[0]
        let data = try Data(contentsOf: fixture.url)
        #expect(try ImageDecoder().decode(data) == ImageDecoder().decode(contentsOf: fixture.url))
    }

    @Test("Orientation can be left alone")
    func orientation() throws {
        let url = ImageFixtures.folder.appending(path: "jpeg-exif6.jpg")
        var decoder = ImageDecoder()
        decoder.appliesOrientation = false
        let stored = try decoder.decode(contentsOf: url)
        let seen = try ImageDecoder().decode(contentsOf: url)
        #expect((stored.width, stored.height) == (19, 10) && (seen.width, seen.height) == (10, 19))
    }
}

enum ImageFixtures {
    /// A decoder that keeps its warnings to itself.
    static var quietDecoder: ImageDecoder {
        var decoder = ImageDecoder()
        decoder.logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        return decoder
    }

    static let folder = TestModels.fixtures.appending(path: "images")

    private struct File: Codable { let images: [ImageReferenceTests.Fixture] }

    /// All fixtures; none where the file is missing, which another test notices.
    static let all: [ImageReferenceTests.Fixture] = {
        guard let data = try? Data(contentsOf: folder.appending(path: "expected.json")) else { return [] }
        return (try? JSONDecoder().decode(File.self, from: data))?.images ?? []
    }()

    /// How two pictures differ; `nil` where they do not.
    static func difference(_ image: RGBImage, _ expected: Data) -> String? {
        guard image.pixels.count == expected.count else { return "\(image.pixels.count) samples" }
        guard image.pixels != Array(expected) else { return nil }
        let differences = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }
        return "\(differences.filter { $0 > 0 }.count) samples differ, by at most \(differences.max() ?? 0)"
    }
}
