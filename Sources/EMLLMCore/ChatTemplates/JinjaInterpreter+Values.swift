import Foundation

/// Making, converting and printing values.
extension Jinja.Interpreter {
    // MARK: Making

    /// Turns a program's value into a run-time value.
    func makeValue(_ value: TemplateValue, depth: Int = 0) throws -> Value {
        guard depth <= limits.valueDepth else { throw tooDeep() }
        switch value {
        case .none: return .none
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .double(let value): return .double(value)
        case .string(let value): return .string(value)
        case .list(let elements): return try makeItems(.list, try elements.map { try makeValue($0, depth: depth + 1) })
        case .dictionary(let entries):
            return try makeMapping(try entries.map { (.string($0.key), try makeValue($0.value, depth: depth + 1)) })
        }
    }

    /// The depth of a container whose deepest element has depth `inner`.
    func containerDepth(_ inner: Int) throws -> Int {
        guard inner < limits.valueDepth else { throw tooDeep() }
        return inner + 1
    }

    private func tooDeep() -> EMLLMError {
        .chatTemplateLimit(
            line: line,
            expected: "values nested at most \(limits.valueDepth) deep",
            found: "deeper ones"
        )
    }

    private func containerDepth(of elements: [Value]) throws -> Int {
        try spend(1 + elements.count)
        return try containerDepth(elements.lazy.map(\.depth).max() ?? 0)
    }

    func makeItems(_ kind: Jinja.Items.Kind, _ elements: [Value]) throws -> Value {
        .items(Jinja.Items(kind, elements, depth: try containerDepth(of: elements)))
    }

    func makeIterator(_ elements: [Value]) throws -> Value {
        .iterator(Jinja.OneShot(elements, depth: try containerDepth(of: elements)))
    }

    func makeMapping(_ entries: [(Value, Value)]) throws -> Value {
        let depth = max(try containerDepth(of: entries.map(\.0)), try containerDepth(of: entries.map(\.1)))
        return .mapping(Jinja.Mapping(try entries.map { ($0, try key($0), $1) }, depth: depth))
    }

    /// The key that identifies `value` in a mapping.
    func key(_ value: Value) throws -> Jinja.Key {
        switch value {
        case .none: return .none
        case .boolean(let value): return .integer(value ? 1 : 0)
        case .integer(let value): return .integer(value)
        case .double(let value): return Int(exactly: value).map { .integer($0) } ?? .double(value)
        case .string(let text):
            try spend(characters: text.count)
            return .text(text.scalars)
        case .items(let items) where items.kind == .tuple:
            try spend(items.elements.count)
            return .tuple(try items.elements.map { try key($0) })
        default: throw failure(expected: "a key that can be looked up", found: value)
        }
    }

    // MARK: Converting

    /// The truth value as in Python.
    func isTrue(_ value: Value) throws -> Bool {
        switch value {
        case .undefined, .none: false
        case .boolean(let value): value
        case .integer(let value): value != 0
        case .double(let value): value != 0
        case .string(let text): !text.isEmpty
        case .items(let items): !items.elements.isEmpty
        case .mapping(let mapping): !mapping.keys.isEmpty
        case .loop(let loop): try loop.length() > 0
        case .iterator, .namespace, .macro, .function, .method: true
        }
    }

    /// The elements that a `for` loop over the value visits.
    func elements(of value: Value) throws -> [Value] {
        switch value {
        case .undefined: return []
        case .string(let text):
            try spend(text.count)
            return text.scalars.indices.map { .string(text[$0..<$0 + 1]) }
        case .items(let items):
            try spend(items.elements.count)
            return items.elements
        case .mapping(let mapping):
            try spend(mapping.keys.count)
            return mapping.keys
        case .iterator(let iterator):
            let elements = iterator.rest()
            try spend(elements.count)
            return elements
        default: throw failure(expected: "something to iterate over", found: value)
        }
    }

    /// Python's `len`.
    func length(of value: Value) throws -> Int {
        switch value {
        case .undefined: 0
        case .string(let text): text.count
        case .items(let items): items.elements.count
        case .mapping(let mapping): mapping.keys.count
        case .loop(let loop): try loop.length()
        default: throw failure(expected: "something with a length", found: value)
        }
    }

    /// The value as a number, with truth values as 0 and 1.
    func number(_ value: Value) -> Jinja.Number? {
        switch value {
        case .boolean(let value): .integer(value ? 1 : 0)
        case .integer(let value): .integer(value)
        case .double(let value): .double(value)
        default: nil
        }
    }

    /// The value as an integer, with truth values as 0 and 1.
    func integer(_ value: Value) -> Int? {
        if case .integer(let value)? = number(value) { value } else { nil }
    }

    // MARK: Printing

