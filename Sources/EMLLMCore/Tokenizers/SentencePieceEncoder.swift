import HeapModule

/// SentencePiece's byte-pair encoding: characters are joined to the neighbour with which they form the piece with the
/// highest score. Text that the vocabulary cannot spell becomes bytes.
///
/// Sources: Kudo and Richardson 2018, "SentencePiece: A simple and language independent subword tokenizer"; byte fallback
/// as in Llama 2 (Touvron et al. 2023).
struct SentencePieceEncoder: Sendable {
    /// "▁", U+2581, which stands for a space in the vocabulary.
    static let space: [UInt8] = [0xE2, 0x96, 0x81]

    /// The pieces as the vocabulary writes them, spaces as "▁".
    let strings: ByteStrings
    let table: ByteStringTable
    /// The score of each token; higher joins first.
    let scores: [Float]
    /// The token of each byte; -1 if the vocabulary has none. `[256]`
    let byteTokens: [TokenID]
    /// The token for text that neither pieces nor bytes can spell.
    let unknown: TokenID?
    let longestToken: Int

    private struct Symbol {
        /// The bytes of the text that the symbol covers; empty once it was joined to its left neighbour.
        var start: Int
        var end: Int
        var previous: Int
        var next: Int
    }

    private struct Candidate: Comparable {
        var score: Float
        var left: Int
        var right: Int
        /// The bytes that the pair covered when it was proposed; if the length differs, the candidate is out of date.
        var length: Int

        /// The highest score is the greatest, and the leftmost among equals.
        static func < (first: Candidate, second: Candidate) -> Bool {
            first.score != second.score ? first.score < second.score : first.left > second.left
        }
    }

    /// Writes spaces as the vocabulary does.
    static func escape(_ text: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.count + text.count / 2)
        for byte in text {
            if byte == 0x20 { escaped += space } else { escaped.append(byte) }
        }
        return escaped
    }

    /// Appends the tokens of ordinary text.
    ///
    /// - Parameter text: Well-formed UTF-8, spaces written as "▁".
    /// - Complexity: O(n log n).
    func encode(_ text: UnsafeBufferPointer<UInt8>, into output: inout [TokenID]) {
        var symbols = Self.characters(of: text)
        var heap = Heap<Candidate>()
        heap.reserveCapacity(symbols.count)
        func propose(_ left: Int, _ right: Int, _ symbols: [Symbol]) {
            guard left >= 0, right < symbols.count else { return }
            let range = symbols[left].start..<symbols[right].end
            guard range.count <= longestToken,
                let token = table.find(UnsafeBufferPointer(rebasing: text[range]), in: strings)
            else { return }
            heap.insert(Candidate(score: scores[Int(token)], left: left, right: right, length: range.count))
        }
        for right in symbols.indices.dropFirst() { propose(right - 1, right, symbols) }
        while let candidate = heap.popMax() {
            let (left, right) = (candidate.left, candidate.right)
            guard symbols[left].start < symbols[left].end, symbols[right].start < symbols[right].end,
                symbols[right].end - symbols[left].start == candidate.length
            else { continue }
            symbols[left].end = symbols[right].end
            symbols[right].start = symbols[right].end
            symbols[left].next = symbols[right].next
            if symbols[left].next < symbols.count { symbols[symbols[left].next].previous = left }
            propose(symbols[left].previous, left, symbols)
            propose(left, symbols[left].next, symbols)
        }
        var index = 0
        var endsInUnknown = false
        while index < symbols.count {
            let piece = UnsafeBufferPointer(rebasing: text[symbols[index].start..<symbols[index].end])
            append(piece, endsInUnknown: &endsInUnknown, into: &output)
            index = symbols[index].next
        }
    }

    /// Appends the token of a finished piece, its bytes' tokens, or one unknown token for a run of unknown pieces.
    private func append(
        _ piece: UnsafeBufferPointer<UInt8>,
        endsInUnknown: inout Bool,
        into output: inout [TokenID]
    ) {
        if let token = table.find(piece, in: strings) {
            output.append(token)
            endsInUnknown = false
        } else if piece.allSatisfy({ byteTokens[Int($0)] >= 0 }) {
            for byte in piece { output.append(byteTokens[Int(byte)]) }
            endsInUnknown = false
        } else if let unknown, !endsInUnknown {
            output.append(unknown)
            endsInUnknown = true
        }
    }

    private static func characters(of text: UnsafeBufferPointer<UInt8>) -> [Symbol] {
        var symbols: [Symbol] = []
        symbols.reserveCapacity(text.count)
        var start = 0
        while start < text.count {
            var end = start + 1
            while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
            symbols.append(Symbol(start: start, end: end, previous: symbols.count - 1, next: symbols.count + 1))
            start = end
        }
        return symbols
    }
}
