import EMLLMCore
import Foundation
import Testing

@testable import EMLLMPictures

/// Pictures that are none, that lie, or that are cut short.
@Suite("Images: bad input")
struct ImageDefectTests {
    private static func file(_ name: String) throws -> Data {
        try Data(contentsOf: ImageFixtures.folder.appending(path: name))
    }

    private static func error(_ data: Data, _ decoder: ImageDecoder = ImageFixtures.quietDecoder) -> EMLLMError? {
        WeightsFixtures.error { _ = try decoder.decode(data, subject: "figure") }
    }

    @Test(
        "What is neither PNG nor JPEG is named",
        arguments: [
            ("", "no bytes"), ("GIF89a…", "a GIF"), ("RIFF....WEBPVP8 ", "a WebP"), ("BM....", "a BMP"),
            ("II*\0....", "a TIFF"), ("....ftypavif", "an AVIF"), ("....ftypheic", "a HEIC"), ("%PDF-1.7", "a PDF"),
            ("<svg xmlns=", "an SVG"), ("<!DOCTYPE html>", "a web page"), ("just some words", "text"),
            ("\u{0}\u{1}\u{2}", "no format"),
        ]
    )
    func formats(text: String, name: String) throws {
        let error = try #require(Self.error(Data(text.utf8)))
        #expect(error.code == .unsupportedImageFormat && "\(error)".contains(name), "\(error)")
        #expect("\(error)".hasPrefix("figure: expected a PNG or JPEG picture, found "))
    }

    @Test("A truncated picture is an error at any length", arguments: ["png-color2-depth8.png", "jpeg-420.jpg"])
    func truncated(name: String) throws {
        let data = try Self.file(name)
        // Up to the last byte of the last compressed data; what follows carries no pixels.
        let end = name.hasSuffix("png") ? data.count - 12 - 8 : data.count - 40
        for length in stride(from: 8, to: end, by: 3) {
            let code = Self.error(data.prefix(length))?.code
            #expect(code == .damagedImage || code == .unreadableImage, "\(length) bytes")
        }
    }

    @Test("A truncated picture is what could be decoded, on request", arguments: ["png-200x3.png", "jpeg-420.jpg"])
    func allowed(name: String) throws {
        let data = try Self.file(name)
        var decoder = ImageFixtures.quietDecoder
        decoder.allowsTruncated = true
        let part = try decoder.decode(data.dropLast(data.count / 10))
        let whole = try decoder.decode(data)
        #expect((part.width, part.height) == (whole.width, whole.height))
        #expect(part.pixels != whole.pixels && part.pixels.prefix(24) == whole.pixels.prefix(24))
        // Without its header nothing can be decoded.
        #expect(Self.error(data.prefix(20), decoder)?.code == .unreadableImage)
    }

    @Test("A changed byte in a PNG's data is noticed")
    func checksum() throws {
        var data = try Self.file("png-color2-depth8.png")
        let place = try #require(data.range(of: Data("IDAT".utf8))).upperBound + 10
        data[place] ^= 0x10
        #expect(Self.error(data)?.code == .damagedImage)
    }

    @Test("A size beyond the limit is an error before memory is taken")
    func bomb() throws {
        var png = try Self.file("png-color2-depth8.png")
        // Width and height follow the signature and the chunk's head; the checksum of the chunk covers them.
        var header = Data("IHDR".utf8) + Data([0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0]) + png[24..<29]
        var checksum = UInt32.max
        for byte in header {
            checksum ^= UInt32(byte)
            for _ in 0..<8 { checksum = checksum & 1 == 1 ? checksum >> 1 ^ 0xEDB8_8320 : checksum >> 1 }
        }
        withUnsafeBytes(of: (~checksum).bigEndian) { header += $0 }
        png.replaceSubrange(12..<33, with: header)
        let error = try #require(Self.error(png))
        #expect(error.code == .imageTooLarge && "\(error)".contains("100000 × 100000"), "\(error)")
        #expect("\(error)".contains("maximumPixels"))

        var jpeg = try Self.file("jpeg-420.jpg")
        let frame = try #require(jpeg.range(of: Data([0xFF, 0xC0]))).upperBound + 3
        jpeg.replaceSubrange(frame..<frame + 4, with: [0xFD, 0xE8, 0xFD, 0xE8])
        #expect(Self.error(jpeg)?.code == .imageTooLarge)
    }

    @Test("Limits hold exactly")
    func limits() throws {
        let data = try Self.file("png-color2-depth8.png")
        var decoder = ImageDecoder()
        decoder.maximumPixels = 99
        decoder.maximumBytes = data.count
        #expect(Self.error(data, decoder) == nil)
        decoder.maximumPixels = 98
        #expect(Self.error(data, decoder)?.code == .imageTooLarge)
        decoder.maximumPixels = 99
        decoder.maximumBytes = data.count - 1
        #expect(Self.error(data, decoder).map { "\($0)".contains("maximumBytes") } == true)
    }

