/// How a vocabulary requires text to be split into words before byte-pair merging; no merge crosses a split.
///
/// The published patterns are regular expressions. Each is written out here as a scanner over Unicode scalars, which
/// needs no regex engine and looks at each scalar a bounded number of times.
///
/// | pattern | published expression |
/// |---|---|
/// | ``Pattern/gpt2`` | `'s\|'t\|'re\|'ve\|'m\|'ll\|'d\| ?\p{L}+\| ?\p{N}+\| ?[^\s\p{L}\p{N}]+\|\s+(?!\S)\|\s+` |
/// | ``Pattern/cl100k`` | `(?i:'s\|'t\|'re\|'ve\|'m\|'ll\|'d)\|[^\r\n\p{L}\p{N}]?\p{L}+\|\p{N}{1,3}\| ?[^\s\p{L}\p{N}]+[\r\n]*\|\s*[\r\n]+\|\s+(?!\S)\|\s+` |
///
/// Sources: the `tokenizer.json` files published with GPT-2, SmolLM2, StarCoder, Command R, Llama 3, Qwen 2 and Qwen 3.5,
/// and the names that GGUF gives them in `tokenizer.ggml.pre`.
struct PreTokenizer: Sendable, Equatable {
    /// The shape of the expression.
    enum Pattern: Sendable {
        /// GPT-2's: a word may begin with one space.
        case gpt2
        /// The one OpenAI published as cl100k: a word may begin with any one scalar that is not a letter, number or line
        /// break; contractions ignore case; punctuation takes the line breaks after it.
        case cl100k
    }

    /// The shape of the expression.
    var pattern: Pattern
    /// The maximum number of `\p{N}` scalars in one piece.
    var longestNumber = Int.max
    /// Whether every `\p{N}` is split off first, and the pattern is then applied to each stretch in between as a
    /// separate text.
    var isolatesNumbers = false
    /// Whether `\p{M}` counts as a letter.
    var countsMarksAsLetters = false
    /// Whether the text is converted to Unicode normalization form C first.
    var normalizes = false
    /// Whether a whole piece that is in the vocabulary becomes that token, even if merges would give a different
    /// result.
    var prefersWholePieces = false

    private static let gpt2 = PreTokenizer(pattern: .gpt2)
    private static let gpt2NFC = PreTokenizer(pattern: .gpt2, normalizes: true)
    private static let digits = PreTokenizer(pattern: .gpt2, isolatesNumbers: true)
    private static let llama3 = PreTokenizer(pattern: .cl100k, longestNumber: 3, prefersWholePieces: true)
    private static let qwen2 = PreTokenizer(pattern: .cl100k, longestNumber: 1, normalizes: true)

    /// The pre-tokenizers by GGUF's names, grouped by behaviour.
    ///
    /// "default" is what a file without a name gets: GPT-2's pattern, which is also the default of Hugging Face's
    /// `ByteLevel`.
    static let named: KeyValuePairs<String, PreTokenizer> = [
        "default": gpt2, "gpt-2": gpt2, "phi-2": gpt2,
        "mpt": gpt2NFC, "olmo": gpt2NFC,
        "smollm": digits, "starcoder": digits, "refact": digits,
        "command-r": PreTokenizer(pattern: .gpt2, isolatesNumbers: true, normalizes: true),
        "llama-bpe": llama3, "llama3": llama3, "llama-v3": llama3, "lfm2": llama3,
        "smaug-bpe": PreTokenizer(pattern: .cl100k, longestNumber: 3),
        "dbrx": PreTokenizer(pattern: .cl100k, longestNumber: 3),
        "qwen2": qwen2, "qwen3": qwen2,
        "qwen35": PreTokenizer(pattern: .cl100k, longestNumber: 1, countsMarksAsLetters: true, normalizes: true),
    ]

    /// Where the piece that starts at `start` ends.
    ///
    /// - Parameters:
    ///   - start: The start of a scalar, before the end of the text.
    ///   - bytes: Well-formed UTF-8.
    /// - Returns: An index after `start`.
    @inline(__always)
    func end(ofPieceAt start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        let text = ClassifiedText(bytes: bytes, marks: countsMarksAsLetters ? .letter : .other)
        switch pattern {
        case .gpt2: return gpt2End(text, start)
        case .cl100k: return cl100kEnd(text, start)
        }
    }

