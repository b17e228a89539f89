/// Turns tokens into text as they arrive, and never shows half a character.
///
/// A token may end in the middle of a UTF-8 character. The bytes of an unfinished character wait for the next token;
/// bytes that cannot become a character are replaced by U+FFFD, exactly as `String(decoding:as:)` would do with all
/// bytes at once. The pieces joined together therefore equal ``Tokenizer/decode(_:skippingSpecialTokens:continuing:)``.
///
/// ```swift
/// var detokenizer = tokenizer.makeDetokenizer()
/// for token in tokens { print(detokenizer.append(token), terminator: "") }
/// print(detokenizer.finish())
/// ```
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    private var stripsSpace: Bool
    private var pending: [UInt8] = []

    init(tokenizer: Tokenizer, skippingSpecialTokens: Bool, continuing: Bool) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skippingSpecialTokens
        stripsSpace = tokenizer.addsSpacePrefix && !continuing
    }

    /// Takes the next token.
    ///
    /// - Parameter token: A token; one outside the vocabulary decodes to no bytes.
    /// - Returns: The text that the token completes, often empty in the middle of a character.
    public mutating func append(_ token: TokenID) -> String {
        appendBytes(of: token)
        let end = pending.count - Self.unfinishedLength(pending)
        let text = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeSubrange(..<end)
        return text
    }

    /// Ends the text: an unfinished character becomes U+FFFD. Afterwards, the detokenizer is in the state at the start
    /// of a continued text.
    ///
    /// - Returns: The text of the bytes that were held back.
    public mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// Takes all of a text's remaining tokens at once.
    mutating func finish(with tokens: some Sequence<TokenID>) -> String {
        for token in tokens { appendBytes(of: token) }
        return finish()
    }

    private mutating func appendBytes(of token: TokenID) {
        if tokenizer.isSpecial(token) {
            if !skipsSpecialTokens { pending += tokenizer.rawBytes(of: token) }
            return
        }
        var bytes = tokenizer.rawBytes(of: token)
        if stripsSpace, let first = bytes.first {
            if first == 0x20 { bytes = bytes.dropFirst() }
            stripsSpace = false
        }
        pending += bytes
    }

    /// The number of bytes at the end that begin a well-formed character but do not complete it: 0 to 3.
    ///
    /// Source: table 3-7 of the Unicode Standard, "Well-Formed UTF-8 Byte Sequences".
    static func unfinishedLength(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let start = bytes.count - length
            let lead = bytes[start]
            if lead & 0xC0 == 0x80 { continue }
            let whole: Int
            switch lead {
            case 0xC2...0xDF: whole = 2
            case 0xE0...0xEF: whole = 3
            case 0xF0...0xF4: whole = 4
            default: return 0
            }
            guard length < whole else { return 0 }
            guard length > 1 else { return 1 }
            let second = bytes[start + 1]
            switch lead {
            case 0xE0 where second < 0xA0, 0xED where second > 0x9F, 0xF0 where second < 0x90, 0xF4 where second > 0x8F:
                return 0
            default: return length
            }
        }
        return 0
    }
}
