import Foundation

/// Finds the answers that a text states, in the ways that models state them.
extension AnswerText {
    /// An answer in a text.
    struct Statement {
        let text: String
        /// Bytes of UTF-8 before the statement.
        let offset: Int
        fileprivate let range: Range<String.Index>
        fileprivate let isBraced: Bool
    }

    /// How a pattern is to be looked for.
    private enum Form {
        /// Between braces, which may hold others: `\boxed{…}`.
        case braces
        /// After words and a colon, on the same line or the next: `**Answer:** 18`.
        case colon
        /// A line of GSM8K's: `#### 18`.
        case hashes
        /// After some words, up to the end of the line or the sentence: "The answer is 18."
        case words

        init(_ prefix: String, _ suffix: String) {
            if prefix.hasSuffix("{"), suffix.hasPrefix("}") {
                self = .braces
            } else if prefix.hasSuffix(":"), prefix.count > 1 {
                self = .colon
            } else {
                self = !prefix.isEmpty && prefix.allSatisfy({ $0 == "#" }) ? .hashes : .words
            }
        }
    }

    /// The answer that a text states last in one of the ways of a pack of prompts; `nil` where it states none.
    static func statement(in text: String, by prompts: PromptPack) -> Statement? {
        let found = ([prompts.answerPattern] + prompts.furtherAnswerPatterns).compactMap { pattern in
            let (prefix, suffix) = PromptPack.parts(of: pattern)
            return lastStatement(in: text, after: prefix, upTo: suffix)
        }
        // What stands inside of braces is no statement of its own.
        let own = found.filter { inner in
            !found.contains {
                $0.isBraced && $0.range.lowerBound < inner.range.lowerBound && $0.range.contains(inner.range.lowerBound)
            }
        }
        return own.max { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// The text of ``statement(in:by:)``.
    static func stated(in text: String, by prompts: PromptPack) -> String? { statement(in: text, by: prompts)?.text }

    /// What is said after the last `prefix` ("The answer is"), up to `suffix` or the end of its line; `nil` where there is
    /// nothing.
    static func stated(in text: String, after prefix: String, upTo suffix: String = "") -> String? {
        lastStatement(in: text, after: prefix, upTo: suffix)?.text
    }

    private static func lastStatement(in text: String, after prefix: String, upTo suffix: String) -> Statement? {
        let form = Form(prefix, suffix)
        let words = form == .colon ? String(prefix.dropLast()) : prefix
        var end = text.endIndex
        for _ in 0..<mostAttempts {
            guard
                let place = text.range(
                    of: words,
                    options: [.caseInsensitive, .backwards],
                    range: text.startIndex..<end
                )
            else { break }
            let body =
                switch form {
                case .braces: braced(text[place.upperBound...])
                case .colon: isWordStart(place.lowerBound, in: text) ? afterColon(text[place.upperBound...]) : nil
                case .hashes: afterHashes(place, in: text)
                case .words: onLine(text[place.upperBound...], upTo: suffix)
                }
            if let body {
                let answer = unwrapped(tidied(body))
                if answer.contains(where: { $0.isLetter || $0.isNumber }) {
                    return Statement(
                        text: answer,
                        offset: text[..<place.lowerBound].utf8.count,
                        range: place.lowerBound..<body.endIndex,
                        isBraced: form == .braces
                    )
                }
            }
            end = place.lowerBound
        }
        return nil
    }

    // MARK: Forms

    /// The most places that are looked at, from the end: a text may say "answer" a thousand times.
    private static let mostAttempts = 100
    /// The most characters of an answer between braces.
    private static let mostBraced = 1000

    /// What stands before the brace that closes; `nil` where none does.
    private static func braced(_ text: Substring) -> Substring? {
        var depth = 1
        var isEscaped = false
        for (count, index) in zip(0..<mostBraced, text.indices) {
            defer { isEscaped = !isEscaped && text[index] == "\\" }
            guard !isEscaped else { continue }
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" { depth -= 1 }
            if depth == 0 { return count > 0 ? text[..<index] : nil }
        }
        return nil
    }

    private static func onLine(_ text: Substring, upTo suffix: String) -> Substring {
        let line = text.drop { ($0.isWhitespace && !$0.isNewline) || $0 == ":" }.prefix { !$0.isNewline }
        return suffix.isEmpty ? firstSentence(line) : upTo(suffix, line)
    }

    /// What stands before a full stop behind which a sentence begins, where a number stands before it: in other answers a full
    /// stop may be that of an abbreviation.
    private static func firstSentence(_ line: Substring) -> Substring {
        var index = line.startIndex
        var hasNumber = false
        while let stop = line[index...].firstIndex(where: { ".!".contains($0) }) {
            hasNumber = hasNumber || line[index..<stop].contains(where: \.isNumber)
            let rest = line[line.index(after: stop)...]
            if hasNumber, rest.first == " ", rest.dropFirst().first?.isUppercase == true { return line[..<stop] }
            index = line.index(after: stop)
        }
        return line
    }

    private static func afterColon(_ text: Substring) -> Substring? {
        func isMark(_ character: Character) -> Bool { "*_ \t".contains(character) }
        let colon = text.drop(while: isMark)
        guard colon.first == ":" else { return nil }
        var body = colon.dropFirst().drop(while: isMark)
        if body.first?.isNewline == true { body = body.drop { $0.isWhitespace } }
        for (open, close) in [("\\[", "\\]"), ("$$", "$$")] where body.hasPrefix(open) {
            let inner = body.dropFirst(open.count)
            return inner.range(of: close).map { inner[..<$0.lowerBound] }
        }
        body = firstSentence(body.drop(while: isMark).prefix { !$0.isNewline })
        // The bold that began before the colon ends here.
        for mark in ["**", "__"] where !body.hasPrefix(mark) {
            if let end = body.range(of: mark), !body[end.upperBound...].contains(mark) {
                body = body[..<end.lowerBound]
            }
        }
        return body.hasPrefix("#") ? nil : body
    }

    /// A number alone on its line: the same marks begin headings.
    private static func afterHashes(_ place: Range<String.Index>, in text: String) -> Substring? {
        let before = text[..<place.lowerBound].last
        let line = text[place.upperBound...].prefix { !$0.isNewline }
        guard before == nil || before?.isNewline == true, line.contains(where: \.isNumber),
            !line.contains(where: { $0.isLetter || $0 == "#" }),
            let last = line.last(where: { !$0.isWhitespace }), last != "." && last != ")" && last != ":"
        else { return nil }
        return line
    }

    private static func isWordStart(_ index: String.Index, in text: String) -> Bool {
        text[..<index].last.map { !$0.isLetter && !$0.isNumber } ?? true
    }

    // MARK: Tidying

    /// An answer out of the formula that it stands in: `$18$`, `\(18\)`, `\boxed{18}`, `\text{red}`.
    static func unwrapped(_ text: String) -> String {
        var text = text[...]
        for _ in 0..<4 {
            let before = text.count
            for (open, close) in [("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")]
            where text.hasPrefix(open) && text.hasSuffix(close) && text.count > open.count + close.count {
                let inner = text.dropFirst(open.count).dropLast(close.count)
                if !inner.contains(close) { text = trim(inner) }
            }
            for open in ["\\boxed{", "\\text{", "\\textbf{", "\\mathrm{"] where text.hasPrefix(open) {
                let inner = text.dropFirst(open.count)
                if let body = braced(inner), inner[body.endIndex...].count == 1 { text = trim(body) }
            }
            if text.count == before { break }
        }
        return String(text)
    }
}
