import Synchronization

/// A cache of words that were looked up in a vocabulary, with their tokens.
package final class SpellingCache: Sendable {
    private let found = Mutex<[[UInt8]: [TokenID]]>([:])
    /// Programs look up a few words. The limit only bounds the memory of a program that keeps looking up new ones.
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
    /// The tokens that spell a word, ascending, except special ones. Surrounding white space and the case of ASCII
    /// letters are ignored.
    ///
    /// - Complexity: O(V) the first time for each word; copies of a tokenizer share the cache.
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
