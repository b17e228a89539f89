import EMLLMCore
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One HTTP request, whose body is handed on piece by piece as it arrives.
///
/// Redirects are followed. A token is sent to no other server than the first.
final class HTTPTransfer: NSObject, URLSessionDataDelegate, Sendable {
    /// The status and the headers of an answer.
    struct Head: Sendable {
        var status = 0
        private var fields: [String: String] = [:]

        init() {}

        init(_ response: HTTPURLResponse) {
            status = response.statusCode
            for (name, value) in response.allHeaderFields {
                fields["\(name)".lowercased()] = "\(value)"
            }
        }

        /// A header, whatever the case of its name.
        subscript(name: String) -> String? { fields[name.lowercased()] }
    }

    /// What the receiver does with an answer. Both functions are called in order, on one thread at a time; what they throw
    /// ends the transfer.
    struct Receiver: Sendable {
        /// The answer's head, after those of the redirects that led to it.
        var begin: @Sendable (Head, _ redirects: [Head]) throws -> Void
        /// A piece of the body.
        var receive: @Sendable (Data) throws -> Void
    }

    private struct State {
        var redirects: [Head] = []
        var failure: (any Error)?
        var continuation: CheckedContinuation<Void, any Error>?
    }

    private let request: URLRequest
    private let receiver: Receiver
    private let state = Mutex(State())

    private init(_ request: URLRequest, _ receiver: Receiver) {
        self.request = request
        self.receiver = receiver
    }

    /// Makes a request and waits for the end of the answer.
    ///
    /// - Throws: what the receiver throws; `URLError`; `CancellationError` when the task is cancelled.
    static func run(_ request: URLRequest, _ receiver: Receiver) async throws {
        let transfer = HTTPTransfer(request, receiver)
        let configuration = URLSessionConfiguration.ephemeral
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        configuration.timeoutIntervalForRequest = request.timeoutInterval
        let session = URLSession(configuration: configuration, delegate: transfer, delegateQueue: BoundedQueue())
        defer { session.finishTasksAndInvalidate() }
        let task = session.dataTask(with: request)
        try Task.checkCancellation()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                transfer.state.withLock { $0.continuation = continuation }
                task.resume()
            }
        } onCancel: {
            task.cancel()
        }
    }

    /// Runs a step of the receiver unless an earlier one failed.
    private func perform(_ task: URLSessionTask, _ step: () throws -> Void) {
        guard state.withLock({ $0.failure == nil }) else { return }
        do {
            try step()
        } catch {
            state.withLock { $0.failure = error }
            // Cancelling waits for the session's own queue, which may be waiting for this one.
            DispatchQueue.global().async { task.cancel() }
        }
    }

    // MARK: URLSessionDataDelegate

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        state.withLock { $0.redirects.append(Head(response)) }
        var next = request
        let sameServer = request.url?.host == self.request.url?.host && request.url?.port == self.request.url?.port
        for (name, value) in self.request.allHTTPHeaderFields ?? [:] {
            next.setValue(name == "Authorization" && !sameServer ? nil : value, forHTTPHeaderField: name)
        }
        next.timeoutInterval = self.request.timeoutInterval
        let isDowngrade = self.request.url?.scheme == "https" && request.url?.scheme != "https"
        if isDowngrade { perform(task) { throw URLError(.secureConnectionFailed) } }
        completionHandler(isDowngrade ? nil : next)
    }

    func urlSession(
        _ session: URLSession,
        dataTask: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        perform(dataTask) {
            guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
            try receiver.begin(Head(response), state.withLock { $0.redirects })
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        perform(dataTask) { try receiver.receive(data) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let (continuation, failure) = state.withLock { state in
            defer { state.continuation = nil }
            return (state.continuation, state.failure)
        }
        if let failure {
            continuation?.resume(throwing: failure)
        } else if let error {
            let isCancelled = (error as? URLError)?.code == .cancelled
            continuation?.resume(throwing: isCancelled ? CancellationError() : error)
        } else {
            continuation?.resume()
        }
    }
}

/// A serial queue that makes the network wait while it is full, so that a body that arrives faster than the disk takes it
/// does not pile up in memory.
private final class BoundedQueue: OperationQueue, @unchecked Sendable {  // a semaphore is all that it adds
    /// Pieces are 16 KiB or so.
    private let places = DispatchSemaphore(value: 64)

    override init() {
        super.init()
        maxConcurrentOperationCount = 1
    }

    override func addOperation(_ block: @escaping @Sendable () -> Void) {
        places.wait()
        super.addOperation { [places] in
            defer { places.signal() }
            block()
        }
    }
}
