import EMLLMCore
import Foundation

/// A file that arrives bit by bit, under a name of its own until it is complete: `NAME.part`, and beside it `NAME.part.json`
/// with what is needed to go on with it later.
///
/// Used by one task at a time. Two programs cannot write the same one.
final class PartialFile: @unchecked Sendable {  // the transfer calls it on one thread at a time
    /// What the bytes are a part of.
    struct Origin: Codable, Equatable {
        var address: String
        /// The server's own word for this version of the file: a strong entity tag (RFC 9110).
        var entityTag: String
    }

    let destination: URL
    let url: URL
    private let descriptor: Int32
    private var recordURL: URL { url.appendingPathExtension("json") }
    private(set) var count: Int

    /// Opens the file, or makes an empty one.
    ///
    /// - Throws: `EMLLMError` when it cannot be written, or another program is writing it.
    init(for destination: URL) throws {
        self.destination = destination
        url = destination.appendingPathExtension("part")
        descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw EMLLMError.unwritableOutput(url.path, String(cString: strerror(errno))) }
        var status = stat()
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw EMLLMError.fetchedTwice(url.path)
        }
        count = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// The version that the bytes belong to; nil when nobody knows, and they are of no use.
    func origin(at address: URL) -> Origin? {
        guard count > 0, let data = try? Data(contentsOf: recordURL),
            let origin = try? JSONDecoder().decode(Origin.self, from: data)
        else { return nil }
        return origin.address == address.absoluteString ? origin : nil
    }

    /// Begins anew.
    ///
    /// - Parameter origin: what the bytes to come are a part of; nil when they cannot be gone on with later.
    func restart(as origin: Origin?) throws {
        try? FileManager.default.removeItem(at: recordURL)
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw EMLLMError.unwritableOutput(url.path, String(cString: strerror(errno)))
        }
        count = 0
        if let origin { try OutputFile.write(try JSONEncoder().encode(origin), atomicallyTo: recordURL) }
    }

    /// Goes on behind the bytes that are there.
    func goOn() { lseek(descriptor, off_t(count), SEEK_SET) }

    /// Appends bytes.
    ///
    /// - Throws: `EMLLMError`, for instance when the disk is full; what was written before is kept.
    func append(_ data: Data) throws {
        do {
            try OutputFile.write(data, to: descriptor, name: url.path)
            count += data.count
        } catch {
            // A piece may have been written in part.
            ftruncate(descriptor, off_t(count))
            throw error
        }
    }

    /// Removes the bytes and what is known of them.
    func discard() {
        for file in [url, recordURL] { try? FileManager.default.removeItem(at: file) }
    }

    /// Gives the file its name.
    func finish() throws {
        guard fsync(descriptor) == 0, rename(url.path, destination.path) == 0 else {
            throw EMLLMError.unwritableOutput(destination.path, String(cString: strerror(errno)))
        }
        try? FileManager.default.removeItem(at: recordURL)
    }

    /// The free space of the disk that the file is on, in bytes; nil if the system does not say.
    var freeSpace: Int? {
        let folder = url.deletingLastPathComponent().path
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
    }
}

extension EMLLMError.Code {
    /// A file that two programs want to write.
    static let fetchedTwice = Self(rawValue: "fetched-twice")
}

extension EMLLMError {
    static func fetchedTwice(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .fetchedTwice,
            subject: path,
            expected: "a file that nobody else writes",
            found: "another program that does",
            remedy: "wait for it to end"
        )
    }
}
