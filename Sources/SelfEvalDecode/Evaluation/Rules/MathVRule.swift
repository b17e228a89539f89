import Foundation
import SelfEvalDecode

/// MATH-Vision's rule: the output's last box or "answer is" gives a letter or a value. It must be the right letter, the
/// text of the right choice, or equal to the right value at two decimals.
enum MathVRule {
    static func corrected(_ output: ModelOutput, _ problem: Problem) -> Score {
        let reader = AnswerReader(output)
        guard problem.choices.isEmpty else { return reader.choice(of: problem) }
        guard AnswerReader.number(problem.answer) != nil else {
            // The brackets of a tuple or an interval count; those of a list of words do not.
            let isWords = PlainText.value(problem.answer) == nil && AnswerReader.list(problem.answer).count > 1
            return isWords ? reader.list(in: problem) : reader.text(in: problem)
        }
        // Two decimals, or as many as the right answer has; a value that would round to zero is compared unrounded.
        let places = max(2, Arithmetic(problem.answer)?.decimals ?? 0)
        return reader.number(in: problem) { value in
            let rounded = PythonNumber.round(value, places)
            return rounded == 0 ? value : rounded
        }
    }

    // MARK: The published script

    static func published(_ output: ModelOutput, _ problem: Problem) -> Score {
        let answer = publishedAnswer(in: output.response)
        // A choice's text is compared as it is in the file, including LaTeX.
        let isLetter = isPublishedEqual(problem.answer, answer)
        let isValue = problem.rightChoice.map { isPublishedEqual($0, answer) } ?? false
        return Score(
            extracted: answer,
            normalized: answer.isEmpty ? nil : answer,
            isCorrect: isLetter || isValue,
            how: answer.isEmpty ? .none : answer.count == 1 && !problem.choices.isEmpty ? .letter : .text
        )
    }

    /// The text that the script takes as the answer: the whole response if it has no phrase or box.
    static func publishedAnswer(in response: String) -> String {
        var answer = trimmed(response)
        for letter in ["A", "B", "C", "D", "E"] {
            let ends = [" \(letter).", " (\(letter))."].contains(where: answer.hasSuffix)
            let starts = ["\(letter)\n", "(\(letter))\n", "(\(letter)) \(letter)\n"].contains(where: answer.hasPrefix)
            if ends || starts { answer = letter }
        }
        let tail = last(answer, after: "is ").trimmingSuffix { $0 == "." }
        if PythonNumber.float(tail) != nil { answer = tail }

        if !answer.contains("oxed{") {
            for phrase in ["final answer is", "answer is", "correct answer is", "answer should be"] {
                for flag in ["the " + phrase, "The " + phrase] where answer.contains(flag) {
                    let line = trimmed(last(answer, after: flag)).components(separatedBy: "\n")[0]
                    answer = line.components(separatedBy: ". ")[0]
                }
            }
        } else if answer.components(separatedBy: "oxed{").count > 2 {
            answer = #"\boxed{"# + last(answer, after: "oxed{")
        }
        return publishedCleaning(of: answer)
    }

    /// Converts to lower case, keeps the part from the first box to the last brace and after the last equals sign, and
    /// removes LaTeX marks.
    private static func publishedCleaning(of text: String) -> String {
        var text = text.lowercased().replacingOccurrences(of: "{}", with: "")
        if let box = text.range(of: "oxed{"), let end = text[box.upperBound...].lastIndex(of: "}") {
            text = String(text[box.upperBound..<end])
        }
        if let close = text.firstIndex(of: "}"), text.firstIndex(of: "{").map({ close < $0 }) ?? true {
            text = String(text[..<close])
        }
        text = last(last(text, after: "="), after: #"\approx"#)
        let replacements: [(String, String)] = [
            (" ", ""), (#"\,"#, ""), ("∞", #"\infty"#), (#"+\infty"#, #"\infty"#), (#"\\"#, #"\"#), ("\n", ""),
            (#"\text"#, ""), (#"\mbox"#, ""), ("bmatrix", "pmatrix"), (#"\left"#, ""), (#"\right"#, ""),
            (#"^{\circ}"#, ""), (#"^\circ"#, ""), ("{m}^3", ""), ("m^3", ""), ("{units}", ""), ("units", ""),
            ("{km}", ""),
            ("km", ""), (#"\!"#, ""), ("tfrac", "frac"), ("dfrac", "frac"), (#"\$"#, ""), ("$", ""), (#"\%"#, ""),
            ("{.", "{0."), ("(a)", "a"), ("(b)", "b"), ("(c)", "c"), ("(d)", "d"), ("(e)", "e"), ("{a}", "a"),
            ("{b}", "b"),
            ("{c}", "c"), ("{d}", "d"), ("{e}", "e"),
        ]
        text = replacements.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        if text.hasPrefix(".") { text = "0" + text }
        return trimmed(String(text.trimmingSuffix { $0 == "." }.drop { $0 == ":" }))
    }

    /// Whether both are equal as text in lower case, or at two decimals.
    ///
    /// The script evaluates LaTeX as Python code. Here, only the arithmetic in it is computed, so a text with variables
    /// or functions never equals another one.
    private static func isPublishedEqual(_ right: String, _ answer: String) -> Bool {
        let texts = [right, answer].map { trimmed($0.lowercased()) }
        guard texts.allSatisfy({ !$0.isEmpty }) else { return false }
        if texts[0] == texts[1] { return true }
        let lists = texts.map { text -> [Double?] in
            let brackets = (text.first, text.last)
            guard brackets == ("(", ")") || brackets == ("[", "]") else { return [publishedValue(text)] }
            return text.dropFirst().dropLast().components(separatedBy: ",").map(publishedValue)
        }
        let areAlike = lists[0].count == 1 || texts[0].first == texts[1].first
        return areAlike && !lists[0].contains(nil) && lists[0] == lists[1]
    }

    private static func publishedValue(_ text: String) -> Double? {
        // Fractions without braces are repaired only in a text with a root.
        if text.contains(/\\frac[^{]/), !text.contains("sqrt") { return nil }
        if ["{,}", "circ", "°", "%"].contains(where: text.contains) { return nil }
        // The parser treats a ratio as a quotient.
        let ratio = text.replacingOccurrences(of: ":", with: "/").replacingOccurrences(of: "$", with: "")
        guard let value = Arithmetic(PlainText.of(ratio, asPublished: true))?.value else { return nil }
        return PythonNumber.round(value, 2)
    }

    private static func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }

    private static func last(_ text: String, after separator: String) -> String {
        text.range(of: separator, options: .backwards).map { String(text[$0.upperBound...]) } ?? text
    }
}

extension String {
    fileprivate func trimmingSuffix(while isDropped: (Character) -> Bool) -> String {
        String(self[..<(lastIndex { !isDropped($0) }.map(index(after:)) ?? startIndex)])
    }
}
