extension Jinja {
    /// Splits template text into tokens, with Jinja's rules for white space around tags.
    ///
    /// `trim_blocks` removes the newline after a block or comment; `lstrip_blocks` removes white space between the
    /// start of a line and a block or comment; `-` inside a tag removes all white space on that side and `+` keeps it.
    /// One newline at the end of the template is dropped, and all line ends become `\n`.
    struct Lexer {
        private let source: [Unicode.Scalar]
        private var position = 0
        private var line = 1
        /// Whether the scalar before `position` ends a line, or nothing precedes it.
        private var isAtLineStart = true
        private var tokens: [Token] = []

        static func tokenize(_ text: String, limits: Limits) throws -> [Token] {
            var lexer = Lexer(text)
            guard lexer.source.count <= limits.sourceLength else {
                throw EMLLMError.chatTemplateLimit(
                    line: 1,
                    expected: "at most \(limits.sourceLength) characters",
                    found: "\(lexer.source.count)"
                )
            }
            try lexer.run()
            return lexer.tokens
        }

        private init(_ text: String) {
            var scalars: [Unicode.Scalar] = []
            scalars.reserveCapacity(text.utf8.count)
            var previous: Unicode.Scalar?
            for scalar in text.unicodeScalars {
                if scalar == "\r" {
                    scalars.append("\n")
                } else if scalar != "\n" || previous != "\r" {
                    scalars.append(scalar)
                }
                previous = scalar
            }
            if scalars.last == "\n" { scalars.removeLast() }
            source = scalars
        }

        private mutating func run() throws {
            while let tag = nextTag() {
                let sign = source[safe: tag + 2].flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
                let isOutput = source[tag + 1] == "{"
                appendText(upTo: tag, sign: sign, isOutput: isOutput)
                let bodyStart = tag + (sign == nil ? 2 : 3)
                if source[tag + 1] == "#" {
                    try skipComment(from: bodyStart)
                } else if !isOutput, let raw = endOfTag(named: "raw", from: bodyStart) {
                    advance(to: raw.end)
                    try lexRaw()
                } else {
                    tokens.append(Token(kind: isOutput ? .outputStart : .blockStart, line: line))
                    advance(to: bodyStart)
                    try lexCode(isOutput: isOutput)
                }
                isAtLineStart = source[position - 1] == "\n"
            }
            appendData(position..<source.count)
            advance(to: source.count)
            tokens.append(Token(kind: .end, line: line))
        }

        // MARK: Text

        /// Where the next `{{`, `{%` or `{#` starts.
        private func nextTag() -> Int? {
            var index = position
            while index + 1 < source.count {
                if source[index] == "{", ["{", "%", "#"].contains(source[index + 1]) { return index }
                index += 1
            }
            return nil
        }

        /// Appends the text before a tag, trimmed as the tag and the flags require, and moves to the tag.
        private mutating func appendText(upTo tag: Int, sign: Unicode.Scalar?, isOutput: Bool) {
            var end = tag
            if sign == "-" {
                while end > position, TemplateString.isWhitespace(source[end - 1]) { end -= 1 }
            } else if sign == nil, !isOutput {
                var lineStart = end
                while lineStart > position, source[lineStart - 1] != "\n",
                    TemplateString.isWhitespace(source[lineStart - 1])
                {
                    lineStart -= 1
                }
                if lineStart > position ? source[lineStart - 1] == "\n" : isAtLineStart { end = lineStart }
            }
            appendData(position..<end)
            advance(to: tag)
        }

        private mutating func appendData(_ range: Range<Int>) {
            if !range.isEmpty { tokens.append(Token(kind: .data(Array(source[range])), line: line)) }
        }

        private mutating func advance(to end: Int) {
            for index in position..<end where source[index] == "\n" { line += 1 }
            position = end
        }

        private func skippingWhitespace(from start: Int) -> Int {
            var index = start
            while index < source.count, TemplateString.isWhitespace(source[index]) { index += 1 }
            return index
        }

        private func matches(_ text: String, at start: Int) -> Bool {
            source[min(start, source.count)...].starts(with: text.unicodeScalars)
        }

        // MARK: Comments and raw text

        private mutating func skipComment(from start: Int) throws {
            var index = start
            while !matches("#}", at: index) {
                guard index < source.count else {
                    throw EMLLMError.chatTemplateSyntax(line: line, expected: "'#}'", found: "the end of the template")
                }
                index += 1
            }
            let sign = index > start ? source[index - 1] : nil
            index += 2
            if sign == "-" {
                index = skippingWhitespace(from: index)
            } else if sign != "+", source[safe: index] == "\n" {
                index += 1
            }
            advance(to: index)
        }

