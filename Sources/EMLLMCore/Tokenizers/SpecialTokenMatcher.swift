/// Finds tokens that occur as a whole in a text: the leftmost first, and the longest of those that start at the same
/// place.
struct SpecialTokenMatcher: Sendable {
    /// A token and the text that stands for it.
    struct Entry: Sendable {
        var text: [UInt8]
        var token: TokenID
    }

    /// Sorted by text, so that all texts with a common prefix are neighbours.
    private let entries: [Entry]
    /// For each byte, whether some text starts with it. `[256]`
    private let startsWith: [Bool]

    /// Makes a matcher; entries without text never match.
    init(_ entries: [Entry]) {
        self.entries = entries.filter { !$0.text.isEmpty }.sorted { $0.text.lexicographicallyPrecedes($1.text) }
        var startsWith = [Bool](repeating: false, count: 256)
        for entry in self.entries { startsWith[Int(entry.text[0])] = true }
        self.startsWith = startsWith
    }

    /// Two tokens that have the same text.
    var duplicate: (TokenID, TokenID)? {
        for index in entries.indices.dropFirst() where entries[index].text == entries[index - 1].text {
            return (entries[index - 1].token, entries[index].token)
        }
        return nil
    }

    /// The token whose whole text is `text`.
    func token(spelled text: [UInt8]) -> TokenID? {
        text.withUnsafeBufferPointer { bytes in
            guard let match = longestMatch(at: 0, in: bytes), match.end == bytes.count else { return nil }
            return match.token
        }
    }

    /// The longest token that starts at `start`, and where it ends.
    ///
    /// - Complexity: O(l log k) for texts of at most l bytes and k tokens.
    func longestMatch(at start: Int, in text: UnsafeBufferPointer<UInt8>) -> (token: TokenID, end: Int)? {
        guard start < text.count, startsWith[Int(text[start])] else { return nil }
        var candidates = entries[...]
        var longest: (TokenID, Int)?
        var depth = 0
        while start + depth < text.count {
            let byte = text[start + depth]
            // All candidates agree with the text on `depth` bytes; those that end there were dropped.
            let lower = candidates.partitioningIndex { $0.text[depth] >= byte }
            let upper = candidates[lower...].partitioningIndex { $0.text[depth] > byte }
            candidates = candidates[lower..<upper]
            depth += 1
            guard let first = candidates.first else { break }
            if first.text.count == depth {
                longest = (first.token, start + depth)
                candidates = candidates.dropFirst()
            }
        }
        return longest
    }

    /// Splits a text into whole tokens and the stretches between them, in order.
    func split(
        _ text: UnsafeBufferPointer<UInt8>,
        onText: (UnsafeBufferPointer<UInt8>) -> Void,
        onToken: (TokenID) -> Void
    ) {
        var textStart = 0
        var index = 0
        while index < text.count {
            guard let (token, end) = longestMatch(at: index, in: text) else {
                index += 1
                continue
            }
            if textStart < index { onText(UnsafeBufferPointer(rebasing: text[textStart..<index])) }
            onToken(token)
            index = end
            textStart = end
        }
        if textStart < text.count { onText(UnsafeBufferPointer(rebasing: text[textStart...])) }
    }
}

extension ArraySlice {
    /// The first index at which `isInSecondHalf` holds, for a slice that is sorted by it.
    fileprivate func partitioningIndex(where isInSecondHalf: (Element) -> Bool) -> Index {
        var lower = startIndex
        var upper = endIndex
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if isInSecondHalf(self[middle]) { upper = middle } else { lower = middle + 1 }
        }
        return lower
    }
}
