import Foundation

/// Files that are read into memory, with a bound: regular ones, pipes and devices.
///
/// What is read here can change or be cut short meanwhile, which a mapping would answer with a bus error.
package enum InputFile {
    /// The bytes of a file.
    ///
    /// - Parameters:
    ///   - url: the file.
    ///   - what: what it should be, with its article, as errors say it: "a picture".
    ///   - most: the most bytes to read; a longer file gives one more, so that the caller can tell.
    /// - Throws: ``EMLLMError`` with code ``EMLLMError/Code/fileNotFound``, ``EMLLMError/Code/notARegularFile`` for a
    ///   folder, ``EMLLMError/Code/emptyFile`` or ``EMLLMError/Code/unreadableFile``.
    package static func read(_ url: URL, what: String, atMost most: Int) throws -> Data {
        let path = url.path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR
                ? EMLLMError.fileNotFound(path: path, what: what) : EMLLMError.unreadableFile(path: path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw EMLLMError(
                code: .notARegularFile,
                subject: path,
                expected: what,
                found: "a directory",
                remedy: "name the file inside it"
            )
        }
        let data = try read(descriptor, name: path, atMost: most)
        guard !data.isEmpty else { throw EMLLMError.emptyFile(path: path, what: what) }
        return data
    }

    /// What is left to read of an open file: at most one byte more than `most`.
    ///
    /// - Throws: ``EMLLMError/Code/unreadableFile``.
    package static func read(_ descriptor: Int32, name: String, atMost most: Int) throws -> Data {
        let limit = most == .max ? most : most + 1
        var data = Data()
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while data.count < limit {
            let count = Foundation.read(descriptor, &piece, min(piece.count, limit - data.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw EMLLMError.unreadableFile(path: name, errno: errno) }
            if count == 0 { break }
            data.append(contentsOf: piece[..<count])
        }
        return data
    }
}
