import EMLLMCore
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A server that keeps models as Hugging Face's does, described by the variables that its own tools use.
struct Hub: Sendable {
    /// `HF_ENDPOINT`: the address of the server.
    let endpoint: URL
    /// `HF_TOKEN`: what tells the server who asks; nil for what everybody may read.
    private let token: String?
    /// `HF_HUB_DOWNLOAD_TIMEOUT`: the seconds without a byte after which the server counts as gone.
    private let timeout: TimeInterval

    /// Reads the environment. Empty variables count as unset.
    ///
    /// - Throws: `EMLLMError` when a variable has a value that makes no sense.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let address = value("HF_ENDPOINT") ?? "https://huggingface.co"
        guard let url = URL(string: address), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false else {
            throw EMLLMError.invalidVariable(
                "HF_ENDPOINT",
                expected: "an address such as https://huggingface.co",
                address
            )
        }
        endpoint = url
        token = value("HF_TOKEN")
        let seconds = value("HF_HUB_DOWNLOAD_TIMEOUT") ?? "30"
        guard let number = Double(seconds), number >= 1, number <= 86_400 else {
            throw EMLLMError.invalidVariable("HF_HUB_DOWNLOAD_TIMEOUT", expected: "a number of seconds from 1", seconds)
        }
        timeout = number
    }

    /// Where a file of a repository is.
    func address(of file: String, in repository: String) -> URL {
        endpoint.appending(path: repository).appending(path: "resolve/main").appending(path: file)
    }

    /// A request of this server.
    func request(_ url: URL) -> URLRequest {
        var request = URLRequest(url: url)
        request.timeoutInterval = timeout
        request.setValue("emllm/\(EMLLMVersion.current)", forHTTPHeaderField: "User-Agent")
        // Bytes are counted as they are in the file.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        return request
    }

    /// The paths of a repository's files.
    ///
    /// - Throws: `EMLLMError` when the server does not say.
    func files(in repository: String) async throws -> [String] {
        struct Listing: Decodable {
            struct File: Decodable { var rfilename: String }
            var siblings: [File]
        }
        let url = endpoint.appending(path: "api/models").appending(path: repository)
        // As much as no listing needs.
        let most = 16 << 20
        let body = Body()
        let receiver = HTTPTransfer.Receiver { head, _ in
            guard head.status == 200 else { throw EMLLMError.refused(url, head) }
        } receive: { data in
            try body.data.withLock { body in
                guard body.count + data.count <= most else { throw EMLLMError.notAListing(url) }
                body += data
            }
        }
        do {
            try await HTTPTransfer.run(request(url), receiver)
        } catch let error as URLError {
            throw EMLLMError.unreachable(url, error, resumable: false)
        }
        guard let listing = try? JSONDecoder().decode(Listing.self, from: body.data.withLock { $0 }) else {
            throw EMLLMError.notAListing(url)
        }
        return listing.siblings.map(\.rfilename)
    }

    private final class Body: Sendable {
        let data = Mutex(Data())
    }
}

extension EMLLMError.Code {
    /// A variable of the environment with a value that makes no sense.
    static let invalidVariable = Self(rawValue: "invalid-variable")
    /// A server that cannot be reached, or does not go on.
    static let unreachableServer = Self(rawValue: "unreachable-server")
    /// A server that answers with something else than the file.
    static let refusedByServer = Self(rawValue: "refused-by-server")
}

extension EMLLMError {
    static func invalidVariable(_ name: String, expected: String, _ value: String) -> EMLLMError {
        EMLLMError(
            code: .invalidVariable,
            subject: name,
            expected: expected,
            found: "'\(value)'",
            remedy: "correct the variable, or unset it"
        )
    }

    static func unreachable(_ url: URL, _ error: URLError, resumable: Bool) -> EMLLMError {
        let server = url.host.map { name in url.port.map { "\(name):\($0)" } ?? name } ?? "the server"
        let found =
            switch error.code {
            case .timedOut: "no answer in time"
            case .cannotFindHost, .dnsLookupFailed: "no server of that name"
            case .cannotConnectToHost: "no connection"
            case .networkConnectionLost, .unknown, .badServerResponse: "a connection that was cut"
            case .secureConnectionFailed: "an answer that is not encrypted"
            default: error.localizedDescription
            }
        return EMLLMError(
            code: .unreachableServer,
            subject: url.absoluteString,
            expected: "an answer from \(server)",
            found: found,
            remedy: resumable
                ? "run the same command again: it goes on where this one stopped"
                : "check the network, or name another server with HF_ENDPOINT"
        )
    }

    static func refused(_ url: URL, _ head: HTTPTransfer.Head) -> EMLLMError {
        let (found, remedy) =
            switch head.status {
            // The hub answers 401 for a repository that does not exist, too, since it might be a private one.
            case 401, 403:
                (
                    "'no access' (\(head.status))",
                    "check the name; if the model is there, accept its terms and set HF_TOKEN"
                )
            case 404: ("no such file (404)", "check the names of the repository and of the file")
            case 429: ("too many requests (429)", "try again later")
            case 500...: ("a failure of the server (\(head.status))", "try again later")
            default: ("status \(head.status)", "check that HF_ENDPOINT names a model hub")
            }
        return EMLLMError(
            code: .refusedByServer,
            subject: url.absoluteString,
            expected: "the server to send it",
            found: found,
            remedy: remedy
        )
    }

    static func notAListing(_ url: URL) -> EMLLMError {
        EMLLMError(
            code: .refusedByServer,
            subject: url.absoluteString,
            expected: "a list of the repository's files",
            found: "something else",
            remedy: "name the file after a colon, or check HF_ENDPOINT"
        )
    }
}
