import Foundation

/// A value in a column. Numbers keep the form of text: no answer is changed by reading it.
indirect enum ColumnValue: Decodable, Sendable, Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([ColumnValue])
    case object([String: ColumnValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .bool(flag)
        } else if let whole = try? value.decode(Int.self) {
            self = .number(String(whole))
        } else if let real = try? value.decode(Double.self) {
            self = .number(String(real))
        } else if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let elements = try? value.decode([ColumnValue].self) {
            self = .array(elements)
        } else {
            self = .object(try value.decode([String: ColumnValue].self))
        }
    }

    /// The text of a string or of a number, without white space around it; `nil` for anything else, and for nothing.
    var text: String? {
        switch self {
        case .string(let text), .number(let text):
            let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
            return trimmed.isEmpty ? nil : trimmed
        default: return nil
        }
    }

    /// The texts of an array of strings or numbers; `nil` where any element is something else.
    var texts: [String]? {
        guard case .array(let elements) = self else { return nil }
        let texts = elements.compactMap(\.text)
        return texts.count == elements.count ? texts : nil
    }
}

/// Why a record cannot become a problem, said so that it completes "skipped: …".
struct UnusableRecord: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// The columns of one record, with its place in the file.
struct ProblemRecord {
    /// The first line is line 1.
    let line: Int
    /// The key that the record has in an object of records.
    let key: String?
    let columns: [String: ColumnValue]

    /// More would not be a problem, and reading it would cost a deep stack.
    static let mostNesting = 16

    /// Reads the bytes of one record.
    init(_ raw: RawRecord) throws {
        guard raw.nesting <= Self.mostNesting else {
            throw UnusableRecord("nested deeper than \(Self.mostNesting) levels")
        }
        guard String(validating: raw.bytes, as: UTF8.self) != nil else { throw UnusableRecord("not UTF-8") }
        do {
            columns = try JSONDecoder().decode([String: ColumnValue].self, from: Data(raw.bytes))
        } catch DecodingError.typeMismatch(_, let context) {
            let column = context.codingPath.first.map { "the value of \"\($0.stringValue)\" cannot be read" }
            throw UnusableRecord(column ?? "JSON, but not an object with columns")
        } catch {
            throw UnusableRecord("malformed JSON")
        }
        line = raw.line
        key = raw.key
    }

    /// The text in a column; `nil` if there is none.
    func text(_ column: String) -> String? { columns[column]?.text }

    /// The text in a column that a problem cannot be without.
    func required(_ column: String) throws -> String {
        guard let text = text(column) else { throw UnusableRecord("the column \"\(column)\" has no text") }
        return text
    }

    /// The texts in a column that holds a list; empty where the column is absent or null.
    func list(_ column: String) throws -> [String] {
        guard let value = columns[column], value != .null else { return [] }
        guard let texts = value.texts else { throw UnusableRecord("the column \"\(column)\" is not a list of texts") }
        return texts
    }

    /// Columns for a breakdown: texts as they are, lists of texts with "; " between them.
    static func breakdown(_ columns: [String: ColumnValue], _ names: some Sequence<String>) -> [String: String] {
        var breakdown: [String: String] = [:]
        for name in names {
            guard let value = columns[name] else { continue }
            if case .bool(let flag) = value { breakdown[name] = String(flag) }
            if let text = value.text ?? value.texts?.joined(separator: "; ") { breakdown[name] = text }
        }
        return breakdown
    }
}

/// The bytes of a record before they are read.
struct RawRecord: Equatable {
    var line: Int
    var key: String?
    var bytes: ArraySlice<UInt8>
    /// How deep brackets nest in it.
    var nesting: Int
}
