import Foundation
import SelfEvalDecode

extension AnswerReader {
    /// The choice that the text names, and how it names it. Several letters, several choices or a refusal name none.
    func choice(of problem: Problem) -> Score {
        let choices = problem.choices
        let keys = choices.map { PlainText.key($0) }
        let scope = scope
        func found(_ index: Int, _ how: Score.Method) -> Score {
            .choice(index, of: problem, extracted: text, how: how)
        }
        guard !scope.isEmpty else { return .nothing(text) }

        if isStated {
            if let index = Self.letter(scope, choices: choices) { return found(index, .letter) }
            // Choices may differ only in case.
            let exact = PlainText.key(scope, foldingCase: false)
            let same = choices.indices.filter { PlainText.key(choices[$0], foldingCase: false) == exact }
            if let index = Self.only(same, in: keys) { return found(index, .statedChoice) }
            let key = PlainText.key(scope)
            if let index = Self.only(keys.indices.filter { keys[$0] == key }, in: keys) {
                return found(index, .statedChoice)
            }
            if let value = Self.wholes(of: scope).lazy.compactMap(PlainText.value).first {
                return Self.equal(value, in: choices).map { found($0, .number) } ?? .nothing(text)
            }
            // "Yes, it does."
            let leading = keys.indices.filter { Self.isWord(keys[$0]) && key.hasPrefix(keys[$0] + ",") }
            if let index = Self.only(leading, in: keys) { return found(index, .statedChoice) }
        }
        if let index = negating(scope, keys) { return found(index, .statedChoice) }
        guard !Self.refuses(scope), let affirmed = Self.affirmed(Self.withoutDismissed(scope)) else {
            return .nothing(text)
        }
        if affirmed != scope, let index = Self.letter(affirmed, choices: choices) { return found(index, .letter) }

        let letters = affirmed.matches(of: /\(([A-Za-z])\)/).compactMap { Self.index($0.1, choices.count) }
        if let index = letters.last {
            if Set(letters).count == 1 || !isStated && Self.concludesWithLetter(affirmed) {
                return found(index, .letter)
            }
            return .nothing(text)
        }
        let mentioned = Self.mentioned(keys, in: PlainText.key(affirmed))
        if let index = Self.only(mentioned, in: keys) { return found(index, .statedChoice) }
        guard isStated, mentioned.isEmpty else { return .nothing(text) }
        // "picture B", but not "A or B".
        let capitals = affirmed.matches(of: /\b[A-Z]\b/).compactMap { Self.index($0.0, choices.count) }
        if capitals.count == 1, affirmed.last?.isUppercase ?? false, !affirmed.contains(/[\/'][A-Z]$/) {
            return found(capitals[0], .letter)
        }
        if let number {
            return Self.equal(number.value, in: choices).map { found($0, .number) } ?? .nothing(text)
        }
        return Self.nearest(affirmed, keys).map { found($0, .nearestChoice) } ?? .nothing(text)
    }

    // MARK: Letters

    /// The choice whose letter a text begins with: "B", "(b)", "B. 5 cm", "Option B", "B is right"; neither "A triangle"
    /// nor "A, C".
    ///
    /// - Parameter isBare: whether nothing may follow the letter.
    static func letter(_ text: String, choices: [String], isBare: Bool = false) -> Int? {
        let plain = PlainText.tidied(PlainText.of(text)).trimmingCharacters(in: CharacterSet(charactersIn: " $<>"))
        let form = /(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer)\s*:?\s*)?([(\[]?)([A-Za-z])([)\]]?)([.,:;]?)(?:\s+(.*))?/
        guard let match = plain.wholeMatch(of: form.dotMatchesNewlines()), let index = index(match.2, choices.count)
        else {
            return nil
        }
        let isMarked = !match.1.isEmpty || !match.3.isEmpty || !match.4.isEmpty
        guard let rest = match.5, !rest.isEmpty else { return index }
        guard !isBare else { return nil }
        if PlainText.key(String(rest)) == PlainText.key(choices[index]) { return index }
        let otherLetters = /^(?:(?:and|or|nor|,|\/|&|;|\.)\s*)*[(\[]?[A-Z][)\]]?\s*(?:$|[,\/&.;)]|(?:and|or)\b)/
        guard !rest.contains(otherLetters), !rest.contains(/^(?:and|or|nor|not)\b/) else { return nil }
        if isMarked && (match.2.first?.isUppercase ?? false || !match.3.isEmpty) {
            return affirmed(plain) == nil ? nil : index
        }
        let next = rest.prefix { $0.isLetter }.lowercased()
        guard ["because", "since", "as", "for", "is", "which"].contains(next) || rest.first == "(" else { return nil }
        return affirmed(plain) == nil || rest.contains(/^is\s+(?:wrong|incorrect|false)\b/) ? nil : index
    }

    static func index(_ letter: Substring, _ count: Int) -> Int? {
        guard let byte = letter.uppercased().utf8.first, byte >= UInt8(ascii: "A") else { return nil }
        let index = Int(byte - UInt8(ascii: "A"))
        return index < count ? index : nil
    }

    /// Whether a line states its last letter as a conclusion: "…, so it must be (B)".
    private static func concludesWithLetter(_ line: String) -> Bool {
        line.contains(
            /\b(?:so|thus|therefore|hence|is|be|choose)\s+(?:option\s+|choice\s+)?\([A-Za-z]\)[\s.!*]*$/.ignoresCase()
        )
    }

    // MARK: Refusals

    /// Whether a text says that there is no answer: "N/A", "none of the above", "cannot be determined".
    private static func refuses(_ text: String) -> Bool {
        text.contains(
            /^\W*(?:n\s*\/\s*a|n\.\s?a|none|nothing|unknown|unclear|unanswerable|undetermined|not (?:applicable|available|sure|possible|enough))\b/
                .ignoresCase()
        ) || text.contains(/\b(?:none|neither) of\b/.ignoresCase())
    }

    /// The text without the options that it calls wrong: "(A) is wrong, so it is (B)".
    private static func withoutDismissed(_ text: String) -> String {
        text.replacing(/\(?\b[A-Z]\b\)?\s+(?:is|are)\s+(?:clearly\s+)?(?:wrong|incorrect|false|impossible)\b/, with: "")
    }

    /// The choice that is itself a refusal, such as "cannot be determined", if the text mentions it.
    private func negating(_ text: String, _ keys: [String]) -> Int? {
        let negating = keys.map { $0.contains(/\b(?:not|cannot|none|neither|n['’]t)\b/) ? $0 : "" }
        guard negating.contains(where: { !$0.isEmpty }) else { return nil }
        return Self.only(Self.mentioned(negating, in: PlainText.key(text)), in: keys)
    }

    // MARK: Texts of choices

    /// The one choice of this value.
    private static func equal(_ value: MathValue, in choices: [String]) -> Int? {
        let values = choices.map(PlainText.value)
        let keys = values.enumerated().map { $1?.key ?? "\($0)" }
        // 0.5 is 0.5 before it is 50 %.
        let same = values.indices.filter { values[$0]?.key == value.key }
        return only(same, in: keys) ?? only(values.indices.filter { values[$0]?.isEqual(to: value) ?? false }, in: keys)
    }

    /// The first of these choices, if they all read the same.
    private static func only(_ indices: [Int], in keys: [String]) -> Int? {
        Set(indices.map { keys[$0] }).count == 1 ? indices.first : nil
    }

    private static func isWord(_ key: String) -> Bool {
        key.count > 1 && key.allSatisfy { $0.isLetter || $0 == " " }
    }

    /// The choices that occur in a text as whole words, except those inside a longer choice that also occurs.
    private static func mentioned(_ keys: [String], in text: String) -> [Int] {
        func belongs(_ character: Character) -> Bool {
            character.isLetter || character.isNumber || "'\"!^_°%".contains(character)
        }
        let present = keys.indices.filter { index in
            let key = keys[index]
            // A single letter is as likely an article or a variable as a choice, and a sign can be part of anything.
            return (key.count > 1 && key.contains { $0.isLetter || $0.isNumber } || key.first?.isNumber ?? false)
                && text.ranges(of: key).contains { range in
                    let before = text[..<range.lowerBound].last
                    let after = text[range.upperBound...]
                    // "4" does not occur in "14", "1.4", "4.5" or "(0,4)".
                    let isNumeric = key.contains(where: \.isNumber)
                    let joins: Set<Character> =
                        isNumeric ? [".", "/", "-", "+", "*", "(", ",", ":", "=", "^", "√", "\\"] : ["/", "-"]
                    let touches =
                        before.map { belongs($0) || joins.contains($0) } ?? false
                        || after.first.map { belongs($0) || "/:".contains($0) || isNumeric && "-+*)^,".contains($0) }
                            ?? false
                        || after.first == "." && (after.dropFirst().first?.isNumber ?? false)
                    return !touches
                }
        }
        return present.filter { index in
            !present.contains { keys[$0].count > keys[index].count && keys[$0].contains(keys[index]) }
        }
    }

    /// The choice that a misspelled text means, without guessing: at most a third of it differs, and no other choice is
    /// as near. Names, numbers and formulas must match exactly.
    private static func nearest(_ text: String, _ keys: [String]) -> Int? {
        let key = PlainText.key(text)
        guard isWord(key), key.count > 2, key.count < 200, text.contains(where: \.isLowercase) else { return nil }
        let distances = keys.map { isWord($0) && $0.count > 3 ? levenshteinDistance(key, $0) : Int.max }
        guard let least = distances.min(), least < Int.max,
            let index = only(distances.indices.filter { distances[$0] == least }, in: keys)
        else { return nil }
        return least * 3 <= keys[index].count ? index : nil
    }
}
