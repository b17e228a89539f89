import Foundation

extension Jinja.Interpreter {
    func filterText(
        _ value: Value,
        _ arguments: Arguments,
        _ name: String,
        _ transform: (TemplateString) -> TemplateString
    ) throws -> Value {
        _ = try bind(arguments, [], of: "'\(name)'")
        let text = try softText(of: value)
        try checkLength(text.count)
        return .string(transform(text))
    }

    func filterTrim(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["chars"], of: "'trim'")
        let text = try softText(of: value)
        try checkLength(text.count)
        let characters = try optionalString(slots[0], "the characters to trim")
        return .string(text.stripped(characters: characters?.scalars))
    }

    func filterString(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'string'")
        return .string(try softText(of: value))
    }

    func filterSafe(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'safe'")
        var text = try text(of: value)
        text.isMarkup = true
        return .string(text)
    }

    func filterReplace(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["old", "new", "count"], required: 2, of: "'replace'")
        let limit = try optional(slots[2]).map { try wholeNumber($0, "a number of replacements") } ?? -1
        return .string(
            try replacing(
                try text(of: slots[0] ?? .none),
                with: try text(of: slots[1] ?? .none),
                in: try text(of: value),
                limit: limit
            )
        )
    }

    private func optional(_ value: Value?) -> Value? {
        if case Value.none? = value { nil } else { value }
    }

    func filterIndent(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["width", "first", "blank"], of: "'indent'")
        var text = try string(value)
        if text.isMarkup { throw unsupported("'indent' of a string marked safe") }
        var margin = TemplateString("    ", isTrusted: true)
        if case .string(let width)? = slots[0] {
            margin = width
        } else if let width = try slots[0].map({ max(0, try wholeNumber($0, "a width")) }) {
            try checkLength(width)
            margin = TemplateString(String(repeating: " ", count: width), isTrusted: true)
        }
        let indentsFirst = try truth(slots[1])
        let indentsBlank = try truth(slots[2])
        text.append("\n", isTrusted: true)
        var result = TemplateString()
        for (index, range) in text.lineRanges().enumerated() {
            // Python joins the lines with newlines, whatever their original line ends.
            if index > 0 { result.append("\n", isTrusted: true) }
            if index > 0 ? indentsBlank || !range.isEmpty : indentsFirst {
                try checkLength(result.count + margin.count, copying: margin.count)
                result.append(margin)
            }
            result.append(text, range: range)
        }
        try checkLength(result.count)
        return .string(result)
    }

    // MARK: Formatting with '%'

    func filterFormat(_ value: Value, _ arguments: Arguments) throws -> Value {
        guard arguments.keywords.isEmpty else { throw unsupported("'format' with keyword arguments") }
        return .string(try formatted(try softText(of: value), try makeItems(.tuple, arguments.positional)))
    }

    /// Python's `format % value`, for the plain conversions `%s`, `%r`, `%d`, `%i` and `%%`.
    func formatted(_ format: TemplateString, _ value: Value) throws -> TemplateString {
        if format.isMarkup { throw unsupported("'%' with a string marked safe") }
        var values = [value]
        if case .items(let items) = value, items.kind == .tuple { values = items.elements }
        if case .mapping = value { throw unsupported("'%' with a dictionary") }
        var used = 0
        var result = TemplateString()
        try checkLength(format.count)
        var index = 0
        while index < format.count {
            let scalar = format.scalars[index]
            guard scalar == "%" else {
                result.append(scalar, isTrusted: format.isTrusted(at: index))
                index += 1
                continue
            }
            guard index + 1 < format.count else { throw failure(expected: "a conversion after '%'", found: "the end") }
            let conversion = format.scalars[index + 1]
            index += 2
            if conversion == "%" {
                result.append("%", isTrusted: format.isTrusted(at: index - 1))
                continue
            }
            guard ["s", "r", "d", "i"].contains(conversion) else {
                throw unsupported("the conversion '%\(conversion)'")
            }
            guard used < values.count else { throw failure(expected: "a value for '%\(conversion)'", found: "none") }
            let part = try self.part(for: conversion, values[used])
            try checkLength(result.count + part.count, copying: part.count)
            result.append(part)
            used += 1
        }
        guard used == values.count else {
            throw failure(expected: "\(used) values to format", found: "\(values.count)")
        }
        return result
    }

    private func part(for conversion: Unicode.Scalar, _ value: Value) throws -> TemplateString {
        switch conversion {
        case "s": return try text(of: value)
        case "r":
            var result = TemplateString()
            try appendRepresentation(of: value, to: &result)
            return result
        default:
            switch number(value) {
            case .integer(let number)?: return TemplateString(String(number), isTrusted: true)
            case .double(let number)?:
                guard let whole = Int(exactly: number.rounded(.towardZero)) else {
                    throw failure(expected: "a whole number that fits 64 bits", found: "another number")
                }
                return TemplateString(String(whole), isTrusted: true)
            case nil: throw failure(expected: "a number for '%\(conversion)'", found: value)
            }
        }
    }
}

extension Jinja.Number {
    /// The value with a fixed number of decimals, correctly rounded.
    static func text(of value: Double, decimals: Int) -> String {
        String(format: "%.\(decimals)f", value)
    }
}
