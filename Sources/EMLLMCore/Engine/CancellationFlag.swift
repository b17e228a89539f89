import Synchronization

/// A flag that any thread may set. A generation checks it before every token and every chunk of a prompt.
///
/// It stops synchronous work, which throws ``EMLLMError/cancelled``. Asynchronous functions are stopped by cancelling the
/// task that awaits them, and throw `CancellationError`; ``InferenceThread`` stands between the two.
public final class CancellationFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    /// A flag that is not set.
    public init() {}

    /// Asks the work that watches this flag to stop.
    public func cancel() { flag.store(true, ordering: .relaxed) }

    /// Clears the flag, so that the next piece of work can run.
    public func reset() { flag.store(false, ordering: .relaxed) }

    /// Whether stopping has been asked for.
    public var isCancelled: Bool { flag.load(ordering: .relaxed) }

    /// Throws `EMLLMError` with the code `cancelled` once stopping has been asked for.
    public func check() throws {
        if isCancelled { throw EMLLMError.cancelled }
    }
}

extension EMLLMError.Code {
    /// The work was asked to stop.
    public static let cancelled = Self(rawValue: "cancelled")
}

extension EMLLMError {
    /// The work was asked to stop.
    public static let cancelled = EMLLMError(
        code: .cancelled,
        subject: "generation",
        expected: "to run to its end",
        found: "a request to stop",
        remedy: "start it again"
    )
}
