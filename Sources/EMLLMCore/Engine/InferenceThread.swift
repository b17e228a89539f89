import Foundation
import Synchronization

/// A separate thread for generation, so that long computations never occupy Swift's cooperative pool.
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
    /// Cancelling the calling task sets ``cancellation`` while `body` runs, so that the computation throws at its next
    /// token. A job that is still waiting for its turn is dropped at once.
    ///
    /// This is the border between the two ways to cancel. `body` and everything below it are synchronous and throw
    /// ``EMLLMError/cancelled``, because a flag stops them; whoever awaits this function sees a `CancellationError`, as
    /// everywhere in Swift.
    ///
    /// - Throws: what `body` throws, and `CancellationError` where the calling task was cancelled.
    public func run<Result: Sendable>(
        _ body: @escaping @Sendable (InferenceContext) throws -> Result
    ) async throws -> Result {
        let job = Job(body)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard job.wait(with: continuation) else { return }
                queue.add { [cancellation] context in job.run(in: context, cancellation) }
            }
        } onCancel: {
            job.cancel(cancellation)
        }
    }

    /// Carries a context to the thread that will own it.
    private struct Handover: @unchecked Sendable {
        let context: InferenceContext
        init(_ context: InferenceContext) { self.context = context }
    }
}

/// Work for the thread, and the task that waits for it.
private final class Job<Result: Sendable>: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Result, any Error>)
        case running(isCancelled: Bool)
        case finished
    }

    private let body: @Sendable (InferenceContext) throws -> Result
    private let state = Mutex(State.new)

    init(_ body: @escaping @Sendable (InferenceContext) throws -> Result) { self.body = body }

    /// Remembers who waits; `false` where the job was cancelled before it began.
    func wait(with continuation: CheckedContinuation<Result, any Error>) -> Bool {
        let mayStart = state.withLock { state in
            guard case .new = state else { return false }
            state = .waiting(continuation)
            return true
        }
        if !mayStart { continuation.resume(throwing: CancellationError()) }
        return mayStart
    }

    func run(in context: InferenceContext, _ cancellation: CancellationFlag) {
        let waiting = state.withLock { state -> CheckedContinuation<Result, any Error>? in
            guard case .waiting(let continuation) = state else { return nil }
            state = .running(isCancelled: false)
            return continuation
        }
        guard let waiting else { return }
        var result = Swift.Result { try body(context) }
        let isCancelled = state.withLock { state in
            defer { state = .finished }
            guard case .running(isCancelled: true) = state else { return false }
            return true
        }
        // Nobody sets the flag for this job any more, and the next one has not begun.
        cancellation.reset()
        if isCancelled, case .failure(let error as EMLLMError) = result, error.code == .cancelled {
            result = .failure(CancellationError())
        }
        waiting.resume(with: result)
    }

    func cancel(_ cancellation: CancellationFlag) {
        let waiting = state.withLock { state -> CheckedContinuation<Result, any Error>? in
            switch state {
            case .new:
                state = .finished
            case .waiting(let continuation):
                state = .finished
                return continuation
            case .running:
                state = .running(isCancelled: true)
                // Under the lock: a job that has finished must not stop the one after it.
                cancellation.cancel()
            case .finished: break
            }
            return nil
        }
        waiting?.resume(throwing: CancellationError())
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
