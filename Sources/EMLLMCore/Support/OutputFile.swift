import Foundation

/// Files and folders that are written, with errors that say why one could not be.
package enum OutputFile {
    /// Writes a file so that it appears whole or not at all.
    ///
    /// - Throws: ``EMLLMError`` when it cannot be written; what was there before is untouched then.
    package static func write(_ data: Data, atomicallyTo url: URL) throws {
        do {
            try data.write(to: url, options: .atomic)
        } catch {
            throw EMLLMError.unwritableOutput(url.path, reason(error))
        }
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
