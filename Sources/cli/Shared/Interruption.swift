import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C into the cancellation of a task, so that work stops in good order.
public enum Interruption {
    /// What is thrown when `body` answers its cancellation with a `CancellationError`.
    public struct Stop: Error {
        /// The signal.
        public let signal: Int32
    }

    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// Runs `body` in a task that SIGINT, SIGTERM and SIGHUP cancel. A second signal ends the process at once. A signal
    /// that the program was started to ignore, as nohup does, stays ignored. It can be used again and again.
    ///
    /// - Returns: what `body` returns, and the signal that cancelled it. `body` decides what to return or throw then.
    public static func handling<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> (result: Result, signal: Int32?) {
        // A file larger than the process may write becomes an error of the write instead.
        signal(SIGXFSZ, SIG_IGN)
        let received = Mutex<Int32?>(nil)
        let task = Task { try await body() }
        let handled = signals.filter { number in
            unsafeBitCast(signal(number, SIG_IGN), to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self)
        }
        let sources = handled.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler {
                let isFirst = received.withLock { received in
                    defer { received = received ?? number }
                    return received == nil
                }
                if isFirst { task.cancel() } else { _exit(128 + number) }
            }
            source.resume()
            return source
        }
        defer {
            for source in sources { source.cancel() }
            for number in handled { signal(number, SIG_DFL) }
        }
        do {
            let result = try await task.value
            return (result, received.withLock { $0 })
        } catch is CancellationError {
            throw Stop(signal: received.withLock { $0 } ?? SIGINT)
        }
    }
}
