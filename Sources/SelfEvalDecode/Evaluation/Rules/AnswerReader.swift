import Foundation
import SelfEvalDecode

/// Reads answers from outputs in the same way for every benchmark: the common part of the corrected rules.
///
/// The answer that the decoder states counts. If it states none, the last statement in the response counts (a
/// `\boxed{}`, "the answer is", a heading, a tag). If there is no statement either, the response itself counts: all of
/// it if it is one short line, otherwise its last line.
struct AnswerReader {
    /// The text that is read.
    let text: String
    /// Whether the text was stated as an answer, rather than being the whole response.
    let isStated: Bool

    init(_ output: ModelOutput) {
        if let stated = output.stated.map(PlainText.halfWidth) {
            text = AnswerStatement.last(in: stated) ?? AnswerStatement.sentence(stated)
            isStated = true
            return
        }
        let response = PlainText.halfWidth(output.response)
        if let statement = AnswerStatement.last(in: response) {
            (text, isStated) = (statement, true)
        } else if Self.isBareAnswer(response) {
            (text, isStated) = (AnswerStatement.sentence(response), true)
        } else if let paragraph = response.firstRange(of: "\n\n"),
            Self.isBareAnswer(String(response[..<paragraph.lowerBound]))
        {
            // The answer comes first, and then the reason.
            (text, isStated) = (AnswerStatement.sentence(response), true)
        } else {
            (text, isStated) = (PlainText.tidied(response), false)
        }
    }

    /// Whether a response is nothing but an answer: a letter or a value.
    private static func isBareAnswer(_ response: String) -> Bool {
        let tidy = PlainText.tidied(response)
        guard tidy.utf8.count <= 64, !tidy.contains(where: \.isNewline) else { return false }
        return letter(tidy, choices: Array(repeating: "", count: Problem.mostChoices), isBare: true) != nil
            || PlainText.value(tidy) != nil
    }

    /// The last line of a response that states no answer.
    var scope: String {
        guard !isStated else { return text }
        return text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map(String.init) ?? ""
    }

