/// The string operations of Python that templates use. Case mappings and white space follow Unicode as Python does.
extension TemplateString {
    /// What Python's `str.isspace` and the `\s` of its regular expressions accept.
    static func isWhitespace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
            true
        default: false
        }
    }

    enum Side { case leading, trailing, both }

    /// Removes white space, or any of `characters`, from the ends.
    func stripped(_ side: Side = .both, characters: [Unicode.Scalar]? = nil) -> TemplateString {
        let set = characters.map(Set.init)
        let isStripped: (Unicode.Scalar) -> Bool = { set?.contains($0) ?? Self.isWhitespace($0) }
        var low = 0
        var high = count
        if side != .trailing { while low < high, isStripped(scalars[low]) { low += 1 } }
        if side != .leading { while high > low, isStripped(scalars[high - 1]) { high -= 1 } }
        return self[low..<high]
    }

    func uppercased() -> TemplateString { mapScalars { $1.properties.uppercaseMapping } }

    func lowercased() -> TemplateString { mapScalars { lowercase($1, at: $0) } }

    /// The first character in title case, the others in lower case.
    func capitalized() -> TemplateString {
        mapScalars { $0 == 0 ? $1.properties.titlecaseMapping : lowercase($1, at: $0) }
    }

    /// Python's `str.title`: every letter after a character without case starts a word.
    func titlecased() -> TemplateString {
        mapScalars { index, scalar in
            let startsWord = index == 0 || !scalars[index - 1].properties.isCased
            return startsWord ? scalar.properties.titlecaseMapping : lowercase(scalar, at: index)
        }
    }

    /// Jinja's `title` filter: words start after white space and `-({[<`.
    func wordsCapitalized() -> TemplateString {
        mapScalars { index, scalar in
            let startsWord =
                index == 0 || Self.isWhitespace(scalars[index - 1])
                || "-({[<".unicodeScalars.contains(scalars[index - 1])
            return startsWord ? scalar.properties.uppercaseMapping : lowercase(scalar, at: index)
        }
    }

    /// Lower case with Unicode's only context-dependent rule: a capital sigma at the end of a word becomes `ς`.
    private func lowercase(_ scalar: Unicode.Scalar, at index: Int) -> String {
        guard scalar == "\u{3A3}" else { return scalar.properties.lowercaseMapping }
        let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
        let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
        return isFinal ? "\u{3C2}" : "\u{3C3}"
    }

    /// Whether there are characters of this case and none of the other.
    func isCase(upper: Bool) -> Bool {
        var found = false
        for scalar in scalars {
            let properties = scalar.properties
            if properties.isUppercase || properties.generalCategory == .titlecaseLetter {
                if !upper || properties.generalCategory == .titlecaseLetter { return false }
                found = true
            } else if properties.isLowercase {
                if upper { return false }
                found = true
            }
        }
        return found
    }

    /// Whether the text is not empty and every character satisfies `predicate`.
    func consists(of predicate: (Unicode.Scalar.Properties) -> Bool) -> Bool {
        !isEmpty && scalars.allSatisfy { predicate($0.properties) }
    }

    func hasPrefix(_ prefix: TemplateString) -> Bool { scalars.starts(with: prefix.scalars) }

    func hasSuffix(_ suffix: TemplateString) -> Bool {
        suffix.count <= count && scalars[(count - suffix.count)...].elementsEqual(suffix.scalars)
    }

    /// The ranges of the lines, without their line ends, as in Python's `str.splitlines`.
    func lineRanges(keepingEnds: Bool = false) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var index = 0
        while index < count {
            let end = index
            switch scalars[index].value {
            case 0x0D: index += index + 1 < count && scalars[index + 1] == "\n" ? 2 : 1
            case 0x0A...0x0C, 0x1C...0x1E, 0x85, 0x2028, 0x2029: index += 1
            default:
                index += 1
                continue
            }
            ranges.append(start..<(keepingEnds ? index : end))
            start = index
        }
        if start < count { ranges.append(start..<count) }
        return ranges
    }

    /// The ranges of the words between runs of white space; the rest after `limit` splits is one word.
    func wordRanges(limit: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var index = 0
        while true {
            while index < count, Self.isWhitespace(scalars[index]) { index += 1 }
            guard index < count else { return ranges }
            let start = index
            if limit >= 0, ranges.count >= limit {
                ranges.append(start..<count)
                return ranges
            }
            while index < count, !Self.isWhitespace(scalars[index]) { index += 1 }
            ranges.append(start..<index)
        }
    }

    /// The text with HTML's five special characters replaced, marked as safe.
    func htmlEscaped() -> TemplateString {
        if isMarkup { return self }
        var result = mapScalars { _, scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&#34;"
            case "'": "&#39;"
            default: String(scalar)
            }
        }
        result.isMarkup = true
        return result
    }

    /// Python's `repr`: quoted, with escapes for unprintable characters. Quotes and escapes inherit the mark of the
    /// character that they stand for; the surrounding quotes are trusted.
    func quotedForPython() -> TemplateString {
        let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
        var result = TemplateString(String(quote), isTrusted: true)
        result.append(
            mapScalars { _, scalar in
                switch scalar {
                case "\\": "\\\\"
                case "\n": "\\n"
                case "\r": "\\r"
                case "\t": "\\t"
                case quote: "\\" + String(quote)
                default: Self.isPrintable(scalar) ? String(scalar) : Self.hexadecimalEscape(scalar)
                }
            }
        )
        result.append(quote, isTrusted: true)
        return result
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    private static func hexadecimalEscape(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case ..<0x100: "\\x" + hexadecimal(scalar.value, digits: 2)
        case ..<0x10000: "\\u" + hexadecimal(scalar.value, digits: 4)
        default: "\\U" + hexadecimal(scalar.value, digits: 8)
        }
    }

    static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
