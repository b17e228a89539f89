import EMLLMCore
import Foundation

/// The outputs of a model, of this package or any other, by the ids of problems.
///
/// A line of the file is an object with `id` (a text or a number), and `response` (all that the model said), `answer` (what
/// it states as its answer) or both. Other members are left alone.
public struct ResponseFile: Sendable, Equatable {
    /// The ids in the order of the file.
    public let ids: [String]
    /// The outputs by id.
    public let outputs: [String: ModelOutput]

    /// Reads JSON lines in UTF-8.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names the first line that is no output, or repeats an id.
    public init(contentsOf file: URL) throws {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw EMLLMError(
                code: .malformedResponses,
                subject: file.path,
                expected: "a file of responses",
                found: "\((error as NSError).localizedDescription)",
                remedy: "check the path and its permissions"
            )
        }
        try self.init(jsonLines: data, path: file.path)
    }

    /// Reads JSON lines in UTF-8.
    ///
    /// - Parameters:
    ///   - data: the lines.
    ///   - path: the name of the file in errors.
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names the first line that is no output, or repeats an id.
    public init(jsonLines data: Data, path: String) throws {
        var ids: [String] = []
        var outputs: [String: ModelOutput] = [:]
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where !line.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) {
            func defect(_ found: String) -> EMLLMError { .malformedResponse(path, line: index + 1, found: found) }
            // A byte order mark may stand before the first line.
            let bytes = line.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(line.dropFirst(3)) : Array(line)
            let record: ProblemRecord
            do {
                record = try ProblemRecord(lineOf: bytes, number: index + 1)
            } catch let unusable as UnusableRecord {
                throw defect(unusable.reason)
            }
            guard let id = record.text("id") else { throw defect("no id") }
            let answer = record.columns["answer"]?.answerText
            let response = record.columns["response"]?.answerText
            guard answer != nil || response != nil else { throw defect("neither a response nor an answer") }
            guard outputs.updateValue(ModelOutput(answer: answer, response: response ?? ""), forKey: id) == nil else {
                throw defect("the id \"\(id)\" a second time")
            }
            ids.append(id)
        }
        (self.ids, self.outputs) = (ids, outputs)
    }
}

extension ColumnValue {
    /// What an answer's column says: a text, which may be empty, a number, or a list as `[a, b]`.
    fileprivate var answerText: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .array: texts.map { "[" + $0.joined(separator: ", ") + "]" }
        case .null, .bool, .object: nil
        }
    }
}

extension EMLLMError.Code {
    /// A file of responses is not there, or a line of it is no response.
    public static let malformedResponses = Self(rawValue: "malformed-responses")
}

extension EMLLMError {
    static func malformedResponse(_ path: String, line: Int, found: String) -> EMLLMError {
        EMLLMError(
            code: .malformedResponses,
            subject: "\(path), line \(line)",
            expected: #"{"id": …, "response": …} or {"id": …, "answer": …}, each id once"#,
            found: found,
            remedy: "mend the line, or leave it out"
        )
    }
}
