import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C into the cancellation of a task, so that work stops in good order.
public enum Interruption {
    /// Runs `body`; SIGINT and SIGTERM cancel it. A second signal ends the process at once.
    ///
    /// - Returns: what `body` returns, and the signal that cancelled it. `body` decides what to return then.
    public static func handling<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> (result: Result, signal: Int32?) {
        let received = Mutex<Int32?>(nil)
        let task = Task { try await body() }
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
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
            for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        }
        let result = try await task.value
        return (result, received.withLock { $0 })
    }
}
