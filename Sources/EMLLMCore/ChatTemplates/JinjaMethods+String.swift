extension Jinja.Interpreter {
    func callStringMethod(_ name: String, of text: TemplateString, _ arguments: Arguments) throws -> Value {
        try spend(characters: text.count)
        let callee = "'\(name)'"
        switch name {
        case "strip", "lstrip", "rstrip":
            let slots = try bind(arguments, ["chars"], of: callee)
            let characters = try optionalString(slots[0], "the characters to strip")
            let side: TemplateString.Side = name == "strip" ? .both : name == "lstrip" ? .leading : .trailing
            return .string(text.stripped(side, characters: characters?.scalars))
        case "upper", "lower", "capitalize", "title", "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower":
            _ = try bind(arguments, [], of: callee)
            return characterMethod(name, of: text)
        case "startswith", "endswith":
            let slots = try bind(arguments, ["prefix"], required: 1, of: callee)
            return .boolean(
                try candidates(slots[0] ?? .none).contains {
                    name == "startswith" ? text.hasPrefix($0) : text.hasSuffix($0)
                }
            )
        case "removeprefix", "removesuffix":
            let part = try string(try bind(arguments, ["part"], required: 1, of: callee)[0])
            if name == "removeprefix" { return .string(text.hasPrefix(part) ? text[part.count..<text.count] : text) }
            return .string(text.hasSuffix(part) ? text[0..<text.count - part.count] : text)
        case "replace":
            try refuseMarkup(text, name)
            let slots = try bind(arguments, ["old", "new", "count"], required: 2, of: callee)
            let limit = try slots[2].map { try wholeNumber($0, "a number of replacements") } ?? -1
            return .string(try replacing(try string(slots[0]), with: try string(slots[1]), in: text, limit: limit))
        case "join":
            try refuseMarkup(text, name)
            let parts = try elements(of: try bind(arguments, ["iterable"], required: 1, of: callee)[0] ?? .none)
            return .string(try joining(try parts.map { try string($0) }, with: text))
        case "split", "rsplit", "splitlines", "partition", "rpartition":
            return try splitMethod(name, of: text, arguments)
        case "find", "rfind", "index", "count": return try searchMethod(name, in: text, arguments)
        default: throw unsupported("the method '\(name)' of a string")
        }
    }

    private func characterMethod(_ name: String, of text: TemplateString) -> Value {
        switch name {
        case "upper": .string(text.uppercased())
        case "lower": .string(text.lowercased())
        case "capitalize": .string(text.capitalized())
        case "title": .string(text.titlecased())
        case "isdigit": .boolean(text.consists { $0.numericType == .decimal || $0.numericType == .digit })
        case "isalpha": .boolean(text.consists { $0.isLetter })
        case "isalnum": .boolean(text.consists { $0.isLetter || $0.numericType != nil })
        case "isspace": .boolean(!text.isEmpty && text.scalars.allSatisfy(TemplateString.isWhitespace))
        default: .boolean(text.isCase(upper: name == "isupper"))
        }
    }

    private func splitMethod(_ name: String, of text: TemplateString, _ arguments: Arguments) throws -> Value {
        let callee = "'\(name)'"
        if name == "splitlines" {
            let keepsEnds = try bind(arguments, ["keepends"], of: callee)[0].map { try isTrue($0) } ?? false
            return try makeStrings(text, text.lineRanges(keepingEnds: keepsEnds))
        }
        if name == "partition" || name == "rpartition" {
            let separator = try string(try bind(arguments, ["sep"], required: 1, of: callee)[0])
            try checkSeparator(separator)
            let isFirst = name == "partition"
            let range = try isFirst ? firstRange(of: separator, in: text) : lastRange(of: separator, in: text)
            let empty = TemplateString()
            let parts =
                range.map { [text[0..<$0.lowerBound], separator, text[$0.upperBound..<text.count]] }
                ?? (isFirst ? [text, empty, empty] : [empty, empty, text])
            return try makeItems(.tuple, parts.map { .string($0) })
        }
        let slots = try bind(arguments, ["sep", "maxsplit"], of: callee)
        let limit = try slots[1].map { try wholeNumber($0, "a number of splits") } ?? -1
        guard let separator = try optionalString(slots[0], "a separator") else {
            if name == "rsplit", limit >= 0 { throw unsupported("'rsplit' at white space with a limit") }
            return try makeStrings(text, text.wordRanges(limit: limit))
        }
        try checkSeparator(separator)
        var cuts: [Range<Int>] = []
        if name == "split" {
            cuts = try ranges(of: separator, in: text, limit: limit)
        } else {
            var end = text.count
            while limit < 0 || cuts.count < limit, let range = try lastRange(of: separator, in: text, upTo: end) {
                cuts.append(range)
                end = range.lowerBound
            }
            cuts.reverse()
        }
        let starts = [0] + cuts.map(\.upperBound)
        let ends = cuts.map(\.lowerBound) + [text.count]
        return try makeStrings(text, zip(starts, ends).map { $0..<$1 })
    }

    private func checkSeparator(_ separator: TemplateString) throws {
        guard !separator.isEmpty else { throw failure(expected: "a separator", found: "an empty string") }
    }

    private func makeStrings(_ text: TemplateString, _ ranges: [Range<Int>]) throws -> Value {
        try spend(ranges.count)
        return try makeItems(.list, ranges.map { .string(text[$0]) })
    }

    private func searchMethod(_ name: String, in text: TemplateString, _ arguments: Arguments) throws -> Value {
        let part = try string(try bind(arguments, ["sub"], required: 1, of: "'\(name)'")[0])
        switch name {
        case "count": return .integer(try ranges(of: part, in: text, limit: -1).count)
        case "rfind": return .integer(try lastRange(of: part, in: text)?.lowerBound ?? -1)
        case "find": return .integer(try firstRange(of: part, in: text)?.lowerBound ?? -1)
        default:
            guard let range = try firstRange(of: part, in: text) else {
                throw failure(expected: "the text to occur in the string", found: "it does not")
            }
            return .integer(range.lowerBound)
        }
    }

    // MARK: Arguments

    /// A required string.
    func string(_ value: Value?) throws -> TemplateString {
        guard case .string(let text)? = value else { throw failure(expected: "a string", found: value ?? .none) }
        return text
    }

    /// A string, or nil for a missing argument or `none`.
    func optionalString(_ value: Value?, _ what: String) throws -> TemplateString? {
        switch value {
        case nil, Value.none?: return nil
        case .string(let text)?: return text
        case let value?: throw failure(expected: what, found: value)
        }
    }

    func wholeNumber(_ value: Value, _ what: String) throws -> Int {
        guard let number = integer(value) else { throw failure(expected: what, found: value) }
        return number
    }

    /// One string, or a tuple of them.
    private func candidates(_ value: Value) throws -> [TemplateString] {
        if case .items(let items) = value, items.kind == .tuple { return try items.elements.map { try string($0) } }
        return [try string(value)]
    }

    private func refuseMarkup(_ text: TemplateString, _ name: String) throws {
        if text.isMarkup { throw unsupported("the method '\(name)' of a string marked safe") }
    }
}

extension Unicode.Scalar.Properties {
    /// What Python's `str.isalpha` accepts.
    fileprivate var isLetter: Bool {
        switch generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
