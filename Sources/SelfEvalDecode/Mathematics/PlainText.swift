import Foundation

/// Mathematics written in LaTeX or Markdown, in the characters that arithmetic and a comparison of texts know.
package enum PlainText {
    private static let commands: [(String, String)] = [
        (#"\left"#, ""), (#"\right"#, ""), (#"\!"#, ""), (#"\,"#, " "), (#"\;"#, " "), (#"\ "#, " "), ("~", " "),
        (#"\dfrac"#, #"\frac"#), (#"\tfrac"#, #"\frac"#), (#"\times"#, "×"), (#"\cdot"#, "·"), (#"\div"#, "÷"),
        (#"\approx"#, "≈"), (#"\pi"#, "π"), (#"^{\circ}"#, "°"), (#"^\circ"#, "°"), (#"\%"#, "%"), (#"\$"#, "$"),
        ("{,}", ","), (#"\("#, " "), (#"\)"#, " "), (#"\["#, " "), (#"\]"#, " "), ("\u{00A0}", " "),
    ]
    /// What the scripts that other scorers publish do not know.
    private static let furtherCommands: [(String, String)] = [
        (#"\cfrac"#, #"\frac"#), (#"\displaystyle"#, ""), (#"\quad"#, " "), (#"\lt"#, "<"), (#"\gt"#, ">"),
        (#"\prime"#, "'"),
        (#"\geq"#, "≥"), (#"\leq"#, "≤"), (#"\neq"#, "≠"), (#"\perp"#, "⊥"), (#"\parallel"#, "∥"), (#"\{"#, "{"),
        (#"\}"#, "}"),
    ]
    /// Commands that change only how their argument looks.
    private static let fonts = [#"\text"#, #"\textbf"#, #"\mathrm"#, #"\mathbf"#, #"\mbox"#, #"\boxed"#]
    private static let furtherFonts = [#"\textit"#, #"\textrm"#, #"\mathit"#, #"\mathsf"#, #"\operatorname"#]

    /// Longer texts are no answers, and longer arguments no arguments.
    private static let mostBytes = 4096
    private static let mostArgument = 256

    /// The text without LaTeX; what is not known stays as it is.
    ///
    /// - Parameter asPublished: leaves alone what a benchmark's own script does not know, such as mixed numbers.
    package static func of(_ text: String, asPublished: Bool = false) -> String {
        guard text.utf8.count < mostBytes, text.contains(where: { "\\{~\u{00A0}".contains($0) }) else { return text }
        var plain = commands.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        if !asPublished {
            plain = furtherCommands.reduce(plain) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
            plain = mixedNumbers(in: plain)
        }
        for font in asPublished ? fonts : fonts + furtherFonts { plain = rewriting(font, in: plain) { $0[0] } }
        plain = rewriting(#"\frac"#, arguments: 2, in: plain) { "((\($0[0]))/(\($0[1])))" }
        plain = rewriting(#"\sqrt"#, in: plain) { "√(\($0[0]))" }
        return rewriting("^", bracedOnly: true, in: plain) { "^(\($0[0]))" }
    }

    /// `2\frac{1}{2}` is a sum, not a product.
    private static func mixedNumbers(in text: String) -> String {
        guard text.contains(#"\frac"#) else { return text }
        let form =
            /(^|[^0-9.])([0-9]{1,9})\s?\\frac\s?(?:\{\s?([0-9]{1,9})\s?\}\{\s?([0-9]{1,9})\s?\}|([0-9])([0-9]))/
        return text.replacing(form) { match in
            let top = match.3 ?? match.5 ?? ""
            let bottom = match.4 ?? match.6 ?? ""
            guard let first = Int(top), let second = Int(bottom), first < second else { return String(match.0) }
            return "\(match.1)(\(match.2)+\(top)/\(bottom))"
        }
    }

    // MARK: Comparison

    /// The text in half-width characters, as "(C):" for "（C）：".
    package static func halfWidth(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0xEF || $0 == 0xE3 }) else { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.value {
                    case 0xFF01...0xFF5E: UnicodeScalar(scalar.value - 0xFEE0) ?? scalar
                    case 0x3000: " "
                    case 0x3002: "."
                    case 0x3001: ","
                    default: scalar
                    }
                }
            )
        )
    }

    /// The text without what its sentence and Markdown put around it: white space, emphasis, quotes and `$` in pairs,
    /// commas and full stops at the end. What may belong to the answer stays: `.5`, `5!`, `A'`, `<`.
    package static func tidied(_ text: String) -> String {
        var text = Substring(text)
        var before = -1
        while before != text.utf8.count {
            before = text.utf8.count
            while text.first?.isWhitespace ?? false { text.removeFirst() }
            while text.last?.isWhitespace ?? false { text.removeLast() }
            guard text.contains(where: { !emphasis.contains($0) }) else { return String(text) }
            while let first = text.first, emphasis.contains(first) { text.removeFirst() }
            while let last = text.last, emphasis.contains(last) { text.removeLast() }
            for (open, close) in pairs where text.count > 2 && text.first == open && text.last == close {
                text = text.dropFirst().dropLast()
            }
            if text.count > 4, text.hasPrefix(#"\("#), text.hasSuffix(#"\)"#) { text = text.dropFirst(2).dropLast(2) }
            if text.count > 1, let last = text.last, ".,;:?".contains(last) { text.removeLast() }
            if text.count > 1, let first = text.first, ":,;".contains(first) { text.removeFirst() }
            // "red!" is the sentence's, "5!" and "n!" are factorials.
            if text.last == "!", text.dropLast().suffix(2).allSatisfy(\.isLetter), text.count > 3 { text.removeLast() }
        }
        return String(text)
    }

    private static let emphasis: Set<Character> = ["*", "_", "`"]
    private static let pairs: [(Character, Character)] = [
        ("\"", "\""), ("'", "'"), ("“", "”"), ("‘", "’"), ("«", "»"), ("<", ">"), ("$", "$"),
    ]

    /// The mathematical value of a whole text; `nil` where it has none that is understood.
    package static func value(_ text: String) -> MathValue? {
        guard text.utf8.count <= MathValue.mostBytes else { return nil }
        return MathValue(tidied(halfWidth(text)))
    }

    /// The text as it is compared: plain, in lower case unless asked for otherwise, one space between words and none
    /// beside operators, without what stands around it.
    package static func key(_ text: String, foldingCase: Bool = true) -> String {
        let plain = tidied(of(tidied(halfWidth(text)))).replacingOccurrences(of: "$", with: "")
        let cased = foldingCase ? plain.lowercased() : plain
        let hasWords = cased.contains(/\p{L}{2}/)
        var key = ""
        var isSpaced = false
        for character in cased {
            if character.isWhitespace {
                isSpaced = true
                continue
            }
            let character: Character = "−–—".contains(character) ? "-" : character
            if isSpaced, let last = key.last, !operators.contains(last), !operators.contains(character),
                hasWords || last.isNumber && character.isNumber
            {
                key.append(" ")
            }
            isSpaced = false
            key.append(character)
        }
        return key
    }

    private static let operators = Set<Character>("+-=*/^:,;()[]{}<>|×·÷≈≤≥≠∥⊥→")

    /// Replaces a command and its arguments, each in braces or one character, from the last to the first, so that what
    /// is inside has been replaced before.
    private static func rewriting(
        _ command: String,
        arguments count: Int = 1,
        bracedOnly: Bool = false,
        in text: String,
        by form: ([String]) -> String
    ) -> String {
        var text = text
        var end = text.endIndex
        while let place = text.range(of: command, options: .backwards, range: text.startIndex..<end) {
            end = place.lowerBound
            var rest = text[place.upperBound...]
            // "\text" is not "\textbf".
            if command.last?.isLetter == true && rest.first?.isLetter == true || bracedOnly && rest.first != "{" {
                continue
            }
            let arguments = (0..<count).compactMap { _ in argument(&rest) }
            guard arguments.count == count else { continue }
            let head = text[..<place.lowerBound]
            let offset = head.utf8.count
            text = head + form(arguments) + rest
            end = text.utf8.index(text.startIndex, offsetBy: offset)
        }
        return text
    }

    /// Takes the argument that a text begins with.
    private static func argument(_ rest: inout Substring) -> String? {
        rest = rest.drop { $0 == " " }
        guard let first = rest.first else { return nil }
        guard first == "{" else {
            rest.removeFirst()
            return String(first)
        }
        var depth = 0
        for index in rest.indices.prefix(mostArgument) {
            if rest[index] == "{" { depth += 1 }
            if rest[index] == "}" { depth -= 1 }
            if depth == 0 {
                let content = rest[rest.index(after: rest.startIndex)..<index]
                rest = rest[rest.index(after: index)...]
                return String(content)
            }
        }
        return nil
    }
}
