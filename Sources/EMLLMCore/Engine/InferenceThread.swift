import Foundation
import Synchronization

/// A thread of its own for generating, so that long computations never occupy Swift's cooperative pool.
///
/// Jobs run one after the other, each with exclusive use of the thread's context.
public final class InferenceThread: Sendable {
    /// Stops the job that is running.
    public let cancellation: CancellationFlag
    private let queue = JobQueue()

    /// Starts a thread with a context for `model`.
    ///
    /// - Throws: `EMLLMError` when the context cannot be made.
    public convenience init(model: EMLLMModel, options: RuntimeOptions = RuntimeOptions()) throws {
        // Made here for its checks, handed over to the thread, and touched by nobody else from then on.
        let cancellation = CancellationFlag()
        let context = try InferenceContext(model: model, options: options, cancellation: cancellation)
        self.init(Handover(context), cancellation: cancellation)
    }

    private init(_ handover: Handover, cancellation: CancellationFlag) {
        self.cancellation = cancellation
        let thread = Thread { [queue] in
            let context = handover.context
            while let job = queue.next() { job(context) }
        }
        thread.name = "emllm-inference"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { queue.close() }

    /// Runs `body` on the thread, after the jobs before it, and returns what it returns.
    ///
    /// Cancelling the calling task sets ``cancellation``, so that the computation throws at its next token.
    public func run<Result: Sendable>(
        _ body: @escaping @Sendable (InferenceContext) throws -> Result
    ) async throws -> Result {
        let state = Mutex(JobState.waiting)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.add { [cancellation] context in
                    let mayStart = state.withLock { current in
                        defer { if current == .waiting { current = .running } }
                        return current == .waiting
                    }
                    guard mayStart else { return continuation.resume(throwing: EMLLMError.cancelled) }
                    defer {
                        state.withLock { $0 = .finished }
                        cancellation.reset()
                    }
                    continuation.resume(with: Swift.Result { try body(context) })
                }
            }
        } onCancel: {
            state.withLock { current in
                if current == .running { cancellation.cancel() }
                if current == .waiting { current = .cancelled }
            }
        }
    }

    private enum JobState { case waiting, running, finished, cancelled }

    /// Carries a context to the thread that will own it.
    private struct Handover: @unchecked Sendable {
        let context: InferenceContext
        init(_ context: InferenceContext) { self.context = context }
    }
}

/// Jobs in the order they came; one thread takes them.
private final class JobQueue: @unchecked Sendable {
    typealias Job = (InferenceContext) -> Void
    private let condition = NSCondition()
    private var jobs: [Job] = []
    private var isClosed = false

    func add(_ job: @escaping Job) {
        condition.lock()
        jobs.append(job)
        condition.signal()
        condition.unlock()
    }

    /// No more jobs will come; the thread ends after those it has.
    func close() {
        condition.lock()
        isClosed = true
        condition.signal()
        condition.unlock()
    }

    /// Waits for a job; `nil` once the queue is closed and empty.
    func next() -> Job? {
        condition.lock()
        defer { condition.unlock() }
        while jobs.isEmpty && !isClosed { condition.wait() }
        return jobs.isEmpty ? nil : jobs.removeFirst()
    }
}
