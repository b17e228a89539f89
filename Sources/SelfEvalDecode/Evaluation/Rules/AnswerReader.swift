import Foundation

/// Reads answers out of outputs, the same way for every benchmark: the corrected rules' common part.
///
/// What the decoder states counts. Where it states nothing, the last `\boxed{}` or "answer is" in the response does, and
/// without those the response itself, from its end.
struct AnswerReader {
    /// The text that is read.
    let text: String
    /// Whether the text was stated as an answer, rather than being the whole response.
    let isStated: Bool

    init(_ output: ModelOutput) {
        let stated = output.stated.map { Self.statement(in: $0) ?? $0 } ?? Self.statement(in: output.response)
        text = Self.tidied(stated ?? output.response)
        isStated = stated != nil
    }

    // MARK: Choices

    /// The choice that the text names, and how.
    func choice(of problem: Problem) -> Score {
        let choices = problem.choices
        let keys = choices.map(PlainText.key)
        let whole = PlainText.key(text)
        func found(_ index: Int, _ how: Score.Method) -> Score {
            .choice(index, of: problem, extracted: text, how: how)
        }

        if isStated {
            if let index = Self.letter(text, choices: choices) { return found(index, .letter) }
            if let index = Self.only(keys.indices.filter { keys[$0] == whole }, in: keys) {
                return found(index, .statedChoice)
            }
        }
        let scope = isStated ? text : Self.lastLine(text)
        let letters = scope.matches(of: /\(([A-Za-z])\)/).compactMap { Self.index($0.1, choices.count) }
        if let index = isStated ? letters.first : letters.last { return found(index, .letter) }
        let mentioned = Self.mentioned(keys, in: PlainText.key(scope))
        if let index = Self.only(mentioned, in: keys) { return found(index, .statedChoice) }
        guard isStated, mentioned.isEmpty else { return .nothing(text) }
        // "picture B", but not "A or B".
        let capitals = text.matches(of: /\b[A-Z]\b/).compactMap { Self.index($0.0, choices.count) }
        if capitals.count == 1, text.last?.isUppercase ?? false { return found(capitals[0], .letter) }

        if let value = Self.number(text) {
            let equal = choices.indices.filter { Self.number(choices[$0]).map { Self.isEqual($0, value) } ?? false }
            return Self.only(equal, in: keys).map { found($0, .number) } ?? .nothing(text)
        }
        // A slip of the pen, not a guess: at most a third of the choice differs, and no other is as near.
        let distances = keys.map { levenshteinDistance(whole, $0) }
        let least = distances.min() ?? 0
        if let index = Self.only(distances.indices.filter { distances[$0] == least }, in: keys),
            least * 3 <= keys[index].count
        {
            return found(index, .nearestChoice)
        }
        return .nothing(text)
    }

