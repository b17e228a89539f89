/// Why a step ended.
public enum StepStopReason: String, Codable, Sendable, CaseIterable {
    /// At the end of a line.
    case line
    /// At a blank line.
    case blankLine
    /// At the end of a sentence.
    case sentence
    /// Where the next step's marker begins.
    case marker
    /// After a closing tag.
    case tag
    /// At the end of a paragraph, a list item, a numbered step or a displayed formula.
    case block
    /// After a delimiter that the model or the prompts define.
    case delimiter
    /// Around an evaluation that the model writes between its steps.
    case evaluation
    /// At the maximum length of a step.
    case cap
    /// The model was stuck in a loop and repeated the same tokens.
    case loop
    /// The model ended its turn.
    case endOfTurn
    /// The budget or the context was used up.
    case budget
    /// The work was cancelled.
    case cancelled
}

/// A place in the text where a reasoning step ends.
public enum StepBoundary: String, Codable, Sendable, CaseIterable {
    /// After a line.
    case line
    /// After a blank line.
    case blankLine
    /// After a sentence: `.`, `!`, `?` or `…` before white space, or an ideographic full stop anywhere.
    case sentence
    /// Before a line that begins with `Step 2:` (any number; also `**Step 2.**` and `### Step 2`).
    case marker
    /// After a closing tag: `</step>`, `</SUMMARY>`.
    case tag
    /// After a block of text: a paragraph, a list item, a numbered step, a displayed formula with the sentence that introduces
    /// it. Never inside `\[…\]`, `$$…$$`, a code fence or a table.
    case block

    /// The stop reason of a step that ends here.
    var stepEnd: StepStopReason {
        switch self {
        case .line: .line
        case .blankLine: .blankLine
        case .sentence: .sentence
        case .marker: .marker
        case .tag: .tag
        case .block: .block
        }
    }
}

extension StepBoundary {
    /// The next position at or after `start` where a step may end, as the number of scalars in the step.
    ///
    /// A step must have content: white space alone is never a step.
    ///
    /// - Complexity: O(n) in the length of the text.
    func firstEnd(in text: [Unicode.Scalar], from start: Int) -> Int? {
        switch self {
        case .line: Self.lineEnd(text, from: start, blank: false)
        case .blankLine: Self.lineEnd(text, from: start, blank: true)
        case .sentence: Self.sentenceEnd(text, from: start)
        case .marker: Self.markerStart(text, from: start)
        case .tag: Self.tagEnd(text, from: start)
        case .block: TextBlocks(text).firstEnd(from: start)
        }
    }

    private static func lineEnd(_ text: [Unicode.Scalar], from start: Int, blank: Bool) -> Int? {
        guard let content = text.firstIndex(where: { !$0.properties.isWhitespace }) else { return nil }
        var newlines = 0
        for index in text.indices[content...] {
            if text[index] == "\n" {
                newlines += 1
                if newlines >= (blank ? 2 : 1) && index + 1 >= start { return index + 1 }
            } else if !text[index].properties.isWhitespace {
                newlines = 0
            }
        }
        return nil
    }

    private static let terminators: Set<Unicode.Scalar> = [".", "!", "?", "…"]
    private static let ideographicTerminators: Set<Unicode.Scalar> = ["。", "！", "？"]
    private static let closers: Set<Unicode.Scalar> = ["\"", "'", "”", "’", ")", "]", "*", "_", "`"]

    private static func sentenceEnd(_ text: [Unicode.Scalar], from start: Int) -> Int? {
        for index in text.indices {
            if ideographicTerminators.contains(text[index]), index + 1 >= start { return index + 1 }
            guard terminators.contains(text[index]), !isEnumerator(text, endingAt: index) else { continue }
            var end = index + 1
            while end < text.count, closers.contains(text[end]) { end += 1 }
            // White space must follow, or "3.14" would be two sentences. Only the next token shows whether it does.
            guard end < text.count, text[end].properties.isWhitespace else { continue }
            if text[end] == "\n" { end += 1 }
            if end >= start { return end }
        }
        return nil
    }

    /// Whether the full stop at `index` belongs to "1." or "a." at the beginning of a line, or to an initial: "J. Smith".
    private static func isEnumerator(_ text: [Unicode.Scalar], endingAt index: Int) -> Bool {
        guard text[index] == "." else { return false }
        var first = index
        while first > 0, text[first - 1].properties.isAlphabetic || text[first - 1].properties.numericType != nil {
            first -= 1
        }
        let word = text[first..<index]
        if word.count == 1, let letter = word.first, letter.properties.isUppercase { return true }
        let before = text[..<first].last { $0 == "\n" || !$0.properties.isWhitespace }
        guard before == nil || before == "\n" else { return false }
        return !word.isEmpty && (word.count == 1 || word.allSatisfy { $0.properties.numericType != nil })
    }

    private static let decoration: Set<Unicode.Scalar> = ["#", "*", "_", " ", "\t"]
    private static let markerWord = Array("step".unicodeScalars)

    private static func markerStart(_ text: [Unicode.Scalar], from start: Int) -> Int? {
        guard let content = text.firstIndex(where: { !$0.properties.isWhitespace }) else { return nil }
        for newline in text.indices[content...] where text[newline] == "\n" && newline + 1 >= start {
            var index = newline + 1
            while index < text.count, decoration.contains(text[index]) { index += 1 }
            guard text.count - index > markerWord.count,
                zip(text[index...], markerWord).allSatisfy({ $0.properties.lowercaseMapping.unicodeScalars.first == $1 }
                )
            else { continue }
            index += markerWord.count
            let spaces = index
            while index < text.count, text[index] == " " || text[index] == "\u{A0}" { index += 1 }
            // The first digit decides; the length of the number does not matter.
            if index > spaces, index < text.count, text[index].properties.numericType != nil { return newline + 1 }
        }
        return nil
    }

    private static func tagEnd(_ text: [Unicode.Scalar], from start: Int) -> Int? {
        for index in text.indices where text[index] == ">" && index + 1 >= start {
            var first = index
            while first > 0, isName(text[first - 1]) { first -= 1 }
            if first < index, first >= 2, text[first - 1] == "/", text[first - 2] == "<" { return index + 1 }
        }
        return nil
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar == "-" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }
}
