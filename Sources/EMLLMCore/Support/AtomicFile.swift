import Foundation

/// A file that appears under its name complete, or not at all.
///
/// Bytes go to a file without a name in the same directory (on systems and disks that have such files, so that even a
/// killed process leaves nothing behind) or to a hidden temporary one. ``commit()`` flushes it to the disk and gives it
/// its name in one step; an object that is released without it removes what it wrote.
///
/// ```swift
/// let file = try AtomicFile(url, overwrites: false)
/// try bytes.withUnsafeBytes { try file.write($0) }
/// try file.commit()
/// ```
///
/// A symbolic link is followed, and a file that is replaced leaves its mode to the new one.
///
/// Not safe to use from several threads at once.
package final class AtomicFile {
    private let url: URL
    private let overwrites: Bool
    private var descriptor: Int32 = -1
    /// The temporary name; nil while the file has none.
    private var temporaryPath: String?
    private var end = 0
    /// The permissions of the file that is replaced.
    private var mode: mode_t?

    /// Starts a file.
    ///
    /// - Throws: ``EMLLMError/Code/outputExists`` when there is a file already and `overwrites` is false;
    ///   ``EMLLMError/Code/cannotWrite`` when the directory is missing or not writable.
    package convenience init(_ url: URL, overwrites: Bool) throws {
        try self.init(url, overwrites: overwrites, prefersAnonymous: true)
    }

    package init(_ url: URL, overwrites: Bool, prefersAnonymous: Bool) throws {
        let url = Self.followingLinks(url)
        self.url = url
        self.overwrites = overwrites
        mode = try Self.checkDestination(url, overwrites: overwrites)
        #if os(Linux)
            if prefersAnonymous {
                // O_TMPFILE is a macro that Swift does not import: __O_TMPFILE | O_DIRECTORY.
                descriptor = open(directory, 0o20_000_000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o666)
            }
        #endif
        if descriptor < 0 {
            let path = temporaryName()
            descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw EMLLMError.cannotWrite(path: url.path, errno: errno) }
            temporaryPath = path
        }
    }

    deinit { discard() }

    /// Where a path leads: the end of a chain of symbolic links, whether or not there is a file.
    static func followingLinks(_ url: URL) -> URL {
        var url = url
        // As many as the system follows.
        for _ in 0..<40 {
            var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            let count = readlink(url.path, &target, Int(PATH_MAX))
            guard count > 0 else { break }
            let path = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            url = path.hasPrefix("/") ? URL(filePath: path) : url.deletingLastPathComponent().appending(path: path)
        }
        return url
    }

    /// Checks that a file could be written at `url`.
    ///
    /// - Returns: the permissions of the file that is there.
    @discardableResult
    package static func checkDestination(_ url: URL, overwrites: Bool) throws -> mode_t? {
        var status = stat()
        guard stat(url.path, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EMLLMError.notARegularFile(path: url.path, isDirectory: status.st_mode & S_IFMT == S_IFDIR)
        }
        guard overwrites else { throw EMLLMError.outputExists(path: url.path) }
        return status.st_mode & 0o7777
    }

    /// Appends bytes.
    ///
    /// - Throws: ``EMLLMError/Code/cannotWrite``, on a full disk for instance.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        try write(bytes, at: end)
        end += bytes.count
    }

    /// Writes bytes at a place of their own, leaving the end for ``write(_:)`` where it is.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw EMLLMError.cannotWrite(path: url.path, errno: count == 0 ? ENOSPC : errno) }
            done += count
        }
    }

    /// Moves the end for ``write(_:)``; the bytes between read as zero.
    package func seek(to offset: Int) { end = offset }

    /// Flushes the file to the disk and gives it its name.
    ///
    /// - Throws: ``EMLLMError/Code/cannotWrite``; ``EMLLMError/Code/outputExists`` when another program made a file of
    ///   that name in the meantime and `overwrites` is false.
    package func commit() throws {
        // A disk without permissions is no reason to fail.
        if let mode { _ = fchmod(descriptor, mode) }
        guard fsync(descriptor) == 0 else { throw EMLLMError.cannotWrite(path: url.path, errno: errno) }
        if temporaryPath == nil {
            try link(from: "/proc/self/fd/\(descriptor)")
        }
        if let path = temporaryPath {
            try move(from: path)
        }
        discard()
        // The new name is durable once its directory is; a directory that cannot be flushed is no reason to fail.
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// Gives a file without a name its final name or, when that is taken and may be replaced, a temporary one.
    private func link(from source: String) throws {
        if linkat(AT_FDCWD, source, AT_FDCWD, url.path, AT_SYMLINK_FOLLOW) == 0 { return }
        guard errno == EEXIST else { throw EMLLMError.cannotWrite(path: url.path, errno: errno) }
        guard overwrites else { throw EMLLMError.outputExists(path: url.path) }
        let path = temporaryName()
        guard linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 else {
            throw EMLLMError.cannotWrite(path: url.path, errno: errno)
        }
        temporaryPath = path
    }

    private func move(from path: String) throws {
        if !overwrites {
            // link fails when the name is taken, which rename does not.
            if Foundation.link(path, url.path) == 0 { return }
            if errno == EEXIST { throw EMLLMError.outputExists(path: url.path) }
        }
        guard rename(path, url.path) == 0 else { throw EMLLMError.cannotWrite(path: url.path, errno: errno) }
        temporaryPath = nil
    }

    private func discard() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        if let path = temporaryPath { unlink(path) }
        temporaryPath = nil
    }

    private var directory: String { url.deletingLastPathComponent().path }

    private func temporaryName() -> String {
        let unique = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        return url.deletingLastPathComponent().appendingPathComponent(".\(unique).emllm-partial").path
    }
}

extension EMLLMError.Code {
    /// A file of that name exists and was not to be replaced.
    public static let outputExists = Self(rawValue: "output-exists")
    /// The operating system refused to write: no such directory, no permission, no space.
    public static let cannotWrite = Self(rawValue: "cannot-write")
}

extension EMLLMError {
    static func outputExists(path: String) -> EMLLMError {
        EMLLMError(
            code: .outputExists,
            subject: path,
            expected: "a name that is free",
            found: "a file of that name",
            remedy: "choose another name, or allow replacing it"
        )
    }

    static func cannotWrite(path: String, errno code: Int32) -> EMLLMError {
        let remedy =
            switch code {
            case ENOSPC, EDQUOT, EFBIG: "free some space or choose another disk"
            case ENOENT, ENOTDIR: "create the directory first"
            default: "choose a directory that you may write to"
            }
        return EMLLMError(
            code: .cannotWrite,
            subject: path,
            expected: "to write this file",
            found: String(cString: strerror(code)),
            remedy: remedy
        )
    }
}
