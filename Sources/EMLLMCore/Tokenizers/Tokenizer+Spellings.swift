import Synchronization

/// Words looked for in a vocabulary, with the tokens that were found.
package final class SpellingCache: Sendable {
    private let found = Mutex<[[UInt8]: [TokenID]]>([:])
    /// Programs ask for a few words; this only keeps one that asks for ever new ones from growing.
    private static let limit = 64

    package init() {}

    package func tokens(for key: [UInt8], scan: () -> [TokenID]) -> [TokenID] {
        if let known = found.withLock({ $0[key] }) { return known }
        let tokens = scan()
        found.withLock {
            if $0.count >= Self.limit { $0.removeAll() }
            $0[key] = tokens
        }
        return tokens
    }

    package var count: Int { found.withLock { $0.count } }
}

extension Tokenizer {
    /// The tokens that spell a word, ascending: special ones excepted, white space around it and the case of ASCII letters
    /// ignored.
    ///
    /// - Complexity: O(V) for a word's first time; copies of a tokenizer remember it together.
    package func tokens(spelling word: String) -> [TokenID] {
        let key = Self.spellingKey(Array(word.utf8)[...])
        return spellings.tokens(for: key) {
            (TokenID(0)..<TokenID(vocabularySize)).filter {
                !isSpecial($0) && Self.spellingKey(rawBytes(of: $0)) == key
            }
        }
    }

    /// Bytes without surrounding white space, ASCII letters in lower case.
    package static func spellingKey(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        let text = bytes.drop(while: isSpace)
        let end = (text.lastIndex { !isSpace($0) } ?? text.startIndex - 1) + 1
        return text[text.startIndex..<end].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }
}
