import Foundation

/// Files and folders that are written, with errors that say why one could not be.
package enum OutputFile {
    /// Writes a file so that it appears whole or not at all. Links are followed, a file that is replaced leaves its mode to
    /// the new one, and what is no regular file (a device, a pipe) is written to as it is.
    ///
    /// - Throws: ``EMLLMError`` when it cannot be written; what was there before is untouched then.
    package static func write(_ data: Data, atomicallyTo url: URL) throws {
        if isSpecial(url) {
            let descriptor = open(url.path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw EMLLMError.unwritableOutput(url.path, String(cString: strerror(errno))) }
            defer { close(descriptor) }
            return try write(data, to: descriptor, name: url.path)
        }
        do {
            let file = try AtomicFile(url, overwrites: true)
            try data.withUnsafeBytes { try file.write($0) }
            try file.commit()
        } catch let error as EMLLMError {
            throw EMLLMError.unwritableOutput(url.path, error.found)
        }
    }

    /// Begins a file that is written bit by bit; one that is there is replaced, as ``write(_:atomicallyTo:)`` does.
    ///
    /// - Throws: ``EMLLMError`` when it cannot be written.
    package static func begin(_ url: URL) throws -> FileHandle {
        if !isSpecial(url) { try write(Data(), atomicallyTo: url) }
        let descriptor = open(url.path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw EMLLMError.unwritableOutput(url.path, String(cString: strerror(errno))) }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Writes all bytes to an open file.
    ///
    /// - Throws: ``EMLLMError`` with the reason: nobody reads any more, it is closed, the disk is full.
    package static func write(_ data: Data, to descriptor: Int32, name: String) throws {
        try data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
                if count > 0 {
                    done += count
                } else if errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Foundation.poll(&poll, 1, -1)
                } else if errno != EINTR {
                    let code = errno
                    // Where a standard stream was closed, something without a type may have its number: an event counter of
                    // the system's libraries, which takes no text.
                    var status = stat()
                    let isNoFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == 0
                    let reason = code == EBADF || isNoFile ? "it is closed" : String(cString: strerror(code))
                    throw EMLLMError.unwritableOutput(name, reason)
                }
            }
        }
    }

    /// Whether there is something that is neither a file nor a folder.
    package static func isSpecial(_ url: URL) -> Bool {
        var status = stat()
        guard stat(url.path, &status) == 0 else { return false }
        return ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    }

    /// Makes a folder, with those it lies in.
    ///
    /// - Throws: ``EMLLMError`` when it cannot be made.
    package static func makeFolder(_ url: URL) throws {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw EMLLMError.unwritableOutput(url.path, reason(error))
        }
    }

    /// The system's own words for an error, where it has some.
    package static func reason(_ error: any Error) -> String {
        var error = error as NSError
        while let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError { error = underlying }
        guard error.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
        return String(cString: strerror(Int32(error.code)))
    }
}

extension EMLLMError.Code {
    /// Output that cannot be written.
    public static let unwritableOutput = Self(rawValue: "unwritable-output")
}

extension EMLLMError {
    /// Output that cannot be written, for the reason that the system gives.
    package static func unwritableOutput(_ path: String, _ reason: String) -> EMLLMError {
        EMLLMError(
            code: .unwritableOutput,
            subject: path,
            expected: "to write there",
            found: reason,
            remedy: "free space, or choose another place"
        )
    }
}

extension JSONEncoder {
    /// Encodes a value; a number that JSON does not have is an ``EMLLMError`` that says where.
    package func encodeNumbers(_ value: some Encodable) throws -> Data {
        do {
            return try encode(value)
        } catch EncodingError.invalidValue(let number, let context) {
            throw EMLLMError(
                code: .notANumber,
                subject: context.codingPath.map(\.stringValue).joined(separator: "."),
                expected: "a finite number to write as JSON",
                found: "\(number)",
                remedy: "check the model's weights"
            )
        }
    }
}

extension EMLLMError.Code {
    /// A result that is infinite or no number.
    public static let notANumber = Self(rawValue: "not-a-number")
}