        /// Where the tag `name` ends, if the inside of a block tag that starts at `start` is just that name. White
        /// space after `-%}` belongs to the tag; a tag without a sign is plain.
        private func endOfTag(named name: String, from start: Int) -> (end: Int, isPlain: Bool)? {
            var index = skippingWhitespace(from: start)
            guard matches(name, at: index) else { return nil }
            index = skippingWhitespace(from: index + name.unicodeScalars.count)
            if matches("-%}", at: index) { return (skippingWhitespace(from: index + 3), false) }
            if matches("%}", at: index) { return (index + 2, true) }
            // Only `endraw` may keep the newline that trim_blocks removes.
            if name == "endraw", matches("+%}", at: index) { return (index + 3, false) }
            return nil
        }

        private mutating func lexRaw() throws {
            isAtLineStart = source[position - 1] == "\n"
            var index = position
            while index < source.count {
                if matches("{%", at: index) {
                    let sign = source[safe: index + 2].flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
                    if let tag = endOfTag(named: "endraw", from: index + (sign == nil ? 2 : 3)) {
                        appendText(upTo: index, sign: sign, isOutput: false)
                        advance(to: tag.isPlain && source[safe: tag.end] == "\n" ? tag.end + 1 : tag.end)
                        return
                    }
                }
                index += 1
            }
            throw EMLLMError.chatTemplateSyntax(line: line, expected: "'endraw'", found: "the end of the template")
        }

        // MARK: Code

        /// Lexes the inside of a tag and its end. The parser reports an unclosed tag.
        private mutating func lexCode(isOutput: Bool) throws {
            var brackets: [String] = []
            while position < source.count {
                if brackets.isEmpty, let end = endOfCode(isOutput: isOutput) {
                    tokens.append(Token(kind: isOutput ? .outputEnd : .blockEnd, line: line))
                    advance(to: end)
                    return
                }
                let scalar = source[position]
                if TemplateString.isWhitespace(scalar) {
                    advance(to: skippingWhitespace(from: position))
                } else if scalar.isASCIIDigit {
                    try lexNumber()
                } else if scalar.isIdentifierStart {
                    var end = position + 1
                    while end < source.count, source[end].isIdentifierPart { end += 1 }
                    var name = String.UnicodeScalarView()
                    name.append(contentsOf: source[position..<end])
                    append(.name(String(name)), upTo: end)
                } else if scalar == "'" || scalar == "\"" {
                    try lexString(quote: scalar)
                } else {
                    try lexSymbol(&brackets)
                }
            }
        }

        private mutating func append(_ kind: Token.Kind, upTo end: Int) {
            tokens.append(Token(kind: kind, line: line))
            advance(to: end)
        }

        private func endOfCode(isOutput: Bool) -> Int? {
            guard ["-", "+", "}", "%"].contains(source[position]) else { return nil }
            let close = isOutput ? "}}" : "%}"
            if matches("-" + close, at: position) { return skippingWhitespace(from: position + 3) }
            if !isOutput, matches("+%}", at: position) { return position + 3 }
            guard matches(close, at: position) else { return nil }
            return !isOutput && source[safe: position + 2] == "\n" ? position + 3 : position + 2
        }

        private static let doubleSymbols: Set<String> = ["//", "**", "==", "!=", ">=", "<="]
        private static let singleSymbols = Set("+-/*%~[](){}.:|,;=><".map(String.init))
        private static let closers = ["{": "}", "(": ")", "[": "]"]

        private mutating func lexSymbol(_ brackets: inout [String]) throws {
            var symbol = String(source[position])
            if let next = source[safe: position + 1], Self.doubleSymbols.contains(symbol + String(next)) {
                symbol += String(next)
            }
            guard symbol.utf8.count > 1 || Self.singleSymbols.contains(symbol) else {
                throw EMLLMError.chatTemplateSyntax(
                    line: line,
                    expected: "an expression",
                    found: "the character '\(source[position])'"
                )
            }
            if let closer = Self.closers[symbol] {
                brackets.append(closer)
            } else if symbol == "}" || symbol == ")" || symbol == "]", brackets.popLast() != symbol {
                throw EMLLMError.chatTemplateSyntax(line: line, expected: "balanced brackets", found: "'\(symbol)'")
            }
            append(.symbol(symbol), upTo: position + symbol.unicodeScalars.count)
        }
    }
}

// MARK: - Numbers and strings

extension Jinja.Lexer {
    /// The end of a run of decimal digits with single underscores between them; `start` if there is none.
    private func endOfDigits(from start: Int) -> Int {
        var index = start
        while let scalar = source[safe: index] {
            if scalar.isASCIIDigit {
                index += 1
            } else if scalar == "_", index > start, source[safe: index + 1]?.isASCIIDigit == true {
                index += 2
            } else {
                break
            }
        }
        return index
    }

