import EMLLMCore
import Foundation
import SelfEvalDecode

/// The folder of a run: its description (`run.json`), a line for each answer (`results.jsonl`), the problems that were
/// skipped (`skipped.json`), and the trace of each answer (`traces/`).
///
/// ```swift
/// let folder = RunFolder(url: URL(filePath: "runs/a", directoryHint: .isDirectory))
/// let report = try Report(records: folder.readResults(), skippedProblems: folder.readSkipped().count)
/// ```
public struct RunFolder: Sendable {
    /// The folder.
    public let url: URL

    /// Refers to a folder, which need not exist.
    public init(url: URL) { self.url = url }

    /// The description's file.
    public var description: URL { url.appending(path: "run.json") }
    /// The results' file.
    public var results: URL { url.appending(path: "results.jsonl") }
    /// The file of skipped problems.
    public var skipped: URL { url.appending(path: "skipped.json") }

    /// The file of one answer's trace.
    public func trace(_ problem: String, strategy: String, seed: UInt64) -> URL {
        // A problem's name may be a path. Characters that a file name cannot hold become hyphens; a digest keeps the
        // names distinct.
        var plain = problem.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "-" }[...]
        // File names are limited in bytes, and a character can take several.
        var bytes = plain.reduce(0) { $0 + $1.utf8.count }
        while plain.count > 80 || bytes > 160 { bytes -= plain.removeFirst().utf8.count }
        let digest = "\(Checksum(of: Array(problem.utf8)))".prefix(8)
        return url.appending(path: "traces/\(strategy)-\(seed)/\(String(plain))-\(digest).json")
    }

    /// Reads the run's description.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder is not a run's.
    public func readDescription() throws -> RunDescription {
        guard let data = try? Data(contentsOf: description),
            let found = try? JSONDecoder().decode(RunDescription.self, from: data)
        else { throw EMLLMError.notARun(url.path) }
        return found
    }

    /// Writes the run's description.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be written.
    public func write(_ description: RunDescription) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.write(encoder.encode(description), atomicallyTo: self.description)
    }

    /// The problems of the file that were skipped, with the reasons.
    public func readSkipped() -> [SkippedProblem] {
        guard let data = try? Data(contentsOf: skipped) else { return [] }
        return (try? JSONDecoder().decode([SkippedProblem].self, from: data)) ?? []
    }

    /// Writes the skipped problems.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when they cannot be written.
    public func write(_ problems: [SkippedProblem]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.write(encoder.encode(problems), atomicallyTo: skipped)
    }

    /// The results so far; empty if the file is missing.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names the first line that is not a result.
    public func readResults() throws -> [ResultRecord] {
        guard let data = try? Data(contentsOf: results) else { return [] }
        return try ResultRecord.records(from: data, file: results.path)
    }

    /// The trace of a result; `nil` if none was written.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the file is not a trace.
    public func readTrace(of record: ResultRecord) throws -> Trace? {
        let file = trace(record.problem, strategy: record.strategy, seed: record.seed)
        guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
        return try Trace(json: data, path: file.path)
    }

    /// The run's problems, read from their file again.
    ///
    /// - Parameters:
    ///   - description: the run's description.
    ///   - requiresImages: whether problems whose image is missing are left out.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the file has changed since then.
    public func readProblems(_ description: RunDescription, requiresImages: Bool = true) throws -> [Problem] {
        let file = URL(filePath: description.problems)
        let set = try ProblemSet.read(from: file, layout: description.layout, requiresImages: requiresImages)
        let digest = try Self.digest(of: file)
        guard digest == description.problemsDigest else {
            throw EMLLMError.otherProblems(
                description.problems,
                expected: description.problemsDigest,
                found: digest
            )
        }
        return set.problems
    }

    /// The digest of a file of problems, as in ``RunDescription/problemsDigest``.
    public static func digest(of file: URL) throws -> String { "\(Checksum(of: Array(try Data(contentsOf: file))))" }
}

extension EMLLMError.Code {
    /// A folder that is not a run's.
    public static let notARun = Self(rawValue: "not-a-run")
    /// A run that another process is working on.
    public static let runIsBusy = Self(rawValue: "run-is-busy")
    /// A folder with the results of another run.
    public static let otherRun = Self(rawValue: "other-run")
    /// Problems that have changed since they were run.
    public static let otherProblems = Self(rawValue: "other-problems")
}

extension EMLLMError {
    package static func notARun(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .notARun,
            subject: path,
            expected: "the folder of an evaluation run",
            found: "no run.json that can be read",
            remedy: "check the path, or run it again"
        )
    }

    package static func runIsBusy(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .runIsBusy,
            subject: path,
            expected: "a run that no other process is working on",
            found: "one that is being written",
            remedy: "wait for it, or run a part of the problems into another folder"
        )
    }

    package static func otherRun(_ path: String, what: String) -> EMLLMError {
        EMLLMError(
            code: .otherRun,
            subject: path,
            expected: "a new folder, or one with the same run",
            found: "a run with another \(what)",
            remedy: "choose another folder, or repeat the options of that run"
        )
    }

    package static func otherProblems(_ path: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .otherProblems,
            subject: path,
            expected: "the problems that were run (\(expected.prefix(12))…)",
            found: "another text (\(found.prefix(12))…)",
            remedy: "restore the file, or run the new one"
        )
    }
}
