import Foundation

/// A piece of mathematics in text.
struct MathToken: Equatable {
    enum Kind: Equatable {
        /// A literal; a plain one has digits alone, so that a fraction behind it makes a mixed number.
        case number(MathNumber, isPlain: Bool)
        /// A fraction written as one character, such as "½".
        case vulgar(MathNumber)
        /// A power written as raised digits.
        case raised(Int)
        /// `+ - * / ^`
        case op(Character)
        /// `( [ {`, where `{` is a set's; groups of LaTeX are `group` and `endGroup`.
        case open(Character), close(Character)
        case group, endGroup
        /// `,` and `:`; `;` and "and" are commas.
        case comma, colon, union
        case percent, degree, factorial, bar, underscore
        case pi, euler, infinity
        case fraction, root
        case function(String)
        /// "million" and the like.
        case scale(MathNumber)
        /// Letters; those of `\text{}` and its relatives are marked.
        case word(String, isText: Bool)
    }

    var kind: Kind
    /// Whether white space stands before it.
    var isSpaced: Bool
}

/// Cuts a text into tokens. A character or a command that is not known makes the whole unknown.
struct MathLexer {
    private let text: [Character]
    private var index = 0
    private var tokens: [MathToken] = []
    private var isSpaced = false
    /// How many brackets are open, since a comma between them does not separate thousands.
    private var depth = 0
    /// The depths of braces that hold words.
    private var textGroups: [Int] = []
    private var braces = 0

    static func tokens(of text: String) -> [MathToken]? {
        var lexer = MathLexer(text: Array(text))
        while lexer.index < lexer.text.count {
            guard lexer.next() else { return nil }
        }
        return lexer.tokens
    }

    private init(text: [Character]) { self.text = text }

    private func character(_ offset: Int = 0) -> Character? {
        text.indices.contains(index + offset) ? text[index + offset] : nil
    }

    private mutating func add(_ kind: MathToken.Kind) {
        tokens.append(MathToken(kind: kind, isSpaced: isSpaced))
        isSpaced = false
    }

    private static let operators: [Character: Character] = [
        "+": "+", "＋": "+", "-": "-", "−": "-", "–": "-", "—": "-", "﹣": "-", "*": "*", "×": "*", "·": "*", "⋅": "*",
        "∙": "*", "∗": "*", "/": "/", "÷": "/", "∕": "/", "⁄": "/", "^": "^",
    ]
    private static let vulgar: [Character: (Int128, Int128)] = [
        "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
        "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
        "⅑": (1, 9), "⅒": (1, 10),
    ]
    private static let raised: [Character: Int] = [
        "⁰": 0, "¹": 1, "²": 2, "³": 3, "⁴": 4, "⁵": 5, "⁶": 6, "⁷": 7, "⁸": 8, "⁹": 9,
    ]

