import Foundation

/// A value in a column. Numbers are kept as text, so that reading an answer never changes it.
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
        } else if let text = try? value.decode(String.self) {
            self = text.hasPrefix(JSONNumbers.mark) ? .number(String(text.dropFirst())) : .string(text)
        } else if let elements = try? value.decode([ColumnValue].self) {
            self = .array(elements)
        } else {
            self = .object(try value.decode([String: ColumnValue].self))
        }
    }

    /// The text of a string or a number, without surrounding white space; `nil` if it is empty or anything else.
    var text: String? {
        switch self {
        case .string(let text), .number(let text):
            let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
            return trimmed.isEmpty ? nil : trimmed
        default: return nil
        }
    }

    /// The texts of an array of strings or numbers; `nil` if any element is something else.
    var texts: [String]? {
        guard case .array(let elements) = self else { return nil }
        let texts = elements.compactMap(\.text)
        return texts.count == elements.count ? texts : nil
    }
}

/// Why a record cannot become a problem, worded to complete "skipped: …".
struct UnusableRecord: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// The columns of one record, and its position in the file.
struct ProblemRecord {
    /// The first line is line 1.
    let line: Int
    /// The record's key, in an object of records.
    let key: String?
    let columns: [String: ColumnValue]

    /// No problem nests deeper, and reading deeper nesting would need a deep stack.
    static let mostNesting = 16

    /// Reads the bytes of one record.
    init(_ raw: RawRecord) throws {
        guard raw.nesting <= Self.mostNesting else {
            throw UnusableRecord("nested deeper than \(Self.mostNesting) levels")
        }
        guard String(validating: raw.bytes, as: UTF8.self) != nil else { throw UnusableRecord("not UTF-8") }
        do {
            columns = try JSONDecoder().decode(
                [String: ColumnValue].self,
                from: Data(JSONNumbers.quoted(raw.bytes))
            )
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

    /// The text in a required column.
    func required(_ column: String) throws -> String {
        guard let text = text(column) else { throw UnusableRecord("the column \"\(column)\" has no text") }
        return text
    }

    /// The texts in a column that holds a list; empty if the column is absent or null.
    func list(_ column: String) throws -> [String] {
        guard let value = columns[column], value != .null else { return [] }
        guard let texts = value.texts else { throw UnusableRecord("the column \"\(column)\" is not a list of texts") }
        return texts
    }

    /// Columns for a breakdown: texts unchanged, lists of texts joined by "; ".
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
    /// How deeply its brackets nest.
    var nesting: Int
}

extension ProblemRecord {
    /// Reads one line of a file of records.
    init(lineOf bytes: [UInt8], number: Int) throws {
        let records = try? RecordScanner.records(in: bytes, path: "")
        guard let raw = records?.first, records?.count == 1 else { throw UnusableRecord("malformed JSON") }
        try self.init(RawRecord(line: number, key: nil, bytes: bytes[...], nesting: raw.nesting))
    }
}

/// Keeps numbers in JSON as they are written: an id of twenty digits is not rounded, and 2.50 keeps its zero.
enum JSONNumbers {
    /// Marks a string that was a number.
    static let mark = "\u{1}"

    /// The same JSON with each number as a string that begins with ``mark``.
    static func quoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + 64)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                let start = index
                index += 1
                while index < bytes.endIndex, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                index = min(index + 1, bytes.endIndex)
                result += bytes[start..<index]
            } else if byte == UInt8(ascii: "-") || isDigit(byte) {
                let end = bytes[index...].firstIndex { !isDigit($0) && !"+-.eE".utf8.contains($0) } ?? bytes.endIndex
                let number = bytes[index..<end]
                // Anything that is not a number is left for the decoder to reject.
                let isNumber = isNumber(number)
                if isNumber { result += "\"\\u0001".utf8 }
                result += number
                if isNumber { result.append(UInt8(ascii: "\"")) }
                index = end
            } else {
                result.append(byte)
                index += 1
            }
        }
        return result
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    private static func isNumber(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let isZero = rest.first == UInt8(ascii: "0")
        let whole = digits(&rest)
        guard whole == 1 || whole > 1 && !isZero else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits(&rest) > 0 else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits(&rest) > 0 else { return false }
        }
        // Numbers beyond the range of floating point, such as 1e999, have no value here.
        return rest.isEmpty && Double(String(decoding: bytes, as: UTF8.self))?.isFinite ?? false
    }
}
