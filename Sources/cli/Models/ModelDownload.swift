import CLIShared
import EMLLMCore
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Fetches one model file from a hub. A cut connection is taken up where it broke, in the same run or a later one.
///
/// The file is checked before it gets its name: its length, its digest, and that it is a model file at all.
final class ModelDownload: Sendable {
    private let hub: Hub
    private let address: URL
    private let destination: URL
    private let bar = ProgressBar("Fetching")
    /// What is known of the file; the server's statements replace those that the download began with.
    private let facts: Mutex<(checksum: String?, byteCount: Int?)>

    /// The attempts in a row that bring nothing, after which it gives up.
    private static let mostFailures = 4

    /// Prepares a download.
    ///
    /// - Parameters:
    ///   - address: where the file is.
    ///   - destination: the file's place, in which it appears complete or not at all.
    ///   - checksum: the digest to expect where the server states none: 64 hexadecimal digits.
    init(_ address: URL, from hub: Hub, to destination: URL, checksum: String?) {
        self.hub = hub
        self.address = address
        self.destination = destination
        facts = Mutex((checksum, nil))
    }

    /// The server's refusal to send the rest of a file.
    private struct RangeRefused: Error {}
    /// Nothing is missing.
    private struct AllIsThere: Error {}

    /// Fetches and checks the file.
    ///
    /// - Returns: the digest that it was checked against; nil if nobody stated one.
    /// - Throws: `EMLLMError`; `CancellationError`, which leaves what has arrived for the next time.
    func run() async throws -> String? {
        let part = try PartialFile(for: destination)
        defer { bar.finish() }
        do {
            try await receive(part)
        } catch {
            // What cannot be gone on with is of no use.
            if part.origin(at: address) == nil { part.discard() }
            throw error
        }
        bar.finish()
        do {
            try check(part)
        } catch let error as EMLLMError {
            part.discard()
            throw error
        }
        try part.finish()
        return facts.withLock { $0.checksum }
    }

    /// Makes requests until all is there.
    private func receive(_ part: PartialFile) async throws {
        var failures = 0
        var hasArrived = false
        while true {
            let before = part.count
            do {
                try await transfer(into: part)
                if let byteCount = facts.withLock({ $0.byteCount }), part.count < byteCount {
                    throw URLError(.networkConnectionLost)
                }
                return
            } catch is AllIsThere {
                return
            } catch is RangeRefused {
                try part.restart(as: nil)
            } catch let error as URLError {
                hasArrived = hasArrived || part.count > before
                failures = part.count > before ? 0 : failures + 1
                // A server that was never there will hardly be in a second.
                guard hasArrived, failures < Self.mostFailures else {
                    throw EMLLMError.unreachable(address, error, resumable: part.origin(at: address) != nil)
                }
                try await Task.sleep(for: .milliseconds(250 << failures))
            }
        }
    }

    /// Makes one request, for what is missing.
    private func transfer(into part: PartialFile) async throws {
        var request = hub.request(address)
        let origin = part.origin(at: address)
        if let origin {
            request.setValue("bytes=\(part.count)-", forHTTPHeaderField: "Range")
            // Another version of the file is sent from its beginning.
            request.setValue(origin.entityTag, forHTTPHeaderField: "If-Range")
        }
        let start = ContinuousClock.now
        let first = Mutex(0)
        let receiver = HTTPTransfer.Receiver { [self] head, redirects in
            try begin(part, head, redirects, isResumed: origin != nil)
            first.withLock { $0 = part.count }
        } receive: { [self] data in
            try part.append(data)
            let total = facts.withLock { $0.byteCount } ?? 0
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let rate = Double(part.count - first.withLock { $0 }) / 1e6 / max(seconds, 0.001)
            bar.update(
                done: part.count,
                of: total,
                note: "\(part.count / 1_000_000) of \(total / 1_000_000) MB, \(String(format: "%.1f", rate)) MB/s"
            )
        }
        try await HTTPTransfer.run(request, receiver)
    }

