import EMLLMCore
import Foundation
import Testing

@testable import EMLLMFormats
@testable import EMLLMSupport

@Suite("Weights: files and folders")
struct WeightsFileTests {
    @Test("Pages that were given back are read again")
    func release() throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("pages")
        let data = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 * 31) })
        try data.write(to: url)
        let file = try MappedFile(url)
        for range in [0..<100_000, 5..<70_001, 4096..<8192, 10..<20, 99_999..<100_000] {
            file.release(range)
            #expect(Data(file.bytes) == data)
        }
        try MappedFile(bytes: Array(data), path: "memory").release(0..<data.count)
    }

    @Test("A path that leads to no file of bytes")
    func paths() throws {
        let folder = try TemporaryFolder()
        let cases: [(URL, EMLLMError.Code, String)] = [
            (try folder.file("missing"), .fileNotFound, "no such file"),
            (try folder.file("file", [1]).appending(path: "below"), .fileNotFound, "no such file"),
            (folder.url, .notARegularFile, "directory"),
            (URL(filePath: "/dev/null"), .notARegularFile, "device"),
            (try folder.file("empty", []), .emptyFile, "empty"),
            (try folder.file("text", Array("hello, world".utf8)), .wrongMagic, "other content"),
            (try folder.file("short", Array("GG".utf8)), .truncatedFile, "magic"),
        ]
        for (url, code, mention) in cases {
            let error = try #require(WeightsFixtures.error { _ = try ModelPackage.open(url) })
            #expect(error.code == code, "\(error)")
            #expect("\(error)".contains(mention) && "\(error)".contains(url.path), "\(error)")
        }
    }

    @Test("A pipe is refused at once, even without a writer")
    func pipe() throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("pipe")
        try #require(mkfifo(url.path, 0o600) == 0)
        #expect(WeightsFixtures.error { _ = try MappedFile(url) }?.code == .notARegularFile)
    }

    @Test("A file without permission to read", .enabled(if: geteuid() != 0, "root may read everything"))
    func permission() throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("secret", [1, 2, 3])
        try #require(chmod(url.path, 0) == 0)
        #expect(WeightsFixtures.error { _ = try MappedFile(url) }?.code == .unreadableFile)
    }

    @Test("A hostile name cannot write on the terminal")
    func hostileName() throws {
        let error = try #require(
            WeightsFixtures.error { _ = try MappedFile(URL(filePath: "/nowhere/\u{1B}[2J\nname")) }
        )
        #expect(!"\(error)".contains("\u{1B}") && !"\(error)".contains("\n"))
    }

    // MARK: Atomic files

    @Test("A file appears with its bytes when it is committed, and not before", arguments: [true, false])
    func commit(prefersAnonymous: Bool) throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("out")
        let file = try AtomicFile(url, overwrites: false, prefersAnonymous: prefersAnonymous)
        try Array("world".utf8).withUnsafeBytes { try file.write($0, at: 6) }
        try Array("hello,".utf8).withUnsafeBytes { try file.write($0) }
        #expect(!FileManager.default.fileExists(atPath: url.path))
        try file.commit()
        #expect(try folder.contents() == ["out"])
        #expect(try String(contentsOf: url, encoding: .utf8) == "hello,world")
    }

    @Test("A file that is given up leaves nothing behind", arguments: [true, false])
    func discard(prefersAnonymous: Bool) throws {
        let folder = try TemporaryFolder()
        do {
            let file = try AtomicFile(try folder.file("out"), overwrites: true, prefersAnonymous: prefersAnonymous)
            try [1, 2, 3].withUnsafeBytes { try file.write($0) }
        }
        #expect(try folder.contents() == [])
    }

    @Test("An existing file is replaced only when that was asked for", arguments: [true, false])
    func overwrite(prefersAnonymous: Bool) throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("out", [1])
        let refused = WeightsFixtures.error { _ = try AtomicFile(url, overwrites: false) }
        #expect(refused?.code == .outputExists)
        let file = try AtomicFile(url, overwrites: true, prefersAnonymous: prefersAnonymous)
        try [UInt8(2)].withUnsafeBytes { try file.write($0) }
        #expect(try Data(contentsOf: url) == Data([1]))
        try file.commit()
        #expect(try Data(contentsOf: url) == Data([2]))
        #expect(try folder.contents() == ["out"])
    }

    @Test("A file that another program made in the meantime is kept", arguments: [true, false])
    func race(prefersAnonymous: Bool) throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("out")
        do {
            let file = try AtomicFile(url, overwrites: false, prefersAnonymous: prefersAnonymous)
            try Data([7]).write(to: url)
            #expect(WeightsFixtures.error { try file.commit() }?.code == .outputExists)
        }
        #expect(try Data(contentsOf: url) == Data([7]))
        #expect(try folder.contents() == ["out"])
    }

    @Test("Places where no file can be written")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let cases: [(URL, EMLLMError.Code)] = [
            (try folder.file("no/such/folder"), .cannotWrite),
            (try folder.file("file", [1]).appending(path: "below"), .cannotWrite),
            (folder.url, .notARegularFile),
            (URL(filePath: "/dev/null"), .notARegularFile),
        ]
        for (url, code) in cases {
            #expect(WeightsFixtures.error { _ = try AtomicFile(url, overwrites: true) }?.code == code, "\(url.path)")
        }
    }

    @Test("A full disk", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
    func fullDisk() throws {
        // The error of a write that the disk has no room for; /dev/full is the one place that always has it.
        let descriptor = open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        #expect(pwrite(descriptor, "x", 1, 0) == -1)
        let error = EMLLMError.cannotWrite(path: "x", errno: errno)
        #expect("\(error)".contains("free some space"), "\(error)")
    }
}
