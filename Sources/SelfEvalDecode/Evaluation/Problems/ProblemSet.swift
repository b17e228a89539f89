import EMLLMCore
import Foundation

/// The problems of a file, and the records that were skipped.
///
/// ```swift
/// let set = try ProblemSet.read(from: URL(filePath: "mathvista/testmini.json"))
/// print(set.problems.count, "problems,", set.skipped.count, "skipped")
/// ```
public struct ProblemSet: Sendable, Equatable {
    /// The problems, in the order of the file.
    public var problems: [Problem]
    /// The records that cannot be asked or scored, in the order of the file.
    public var skipped: [SkippedProblem]
    /// The layout of the file's columns.
    public var layout: ProblemLayout

    /// Reads a file of problems in UTF-8: JSON lines, an array of records, or an object of records. The columns of each
    /// layout are listed at ``ProblemLayout``.
    ///
    /// A record that is malformed, has no answer, names a missing image, or repeats an id is skipped and reported.
    ///
    /// - Parameters:
    ///   - file: the file.
    ///   - layout: the layout of its columns; `nil` detects it from the first record.
    ///   - imageFolder: what image paths are relative to; `nil` is the file's own folder.
    ///   - requiresImages: whether a record whose image is missing is skipped; scoring needs no images.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when nothing can be read: a missing file, another encoding, unbalanced
    ///   brackets, unknown columns, or no usable record.
    public static func read(
        from file: URL,
        layout: ProblemLayout? = nil,
        imageFolder: URL? = nil,
        requiresImages: Bool = true
    ) throws -> ProblemSet {
        let path = file.path
        let records = try RecordScanner.records(in: bytes(of: file), path: path)
        let folder = imageFolder ?? file.deletingLastPathComponent()

        var layout = layout
        var problems: [Problem] = []
        var skipped: [SkippedProblem] = []
        var lines: [String: Int] = [:]
        for raw in records {
            var id = raw.key
            do {
                let record = try ProblemRecord(raw)
                if layout == nil {
                    guard let recognized = ProblemLayout(recognizing: record.columns.keys) else {
                        throw EMLLMError.unknownProblemLayout(
                            path,
                            line: raw.line,
                            columns: record.columns.keys.sorted()
                        )
                    }
                    layout = recognized
                }
                let form = layout ?? .own
                id = record.id(in: form)
                let problem = try record.problem(in: form, imageFolder: requiresImages ? folder : nil)
                if let line = lines[problem.id] { throw UnusableRecord("line \(line) has the same id") }
                lines[problem.id] = raw.line
                problems.append(problem)
            } catch let unusable as UnusableRecord {
                skipped.append(SkippedProblem(line: raw.line, id: id, reason: unusable.reason))
            }
        }
        guard !problems.isEmpty else { throw EMLLMError.noProblems(path, skipped) }
        return ProblemSet(problems: problems, skipped: skipped, layout: layout ?? .own)
    }

    /// The bytes of a file in UTF-8, without its byte order mark.
    private static func bytes(of file: URL) throws -> [UInt8] {
        let data: Data
        do {
            data = try InputFile.read(file, what: "a file of problems", atMost: .max)
        } catch let error as EMLLMError where error.code == .emptyFile {
            data = Data()
        } catch {
            throw EMLLMError.unreadableProblems(file.path, error)
        }
        // JSON begins with an ASCII character, which has a zero byte next to it only in UTF-16 and UTF-32.
        let start = data.prefix(4)
        guard !start.contains(0), !start.starts(with: [0xFF, 0xFE]), !start.starts(with: [0xFE, 0xFF]) else {
            throw EMLLMError.problemEncoding(file.path)
        }
        return Array(start.starts(with: [0xEF, 0xBB, 0xBF]) ? data.dropFirst(3) : data)
    }
}

/// A record that was skipped.
public struct SkippedProblem: Codable, Sendable, Equatable {
    /// The line where the record begins; the first is line 1.
    public var line: Int
    /// The record's id, if it can be determined.
    public var id: String?
    /// Why it was skipped.
    public var reason: String
}

extension EMLLMError.Code {
    /// A file of problems is missing or cannot be read.
    public static let unreadableProblems = Self(rawValue: "unreadable-problems")
    /// A file of problems is not in UTF-8.
    public static let problemEncoding = Self(rawValue: "problem-encoding")
    /// The brackets or strings of a file of problems do not match.
    public static let malformedProblems = Self(rawValue: "malformed-problems")
    /// The columns of a file of problems match no known layout.
    public static let unknownProblemLayout = Self(rawValue: "unknown-problem-layout")
    /// No record of a file of problems can be used.
    public static let noProblems = Self(rawValue: "no-problems")
}

extension EMLLMError {
    static func unreadableProblems(_ path: String, _ error: any Error) -> EMLLMError {
        EMLLMError(
            code: .unreadableProblems,
            subject: path,
            expected: "a file of problems",
            found: (error as? EMLLMError)?.found ?? (error as NSError).localizedDescription,
            remedy: "check the path and its permissions"
        )
    }

    static func problemEncoding(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .problemEncoding,
            subject: "\(path), line 1",
            expected: "UTF-8",
            found: "UTF-16 or UTF-32",
            remedy: "convert it, for example with iconv -t UTF-8"
        )
    }

    static func malformedProblems(_ path: String, line: Int, expected: String) -> EMLLMError {
        EMLLMError(
            code: .malformedProblems,
            subject: "\(path), line \(line)",
            expected: expected,
            found: "something else, or the end of the file",
            remedy: "mend the JSON, or fetch the file again"
        )
    }

    static func unknownProblemLayout(_ path: String, line: Int, columns: [String]) -> EMLLMError {
        EMLLMError(
            code: .unknownProblemLayout,
            subject: "\(path), line \(line)",
            expected: "the columns \"question\" and \"answer\", or those of a benchmark",
            found: columns.isEmpty ? "no columns" : columns.joined(separator: ", "),
            remedy: "rename the columns, or say which layout the file has"
        )
    }

    static func noProblems(_ path: String, _ skipped: [SkippedProblem]) -> EMLLMError {
        EMLLMError(
            code: .noProblems,
            subject: skipped.first.map { "\(path), line \($0.line)" } ?? path,
            expected: "at least one usable problem",
            found: skipped.first.map { "\(skipped.count) skipped, the first because: \($0.reason)" } ?? "no records",
            remedy: "check the file, and the folder that its image paths are relative to"
        )
    }
}
