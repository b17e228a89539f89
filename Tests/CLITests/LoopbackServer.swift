import Foundation
import Synchronization
import Testing

/// A small HTTP server on this machine, which does what a test says.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        var path: String
        /// Headers by name in lower case.
        var headers: [String: String]
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        var body = Data()
        /// The bytes of the body after which the connection is cut, or left silent.
        var stop: (after: Int, isSilent: Bool)?
    }

    let port: UInt16
    private let listener: Int32
    private let log = Log()

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    /// The requests so far.
    var requests: [Request] { log.requests.withLock { $0 } }

    /// The variables that make the tools use this server.
    var environment: [String: String] {
        var variables = ["HF_ENDPOINT": "http://localhost:\(port)", "HF_TOKEN": "", "HF_HUB_DOWNLOAD_TIMEOUT": ""]
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] { variables[name] = "" }
        return variables
    }

    /// Starts answering.
    init(_ answer: @escaping @Sendable (Request) -> Reply) throws {
        #if os(Linux)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        listener = socket(AF_INET, stream, 0)
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let server = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(server, $0, size) == 0 && getsockname(server, $0, &size) == 0
            }
        }
        let isListening = isBound && listen(server, 16) == 0
        port = UInt16(bigEndian: address.sin_port)
        try #require(isListening)
        Thread.detachNewThread { [listener, log] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                // A silent connection does not keep the others waiting.
                Thread.detachNewThread {
                    Self.serve(connection, log, answer)
                    close(connection)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(_ connection: Int32, _ log: Log, _ answer: (Request) -> Reply) {
        var bytes = [UInt8]()
        var piece = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: bytes, as: UTF8.self).contains("\r\n\r\n") {
            let count = read(connection, &piece, piece.count)
            guard count > 0 else { return }
            bytes += piece.prefix(count)
        }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces
            )
        }
        let request = Request(path: lines[0].split(separator: " ")[1].description, headers: headers)
        log.requests.withLock { $0.append(request) }
        let reply = answer(request)
        var head = "HTTP/1.1 \(reply.status) Whatever\r\nContent-Length: \(reply.body.count)\r\nConnection: close\r\n"
        for (name, value) in reply.headers { head += "\(name): \(value)\r\n" }
        send(Data((head + "\r\n").utf8), to: connection)
        send(reply.body.prefix(reply.stop?.after ?? reply.body.count), to: connection)
        // Until the other side goes away.
        if reply.stop?.isSilent == true { _ = read(connection, &piece, piece.count) }
    }

    private static func send(_ data: Data, to connection: Int32) {
        data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                #if os(Linux)
                    let flags = Int32(MSG_NOSIGNAL)
                #else
                    let flags: Int32 = 0
                #endif
                let count = Foundation.send(connection, bytes.baseAddress! + done, bytes.count - done, flags)
                guard count > 0 else { return }
                done += count
            }
        }
    }
}