    private mutating func next() -> Bool {
        guard let current = character() else { return false }
        if Self.isDigit(current) || current == "." && character(1).map(Self.isDigit) ?? false { return number() }
        if let name = Self.operators[current] {
            index += 1
            if name == "*", character() == "*" {
                index += 1
                add(.op("^"))
            } else {
                add(.op(name))
            }
            return true
        }
        if let (top, bottom) = Self.vulgar[current], let value = MathNumber.fraction(top, bottom) {
            add(.vulgar(value))
        } else if Self.raised[current] != nil || current == "⁻" {
            return raisedNumber()
        } else if current.isLetter, current != "π" {
            return word()
        } else {
            switch current {
            case _ where current.isWhitespace, "~": isSpaced = true
            case "$", "€", "£", "¥": break
            case "(", "[":
                depth += 1
                add(.open(current))
            case ")", "]":
                depth -= 1
                add(.close(current))
            case "{":
                braces += 1
                // Thousands in LaTeX: "10{,}000" is read with the number; a lone one is nothing.
                if textGroups.last != braces { add(.group) }
            case "}":
                if textGroups.last == braces {
                    textGroups.removeLast()
                    isSpaced = true
                } else {
                    add(.endGroup)
                }
                braces -= 1
            case ",", ";": add(.comma)
            case ":", "∶": add(.colon)
            case "∪": add(.union)
            case "%": add(.percent)
            case "°", "º": add(.degree)
            case "!": add(.factorial)
            case "|": add(.bar)
            case "_": add(.underscore)
            case "π": add(.pi)
            case "√": add(.root)
            case "∛":
                add(.function("cbrt"))
            case "∞": add(.infinity)
            case "\\": return command()
            default: return false
            }
        }
        index += 1
        return true
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private mutating func digits() -> String {
        let start = index
        while let current = character(), Self.isDigit(current) { index += 1 }
        return String(text[start..<index])
    }

    /// The mark between groups of three digits that begins here: its length and what it is.
    private func separator() -> (length: Int, name: String)? {
        var found: (Int, String)?
        switch character() {
        case ",": found = depth == 0 && textGroups.isEmpty ? (1, ",") : nil
        case " ", "\u{00A0}", "\u{2009}", "\u{202F}", "~": found = (1, " ")
        case "\\":
            if let next = character(1), ",; !:".contains(next) { found = (2, " ") }
        case "{":
            if character(1) == ",", character(2) == "}" { found = (3, "{,}") }
        default: break
        }
        guard let found, (0..<3).allSatisfy({ character(found.0 + $0).map(Self.isDigit) ?? false }),
            !(character(found.0 + 3).map(Self.isDigit) ?? false)
        else { return nil }
        return found
    }

    private mutating func number() -> Bool {
        var whole = digits()
        var isPlain = true
        if (1...3).contains(whole.count), let first = separator() {
            while let next = separator(), next.name == first.name {
                index += next.length
                whole += digits()
                isPlain = false
            }
            // "1,234,56" is neither a number nor a list that anybody writes.
            if character() == ",", first.name == ",", character(1).map(Self.isDigit) ?? false { return false }
        }
        var fraction = ""
        if character() == ".", character(1).map(Self.isDigit) ?? false {
            index += 1
            fraction = digits()
            isPlain = false
        }
        guard !(character() == "." && character(1).map(Self.isDigit) ?? false) else { return false }
        var exponent = 0
        if let mark = character(), "eE".contains(mark) {
            let sign = character(1).map { "+-".contains($0) } ?? false
            if character(sign ? 2 : 1).map(Self.isDigit) ?? false {
                let isNegative = character(1) == "-"
                index += sign ? 2 : 1
                guard let value = Int(digits()), value <= 400 else { return false }
                exponent = isNegative ? -value : value
                isPlain = false
            }
        }
        guard let value = MathNumber.decimal(whole, fraction: fraction, exponent: exponent) else { return false }
        add(.number(value, isPlain: isPlain))
        return true
    }

    private mutating func raisedNumber() -> Bool {
        let isNegative = character() == "⁻"
        if isNegative { index += 1 }
        var value = 0
        var count = 0
        while let current = character(), let digit = Self.raised[current], count < 4 {
            value = 10 * value + digit
            index += 1
            count += 1
        }
        guard count > 0 else { return false }
        add(.raised(isNegative ? -value : value))
        return true
    }

    private mutating func word() -> Bool {
        let start = index
        while let current = character(), current.isLetter, current != "π" { index += 1 }
        let word = String(text[start..<index])
        guard textGroups.isEmpty else {
            // Words of \text{} may still be a number's: "2 \text{ million}".
            if let scale = Self.scales[word.lowercased()] { add(.scale(scale)) } else { add(.word(word, isText: true)) }
            return true
        }
        switch word.lowercased() {
        case "pi": add(.pi)
        case "sqrt": add(.function("sqrt"))
        case "cbrt": add(.function("cbrt"))
        case "log", "ln", "lg", "sin", "cos", "tan", "exp": add(.function(word.lowercased()))
        case "and": add(.comma)
        case "percent": add(.percent)
        case "degrees", "degree", "deg": add(.degree)
        case "infinity": add(.infinity)
        case "x" where isSpaced && character() == " ": add(.op("*"))
        case "e" where word == "e": add(.euler)
        case let name:
            if let scale = Self.scales[name] { add(.scale(scale)) } else { add(.word(word, isText: false)) }
        }
        return true
    }

    private static let scales: [String: MathNumber] = [
        "hundred": MathNumber(100), "thousand": MathNumber(1000), "million": MathNumber(1_000_000),
        "billion": MathNumber(1_000_000_000), "trillion": MathNumber(1_000_000_000_000), "dozen": MathNumber(12),
    ]
    private static let fonts: Set<String> = [
        "text", "textbf", "textit", "textrm", "mathrm", "mathbf", "mathit", "mathsf", "mbox", "operatorname",
        "boldsymbol", "bm",
    ]
    /// Commands that change only how things look.
    private static let looks: Set<String> = [
        "left", "right", "big", "Big", "bigl", "bigr", "displaystyle", "textstyle", "quad", "qquad", "limits", "boxed",
        "fbox",
    ]

    private mutating func command() -> Bool {
        index += 1
        guard let first = character() else { return false }
        guard first.isASCII, first.isLetter else {
            index += 1
            switch first {
            case ",", ";", ":", " ", "!": isSpaced = isSpaced || first != "!"
            case "(", ")", "[", "]", "$": break
            case "%": add(.percent)
            case "{":
                depth += 1
                add(.open("{"))
            case "}":
                depth -= 1
                add(.close("}"))
            default: return false
            }
            return true
        }
        let start = index
        while let current = character(), current.isASCII, current.isLetter { index += 1 }
        let name = String(text[start..<index])
        switch name {
        case "frac", "dfrac", "tfrac", "cfrac":
            add(.fraction)
            // Without braces an argument is one digit: "\frac12".
            for _ in 0..<2 {
                while character()?.isWhitespace ?? false { index += 1 }
                guard let digit = character(), Self.isDigit(digit), let value = digit.wholeNumberValue else { break }
                add(.number(MathNumber(value), isPlain: true))
                index += 1
            }
        case "sqrt": add(.root)
        case "times", "cdot", "ast": add(.op("*"))
        case "div": add(.op("/"))
        case "pi": add(.pi)
        case "infty": add(.infinity)
        case "cup": add(.union)
        case "circ", "degree": add(.degree)
        case "colon": add(.colon)
        case "lbrace":
            depth += 1
            add(.open("{"))
        case "rbrace":
            depth -= 1
            add(.close("}"))
        case "log", "ln", "lg", "sin", "cos", "tan", "exp": add(.function(name))
        case _ where Self.fonts.contains(name):
            guard character() == "{" else { return false }
            // A font around a formula is dropped; around words it marks them.
            if text[(index + 1)...].prefix(while: { $0 != "}" }).contains(where: \.isLetter) {
                textGroups.append(braces + 1)
                isSpaced = true
            }
        case _ where Self.looks.contains(name): break
        default: return false
        }
        return true
    }
}