    /// The part of a text that affirms something, without what it rules out, as in "not (A) but (B)" and "B, not A";
    /// `nil` if it only rules something out.
    static func affirmed(_ text: String) -> String? {
        let negation =
            /\b(?:not|neither|nor|never|cannot|except|none|(?:is|are|was|do|does|ca|could|wo|would)n['’]t|rather than|instead of)\b/
            .ignoresCase()
        guard let first = text.firstMatch(of: negation) else { return text }
        if let but = text.ranges(of: /\bbut\b(?:\s+(?:rather|instead|it is|is))*/).last,
            but.lowerBound >= first.range.upperBound
        {
            let rest = text[but.upperBound...]
            return rest.contains(negation) ? nil : PlainText.tidied(String(rest))
        }
        let kept = String(text[..<first.range.lowerBound])
        let before = PlainText.tidied(kept.replacing(/,?\s*\band\s*$/, with: ""))
        let copula = /(?:^|\s)(?:is|are|was|were|be|can|could|do|does|did|should|would|must|may|might|it|answer)$/
            .ignoresCase()
        return before.isEmpty || before.contains(copula) ? nil : before
    }

    // MARK: Numbers

    /// The number in the text: the whole text, the part after its last equals sign, or the only number among its words.
    var number: (text: String, value: MathValue)? {
        guard let line = Self.affirmed(scope) else { return nil }
        for part in Self.wholes(of: line) {
            if let value = PlainText.value(part), value.number != nil { return (PlainText.tidied(part), value) }
        }
        return isStated ? Self.onlyNumber(in: line) : Self.onlyNumber(in: line) ?? Self.lastNumber(in: line)
    }

    /// The forms in which a whole text may be a value.
    static func wholes(of text: String) -> [String] {
        var wholes = [text]
        let leadIn =
            /^(?:(?:it|that|this|there)\s+(?:is|are)|about|approximately|approx\.?|around|roughly|exactly|equal to|≈|~|=|\\approx)\s+/
            .ignoresCase()
        var plain = text
        while let match = plain.prefixMatch(of: leadIn) { plain = String(plain[match.range.upperBound...]) }
        if plain != text { wholes.append(plain) }
        // "x = 3 + 4 = 7", but not "x = 2, y = 3".
        let approximate = plain.replacing(#"\approx"#, with: "≈")
        if let sign = approximate.lastIndex(where: { "=≈".contains($0) }) {
            let before = approximate[..<sign]
            let side = String(approximate[approximate.index(after: sign)...])
            let isSystem =
                before.contains(",") && !before.contains("(") || before.contains(/\b(?:or|and)\b/)
                || before.contains(";")
            if !isSystem { wholes.append(side) }
        }
        if let match = plain.firstMatch(of: /^(.{1,40}?)\s+of\s+(?:the|them|these|those|all)\b/) {
            wholes.append(String(match.1))
        }
        return wholes
    }

    /// Words next to a number that turn it into another number, or into several.
    private static let changing: Set<String> = [
        "or", "and", "to", "than", "least", "most", "between", "under", "over", "below", "above", "half", "third",
        "twice", "double",
        "triple", "times", "plus", "minus", "squared", "cubed", "root", "divided", "except", "maybe", "either", "per",
        "quarter",
        "from", "through", "remainder", "factorial", "mod", "modulo",
    ]

    /// The only number among the words of a text, if no word changes it.
    private static func onlyNumber(in text: String) -> (text: String, value: MathValue)? {
        let words = words(of: text)
        let marked = words.indices.filter { isMathematical(words[$0]) }
        guard words.count <= 60, let first = marked.first, let last = marked.last, last - first == marked.count - 1
        else { return nil }
        let others = words[..<first] + words[(last + 1)...]
        guard !others.contains(where: { changes($0) }) else { return nil }
        return value(words[first...last])
    }

    /// The last of several numbers in a text, if it stands alone.
    private static func lastNumber(in text: String) -> (text: String, value: MathValue)? {
        let words = Array(words(of: text).suffix(60))
        guard let last = words.lastIndex(where: isMathematical) else { return nil }
        var first = last
        while first > 0, isMathematical(words[first - 1]) { first -= 1 }
        let beside = [first > 0 ? words[first - 1] : nil, last + 1 < words.count ? words[last + 1] : nil].compactMap {
            $0
        }
        guard !beside.contains(where: { changes($0) }) else { return nil }
        return value(words[first...last])
    }

    private static func words(of text: String) -> [Substring] {
        // Brackets after words enclose an aside.
        text.suffix(2000).split(whereSeparator: \.isWhitespace)
    }

    private static func isMathematical(_ word: Substring) -> Bool {
        if word.contains(where: { $0.isNumber || "\\√π+*/^×÷=<>".contains($0) }) { return true }
        let plain = PlainText.tidied(String(word)).lowercased()
        return [
            "-", "−", "–", "hundred", "thousand", "million", "billion", "trillion", "dozen", "pi", "sqrt", "log", "ln",
        ].contains(plain)
    }

    private static func changes(_ word: Substring) -> Bool {
        let plain = PlainText.tidied(String(word))
        // A letter alone is a variable.
        if plain.count == 1, plain.first?.isLetter ?? false { return !["a", "A", "I"].contains(plain) }
        return changing.contains(plain.lowercased())
    }

    private static func value(_ words: ArraySlice<Substring>) -> (text: String, value: MathValue)? {
        let text = PlainText.tidied(words.joined(separator: " "))
        // In "3-5", the dash is not a minus sign.
        guard !text.contains(/^[0-9.,]+\s*[-−–]\s*[0-9.,]+$/) else { return nil }
        let plain = text.hasPrefix("(") && !text.contains(")") ? String(text.dropFirst()) : text
        return PlainText.value(plain).flatMap { $0.number == nil ? nil : (text, $0) }
    }

    /// The number that a text consists of, whatever its unit; `nil` if it is not a number.
    static func number(_ text: String) -> Double? {
        PlainText.value(text)?.number?.double
    }

    // MARK: Comparison

    /// The elements of a list without its brackets.
    static func list(_ text: String) -> [String] {
        var plain = PlainText.tidied(PlainText.of(text))[...]
        if let first = plain.first, "[({".contains(first), let last = plain.last, "])}".contains(last) {
            plain = plain.dropFirst().dropLast()
        }
        var elements: [String] = []
        var element = ""
        var depth = 0
        for character in plain.replacing(/,?\s+and\s+/, with: ",") {
            if "([{".contains(character) { depth += 1 }
            if ")]}".contains(character) { depth -= 1 }
            if depth == 0, ",;".contains(character) {
                elements.append(element)
                element = ""
            } else {
                element.append(character)
            }
        }
        elements.append(element)
        return elements.map { PlainText.key($0) }.filter { !$0.isEmpty }
    }

    /// Whether two values are equal except for the last bits.
    static func isEqual(_ first: Double, _ second: Double) -> Bool {
        abs(first - second) <= 1e-12 * max(1, abs(first), abs(second))
    }

    /// Whether two texts read the same or have the same value.
    static func isSame(_ first: String, _ second: String) -> Bool {
        if PlainText.key(first) == PlainText.key(second) {
            // Case distinguishes units, as in mW and MW.
            guard let first = PlainText.value(first), let second = PlainText.value(second) else { return true }
            return first.isEqual(to: second)
        }
        guard let first = PlainText.value(first), let second = PlainText.value(second) else { return false }
        return first.isEqual(to: second)
    }
}
