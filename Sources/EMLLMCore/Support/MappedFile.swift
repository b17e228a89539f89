import Foundation

/// The bytes of a file, mapped read-only; or bytes in memory in place of a file.
///
/// The mapping lives as long as the object. Whoever keeps a pointer into ``bytes`` keeps the object.
///
/// A file must not be changed in place while it is mapped: the kernel would deliver a bus error for pages that a
/// truncation took away. Replacing a file by renaming another over it, as ``AtomicFile`` does, is safe.
package final class MappedFile: @unchecked Sendable {  // immutable after init; the bytes are never written
    /// The path as given, for messages.
    package let path: String
    /// All bytes of the file.
    package let bytes: UnsafeRawBufferPointer
    private let storage: Storage

    private enum Storage {
        case mapping
        case allocation
    }

    /// Maps a regular file.
    ///
    /// - Throws: ``EMLLMError`` with code ``EMLLMError/Code/fileNotFound``, ``EMLLMError/Code/notARegularFile``,
    ///   ``EMLLMError/Code/emptyFile`` or ``EMLLMError/Code/unreadableFile``.
    package init(_ url: URL) throws {
        path = url.path
        // O_NONBLOCK keeps a named pipe without a writer from blocking here; it means nothing for regular files.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR
                ? EMLLMError.fileNotFound(path: path) : EMLLMError.unreadableFile(path: path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw EMLLMError.unreadableFile(path: path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EMLLMError.notARegularFile(path: path, isDirectory: status.st_mode & S_IFMT == S_IFDIR)
        }
        guard status.st_size > 0 else { throw EMLLMError.emptyFile(path: path) }
        guard let size = Int(exactly: status.st_size),
            let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
        else { throw EMLLMError.unreadableFile(path: path, errno: errno) }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        storage = .mapping
    }

    /// Copies bytes into memory, aligned as a mapping would be, so that readers can be tested without files.
    package init(bytes source: [UInt8], path: String) throws {
        self.path = path
        guard !source.isEmpty else { throw EMLLMError.emptyFile(path: path) }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: weightAlignment)
        copy.copyBytes(from: source)
        bytes = UnsafeRawBufferPointer(copy)
        storage = .allocation
    }

    /// Lets the system forget pages that are not needed for now; they are read again when they are touched.
    ///
    /// Reading a file of many gigabytes once, from one end to the other, then takes no more memory than its pieces.
    package func release(_ range: Range<Int>) {
        guard case .mapping = storage, let base = bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let first = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        guard first < end else { return }
        madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
    }

    deinit {
        switch storage {
        case .mapping: munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        case .allocation: bytes.deallocate()
        }
    }
}

extension EMLLMError.Code {
    /// No file at the path.
    public static let fileNotFound = Self(rawValue: "file-not-found")
    /// The path leads to a directory, a pipe or a device.
    public static let notARegularFile = Self(rawValue: "not-a-regular-file")
    /// The file has no bytes.
    public static let emptyFile = Self(rawValue: "empty-file")
    /// The operating system refused to open or map the file.
    public static let unreadableFile = Self(rawValue: "unreadable-file")
}

extension EMLLMError {
    package static func fileNotFound(path: String, what: String = "a model file") -> EMLLMError {
        // A name of other bytes arrives here with replacement characters, and is not the file's any more.
        let isMangled = path.contains("\u{FFFD}")
        return EMLLMError(
            code: .fileNotFound,
            subject: path,
            expected: what,
            found: isMangled ? "a name that is not UTF-8" : "no such file",
            remedy: isMangled ? "rename the file" : "check the path"
        )
    }

    static func notARegularFile(path: String, isDirectory: Bool) -> EMLLMError {
        EMLLMError(
            code: .notARegularFile,
            subject: path,
            expected: "a regular file",
            found: isDirectory ? "a directory" : "a pipe, socket or device",
            remedy: isDirectory ? "name the .emllm or .gguf file inside it" : "save the data to a file first"
        )
    }

    static func emptyFile(path: String, what: String = "a model file") -> EMLLMError {
        EMLLMError(
            code: .emptyFile,
            subject: path,
            expected: what,
            found: "an empty file",
            remedy: "fetch or save it again"
        )
    }

    static func unreadableFile(path: String, errno code: Int32) -> EMLLMError {
        EMLLMError(
            code: .unreadableFile,
            subject: path,
            expected: "a readable file",
            found: String(cString: strerror(code)),
            remedy: "check the file's permissions and the disk"
        )
    }
}
