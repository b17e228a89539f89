import CLIShared
import EMLLMCore
import EMLLMEvaluation
import Foundation
import SelfEvalDecode

/// What a run asks, of which model, and how: enough to go on with it, and to read its results.
struct RunDescription: Codable, Equatable {
    /// The version of the folder's format.
    var version = 1
    /// The file of problems.
    var problems: String
    /// Its layout.
    var layout: ProblemLayout
    /// A digest of its bytes.
    var problemsDigest: String
    /// How answers are scored.
    var rule: ScoringRule.Variant
    /// How steps are labelled; `nil` where they are not.
    var labels: StepLabelRule?
    /// Which weights answer.
    var model: ModelIdentity
    /// The options of each strategy, but for the seed.
    var options: [String: SelfEvalOptions]
    /// The part of the problems that was run, as "1/4"; `nil` for all.
    var shard: String?
}

/// The folder of a run.
struct RunFolder {
    let url: URL

    var description: URL { url.appending(path: "run.json") }
    var results: URL { url.appending(path: "results.jsonl") }
    var skipped: URL { url.appending(path: "skipped.json") }

    /// Where the trace of one answer lies.
    func trace(_ problem: String, strategy: String, seed: UInt64) -> URL {
        // A problem's name may be a path; what a file name can not hold becomes a hyphen, told apart by a digest.
        let plain = String(problem.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "-" }.suffix(80))
        let digest = "\(Checksum(of: Array(problem.utf8)))".prefix(8)
        return url.appending(path: "traces/\(strategy)-\(seed)/\(plain)-\(digest).json")
    }

    /// Reads what the run is about.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` when the folder is none of a run.
    func readDescription() throws -> RunDescription {
        guard let data = try? Data(contentsOf: description),
            let found = try? JSONDecoder().decode(RunDescription.self, from: data)
        else { throw EMLLMError.notARun(url.path) }
        return found
    }

    func write(_ description: RunDescription) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try StandardStreams.write(encoder.encode(description), atomicallyTo: self.description.path)
    }

    /// Problems of the file that were not run, with the reasons.
    func readSkipped() -> [SkippedProblem] {
        guard let data = try? Data(contentsOf: skipped) else { return [] }
        return (try? JSONDecoder().decode([SkippedProblem].self, from: data)) ?? []
    }

    func write(_ problems: [SkippedProblem]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try StandardStreams.write(encoder.encode(problems), atomicallyTo: skipped.path)
    }

    /// The results so far.
    func readResults() throws -> [ResultRecord] {
        guard let data = try? Data(contentsOf: results) else { return [] }
        return try ResultRecord.records(from: data, file: results.path)
    }

    /// The trace of a result; `nil` where none was written.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` when there is a file that is no trace.
    func readTrace(of record: ResultRecord) throws -> Trace? {
        let file = trace(record.problem, strategy: record.strategy, seed: record.seed)
        guard let data = FileManager.default.contents(atPath: file.path) else { return nil }
        return try Trace(json: data, path: file.path)
    }

    /// The problems that the run is about, as they are in their file now.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` when the file has changed since.
    func readProblems(_ description: RunDescription) throws -> [Problem] {
        let file = URL(filePath: description.problems)
        let set = try ProblemSet.read(from: file, layout: description.layout)
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

    static func digest(of file: URL) throws -> String { "\(Checksum(of: Array(try Data(contentsOf: file))))" }
}

extension ResultRecord {
    /// What comes of a recorded run under other options, without running the model; `nil` where they lead to what was not
    /// recorded.
    init?(
        deciding trace: Trace,
        by options: SelfEvalOptions,
        of problem: Problem,
        in description: RunDescription
    ) throws {
        do {
            self.init(try SelfEvalDecoder.redecide(trace, options: options), of: problem, in: description)
        } catch let error as EMLLMError where error.code == .leftRecording {
            return nil
        }
    }
}

/// The results file of a run, open for writing by one process.
final class ResultLog {
    private let handle: FileHandle
    private let path: String

    /// Opens the file, and cuts off a line that was not finished when the program before was stopped.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` when another process writes to it.
    init(_ folder: RunFolder) throws {
        path = folder.results.path
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw EMLLMError.unwritableOutput(path, String(cString: strerror(errno))) }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw EMLLMError.runIsBusy(folder.url.path) }
        let data = try handle.readToEnd() ?? Data()
        let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        try handle.truncate(atOffset: UInt64(whole))
    }

    /// Adds a result; it is on the disk when this returns.
    func append(_ record: ResultRecord) throws {
        do {
            try handle.seekToEnd()
            try handle.write(contentsOf: record.line())
            try handle.synchronize()
        } catch {
            throw EMLLMError.unwritableOutput(path, error.localizedDescription)
        }
    }
}

extension EMLLMError.Code {
    /// A folder that no run wrote.
    static let notARun = Self(rawValue: "not-a-run")
    /// A run that another process is working on.
    static let runIsBusy = Self(rawValue: "run-is-busy")
    /// A folder with the results of another run.
    static let otherRun = Self(rawValue: "other-run")
    /// Problems that have changed since they were run.
    static let otherProblems = Self(rawValue: "other-problems")
}

extension EMLLMError {
    static func notARun(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .notARun,
            subject: path,
            expected: "a folder that emllm-eval run wrote",
            found: "none, or one of another version",
            remedy: "check the path, or run it again"
        )
    }

    static func runIsBusy(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .runIsBusy,
            subject: path,
            expected: "a run that no other process is working on",
            found: "one that is being written",
            remedy: "wait for it, or use --shard with a folder of its own"
        )
    }

    static func otherRun(_ path: String, what: String) -> EMLLMError {
        EMLLMError(
            code: .otherRun,
            subject: path,
            expected: "a new folder, or one with the same run",
            found: "a run with another \(what)",
            remedy: "choose another --out, or repeat the options of that run"
        )
    }

    static func otherProblems(_ path: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .otherProblems,
            subject: path,
            expected: "the problems that were run (\(expected.prefix(12))…)",
            found: "another text (\(found.prefix(12))…)",
            remedy: "restore the file, or run the new one"
        )
    }
}
