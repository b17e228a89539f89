import EMLLMCore
import Foundation
import SelfEvalDecode

/// The folder of a run: what was asked (`run.json`), a line for each answer (`results.jsonl`), the problems that were left
/// out (`skipped.json`), and the trace of each answer (`traces/`).
///
/// ```swift
/// let folder = RunFolder(url: URL(filePath: "runs/a", directoryHint: .isDirectory))
/// let report = try Report(records: folder.readResults(), skippedProblems: folder.readSkipped().count)
/// ```
public struct RunFolder: Sendable {
    /// The folder.
    public let url: URL

    /// Names a folder, which need not exist.
    public init(url: URL) { self.url = url }

    /// The file of the description.
    public var description: URL { url.appending(path: "run.json") }
    /// The file of the results.
    public var results: URL { url.appending(path: "results.jsonl") }
    /// The file of the problems that were left out.
    public var skipped: URL { url.appending(path: "skipped.json") }

    /// Where the trace of one answer lies.
    public func trace(_ problem: String, strategy: String, seed: UInt64) -> URL {
        // A problem's name may be a path; what a file name can not hold becomes a hyphen, told apart by a digest.
        var plain = problem.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "-" }[...]
        // Names are limited in bytes, of which a character can have many.
        var bytes = plain.reduce(0) { $0 + $1.utf8.count }
        while plain.count > 80 || bytes > 160 { bytes -= plain.removeFirst().utf8.count }
        let digest = "\(Checksum(of: Array(problem.utf8)))".prefix(8)
        return url.appending(path: "traces/\(strategy)-\(seed)/\(String(plain))-\(digest).json")
    }

    /// Reads what the run is about.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder is none of a run.
    public func readDescription() throws -> RunDescription {
        guard let data = try? Data(contentsOf: description),
            let found = try? JSONDecoder().decode(RunDescription.self, from: data)
        else { throw EMLLMError.notARun(url.path) }
        return found
    }

    /// Writes what the run is about.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it cannot be written.
    public func write(_ description: RunDescription) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.write(encoder.encode(description), atomicallyTo: self.description)
    }

    /// Problems of the file that were not run, with the reasons.
    public func readSkipped() -> [SkippedProblem] {
        guard let data = try? Data(contentsOf: skipped) else { return [] }
        return (try? JSONDecoder().decode([SkippedProblem].self, from: data)) ?? []
    }

    /// Writes the problems that were left out.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when they cannot be written.
    public func write(_ problems: [SkippedProblem]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.write(encoder.encode(problems), atomicallyTo: skipped)
    }

    /// The results so far; none where the file is missing.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names the first line that is no result.
    public func readResults() throws -> [ResultRecord] {
        guard let data = try? Data(contentsOf: results) else { return [] }
        return try ResultRecord.records(from: data, file: results.path)
    }

    /// The trace of a result; `nil` where none was written.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when there is a file that is no trace.
    public func readTrace(of record: ResultRecord) throws -> Trace? {
        let file = trace(record.problem, strategy: record.strategy, seed: record.seed)
        guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
        return try Trace(json: data, path: file.path)
    }

    /// The problems that the run is about, as they are in their file now.
    ///
    /// - Parameters:
    ///   - description: what the run says of itself.
    ///   - requiresImages: whether problems whose image is not there are left out.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the file has changed since.
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

    /// The digest of a file of problems, as ``RunDescription/problemsDigest`` has it.
    public static func digest(of file: URL) throws -> String { "\(Checksum(of: Array(try Data(contentsOf: file))))" }
}

extension EMLLMError.Code {
    /// A folder that no run wrote.
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
