import Synchronization

extension EMLLMSession {
    /// One use of the session, from the moment it is asked for until it completes, fails or is cancelled.
    ///
    /// An open turn keeps others out. Closing and cancelling exclude each other: a turn that is cancelled changes nothing
    /// in the transcript, even if its answer is complete by then, so that the next turn may begin without waiting for
    /// the thread to notice. What the next turn computes waits on the inference thread, behind the job that is stopping.
    final class Turn: Sendable {
        private enum State { case open, closed, cancelled }
        private let state = Mutex(State.open)

        /// Whether the turn keeps others out.
        var isOpen: Bool { state.withLock { $0 == .open } }
        /// Whether the turn was cancelled before it ended.
        var isCancelled: Bool { state.withLock { $0 == .cancelled } }

        /// Ends the turn; one that has ended stays as it is.
        func close() { state.withLock { if $0 == .open { $0 = .closed } } }

        /// Ends the turn, so that what it has done counts.
        ///
        /// - Throws: `CancellationError` where it was cancelled before.
        func complete() throws {
            close()
            if isCancelled { throw CancellationError() }
        }

        /// Ends the turn without effect; one that has ended stays as it is.
        func cancel() { state.withLock { if $0 == .open { $0 = .cancelled } } }
    }

    /// What is said so far, and who is using the session.
    struct State {
        var transcript: [ChatMessage]
        /// The pictures that the transcript shows, in order.
        var pictures: [RGBImage]
        /// The turn that began last.
        var turn: Turn?

        var isResponding: Bool { turn?.isOpen ?? false }
    }

    /// Begins a turn, and returns the conversation as it is then.
    ///
    /// - Throws: ``EMLLMError`` where another turn is open; `CancellationError` where this one is cancelled already.
    func begin(_ turn: Turn) throws -> (transcript: [ChatMessage], pictures: [RGBImage]) {
        try state.withLock { state in
            guard turn.isOpen else { throw CancellationError() }
            guard !state.isResponding else { throw EMLLMError.sessionBusy }
            state.turn = turn
            return (state.transcript, state.pictures)
        }
    }

    /// Does `body` as a turn that ends with the surrounding task's cancellation at the latest.
    func exclusively<Result>(_ body: (Turn) async throws -> Result) async throws -> Result {
        let turn = Turn()
        // The handler is there before the turn begins: whoever cancels the task finds the session free afterwards.
        return try await withTaskCancellationHandler {
            defer { turn.close() }
            return try await body(turn)
        } onCancel: {
            turn.cancel()
        }
    }
}
