extension Jinja.Interpreter {
    /// Python's `json.dumps` with the arguments that transformers' `tojson` filter passes on.
    func filterToJSON(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["ensure_ascii", "indent", "separators", "sort_keys"], of: "'tojson'")
        var writer = JSONWriter(
            escapesNonASCII: try truth(slots[0]),
            sortsKeys: try truth(slots[3])
        )
        switch slots[1] {
        case nil, Value.none?: break
        case .string(let text)?: writer.indent = text
        case let width?:
            let width = max(0, try wholeNumber(width, "an indent"))
            try checkLength(width)
            writer.indent = TemplateString(String(repeating: " ", count: width), isTrusted: true)
        }
        if writer.indent != nil { writer.itemSeparator = TemplateString(",", isTrusted: true) }
        if let separators = slots[2], case .items(let pair) = separators, pair.elements.count == 2 {
            writer.itemSeparator = try string(pair.elements[0])
            writer.keySeparator = try string(pair.elements[1])
        } else if let separators = slots[2] {
            guard case .none = separators else { throw failure(expected: "a pair of separators", found: separators) }
        }
        try write(value, to: &writer, level: 0)
        return .string(writer.text)
    }

    /// The text so far and how to continue.
    private struct JSONWriter {
        var text = TemplateString()
        var escapesNonASCII: Bool
        var sortsKeys: Bool
        var indent: TemplateString?
        var itemSeparator = TemplateString(", ", isTrusted: true)
        var keySeparator = TemplateString(": ", isTrusted: true)

        mutating func append(_ punctuation: String) { text.append(punctuation, isTrusted: true) }

        func quoted(_ string: TemplateString) -> TemplateString {
            var result = TemplateString("\"", isTrusted: true)
            result.append(
                string.mapScalars { _, scalar in
                    switch scalar {
                    case "\"": "\\\""
                    case "\\": "\\\\"
                    case "\n": "\\n"
                    case "\r": "\\r"
                    case "\t": "\\t"
                    case "\u{8}": "\\b"
                    case "\u{C}": "\\f"
                    case "\0"..<" ": "\\u" + TemplateString.hexadecimal(scalar.value, digits: 4)
                    case "\u{7F}"... where escapesNonASCII:
                        String(scalar).utf16.map { "\\u" + TemplateString.hexadecimal(UInt32($0), digits: 4) }.joined()
                    default: String(scalar)
                    }
                }
            )
            result.append("\"", isTrusted: true)
            return result
        }
    }

    private func write(_ value: Value, to writer: inout JSONWriter, level: Int) throws {
        try descend()
        defer { ascend() }
        try spend(1)
        switch value {
        case .none: writer.append("null")
        case .boolean(let value): writer.append(value ? "true" : "false")
        case .integer(let value): writer.append(String(value))
        case .double(let value): writer.append(Self.jsonText(of: value))
        case .string(let text):
            try checkLength(writer.text.count + 12 * text.count, copying: text.count)
            writer.text.append(writer.quoted(text))
        case .items(let items) where items.kind == .list || items.kind == .tuple:
            try writeContainer("[", "]", count: items.elements.count, to: &writer, level: level) { index, writer in
                try write(items.elements[index], to: &writer, level: level + 1)
            }
        case .mapping(let mapping):
            var order = Array(mapping.keys.indices).map { Value.integer($0) }
            if writer.sortsKeys { order = try sorted(order, by: mapping.keys, descending: false) }
            try writeContainer("{", "}", count: order.count, to: &writer, level: level) { position, writer in
                let index = integer(order[position]) ?? 0
                try writeKey(mapping.keys[index], to: &writer)
                writer.text.append(writer.keySeparator)
                try write(mapping.values[index], to: &writer, level: level + 1)
            }
        default: throw failure(expected: "a value that JSON can express", found: value)
        }
        try checkLength(writer.text.count, copying: 0)
    }

    private func writeContainer(
        _ opening: String,
        _ closing: String,
        count: Int,
        to writer: inout JSONWriter,
        level: Int,
        element: (Int, inout JSONWriter) throws -> Void
    ) throws {
        writer.append(opening)
        for index in 0..<count {
            if index > 0 { writer.text.append(writer.itemSeparator) }
            try writeLineBreak(to: &writer, level: level + 1)
            try element(index, &writer)
        }
        if count > 0 { try writeLineBreak(to: &writer, level: level) }
        writer.append(closing)
    }

    private func writeLineBreak(to writer: inout JSONWriter, level: Int) throws {
        guard let indent = writer.indent else { return }
        try checkLength(writer.text.count + level * indent.count, copying: level * indent.count)
        writer.append("\n")
        for _ in 0..<level { writer.text.append(indent) }
    }

    private func writeKey(_ key: Value, to writer: inout JSONWriter) throws {
        switch key {
        case .string(let text):
            try checkLength(writer.text.count + 12 * text.count, copying: text.count)
            writer.text.append(writer.quoted(text))
        case .none: writer.append("\"null\"")
        case .boolean(let value): writer.append(value ? "\"true\"" : "\"false\"")
        case .integer(let value): writer.append("\"\(value)\"")
        case .double(let value): writer.append("\"\(Self.jsonText(of: value))\"")
        default: throw failure(expected: "a key that JSON can express", found: key)
        }
    }

    private static func jsonText(of value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
        return Jinja.Number.text(of: value)
    }
}