    private mutating func lexNumber() throws {
        // After a dot, digits are an index: `a.0.1`.
        if position == 0 || source[position - 1] != ".", let end = endOfDouble() {
            let digits = String(String.UnicodeScalarView(source[position..<end].filter { $0 != "_" }))
            append(.double(Double(digits) ?? .infinity), upTo: end)
            return
        }
        var radix = 10
        var start = position
        if source[position] == "0", let mark = source[safe: position + 1] {
            radix = ["b": 2, "B": 2, "o": 8, "O": 8, "x": 16, "X": 16][mark] ?? 10
            if radix != 10 { start += 2 }
        }
        var end = start
        if radix == 10 {
            end = endOfDigits(from: start)
            if source[position] == "0", source[start..<end].contains(where: { $0 != "0" && $0 != "_" }) {
                throw EMLLMError.chatTemplateSyntax(
                    line: line,
                    expected: "a decimal number without leading zeros",
                    found: String(String.UnicodeScalarView(source[start..<end].prefix(40)))
                )
            }
        } else {
            while let scalar = source[safe: end], scalar == "_" || scalar.hexadecimalDigit.map({ $0 < radix }) == true {
                end += 1
            }
        }
        let digits = String(String.UnicodeScalarView(source[start..<end].filter { $0 != "_" }))
        guard let value = Int(digits, radix: radix) else {
            throw EMLLMError.chatTemplateUnsupported(
                line: line,
                construct: "an integer that does not fit 64 bits ('\(digits.prefix(40))')"
            )
        }
        append(.integer(value), upTo: end)
    }

    /// The end of a floating-point literal at the position; nil if there is none.
    private func endOfDouble() -> Int? {
        var end = endOfDigits(from: position)
        var isDouble = false
        if source[safe: end] == ".", endOfDigits(from: end + 1) > end + 1 {
            end = endOfDigits(from: end + 1)
            isDouble = true
        }
        if source[safe: end] == "e" || source[safe: end] == "E" {
            let sign = source[safe: end + 1]
            let exponent = end + (sign == "+" || sign == "-" ? 2 : 1)
            if endOfDigits(from: exponent) > exponent { return endOfDigits(from: exponent) }
        }
        return isDouble ? end : nil
    }

    private mutating func lexString(quote: Unicode.Scalar) throws {
        var value: [Unicode.Scalar] = []
        var index = position + 1
        while let scalar = source[safe: index] {
            if scalar == quote {
                append(.string(value), upTo: index + 1)
                return
            }
            if scalar == "\\" {
                index = try appendEscape(at: index, to: &value)
            } else {
                value.append(scalar)
                index += 1
            }
        }
        throw EMLLMError.chatTemplateSyntax(
            line: line,
            expected: "a closing \(quote)",
            found: "the end of the template"
        )
    }

    private static let simpleEscapes: [Unicode.Scalar: Unicode.Scalar] = [
        "\\": "\\", "'": "'", "\"": "\"", "n": "\n", "t": "\t", "r": "\r", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}",
        "v": "\u{B}",
    ]
    private static let hexadecimalEscapeLengths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]

    /// Decodes the escape at `start` as Python does, where an unknown escape stands for itself; returns its end.
    private func appendEscape(at start: Int, to value: inout [Unicode.Scalar]) throws -> Int {
        guard let mark = source[safe: start + 1] else { return start + 1 }
        if let scalar = Self.simpleEscapes[mark] {
            value.append(scalar)
            return start + 2
        }
        if mark == "\n" { return start + 2 }
        if mark == "N" {
            throw EMLLMError.chatTemplateUnsupported(line: line, construct: "the escape '\\N{…}'")
        }
        var index = start + 2
        var code: UInt32 = 0
        if let length = Self.hexadecimalEscapeLengths[mark] {
            for _ in 0..<length {
                guard let digit = source[safe: index]?.hexadecimalDigit else {
                    throw invalidEscape("\(length) hexadecimal digits after '\\\(mark)'", at: start, upTo: index)
                }
                code = code &* 16 &+ UInt32(digit)
                index += 1
            }
        } else if ("0"..."7").contains(mark) {
            index = start + 1
            while index < start + 4, let digit = source[safe: index]?.hexadecimalDigit, digit < 8 {
                code = code * 8 + UInt32(digit)
                index += 1
            }
        } else {
            value.append("\\")
            return start + 1
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw invalidEscape("the code of a Unicode scalar", at: start, upTo: index)
        }
        value.append(scalar)
        return index
    }

    private func invalidEscape(_ expected: String, at start: Int, upTo end: Int) -> EMLLMError {
        let text = String(String.UnicodeScalarView(source[start..<min(end, source.count)]))
        return .chatTemplateSyntax(line: line, expected: expected, found: "'\(text)'")
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }

    fileprivate var isIdentifierStart: Bool {
        self == "_" || (isASCII ? properties.isAlphabetic : properties.isXIDStart)
    }

    fileprivate var isIdentifierPart: Bool {
        self == "_" || (isASCII ? properties.isAlphabetic || isASCIIDigit : properties.isXIDContinue)
    }

    fileprivate var hexadecimalDigit: Int? {
        switch self {
        case "0"..."9": Int(value - 0x30)
        case "a"..."f": Int(value - 0x61 + 10)
        case "A"..."F": Int(value - 0x41 + 10)
        default: nil
        }
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