    /// Python's `str` of a value, as `{{ … }}` prints it.
    func text(of value: Value) throws -> TemplateString {
        switch value {
        case .undefined: return TemplateString()
        case .string(var text):
            text.isMarkup = false
            return text
        default:
            var result = TemplateString()
            try appendRepresentation(of: value, to: &result)
            return result
        }
    }

    /// The text of a value; a string keeps its markup flag.
    func softText(of value: Value) throws -> TemplateString {
        if case .string(let text) = value { text } else { try text(of: value) }
    }

    /// Appends Python's `repr` of a value.
    func appendRepresentation(of value: Value, to result: inout TemplateString) throws {
        try descend()
        defer { ascend() }
        try spend(1)
        switch value {
        case .undefined: result.append("Undefined", isTrusted: true)
        case .none: result.append("None", isTrusted: true)
        case .boolean(let value): result.append(value ? "True" : "False", isTrusted: true)
        case .integer(let value): result.append(String(value), isTrusted: true)
        case .double(let value): result.append(Jinja.Number.text(of: value), isTrusted: true)
        case .string(let text):
            try checkLength(result.count + 10 * text.count, copying: text.count)
            if text.isMarkup { throw unsupported("printing a list of strings marked safe") }
            result.append(text.quotedForPython())
        case .items(let items): try appendRepresentation(of: items, to: &result)
        case .mapping(let mapping):
            result.append("{", isTrusted: true)
            for index in mapping.keys.indices {
                if index > 0 { result.append(", ", isTrusted: true) }
                try appendRepresentation(of: mapping.keys[index], to: &result)
                result.append(": ", isTrusted: true)
                try appendRepresentation(of: mapping.values[index], to: &result)
            }
            result.append("}", isTrusted: true)
        case .iterator, .namespace, .macro, .function, .method, .loop:
            throw failure(expected: "a value that has a text", found: value)
        }
    }

    private func appendRepresentation(of items: Jinja.Items, to result: inout TemplateString) throws {
        let (opening, closing) =
            switch items.kind {
            case .list: ("[", "]")
            case .tuple: ("(", items.elements.count == 1 ? ",)" : ")")
            case .range: ("range(", ")")
            case .keys: ("dict_keys([", "])")
            case .values: ("dict_values([", "])")
            case .pairs: ("dict_items([", "])")
            }
        result.append(opening, isTrusted: true)
        if items.kind == .range {
            let (start, stop, step) = items.bounds
            result.append("\(start), \(stop)" + (step == 1 ? "" : ", \(step)"), isTrusted: true)
        } else {
            for (index, element) in items.elements.enumerated() {
                if index > 0 { result.append(", ", isTrusted: true) }
                try appendRepresentation(of: element, to: &result)
            }
        }
        result.append(closing, isTrusted: true)
    }
}

extension Jinja {
    enum Number {
        case integer(Int)
        case double(Double)

        var value: Value {
            switch self {
            case .integer(let value): .integer(value)
            case .double(let value): .double(value)
            }
        }

        var double: Double {
            switch self {
            case .integer(let value): Double(value)
            case .double(let value): value
            }
        }

        /// Python's `repr` of a float: the shortest digits that read back as the same value, with an exponent below
        /// 1e-4 and from 1e16 on.
        static func text(of value: Double) -> String {
            guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
            guard value != 0 else { return value.sign == .minus ? "-0.0" : "0.0" }
            // Swift prints the same digits, but may use an exponent in other cases.
            var digits = "\(value.magnitude)"
            var exponent = 0
            if let mark = digits.firstIndex(of: "e") {
                exponent = Int(digits[digits.index(after: mark)...]) ?? 0
                digits.removeSubrange(mark...)
            }
            let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
            let fraction = parts.count > 1 && parts[1] != "0" ? String(parts[1]) : ""
            var significant = Array((String(parts[0]) + fraction).utf8)
            // The value is 0.d₁d₂… · 10^point.
            var point = parts[0].utf8.count + exponent
            while significant.count > 1, significant.first == 0x30 {
                significant.removeFirst()
                point -= 1
            }
            while significant.count > 1, significant.last == 0x30 { significant.removeLast() }
            let text = String(decoding: significant, as: UTF8.self)
            let sign = value < 0 ? "-" : ""
            if point - 1 < -4 || point - 1 >= 16 {
                let power = abs(point - 1)
                let mantissa = text.prefix(1) + (text.count > 1 ? "." + text.dropFirst() : "")
                return sign + mantissa + (point < 1 ? "e-" : "e+") + (power < 10 ? "0" : "") + String(power)
            }
            if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text }
            if point >= text.count { return sign + text + String(repeating: "0", count: point - text.count) + ".0" }
            return sign + text.prefix(point) + "." + text.dropFirst(point)
        }
    }
}
