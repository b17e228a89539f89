import EMLLMCore
import Foundation

/// The results file of a run, open for writing by one process.
final class ResultLog {
    private let handle: FileHandle
    private let path: String

    /// Opens the file, and removes a last line that is incomplete because an earlier process was stopped.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when another process writes to it.
    init(_ folder: RunFolder) throws {
        path = folder.results.path
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw EMLLMError.unwritableOutput(path, String(cString: strerror(errno))) }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw EMLLMError.runIsBusy(folder.url.path) }
        let data = try handle.readToEnd() ?? Data()
        let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        try handle.truncate(atOffset: UInt64(whole))
    }

    /// Adds a result; it is on the disk when this returns.
    func append(_ record: ResultRecord) throws {
        let line = try record.line()
        do {
            try handle.seekToEnd()
            try handle.write(contentsOf: line)
            try handle.synchronize()
        } catch {
            throw EMLLMError.unwritableOutput(path, error.localizedDescription)
        }
    }
}
