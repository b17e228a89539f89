import CLIShared
import SelfEvalDecode
import Synchronization

/// A terminal on which steps appear. Called from the decoder's thread.
final class Screen: Sendable {
    private struct State {
        var renderer: StepRenderer
        var hasStatus = false
        var error: (any Error)?
    }

    private let state: Mutex<State>

    init(_ renderer: StepRenderer) { state = Mutex(State(renderer: renderer)) }

    /// Shows an event.
    func show(_ event: DecodeEvent) {
        state.withLock { state in
            let (lines, status) = state.renderer.output(for: event)
            var text = state.hasStatus ? Terminal.clearLine : ""
            for line in lines { text += line + "\n" }
            text += status
            state.hasStatus = !status.isEmpty
            guard !text.isEmpty, state.error == nil else { return }
            do {
                try StandardStreams.write(text)
            } catch {
                state.error = error
            }
        }
    }

    /// Leaves the terminal in order, and reports what could not be written.
    func finish() throws {
        let (hasStatus, error) = state.withLock { state in
            defer { state.hasStatus = false }
            return (state.hasStatus, state.error)
        }
        if hasStatus { try StandardStreams.write(Terminal.clearLine) }
        if let error { throw error }
    }
}
