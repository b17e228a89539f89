import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C and its kin into an error at the next step of the work, so that temporary files are removed.
final class Interruption {
    /// The error.
    struct Stop: Error {
        let signal: Int32
    }

    private static let received = Atomic<Int32>(0)
    private let sources: [any DispatchSourceSignal]

    /// Starts listening.
    init() {
        // A file larger than the process may write becomes an error of the write instead.
        signal(SIGXFSZ, SIG_IGN)
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { Self.received.store(number, ordering: .relaxed) }
            source.resume()
            return source
        }
    }

    /// Throws when a signal has come.
    func check() throws {
        let number = Self.received.load(ordering: .relaxed)
        if number != 0 { throw Stop(signal: number) }
    }
}