    @Test("Bytes after the end are ignored", arguments: ["png-color2-depth8.png", "jpeg-420.jpg"])
    func trailing(name: String) throws {
        let data = try Self.file(name)
        let decoder = ImageFixtures.quietDecoder
        #expect(try decoder.decode(data + Data("trailing".utf8)) == decoder.decode(data))
    }

    @Test("A picture of no size is an error")
    func empty() throws {
        var jpeg = try Self.file("jpeg-420.jpg")
        let frame = try #require(jpeg.range(of: Data([0xFF, 0xC0]))).upperBound + 3
        jpeg.replaceSubrange(frame..<frame + 4, with: [0, 0, 0, 0])
        #expect(Self.error(jpeg)?.code == .unreadableImage)
    }

    @Test("A missing file, a folder and an empty file are errors of their own")
    func files() throws {
        let folder = try TemporaryFolder()
        for (url, code) in [
            (folder.url.appending(path: "missing.png"), EMLLMError.Code.fileNotFound),
            (folder.url, .notARegularFile),
            (try folder.file("empty.png", []), .emptyFile),
        ] {
            #expect(WeightsFixtures.error { _ = try ImageDecoder().decode(contentsOf: url) }?.code == code)
        }
    }

    @Test("Markers cost what they are long, and the first EXIF block counts")
    func markers() throws {
        let data = try Self.file("jpeg-420.jpg")
        let whole = try ImageFixtures.quietDecoder.decode(data)
        let tiff: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]
        let exif = Data([0xFF, 0xE1, 0, UInt8(8 + tiff.count)] + Array("Exif\0\0".utf8) + tiff)
        let other = Data([0xFF, 0xE1, 0, 2])
        var many = data.prefix(2)
        for _ in 0..<100_000 { many += other }
        let clock = ContinuousClock()
        var turned: RGBImage?
        let time = try clock.measure {
            turned = try ImageFixtures.quietDecoder.decode(many + exif + data.dropFirst(2))
        }
        // Walking a list of them took minutes.
        #expect(time < .seconds(5))
        #expect(turned == whole.oriented(6))
        #expect(try ImageFixtures.quietDecoder.decode(many + data.dropFirst(2)) == whole)
        // One that is cut short loses the picture, as before.
        #expect(Self.error(many + exif.prefix(20))?.code == .unreadableImage)
    }

    @Test("What is missing of a truncated picture is white in a PNG, unless transparency is ignored")
    func missingParts() throws {
        var decoder = ImageFixtures.quietDecoder
        decoder.allowsTruncated = true
        let data = try Self.file("png-200x3.png")
        let part = data.dropLast(data.count / 2)
        #expect(try decoder.decode(part).pixels.suffix(3) == [255, 255, 255])
        decoder.transparency = .ignored
        #expect(try decoder.decode(part).pixels.suffix(3) == [0, 0, 0])
    }

    @Test("A damaged EXIF block turns nothing")
    func orientation() {
        let block: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]
        #expect(block.withUnsafeBytes { ImageOrientation.read($0) } == 6)
        for length in 0..<20 {
            #expect(block[..<length].withUnsafeBytes { ImageOrientation.read($0) } == 1, "\(length) bytes")
        }
        var far = block
        far[7] = 0xFF
        #expect(far.withUnsafeBytes { ImageOrientation.read($0) } == 1)
        far = block
        far[18] = 9
        #expect(far.withUnsafeBytes { ImageOrientation.read($0) } == 1)
    }
}

/// Mutated pictures: any may be refused, none may crash.
@Suite("Image fuzz")
struct ImageFuzzTests {
    @Test("Mutated files are decoded or refused", arguments: [true, false])
    func mutations(allowsTruncated: Bool) throws {
        var random = SplitMix64(state: allowsTruncated ? 11 : 12)
        var decoder = ImageFixtures.quietDecoder
        decoder.allowsTruncated = allowsTruncated
        decoder.maximumPixels = 1 << 20
        let files = try ImageFixtures.all.map { try Data(contentsOf: $0.url) }
        var decoded = 0
        for round in 0..<6_000 {
            var data = files[round % files.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<data.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: data[place] = UInt8.random(in: 0...255, using: &random)
                case 1: data[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2 where data.count > 64: data = data.prefix(max(place, 32))
                default: data.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
            }
            if (try? decoder.decode(data)) != nil { decoded += 1 }
        }
        #expect(decoded > 100 && decoded < 5_900, "\(decoded) decoded")
    }
}
