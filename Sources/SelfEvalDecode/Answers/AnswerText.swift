import Foundation

/// Finds and tidies answers in text.
enum AnswerText {
    /// What comes before `suffix`; everything where it does not occur.
    static func upTo(_ suffix: String, _ text: Substring) -> Substring {
        guard !suffix.isEmpty, let end = text.range(of: suffix) else { return text }
        return text[..<end.lowerBound]
    }

    /// The first line of an answer, without the punctuation around it; the text itself where nothing else is left.
    static func cleaned(_ text: String, upTo suffix: String = "") -> String {
        let trimmed = text.drop { $0.isWhitespace || $0 == ":" }.prefix { !$0.isNewline }
        let answer = unwrapped(tidied(upTo(suffix, trimmed)))
        return answer.isEmpty ? String(trim(text[...])) : answer
    }

    /// Whether a line with something on it has ended.
    static func endsLine(_ text: String) -> Bool {
        text.drop { $0.isWhitespace }.contains { $0.isNewline }
    }

    /// What two candidates that say the same have in common: case and white space do not count.
    static func key(_ text: String) -> String {
        text.lowercased().split { $0.isWhitespace }.joined(separator: " ")
    }

    static func tidied(_ text: Substring) -> String {
        String(withoutEmphasis(withoutStop(withoutEmphasis(trim(text)))))
    }

    private static func withoutEmphasis(_ text: Substring) -> Substring {
        for mark in ["**", "__", "`", "*"] where text.hasPrefix(mark) && text.hasSuffix(mark) {
            if text.count > 2 * mark.count { return trim(text.dropFirst(mark.count).dropLast(mark.count)) }
        }
        return text
    }

    /// One full stop belongs to the sentence; "e.g." and "…" belong to the answer.
    private static func withoutStop(_ text: Substring) -> Substring {
        guard text.hasSuffix(".") else { return text }
        let body = text.dropLast()
        return !body.contains(".") || isNumberBeforeStop(text) || body.last == "*" ? trim(body) : text
    }

    /// Whether the text is a decimal number and a full stop: "3.14."
    private static func isNumberBeforeStop(_ text: Substring) -> Bool {
        let body = text.dropLast()
        return Double(body) != nil || body.split(separator: " ").last.map { Double($0) != nil } ?? false
    }

    static func trim(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}

extension AnswerText {
    /// What two answers have in common that count as the same vote: the key of their value where they have one, and
    /// otherwise their text without case, white space and the punctuation around it.
    static func voteKey(_ text: String) -> String {
        if let value = PlainText.value(text) { return value.key }
        let plain = PlainText.key(text)
        // "(A)" is a letter in brackets, "(1,2" is not.
        if let match = plain.wholeMatch(of: /[(\[{]\s*([\p{L}\p{N} ]+)\s*[)\]}]/) {
            return PlainText.value(String(match.1))?.key ?? String(match.1)
        }
        return plain.isEmpty ? key(text) : plain
    }
}

extension Answer {
    /// What answers have in common that count as the same vote. Scoring compares by the same normalization: numbers and
    /// other mathematics by ``MathValue/key``, texts without case, white space and punctuation around them.
    public var voteKey: String { AnswerText.voteKey(text) }
}