    private func gpt2End(_ text: ClassifiedText, _ start: Int) -> Int {
        if let end = Self.contractionEnd(text.bytes, start, ignoringCase: false) { return end }
        var (first, next) = text.scalar(at: start)
        if text.bytes[start] == 0x20, next < text.count {
            // ` ?`: the space belongs to what follows, unless that is white space or a number that was split off.
            let (second, afterSecond) = text.scalar(at: next)
            if !second.isWhitespace, !(second == .number && isolatesNumbers) { (first, next) = (second, afterSecond) }
        }
        switch first {
        case .space, .newline: return whitespaceEnd(text, start)
        case .number: return isolatesNumbers ? next : text.end(ofRun: .number, from: next)
        case .letter, .other: return text.end(ofRun: first, from: next)
        }
    }

    private func cl100kEnd(_ text: ClassifiedText, _ start: Int) -> Int {
        if let end = Self.contractionEnd(text.bytes, start, ignoringCase: true) { return end }
        let (first, next) = text.scalar(at: start)
        if first == .letter { return text.end(ofRun: .letter, from: next) }
        if first == .number {
            var end = next
            var count = 1
            while count < longestNumber, end < text.count {
                let (found, after) = text.scalar(at: end)
                guard found == .number else { break }
                end = after
                count += 1
            }
            return end
        }
        let second = next < text.count ? text.scalar(at: next) : nil
        if let second, second.class == .letter, first != .newline { return text.end(ofRun: .letter, from: second.next) }
        var punctuation: Int?
        if first == .other {
            punctuation = next
        } else if let second, second.class == .other, text.bytes[start] == 0x20 {
            punctuation = second.next
        }
        if let punctuation {
            return text.end(ofRun: .newline, from: text.end(ofRun: .other, from: punctuation))
        }
        return whitespaceEnd(text, start)
    }

    /// The end of the piece in a run of white space: the whole run, or all but its last scalar.
    private func whitespaceEnd(_ text: ClassifiedText, _ start: Int) -> Int {
        var end = start
        var lastScalar = start
        var afterLastNewline = start
        var follower: ScalarClass?
        while end < text.count {
            let (found, next) = text.scalar(at: end)
            guard found.isWhitespace else {
                follower = found
                break
            }
            lastScalar = end
            end = next
            if found == .newline { afterLastNewline = end }
        }
        // `\s*[\r\n]+` gives back what comes after the last line break.
        if pattern == .cl100k, afterLastNewline > start { return afterLastNewline }
        // `\s+(?!\S)` gives back one scalar before a word; `\s+` takes a single one that could not be given back. For
        // the pattern, a number that was split off is the end of the text.
        let isBeforeWord = follower.map { !($0 == .number && isolatesNumbers) } ?? false
        return isBeforeWord && lastScalar > start ? lastScalar : end
    }

    /// The end of 's, 't, 're, 've, 'm, 'll or 'd at `start`.
    @inline(__always)
    private static func contractionEnd(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        ignoringCase: Bool
    ) -> Int? {
        guard bytes[start] == 0x27, start + 1 < bytes.count else { return nil }
        return contractionEnd(afterApostrophe: start + 1, bytes, ignoringCase: ignoringCase)
    }

    private static func contractionEnd(
        afterApostrophe start: Int,
        _ bytes: UnsafeBufferPointer<UInt8>,
        ignoringCase: Bool
    ) -> Int? {
        let caseBit: UInt8 = ignoringCase ? 0x20 : 0
        func letter(_ index: Int) -> UInt8 {
            guard index < bytes.count else { return 0 }
            return bytes[index] < 0x80 ? bytes[index] | caseBit : bytes[index]
        }
        let second = letter(start + 1)
        switch letter(start) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 1
        case UInt8(ascii: "r") where second == UInt8(ascii: "e"): return start + 2
        case UInt8(ascii: "v") where second == UInt8(ascii: "e"): return start + 2
        case UInt8(ascii: "l") where second == UInt8(ascii: "l"): return start + 2
        // U+017F, the long s, is equal to s when case is ignored.
        case 0xC5 where ignoringCase && second == 0xBF: return start + 2
        default: return nil
        }
    }
}
