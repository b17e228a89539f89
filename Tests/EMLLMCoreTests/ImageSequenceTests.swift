import EMLLMCore
import Foundation
import Logging
import Synchronization
import Testing

/// Files of several pictures: the first is taken, and a warning says so.
@Suite("Images: sequences")
struct ImageSequenceTests {
    /// Remembers what was logged.
    private final class Record: Sendable {
        let lines = Mutex<[String]>([])
    }

    private struct Recorder: LogHandler {
        let record: Record
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { record.lines.withLock { $0.append("\(event.level): \(event.message)") } }
    }

    private static func decode(_ data: Data) throws -> (image: RGBImage, log: [String]) {
        let record = Record()
        var decoder = ImageDecoder()
        decoder.logger = Logger(label: "test") { _ in Recorder(record: record) }
        return (try decoder.decode(data, subject: "figure"), record.lines.withLock { $0 })
    }

    private static func file(_ name: String) throws -> Data {
        try Data(contentsOf: ImageFixtures.folder.appending(path: name))
    }

    @Test("Of JPEGs one after the other, the first")
    func jpegs() throws {
        let one = try Self.file("jpeg-420.jpg")
        let alone = try Self.decode(one)
        #expect(alone.log.isEmpty)
        let several = try Self.decode(one + one + one)
        #expect(several.image == alone.image)
        #expect(several.log == ["warning: figure: a sequence of pictures; took the first"])
        let garbage = try Self.decode(one + Data("and so on".utf8))
        #expect(garbage.image == alone.image && garbage.log.count == 1)
        #expect(garbage.log[0].contains("9 bytes after the end"))
    }

    @Test("Of an animated PNG, the first picture")
    func animatedPNG() throws {
        let still = try Self.file("png-color2-depth8.png")
        let alone = try Self.decode(still)
        #expect(alone.log.isEmpty)
        // acTL: two frames, shown for ever; its CRC-32 over name and data, as PNG defines it.
        let chunk = Data("acTL".utf8) + Data([0, 0, 0, 2, 0, 0, 0, 0])
        var animated = still
        let bytes = Data([0, 0, 0, 8]) + chunk + Self.crc(chunk)
        animated.insert(contentsOf: bytes, at: 33)  // behind signature and header
        let result = try Self.decode(animated)
        #expect(result.image == alone.image)
        #expect(result.log == ["warning: figure: a sequence of pictures; took the first"])
    }

    private static func crc(_ data: Data) -> Data {
        var crc = UInt32.max
        for byte in data {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return withUnsafeBytes(of: (~crc).bigEndian) { Data($0) }
    }
}