    /// Takes note of what the server says, and makes the file ready for what it sends.
    private func begin(
        _ part: PartialFile,
        _ head: HTTPTransfer.Head,
        _ redirects: [HTTPTransfer.Head],
        isResumed: Bool
    ) throws {
        // "bytes 100-199/200", or "bytes */200" where there is nothing to send; the total may be "*".
        let range = (head["Content-Range"] ?? "").split(separator: "/").map(String.init)
        var total = range.count == 2 ? Int(range[1]) : nil
        var isComplete = false
        switch head.status {
        case 200:
            total = head["Content-Length"].flatMap { Int($0) }
            let tag = head["ETag"].flatMap { $0.hasPrefix("\"") ? $0 : nil }
            try part.restart(as: tag.map { .init(address: address.absoluteString, entityTag: $0) })
        case 206 where isResumed:
            guard range.first?.hasPrefix("bytes \(part.count)-") == true else { throw RangeRefused() }
            part.goOn()
        case 416 where isResumed:
            guard total == part.count else { throw RangeRefused() }
            isComplete = true
        default:
            throw EMLLMError.refused(address, head)
        }
        // The hub states the digest where it sends the client on to its storage.
        let heads = redirects + [head]
        let checksum = heads.lazy.compactMap { Self.digest($0["X-Linked-Etag"]) }.first
        let byteCount = heads.lazy.compactMap { $0["X-Linked-Size"].flatMap { Int($0) } }.first ?? total
        facts.withLock { facts in
            facts.byteCount = byteCount
            facts.checksum = checksum ?? facts.checksum
        }
        if let byteCount, let space = part.freeSpace, byteCount - part.count > space {
            throw EMLLMError.noSpace(destination.path, needed: byteCount - part.count, free: space)
        }
        if isComplete { throw AllIsThere() }
    }

    /// A SHA-256 digest in an entity tag, in lower case.
    private static func digest(_ tag: String?) -> String? {
        guard let text = tag?.trimmingCharacters(in: ["\""]).lowercased(), text.utf8.count == 64 else { return nil }
        return text.allSatisfy(\.isHexDigit) ? text : nil
    }

    /// Checks what has arrived.
    private func check(_ part: PartialFile) throws {
        let (expected, byteCount) = facts.withLock { $0 }
        guard byteCount == nil || part.count == byteCount else {
            throw EMLLMError.wrongDownload(address, expected: "\(byteCount ?? 0) bytes", found: "\(part.count)")
        }
        if let expected {
            let bar = ProgressBar("Checking")
            defer { bar.finish() }
            let file = try MappedFile(part.url)
            var done = 0
            let digest = try Checksum(of: file.bytes) { count in
                try Task.checkCancellation()
                file.release(done..<done + count)
                done += count
                bar.update(done: done, of: file.bytes.count)
            }
            guard "\(digest)" == expected else {
                throw EMLLMError.wrongDownload(address, expected: "SHA-256 \(expected)", found: "\(digest)")
            }
        }
        do {
            _ = try ModelFile(part.url)
        } catch let error as EMLLMError {
            throw EMLLMError.wrongDownload(address, expected: "a model file", found: error.found)
        }
    }
}

extension EMLLMError.Code {
    /// A file that is another than the server or the table of models promised.
    static let wrongDownload = Self(rawValue: "wrong-download")
    /// A disk with less space than a file needs.
    static let noSpace = Self(rawValue: "no-space")
}

extension EMLLMError {
    static func wrongDownload(_ url: URL, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .wrongDownload,
            subject: url.absoluteString,
            expected: expected,
            found: found,
            remedy: "run the same command again; if it stays so, do not trust the file"
        )
    }

    static func noSpace(_ path: String, needed: Int, free: Int) -> EMLLMError {
        EMLLMError(
            code: .noSpace,
            subject: path,
            expected: "\(needed / 1_000_000 + 1) MB of free space",
            found: "\(free / 1_000_000) MB",
            remedy: "free some, or set EMLLM_HOME to another disk"
        )
    }
}
