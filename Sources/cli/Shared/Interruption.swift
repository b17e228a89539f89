import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C into the cancellation of a task, so that work stops cleanly.
public enum Interruption {
    /// Thrown if `body` responds to its cancellation with a `CancellationError`.
    public struct Stop: Error {
        /// The signal.
        public let signal: Int32
    }

    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// Runs `body` in a task that SIGINT, SIGTERM and SIGHUP cancel. A second signal ends the process at once. A signal
    /// that the program was started to ignore, as nohup does, stays ignored. Afterwards, signals have their usual
    /// effect again. This function can then be called again, but not by two tasks at once.
    ///
    /// - Returns: what `body` returns, and the signal that cancelled it. `body` decides what to return or throw then.
    public static func handling<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> (result: Result, signal: Int32?) {
        // If a file exceeds the process's size limit, the write fails instead.
        signal(SIGXFSZ, SIG_IGN)
        let received = Mutex<Int32?>(nil)
        let task = Task { try await body() }
        let inbox = SignalInbox.opened()
        let source = DispatchSource.makeReadSource(fileDescriptor: inbox, queue: .global(qos: .userInteractive))
        source.setEventHandler {
            for number in SignalInbox.take(from: inbox) {
                let isFirst = received.withLock { received in
                    defer { received = received ?? number }
                    return received == nil
                }
                if isFirst { task.cancel() } else { _exit(128 + number) }
            }
        }
        source.resume()
        let handled = signals.filter { !isIgnored($0) }
        for number in handled { signal(number, SignalInbox.handler) }
        defer {
            for number in handled { signal(number, SIG_DFL) }
            source.cancel()
        }
        do {
            let result = try await task.value
            return (result, received.withLock { $0 })
        } catch is CancellationError {
            throw Stop(signal: received.withLock { $0 } ?? SIGINT)
        }
    }

    /// Whether the program was started with a signal ignored. The query must not change the setting, since a signal may
    /// arrive meanwhile.
    public static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}

/// A pipe that signals are written to. A signal handler may call few functions, and `write` is one of them. Dispatch's
/// signal sources do not fire again on Linux once one was cancelled.
private enum SignalInbox {
    /// The end that the handler writes to; -1 until the pipe exists. Written once, before the first handler is set.
    nonisolated(unsafe) private static var writeEnd: Int32 = -1

    private static let ends: (read: Int32, write: Int32) = {
        var descriptors: [Int32] = [-1, -1]
        precondition(pipe(&descriptors) == 0, "a process can open a pipe")
        for descriptor in descriptors {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        }
        return (descriptors[0], descriptors[1])
    }()

    /// Returns the end to read, after emptying it.
    static func opened() -> Int32 {
        writeEnd = ends.write
        _ = take(from: ends.read)
        return ends.read
    }

    /// Writes the signal's number.
    static let handler: @convention(c) (Int32) -> Void = { number in
        let before = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(writeEnd, &byte, 1)
        errno = before
    }

    /// Takes the signals that have arrived.
    static func take(from descriptor: Int32) -> [Int32] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        return bytes.prefix(max(0, count)).map { Int32($0) }
    }
}
