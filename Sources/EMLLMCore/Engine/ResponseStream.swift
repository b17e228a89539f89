/// An answer as it is written, in pieces of whole characters.
///
/// ```swift
/// let stream = session.streamResponse(to: "Why is the sky blue?")
/// for try await piece in stream { print(piece, terminator: "") }
/// print(try await stream.collect().info.tokensPerSecond)
/// ```
///
/// The pieces are handed out once: iterate over a stream once, or not at all and only ``collect()`` it.
///
/// Leaving the loop early stops the generation, and so does cancelling the task that iterates or collects, or dropping
/// the stream before it ends. The session is free for its next question at once, its transcript has nothing of the
/// answer, and both the iteration and ``collect()`` throw `CancellationError`. When the loop ends by itself, the answer is
/// in the transcript.
///
/// A task is seen to be cancelled while it waits for the next piece. One that is cancelled while it works on a piece
/// frees the session when it asks for the next one or leaves the loop.
public struct ResponseStream: AsyncSequence, Sendable {
    /// A piece of the answer's text.
    public typealias Element = String

    private let source: Source

    /// Begins the answer that `write` gives, as the turn that it belongs to.
    init(
        turn: EMLLMSession.Turn,
        _ write:
            @escaping @Sendable (_ onText: @escaping @Sendable (String) -> Void) async throws -> EMLLMSession.Response
    ) {
        let (pieces, continuation) = AsyncThrowingStream.makeStream(of: String.self, throwing: (any Error).self)
        let task = Task {
            do {
                let response = try await write { continuation.yield($0) }
                continuation.finish()
                return response
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        continuation.onTermination = { reason in
            guard case .cancelled = reason else { return }
            turn.cancel()
            task.cancel()
        }
        source = Source(turn: turn, pieces: pieces, task: task)
    }

    /// Waits for the end of the answer, and returns all of it with what it cost.
    ///
    /// It may be called during the iteration, after it, or in its place, as often as is convenient.
    ///
    /// - Throws: what ended the answer, as ``EMLLMSession/respond(to:images:options:logitsProcessor:)-(String,_,_,_)``
    ///   does.
    public func collect() async throws -> EMLLMSession.Response {
        try await withTaskCancellationHandler {
            try await source.task.value
        } onCancel: {
            source.cancel()
        }
    }

    /// Makes an iterator that stops the answer when it is dropped before the end.
    public func makeAsyncIterator() -> Iterator { Iterator(source) }

    /// Hands out the pieces of an answer.
    public struct Iterator: AsyncIteratorProtocol {
        private var pieces: AsyncThrowingStream<String, any Error>.Iterator
        private let lease: Lease

        fileprivate init(_ source: Source) {
            pieces = source.pieces.makeAsyncIterator()
            lease = Lease(source)
        }

        /// The next piece, or `nil` after the last one.
        ///
        /// - Throws: what ended the answer; `CancellationError` where it was cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> String? {
            if let piece = try await pieces.next(isolation: actor) { return piece }
            // The stream below ends quietly where the task that iterates is cancelled.
            if lease.source.turn.isCancelled { throw CancellationError() }
            return nil
        }

        /// The next piece, or `nil` after the last one.
        public mutating func next() async throws -> String? { try await next(isolation: nil) }
    }

    /// Stops the answer when the loop over it is left.
    private final class Lease: Sendable {
        let source: Source
        init(_ source: Source) { self.source = source }
        deinit { source.cancel() }
    }

    /// The answer in the making; dropping it stops it.
    fileprivate final class Source: Sendable {
        let turn: EMLLMSession.Turn
        let pieces: AsyncThrowingStream<String, any Error>
        let task: Task<EMLLMSession.Response, any Error>

        init(
            turn: EMLLMSession.Turn,
            pieces: AsyncThrowingStream<String, any Error>,
            task: Task<EMLLMSession.Response, any Error>
        ) {
            self.turn = turn
            self.pieces = pieces
            self.task = task
        }

        deinit { cancel() }

        /// Stops an answer that is not complete.
        func cancel() {
            turn.cancel()
            task.cancel()
        }
    }
}
