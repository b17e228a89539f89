import Foundation

/// The text of a step as the tokens of its equations: numbers, operators, words. LaTeX, Markdown and the many signs for one
/// operation are gone.
struct ArithmeticText {
    enum Token: Equatable, Sendable {
        /// A number as it was written.
        case number(Rational, Written)
        /// `+ - * / ^`
        case op(Character)
        case open, close
        /// `=`, or a word that says the same behind a calculation.
        case equals
        /// `≈` and its like.
        case about
        case percent
        /// A word, in lower case.
        case word(String)
        /// A currency sign.
        case currency
        /// Whatever ends an expression: punctuation, an unknown command, a number too long.
        case stop
        /// Whatever makes an expression unreadable: a time of day, a ratio, a variable.
        case opaque
    }

    /// How a number was written.
    struct Written: Equatable, Sendable {
        /// Digits after the point.
        var decimals = 0
        /// Whether it may have been rounded: decimals that do not look exact.
        var isRounded = false
        /// Whether its spelling can be read in two ways: "2 1/2", "3,5", "1 200".
        var isAmbiguous = false
        /// Whether white space stands before it.
        var followsSpace = false
    }

    /// Longer texts are cut: no step is as long.
    static let mostScalars = 20_000
    private static let mostDigits = 15

    /// A line or a sentence each.
    private(set) var segments: [[Token]] = []
    private var tokens: [Token] = []
    private let text: [Character]
    private var index = 0

