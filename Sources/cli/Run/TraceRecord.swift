import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode
import Synchronization

/// A file of events, one JSON object a line, written as they happen: whatever ends the program, the lines before stay.
final class TraceRecord: Sendable {
    private let path: String
    private let state: Mutex<State>

    private struct State {
        var handle: FileHandle
        var error: (any Error)?
    }

    /// Begins a file; one that is there is replaced.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be written.
    init(path: String) throws {
        self.path = path
        state = Mutex(State(handle: try OutputFile.begin(URL(filePath: path))))
    }

    /// Adds an event.
    func write(_ event: DecodeEvent) {
        state.withLock { state in
            guard state.error == nil else { return }
            do {
                if let line = try event.jsonLine() {
                    try OutputFile.write(line, to: state.handle.fileDescriptor, name: path)
                }
            } catch {
                state.error = error
            }
        }
    }

    /// Closes the file, and reports what could not be written.
    func finish() throws {
        try state.withLock { state in
            try? state.handle.close()
            if let error = state.error { throw error }
        }
    }
}
