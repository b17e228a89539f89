import Foundation
import Testing

@testable import EMLLMCore
@testable import EMLLMSupport

/// What is written to and read from besides plain files: links, pipes, devices.
@Suite("Outputs and inputs that are no plain files")
struct FileWritingTests {
    private static func mode(_ url: URL) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int)
    }

    @Test("A file that is replaced leaves its mode to the new one", arguments: [0o600, 0o640, 0o755])
    func mode(permissions: Int) throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("secret", [1, 2, 3])
        try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: file.path)
        try OutputFile.write(Data([4]), atomicallyTo: file)
        #expect(try Self.mode(file) == permissions && Data(contentsOf: file) == Data([4]))
        #expect(try folder.contents() == ["secret"])
    }

    @Test("Links are followed, also those that lead nowhere yet")
    func links() throws {
        let folder = try TemporaryFolder()
        let target = try folder.file("target", [1])
        for (name, destination) in [("absolute", target.path), ("relative", "target"), ("new", "later")] {
            let link = folder.url.appending(path: name)
            try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: destination)
            try OutputFile.write(Data(name.utf8), atomicallyTo: link)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == destination)
            #expect(try Data(contentsOf: link) == Data(name.utf8))
        }
        #expect(try folder.contents() == ["absolute", "later", "new", "relative", "target"])
    }

    @Test("A device stays a device, and a full one says so")
    func devices() throws {
        try OutputFile.write(Data([1]), atomicallyTo: URL(filePath: "/dev/null"))
        var status = stat()
        #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        #if os(Linux)
            let error = WeightsFixtures.error {
                try OutputFile.write(Data([1]), atomicallyTo: URL(filePath: "/dev/full"))
            }
            #expect(error?.code == .unwritableOutput && error?.found == "No space left on device")
        #endif
    }

    @Test("The reader of a pipe gets what is written, and a pipe can be read")
    func pipes() async throws {
        let folder = try TemporaryFolder()
        let pipe = folder.url.appending(path: "pipe")
        #expect(mkfifo(pipe.path, 0o600) == 0)
        let bytes = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
        let reader = Task.detached { try InputFile.read(pipe, what: "some bytes", atMost: 1 << 20) }
        try OutputFile.write(bytes, atomicallyTo: pipe)
        #expect(try await reader.value == bytes)
        var status = stat()
        #expect(stat(pipe.path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    }

    @Test("A closed file is named")
    func closed() {
        let error = WeightsFixtures.error { try OutputFile.write(Data([1]), to: 9_999, name: "standard output") }
        #expect(error?.subject == "standard output" && error?.found == "it is closed")
    }

    @Test("Reading is bounded, and errors speak of what was wanted")
    func bounds() throws {
        #expect(try InputFile.read(URL(filePath: "/dev/zero"), what: "a picture", atMost: 1000).count == 1001)
        let decoder = {
            var decoder = ImageDecoder()
            decoder.maximumBytes = 1000
            return decoder
        }()
        let folder = try TemporaryFolder()
        for (url, text) in [
            (URL(filePath: "/dev/zero"), "at most 1000 bytes"),
            (try folder.file("empty", []), "a picture, found an empty"),
            (folder.url, "name the file inside it"),
            (folder.url.appending(path: "no"), "a picture, found no such file"),
            (folder.url.appending(path: "a\u{FFFD}"), "a name that is not UTF-8"),
        ] {
            let error = WeightsFixtures.error { _ = try decoder.decode(contentsOf: url) }
            #expect(error.map { "\($0)".contains(text) } == true, "\(String(describing: error))")
        }
    }
}