    init(_ text: String) {
        self.text = Array(Self.plain(String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.mostScalars)))))
        while index < self.text.count { readToken() }
        endSegment()
    }

    private mutating func endSegment() {
        if tokens.contains(.equals) || tokens.contains(.about) { segments.append(tokens) }
        tokens = []
    }

    // MARK: Plain text

    /// A text without LaTeX and Markdown.
    private static func plain(_ text: String) -> String {
        var text = text
        // GSM8K's calculator marks say once more what stands around them.
        let marks = text.matches(of: /<<([^<>\n]{0,200})>>/).map { String($0.1) }
        if !marks.isEmpty {
            text = ([text.replacing(/<<[^<>\n]{0,200}>>/) { _ in "" }] + marks).joined(separator: "\n")
        }
        for (sign, plain) in replacements { text = text.replacingOccurrences(of: sign, with: plain) }
        for _ in 0..<8 {
            let before = text
            text = text.replacing(/\\[dtc]?frac\s*\{([^{}]{1,200})\}\s*\{([^{}]{1,200})\}/) { "((\($0.1))/(\($0.2)))" }
            text = text.replacing(/\\(?:text|mathrm|textbf|mathbf|textit|operatorname)\s*\{([^{}]{0,200})\}/) {
                " \($0.1) "
            }
            text = text.replacing(/\\boxed\s*\{([^{}]{0,200})\}/) { " \($0.1) " }
            text = text.replacing(/\^\s*\{([^{}]{1,50})\}/) { "^(\($0.1))" }
            if text == before { break }
        }
        // A power of Python's, not bold.
        text = text.replacing(/([0-9)])\*\*([0-9(])/) { "\($0.1)^\($0.2)" }
        return text.replacingOccurrences(of: "**", with: "").replacingOccurrences(of: "__", with: "")
    }

    private static let replacements: [(String, String)] = [
        ("\\\\", "\n"), ("\\times", "*"), ("\\cdot", "*"), ("\\ast", "*"), ("\\div", "/"), ("\\left", ""),
        ("\\right", ""),
        ("\\approx", "≈"), ("\\simeq", "≈"), ("\\$", "$"), ("\\%", "%"), ("\\,", " "), ("\\;", " "), ("\\!", ""),
        ("\\ ", " "), ("\\quad", " "), ("{,}", ","), ("\\(", " "), ("\\)", " "), ("\\[", "\n"), ("\\]", "\n"),
        ("$$", "\n"),
        ("&=", "="), ("`", ""), ("×", "*"), ("⋅", "*"), ("·", "*"), ("∙", "*"), ("✕", "*"), ("÷", "/"), ("∕", "/"),
        ("⁄", "/"), ("−", "-"), ("²", "^2"), ("³", "^3"), ("½", " 1/2"), ("¼", " 1/4"), ("¾", " 3/4"),
        ("\u{A0}", " "), ("\u{202F}", " "), ("≅", "≈"), ("≃", "≈"),
    ]

    // MARK: Tokens

    private func character(_ offset: Int = 0) -> Character? {
        let place = index + offset
        return text.indices.contains(place) ? text[place] : nil
    }

    private static func isDigit(_ character: Character?) -> Bool { character.map { ("0"..."9").contains($0) } ?? false }

    private mutating func readToken() {
        let current = text[index]
        let isPoint = current == "." && Self.isDigit(character(1)) && !Self.isDigit(index > 0 ? text[index - 1] : nil)
        if Self.isDigit(current) || isPoint { return readNumber() }
        if current.isLetter { return readWord() }
        index += 1
        switch current {
        case "\n", ";", "|": endSegment()
        case ".", "!", "?":
            if character() == nil || character()?.isWhitespace == true { endSegment() } else { tokens.append(.stop) }
        case "+", "/", "*", "^": tokens.append(.op(current))
        case "-":
            // An arrow, and a hyphen between a number and its unit: "a 20-minute walk".
            if character() == ">" {
                tokens.append(.stop)
                index += 1
            } else if character()?.isLetter == true, index > 1, text[index - 2].isNumber || text[index - 2].isLetter {
                break
            } else {
                tokens.append(.op("-"))
            }
        case "(", "[", "{": tokens.append(.open)
        case ")", "]", "}": tokens.append(.close)
        case "=": readEquals()
        case "≈", "~": tokens.append(.about)
        case "%": tokens.append(.percent)
        case "$", "€", "£", "¥", "₹": tokens.append(.currency)
        case "≠", "<", ">", "≤", "≥", "\\", "√", "∑", "–", "_", "@", "#": tokens.append(.opaque)
        case ":":
            tokens.append(Self.isDigit(character()) && index > 1 && Self.isDigit(text[index - 2]) ? .opaque : .stop)
        case _ where current.isWhitespace: break
        case "'", "’", "°": break
        default: tokens.append(.stop)
        }
    }

    private mutating func readEquals() {
        let before = index > 1 ? text[index - 2] : " "
        if character() == "=" || character() == ">" || "<>!:=".contains(before) { return tokens.append(.opaque) }
        tokens.append(.equals)
    }

    private mutating func readNumber() {
        let start = index
        var digits = ""
        var written = Written(followsSpace: start == 0 || text[start - 1].isWhitespace)
        while Self.isDigit(character()) || (character() == "," && Self.isDigit(character(1))) {
            if character() == "," {
                // Three digits, and no fourth: a thousands separator.
                let group = (1...4).map { Self.isDigit(character($0)) }
                guard group == [true, true, true, false], digits.count > 0 else {
                    while Self.isDigit(character()) || character() == "," { index += 1 }
                    return tokens.append(.opaque)
                }
                index += 1
            }
            if digits.count > Self.mostDigits {
                while Self.isDigit(character()) { index += 1 }
                return tokens.append(.opaque)
            }
            digits.append(text[index])
            index += 1
        }
        if character() == ".", Self.isDigit(character(1)) {
            index += 1
            while Self.isDigit(character()) {
                if written.decimals < 18 - digits.count {
                    digits.append(text[index])
                    written.decimals += 1
                }
                index += 1
            }
            if character() == ".", Self.isDigit(character(1)) { return tokens.append(.opaque) }
        }
        // "3.33…" goes on.
        if character() == "…" || (character() == "." && character(1) == ".") { written.isRounded = true }
        let last = digits.last
        if written.decimals >= 2, last != "0", last != "5" { written.isRounded = true }
        if character() == ":" && Self.isDigit(character(1)) { return tokens.append(.opaque) }
        // "1, 200"
        if character() == ",", character(1) == " ", (2...4).allSatisfy({ Self.isDigit(character($0)) }),
            !Self.isDigit(character(5))
        {
            written.isAmbiguous = true
        }
        // "0900" is a time of day.
        if digits.first == "0", written.decimals == 0, digits.count > 2 { return tokens.append(.opaque) }
        guard let value = Rational(digits: digits.isEmpty ? "0" : digits, decimals: written.decimals) else {
            return tokens.append(.opaque)
        }
        tokens.append(.number(value, written))
        readSuffix()
    }

    /// Letters right behind a number: "x" may be a sign, one other letter may be a variable, more are a unit.
    private mutating func readSuffix() {
        let letters = text[index...].prefix { $0.isLetter }
        guard !letters.isEmpty else { return }
        if letters.count == 1, letters.first == "x" || letters.first == "X" {
            if Self.isDigit(character(1)) || character(1) == "$" {
                tokens.append(.op("*"))
                index += 1
                return
            }
            // "2x 3" and "2x = 6".
            tokens.append(.opaque)
            index += 1
        } else if letters.count == 1 {
            tokens.append(.opaque)
            index += 1
        }
    }

    private mutating func readWord() {
        let start = index
        while let next = character(), next.isLetter || (next == "'" && character(1)?.isLetter == true) { index += 1 }
        let word = String(text[start..<index]).lowercased()
        // "x" between a number and another: a sign.
        if word == "x", let next = text[index...].first(where: { !$0.isWhitespace }),
            Self.isDigit(next) || "$(.".contains(next)
        {
            switch tokens.last {
            case .number, .close, .word, .percent, .currency: return tokens.append(.op("*"))
            default: break
            }
        }
        switch word {
        case "equals": tokens.append(.equals)
        case "is" where tokens.last.map(Self.endsCalculation) ?? false: tokens.append(.equals)
        case "about", "around", "approximately", "roughly", "nearly", "almost", "approx": tokens.append(.about)
        default: tokens.append(.word(word))
        }
        if Self.isDigit(character()) { tokens.append(.opaque) }
    }

    private static func endsCalculation(_ token: Token) -> Bool {
        switch token {
        case .number, .close, .percent: true
        default: false
        }
    }
}
