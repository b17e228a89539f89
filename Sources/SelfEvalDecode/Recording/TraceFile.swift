import EMLLMCore
import Foundation

extension Trace {
    /// Reads a trace: one JSON object, or events as JSON lines of which the last may be cut short. Traces of versions 1 to 3
    /// are read as well, and become traces of the current version.
    ///
    /// - Parameters:
    ///   - data: the file's bytes.
    ///   - path: the name for the file in error messages.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the data are not a trace, have an unknown version, or contain a line
    ///   that does not fit the earlier ones.
    public init(json data: Data, path: String = "trace") throws {
        guard let version = Self.version(of: data) else { throw EMLLMError.notATrace(path) }
        guard (1...Self.currentVersion).contains(version) else { throw EMLLMError.traceVersion(path, found: version) }
        if version == 1 {
            guard let first = try? JSONDecoder().decode(TraceVersion1.self, from: data), let trace = first.trace(),
                trace.isWellFormed
            else { throw EMLLMError.damagedTrace(path, line: 1) }
            self = trace
            return
        }
        let decoder = version == Self.currentVersion ? JSONDecoder() : FormerTraceKeys.makeDecoder()
        if let whole = try? decoder.decode(Trace.self, from: data) {
            guard whole.isWellFormed else { throw EMLLMError.damagedTrace(path, line: 1) }
            self = whole.inCurrentVersion
            return
        }
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        guard let first = lines.first,
            case .info(.started(let header))? = try? decoder.decode(DecodeEvent.self, from: first)
        else { throw EMLLMError.notATrace(path) }
        guard header.hasPlausibleNumbers else { throw EMLLMError.damagedTrace(path, line: 1) }
        var trace = Trace(header).inCurrentVersion
        for (index, line) in lines.enumerated().dropFirst() {
            guard let event = try? decoder.decode(DecodeEvent.self, from: line),
                event.hasPlausibleNumbers, trace.apply(event)
            else {
                // A program that was killed may leave half a line at the end, and no other damage.
                if index == lines.count - 1, data.last != UInt8(ascii: "\n") { break }
                throw EMLLMError.damagedTrace(path, line: index + 1)
            }
        }
        self = trace
    }

    /// Pretty-printed JSON with sorted keys, and a line break at the end.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encodeNumbers(self) + Data("\n".utf8)
    }

    private struct Versioned: Decodable {
        struct Header: Decodable { let version: Int }
        let header: Header?
        let version: Int?
    }

    /// The version that the first line, or the whole file, states.
    private static func version(of data: Data) -> Int? {
        let decoder = JSONDecoder()
        let first = data.prefix { $0 != UInt8(ascii: "\n") }
        let found =
            (try? decoder.decode(Versioned.self, from: first)) ?? (try? decoder.decode(Versioned.self, from: data))
        return found.flatMap { $0.header?.version ?? $0.version }
    }

    /// The same trace, with the current version number.
    private var inCurrentVersion: Trace {
        var (trace, header) = (self, header)
        header.version = Self.currentVersion
        trace.apply(.info(.started(header)))
        return trace
    }

    /// Whether every node follows an earlier one, and every reference is valid.
    private var isWellFormed: Bool {
        hasPlausibleNumbers && nodes.enumerated().allSatisfy { $1.id == $0 + 1 && (0...$0).contains($1.parent) }
            && reflections.enumerated().allSatisfy { $1.id == $0 && self[$1.node] != nil }
            && (summary?.path.allSatisfy { self[$0] != nil } ?? true)
    }
}

extension DecodeEvent {
    /// The event as one line of JSON with a line break; `nil` for drafts, which are not recorded.
    public func jsonLine() throws -> Data? {
        if case .draft = self { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encodeNumbers(self) + Data("\n".utf8)
    }
}

extension EMLLMError.Code {
    /// A file that is not a trace.
    public static let notATrace = Self(rawValue: "not-a-trace")
    /// A trace in a version that this program does not read.
    public static let traceVersion = Self(rawValue: "trace-version")
    /// A trace with a line that does not fit those before it.
    public static let damagedTrace = Self(rawValue: "damaged-trace")
}

extension EMLLMError {
    static func notATrace(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .notATrace,
            subject: path,
            expected: "a trace, as JSON or as JSON lines",
            found: "something else",
            remedy: "check the path"
        )
    }

    static func traceVersion(_ path: String, found: Int) -> EMLLMError {
        EMLLMError(
            code: .traceVersion,
            subject: path,
            expected: "a trace of version 1 to \(Trace.currentVersion)",
            found: "version \(found)",
            remedy: "read it with the version of the program that wrote it, or record it again"
        )
    }

    static func damagedTrace(_ path: String, line: Int) -> EMLLMError {
        EMLLMError(
            code: .damagedTrace,
            subject: "\(path), line \(line)",
            expected: "an event that follows from those before it",
            found: "another text",
            remedy: "cut the file before this line, or record it again"
        )
    }
}
