import Foundation

/// Mathematics written in LaTeX or Markdown, in the characters that ``Arithmetic`` and a comparison of texts know.
enum PlainText {
    private static let commands: [(String, String)] = [
        (#"\left"#, ""), (#"\right"#, ""), (#"\!"#, ""), (#"\,"#, " "), (#"\;"#, " "), (#"\ "#, " "), ("~", " "),
        (#"\dfrac"#, #"\frac"#), (#"\tfrac"#, #"\frac"#), (#"\times"#, "×"), (#"\cdot"#, "·"), (#"\div"#, "÷"),
        (#"\approx"#, "≈"), (#"\pi"#, "π"), (#"^{\circ}"#, "°"), (#"^\circ"#, "°"), (#"\%"#, "%"), (#"\$"#, "$"),
        ("{,}", ","), (#"\("#, " "), (#"\)"#, " "), (#"\["#, " "), (#"\]"#, " "), ("\u{00A0}", " "),
    ]
    /// Commands that change only how their argument looks.
    private static let fonts = [#"\text"#, #"\textbf"#, #"\mathrm"#, #"\mathbf"#, #"\mbox"#, #"\boxed"#]

    /// Longer texts are no answers, and longer arguments no arguments.
    private static let mostBytes = 4096
    private static let mostArgument = 256

    /// The text without LaTeX; what is not known stays as it is.
    static func of(_ text: String) -> String {
        guard text.utf8.count < mostBytes, text.contains(where: { "\\{~\u{00A0}".contains($0) }) else { return text }
        var plain = commands.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        for font in fonts { plain = rewriting(font, in: plain) { $0[0] } }
        plain = rewriting(#"\frac"#, arguments: 2, in: plain) { "((\($0[0]))/(\($0[1])))" }
        plain = rewriting(#"\sqrt"#, in: plain) { "√(\($0[0]))" }
        return rewriting("^", bracedOnly: true, in: plain) { "^(\($0[0]))" }
    }

    /// The text as it is compared: plain, in lower case, one space between words, no punctuation around it.
    static func key(_ text: String) -> String {
        let plain = of(text).replacingOccurrences(of: "$", with: "").lowercased()
        let words = plain.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.trimmingCharacters(in: CharacterSet(charactersIn: " .,;:!?*_`\"'<>“”‘’"))
    }

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