    /// The choice whose letter a text begins with: "B", "(b)", "B. 5 cm", "Option B", "B because …"; not "A triangle".
    static func letter(_ text: String, choices: [String]) -> Int? {
        let plain = PlainText.of(text).trimmingCharacters(in: CharacterSet(charactersIn: " *_`$<>\"'"))
        let form = /(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer)\s*:?\s*)?([(\[]?)([A-Za-z])([)\]]?)([.,:;]?)(?:\s+(.*))?/
        guard let match = plain.wholeMatch(of: form.dotMatchesNewlines()), let index = index(match.2, choices.count)
        else {
            return nil
        }
        let isMarked = !match.1.isEmpty || !match.3.isEmpty || !match.4.isEmpty
        guard let rest = match.5, !rest.isEmpty else { return index }
        if isMarked && (match.2.first?.isUppercase ?? false || !match.3.isEmpty) { return index }
        if PlainText.key(String(rest)) == PlainText.key(choices[index]) { return index }
        let next = rest.prefix { $0.isLetter }.lowercased()
        return ["because", "since", "as", "for", "is", "which"].contains(next) || rest.first == "(" ? index : nil
    }

    private static func index(_ letter: Substring, _ count: Int) -> Int? {
        guard let byte = letter.uppercased().utf8.first, byte >= UInt8(ascii: "A") else { return nil }
        let index = Int(byte - UInt8(ascii: "A"))
        return index < count ? index : nil
    }

    /// The first of some choices if they all read the same.
    private static func only(_ indices: [Int], in keys: [String]) -> Int? {
        Set(indices.map { keys[$0] }).count == 1 ? indices.first : nil
    }

    /// The choices that stand in a text as whole words, without those inside a longer one that does.
    private static func mentioned(_ keys: [String], in text: String) -> [Int] {
        func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }
        let present = keys.indices.filter { index in
            let key = keys[index]
            // A choice of one letter is an article or a variable as often as a choice.
            return (key.count > 1 || key.first?.isNumber ?? false)
                && text.ranges(of: key).contains { range in
                    let before = text[..<range.lowerBound].last
                    let after = text[range.upperBound...]
                    // "4" stands neither in "14" nor in "1.4" nor in "4.5".
                    let touches =
                        before.map { isWord($0) || "./-−".contains($0) } ?? false
                        || after.first.map { isWord($0) || $0 == "/" } ?? false
                        || after.first == "." && (after.dropFirst().first?.isNumber ?? false)
                    return !touches
                }
        }
        return present.filter { index in
            !present.contains { keys[$0].count > keys[index].count && keys[$0].contains(keys[index]) }
        }
    }

    // MARK: Values

    /// The number in the text: all of it, what follows its last equals sign, or else the first number in a stated answer
    /// and the last one in a response.
    var number: (text: String, value: Double)? {
        let line = isStated ? text : Self.lastLine(text)
        if let value = Self.number(line) { return (line, value) }
        let side = line.split(whereSeparator: { "=≈".contains($0) }).last.map(String.init) ?? ""
        if side != line, let value = Self.number(side) { return (Self.tidied(side), value) }
        let plain = PlainText.of(side)
        let found = plain.matches(of: /[-−]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:\/\d+)?/)
        guard let match = isStated ? found.first : found.last else { return nil }
        // In "3-5" the line is no sign.
        let isRange = plain[..<match.range.lowerBound].last?.isNumber ?? false
        let piece = isRange ? match.0.drop { "-−".contains($0) } : match.0
        guard let value = Self.number(String(piece)) else { return nil }
        return (String(piece), value)
    }

    /// The value of a text that is a number or a fraction, with or without a unit or a sign of currency, percent or degrees.
    static func number(_ text: String) -> Double? {
        let plain = tidied(PlainText.of(text)).filter { $0 != "%" }
        if let value = Arithmetic(plain)?.value { return value }
        guard plain.utf8.count < 100 else { return nil }
        let unit = /(.*[\d)])(?:\s+\p{L}[\p{L}\s]*|\s*(?:[ckm]?m|k?g|m?[lL]|s|h))(?:[²³]|\^\(?[23]\)?)?/
        return plain.wholeMatch(of: unit).flatMap { Arithmetic($0.1)?.value }
    }

    /// The elements of the list in the text, or of the text as a list without brackets.
    static func list(_ text: String) -> [String] {
        let plain = PlainText.of(text)
        let inside = plain.lastIndex(where: { "[(".contains($0) }).map {
            plain[plain.index(after: $0)...].prefix { !"])".contains($0) }
        }
        return (inside ?? plain[...]).replacing(" and ", with: ",").split(separator: ",").map {
            PlainText.key(String($0))
        }
    }

    /// Whether two values are equal but for the last bits.
    static func isEqual(_ first: Double, _ second: Double) -> Bool {
        abs(first - second) <= 1e-12 * max(1, abs(first), abs(second))
    }

    /// Whether two texts read the same or have the same value.
    static func isSame(_ first: String, _ second: String) -> Bool {
        if PlainText.key(first) == PlainText.key(second) { return true }
        guard let first = number(first), let second = number(second) else { return false }
        return isEqual(first, second)
    }

    // MARK: Statements

    /// What a response states last: `\boxed{…}`, "the answer is …", "Answer: …".
    static func statement(in response: String) -> String? {
        if let boxed = boxed(in: response) { return boxed }
        let form = /answer\b[>*"'\s]{0,4}(?:(?:is|should be|must be)\b:?|:|=)[*\s]*/.ignoresCase()
        for match in response.matches(of: form).reversed() {
            let line = response[match.range.upperBound...].prefix { !$0.isNewline }
            // A full stop ends the statement when a sentence follows.
            let sentence = line.firstRange(of: /[.!?]\s+(?=\p{Lu}[a-z])/).map { line[..<$0.lowerBound] } ?? line
            let answer = tidied(String(sentence))
            if answer.contains(where: { $0.isLetter || $0.isNumber }) { return answer }
        }
        return nil
    }

    /// What stands in the last `\boxed{}`.
    static func boxed(in text: String) -> String? {
        guard let start = text.range(of: "boxed{", options: .backwards)?.upperBound else { return nil }
        var depth = 1
        let content = text[start...].prefix { character in
            depth += character == "{" ? 1 : character == "}" ? -1 : 0
            return depth > 0
        }
        return content.allSatisfy(\.isWhitespace) ? nil : String(content)
    }

    private static func lastLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map(String.init) ?? ""
    }

    /// Without white space, emphasis, quotes and the sentence's punctuation around it.
    private static func tidied(_ text: String) -> String {
        let around = CharacterSet(charactersIn: " \t\r\n*_`\"'“”<>")
        var tidy = text.trimmingCharacters(in: around)
        while let last = tidy.last, ".,;:!".contains(last) {
            tidy.removeLast()
            tidy = tidy.trimmingCharacters(in: around)
        }
        return tidy
    }
}
