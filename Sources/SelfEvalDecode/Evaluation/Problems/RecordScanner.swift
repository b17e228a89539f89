import EMLLMCore

/// Splits a file into records without decoding them, so that a malformed record affects no other, every record knows
/// its line, and the order of an object's members is kept.
struct RecordScanner {
    private enum Defect: Error { case at(line: Int, String) }

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1

    /// The records of a file: one per line, the elements of an array, or the members of an object of objects.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` with the line where an array or object is malformed; the records themselves
    ///   are not checked.
    static func records(in bytes: [UInt8], path: String) throws -> [RawRecord] {
        var scanner = RecordScanner(bytes: bytes)
        do {
            if scanner.opensDocument { return try scanner.document() }
            return try scanner.lines()
        } catch Defect.at(let line, let expected) {
            throw EMLLMError.malformedProblems(path, line: line, expected: expected)
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Whether the file is one array, or one object whose first member is an object.
    private var opensDocument: Bool {
        var scanner = self
        scanner.skipSpace()
        if scanner.current == UInt8(ascii: "[") { return true }
        guard scanner.take("{"), (try? scanner.string()) != nil, scanner.take(":") else { return false }
        scanner.skipSpace()
        return scanner.current == UInt8(ascii: "{")
    }

    private mutating func lines() throws -> [RawRecord] {
        var records: [RawRecord] = []
        for (number, text) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !text.allSatisfy(Self.isSpace) {
            // The JSON decoder finds a missing or extra bracket.
            var scanner = RecordScanner(bytes: Array(text))
            let nesting = (try? scanner.value()) ?? 0
            records.append(RawRecord(line: number + 1, bytes: text, nesting: nesting))
        }
        return records
    }

    private mutating func document() throws -> [RawRecord] {
        var records: [RawRecord] = []
        skipSpace()
        let isArray = take("[")
        if !isArray { _ = take("{") }
        let end: Unicode.Scalar = isArray ? "]" : "}"
        if !take(end) {
            repeat {
                skipSpace()
                let key = isArray ? nil : try string()
                guard isArray || take(":") else { throw Defect.at(line: line, "\":\" after a key") }
                skipSpace()
                let start = index
                let first = line
                let nesting = try value()
                records.append(RawRecord(line: first, key: key, bytes: bytes[start..<index], nesting: nesting))
            } while take(",")
            guard take(end) else { throw Defect.at(line: line, "\",\" or \"\(end)\" after a record") }
        }
        skipSpace()
        guard current == nil else { throw Defect.at(line: line, "nothing after \"\(end)\"") }
        return records
    }

    /// Skips a value and returns how deeply its brackets nest.
    private mutating func value() throws -> Int {
        var open: [UInt8] = []
        var deepest = 0
        repeat {
            guard let byte = current else { throw Defect.at(line: line, "the end of a record") }
            switch byte {
            case UInt8(ascii: "\""): _ = try string()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                // In ASCII the closing bracket is two above the opening one.
                open.append(byte + 2)
                deepest = max(deepest, open.count)
                advance()
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard open.popLast() == byte else { throw Defect.at(line: line, "brackets that match") }
                advance()
            case UInt8(ascii: ",") where open.isEmpty: throw Defect.at(line: line, "a record")
            default: advance()
            }
        } while !open.isEmpty || !(current.map(Self.endsValue) ?? true)
        return deepest
    }

    /// Skips a string and returns its content, with escapes unchanged.
    private mutating func string() throws -> String {
        let first = line
        guard take("\"") else { throw Defect.at(line: line, "a string") }
        let start = index
        while let byte = current, byte != UInt8(ascii: "\"") {
            advance()
            if byte == UInt8(ascii: "\\") { advance() }
        }
        let content = String(decoding: bytes[min(start, index)..<min(index, bytes.count)], as: UTF8.self)
        guard take("\"") else { throw Defect.at(line: first, "the end of the string that begins here") }
        return content
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func advance() {
        if current == UInt8(ascii: "\n") { line += 1 }
        index += 1
    }

    private mutating func skipSpace() { while let byte = current, Self.isSpace(byte) { advance() } }

    /// Skips white space, and the character if it comes next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        advance()
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    private static func endsValue(_ byte: UInt8) -> Bool {
        isSpace(byte) || [UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}")].contains(byte)
    }
}
