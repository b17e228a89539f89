import HeapModule
import Foundation

/// Byte-level byte-pair encoding: words of bytes, joined pair by pair in the order in which training joined them.
///
/// Sources: Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword Units"; the
/// byte-level variant is GPT-2's (Radford et al. 2019).
struct BytePairEncoder: Sendable {
    let preTokenizer: PreTokenizer
    let merges: MergeTable
    /// The token of each byte; -1 if the vocabulary has none. `[256]`
    let byteTokens: [TokenID]
    /// Finds tokens by their bytes.
    let table: ByteStringTable
    let strings: ByteStrings
    let longestToken: Int

    /// Words up to this length are merged by scanning for the best pair, which beats a heap on short words.
    private static let longestScannedWord = 48

    /// The largest number of merges whose ranks fit the heap's candidates.
    static let mostMerges = 1 << 24 - 1

    /// Appends the tokens of ordinary text.
    ///
    /// Bytes without a token are dropped, as in Hugging Face's implementation.
    ///
    /// - Parameter text: Well-formed UTF-8.
    /// - Complexity: O(n log w) for words of w bytes.
    func encode(_ text: UnsafeBufferPointer<UInt8>, into output: inout [TokenID]) {
        if preTokenizer.normalizes, Self.mayChangeByNormalization(text) {
            Self.normalize(String(decoding: text, as: UTF8.self)).withUTF8Bytes {
                encodeNormalized($0, into: &output)
            }
        } else {
            encodeNormalized(text, into: &output)
        }
    }

    private func encodeNormalized(_ text: UnsafeBufferPointer<UInt8>, into output: inout [TokenID]) {
        var scratch = Scratch()
        var start = 0
        while start < text.count {
            let end = preTokenizer.end(ofPieceAt: start, in: text)
            encodeWord(UnsafeBufferPointer(rebasing: text[start..<end]), scratch: &scratch, into: &output)
            start = end
        }
    }

    /// Whether normalization form C can differ from the text: every scalar below U+0300 is inert.
    private static func mayChangeByNormalization(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        // U+0300 is the first scalar whose UTF-8 starts with 0xCC.
        text.contains { $0 >= 0xCC }
    }

    /// Normalization form C.
    ///
    /// Foundation composes some scalars beyond U+FFFF by their low 16 bits, so that U+21F09 U+0301 becomes U+1F0D. The
    /// standard library, whose `==` is canonical equivalence, detects such an error; the character is then left
    /// unchanged.
    private static func normalize(_ text: String) -> String {
        let normalized = text.precomposedStringWithCanonicalMapping
        if normalized == text { return normalized }
        // No composition crosses the boundary of an extended grapheme cluster.
        return text.reduce(into: "") { output, character in
            let original = String(character)
            let normalized = original.precomposedStringWithCanonicalMapping
            output += normalized == original ? normalized : original
        }
    }

    private func encodeWord(
        _ word: UnsafeBufferPointer<UInt8>,
        scratch: inout Scratch,
        into output: inout [TokenID]
    ) {
        if preTokenizer.prefersWholePieces, word.count <= longestToken, let token = table.find(word, in: strings) {
            output.append(token)
            return
        }
        scratch.tokens.removeAll(keepingCapacity: true)
        for byte in word where byteTokens[Int(byte)] >= 0 { scratch.tokens.append(byteTokens[Int(byte)]) }
        if scratch.tokens.count <= Self.longestScannedWord {
            mergeByScanning(&scratch)
        } else {
            mergeByHeap(&scratch)
        }
        output.append(contentsOf: scratch.tokens)
    }

    /// Working memory that the words of one text share.
    private struct Scratch {
        var tokens: [TokenID] = []
        /// `merges[i]` joins `tokens[i]` and `tokens[i + 1]`.
        var merges: [Merge] = []
    }

    /// Merges a short word: finds the best pair, leftmost among equals, and closes the gap that joining leaves.
    private func mergeByScanning(_ scratch: inout Scratch) {
        var count = scratch.tokens.count
        guard count > 1 else { return }
        scratch.merges.removeAll(keepingCapacity: true)
        for index in 1..<count { scratch.merges.append(merges[scratch.tokens[index - 1], scratch.tokens[index]]) }
        scratch.tokens.withUnsafeMutableBufferPointer { tokens in
            scratch.merges.withUnsafeMutableBufferPointer { pairs in
                while count > 1 {
                    var best = 0
                    for index in 1..<(count - 1) where pairs[index].rank < pairs[best].rank { best = index }
                    guard pairs[best].rank != Merge.never.rank else { break }
                    tokens[best] = pairs[best].result
                    count -= 1
                    for index in (best + 1)..<count { tokens[index] = tokens[index + 1] }
                    for index in best..<(count - 1) { pairs[index] = pairs[index + 1] }
                    if best > 0 { pairs[best - 1] = merges[tokens[best - 1], tokens[best]] }
                    if best + 1 < count { pairs[best] = merges[tokens[best], tokens[best + 1]] }
                }
            }
        }
        scratch.tokens.removeSubrange(count...)
    }

    /// Merges a long word with a linked list and a heap, so that no text takes quadratic time.
    private func mergeByHeap(_ scratch: inout Scratch) {
        let count = scratch.tokens.count
        var previous = Array(-1..<(count - 1))
        var next = Array(1...count)
        // A candidate is its rank (24 bits) over its position (40 bits): the order of the heap is that of the merges,
        // leftmost first among equals.
        var heap = Heap<UInt64>()
        heap.reserveCapacity(count)
        func push(_ position: Int, _ tokens: [TokenID], _ next: [Int]) {
            guard position >= 0, next[position] < count else { return }
            let merge = merges[tokens[position], tokens[next[position]]]
            guard merge.rank != Merge.never.rank else { return }
            heap.insert(UInt64(merge.rank) << 40 | UInt64(position))
        }
        for position in 0..<count { push(position, scratch.tokens, next) }
        while let candidate = heap.popMin() {
            let position = Int(candidate & (1 << 40 - 1))
            // A token that was joined to its neighbour is -1, and has no merges; a changed pair has another rank.
            guard scratch.tokens[position] >= 0, next[position] < count else { continue }
            let merge = merges[scratch.tokens[position], scratch.tokens[next[position]]]
            guard UInt64(merge.rank) == candidate >> 40 else { continue }
            let removed = next[position]
            scratch.tokens[position] = merge.result
            scratch.tokens[removed] = -1
            next[position] = next[removed]
            if next[position] < count { previous[next[position]] = position }
            push(previous[position], scratch.tokens, next)
            push(position, scratch.tokens, next)
        }
        scratch.tokens.removeAll { $0 < 0 }
    }
}
