/// Looks for stop strings in a text that arrives in pieces, and holds back what may be the beginning of one.
///
/// The string whose end comes first ends the text; of several that end at one place, the longest. The result therefore
/// does not depend on how the text is cut into pieces. Compared are UTF-8 bytes.
struct StopStringMatcher: Sendable {
    /// The string that was found.
    private(set) var match: String?
    private var patterns: [Pattern]
    /// The end of the text, which a stop string may begin with.
    private var held: [UInt8] = []

    /// One string, and how much of it the text ends with (Knuth, Morris and Pratt 1977).
    private struct Pattern {
        let text: String
        let bytes: [UInt8]
        /// For each beginning of the string, the length of the longest shorter one that it ends with.
        let borders: [Int]
        var matched = 0

        init(_ text: String) {
            self.text = text
            bytes = Array(text.utf8)
            var borders = [Int](repeating: 0, count: bytes.count)
            var length = 0
            for index in bytes.indices.dropFirst() {
                while length > 0, bytes[length] != bytes[index] { length = borders[length - 1] }
                if bytes[length] == bytes[index] { length += 1 }
                borders[index] = length
            }
            self.borders = borders
        }

        /// Takes the next byte; `true` where it completes the string.
        mutating func append(_ byte: UInt8) -> Bool {
            while matched > 0, bytes[matched] != byte { matched = borders[matched - 1] }
            if bytes[matched] == byte { matched += 1 }
            return matched == bytes.count
        }
    }

    /// A matcher for strings that are not empty.
    init(_ strings: [String]) { patterns = strings.map { Pattern($0) } }

    /// Takes the next piece.
    ///
    /// - Returns: the text that is certain to come before any stop string; nothing once one was found.
    mutating func append(_ piece: String) -> String {
        guard !patterns.isEmpty else { return piece }
        guard match == nil else { return "" }
        for byte in piece.utf8 {
            held.append(byte)
            var found: Pattern?
            for index in patterns.indices where patterns[index].append(byte) {
                if patterns[index].bytes.count > found?.bytes.count ?? 0 { found = patterns[index] }
            }
            if let found {
                match = found.text
                return release(held.count - found.bytes.count)
            }
        }
        return release(held.count - (patterns.map(\.matched).max() ?? 0))
    }

    /// Ends the text.
    ///
    /// - Returns: what was held back and turned out to be no stop string.
    mutating func finish() -> String { match == nil ? release(held.count) : "" }

    /// Gives the first `count` bytes away. Pieces and strings are whole characters, and so is what is cut at their ends.
    private mutating func release(_ count: Int) -> String {
        defer { held.removeSubrange(..<count) }
        return String(decoding: held[..<count], as: UTF8.self)
    }
}
