extension Jinja {
    /// The filters that are implemented, by name.
    enum Filters {
        typealias Filter = @Sendable (Interpreter, Value, Arguments) throws -> Value

        static let table: [String: Filter] = [
            // Text
            "trim": { try $0.filterTrim($1, $2) },
            "upper": { try $0.filterText($1, $2, "upper") { $0.uppercased() } },
            "lower": { try $0.filterText($1, $2, "lower") { $0.lowercased() } },
            "title": { try $0.filterText($1, $2, "title") { $0.wordsCapitalized() } },
            "capitalize": { try $0.filterText($1, $2, "capitalize") { $0.capitalized() } },
            "replace": { try $0.filterReplace($1, $2) },
            "indent": { try $0.filterIndent($1, $2) },
            "string": { try $0.filterString($1, $2) },
            "safe": { try $0.filterSafe($1, $2) },
            "escape": { try $0.filterText($1, $2, "escape") { $0.htmlEscaped() } },
            "e": { try $0.filterText($1, $2, "e") { $0.htmlEscaped() } },
            "format": { try $0.filterFormat($1, $2) },
            "tojson": { try $0.filterToJSON($1, $2) },
            // Numbers
            "int": { try $0.filterInt($1, $2) },
            "float": { try $0.filterFloat($1, $2) },
            "round": { try $0.filterRound($1, $2) },
            "abs": { try $0.filterAbs($1, $2) },
            // Sequences
            "length": { try $0.filterLength($1, $2) },
            "count": { try $0.filterLength($1, $2) },
            "first": { try $0.filterFirst($1, $2) },
            "last": { try $0.filterLast($1, $2) },
            "list": { try $0.filterList($1, $2) },
            "join": { try $0.filterJoin($1, $2) },
            "reverse": { try $0.filterReverse($1, $2) },
            "batch": { try $0.filterBatch($1, $2) },
            "sort": { try $0.filterSort($1, $2) },
            "unique": { try $0.filterUnique($1, $2) },
            "min": { try $0.filterExtreme($1, $2, "min", wants: .less) },
            "max": { try $0.filterExtreme($1, $2, "max", wants: .greater) },
            "sum": { try $0.filterSum($1, $2) },
            "map": { try $0.filterMap($1, $2) },
            "select": { try $0.filterSelect($1, $2, "select", keeps: true, byAttribute: false) },
            "reject": { try $0.filterSelect($1, $2, "reject", keeps: false, byAttribute: false) },
            "selectattr": { try $0.filterSelect($1, $2, "selectattr", keeps: true, byAttribute: true) },
            "rejectattr": { try $0.filterSelect($1, $2, "rejectattr", keeps: false, byAttribute: true) },
            // Mappings and anything
            "items": { try $0.filterItems($1, $2) },
            "dictsort": { try $0.filterDictionarySort($1, $2) },
            "attr": { try $0.filterAttribute($1, $2) },
            "default": { try $0.filterDefault($1, $2) },
            "d": { try $0.filterDefault($1, $2) },
        ]
    }
}

extension Jinja.Interpreter {
    /// Applies a filter whose name may come from the template's data, as in `map`.
    func applyFilter(_ name: String, to value: Value, _ arguments: Arguments) throws -> Value {
        guard let filter = Jinja.Filters.table[name] else { throw unsupported("the filter '\(name)'") }
        return try filter(self, value, arguments)
    }

    // MARK: Arguments

    func truth(_ value: Value?, default defaultValue: Bool = false) throws -> Bool {
        try value.map { try isTrue($0) } ?? defaultValue
    }

    // MARK: Mappings and anything

    func filterDefault(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["default_value", "boolean"], of: "'default'")
        let isMissing = try truth(slots[1]) ? !isTrue(value) : false
        return value.isUndefined || isMissing ? slots[0] ?? .trusted("") : value
    }

    func filterItems(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'items'")
        switch value {
        case .undefined: return try makeIterator([])
        case .mapping(let mapping): return try makeIterator(try pairs(of: mapping))
        default: throw failure(expected: "a dictionary for 'items'", found: value)
        }
    }

    func filterDictionarySort(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["case_sensitive", "by", "reverse"], of: "'dictsort'")
        guard case .mapping(let mapping) = value else {
            throw failure(expected: "a dictionary for 'dictsort'", found: value)
        }
        let by = try slots[1].map { try string($0).text } ?? "key"
        guard by == "key" || by == "value" else { throw failure(expected: "'key' or 'value'", found: "'\(by)'") }
        let isCaseSensitive = try truth(slots[0])
        let keys = try (by == "key" ? mapping.keys : mapping.values).map { try folded($0, isCaseSensitive) }
        return try makeItems(.list, try sorted(try pairs(of: mapping), by: keys, descending: try truth(slots[2])))
    }

    func filterAttribute(_ value: Value, _ arguments: Arguments) throws -> Value {
        let name = try string(try bind(arguments, ["name"], required: 1, of: "'attr'")[0]).text
        if case .mapping = value, !Jinja.Methods.exists(name, on: value) { return .undefined("undefined '\(name)'") }
        return try attribute(name, of: value)
    }

    // MARK: Numbers

    func filterInt(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["default", "base"], of: "'int'")
        let base = try slots[1].map { try wholeNumber($0, "a base") } ?? 10
        switch value {
        case .undefined: throw failure(expected: "a value for 'int'", found: value)
        case .boolean, .integer: return .integer(integer(value) ?? 0)
        case .double(let number) where number.isFinite: return .integer(try wholePart(number))
        case .double(let number) where number.isInfinite:
            throw failure(expected: "a finite number for 'int'", found: "infinity")
        case .string(let text):
            guard (2...36).contains(base) else { throw unsupported("a base of \(base) in 'int'") }
            if let number = try Self.integer(text.text, base: base) { return .integer(number) }
            if let number = Self.double(text.text), number.isFinite { return .integer(try wholePart(number)) }
        default: break
        }
        return slots[0] ?? .integer(0)
    }

    private func wholePart(_ number: Double) throws -> Int {
        guard let result = Int(exactly: number.rounded(.towardZero)) else {
            throw failure(expected: "a whole number that fits 64 bits", found: "a larger one")
        }
        return result
    }

    func filterFloat(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["default"], of: "'float'")
        switch value {
        case .undefined: throw failure(expected: "a value for 'float'", found: value)
        case .string(let text): return Self.double(text.text).map { .double($0) } ?? slots[0] ?? .double(0)
        default: return number(value).map { .double($0.double) } ?? slots[0] ?? .double(0)
        }
    }

    /// Digits as Python's `int` and `float` read them: with surrounding white space and single underscores between
    /// digits.
    private static func digits(_ text: String) -> String? {
        let text = TemplateString(text, isTrusted: true).stripped().text
        guard !text.hasPrefix("_"), !text.hasSuffix("_"), !text.contains("__") else { return nil }
        return text.replacing("_", with: "")
    }

    private static func integer(_ text: String, base: Int) throws -> Int? {
        guard let digits = digits(text) else { return nil }
        return Int(digits, radix: base)
    }

    private static func double(_ text: String) -> Double? {
        guard let digits = digits(text)?.lowercased(), !digits.contains(where: { "xp(".contains($0) }) else {
            return nil
        }
        return Double(digits)
    }

    func filterRound(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["precision", "method"], of: "'round'")
        let precision = try slots[0].map { try wholeNumber($0, "a precision") } ?? 0
        let method = try slots[1].map { try string($0).text } ?? "common"
        guard let number = number(value) else { throw failure(expected: "a number to round", found: value) }
        guard ["common", "ceil", "floor"].contains(method) else {
            throw failure(expected: "'common', 'ceil' or 'floor'", found: "'\(method)'")
        }
        guard (-300...300).contains(precision) else { throw unsupported("rounding to \(precision) digits") }
        if method != "common" {
            let scaled = try arithmetic(
                .multiply,
                number.value,
                try arithmetic(.power, .integer(10), .integer(precision))
            )
            let whole = (self.number(scaled) ?? number).double.rounded(method == "ceil" ? .up : .down)
            return try arithmetic(.divide, .double(whole), try arithmetic(.power, .integer(10), .integer(precision)))
        }
        switch number {
        case .integer(let number) where precision >= 0: return .integer(number)
        case .integer: throw unsupported("rounding a whole number to tens")
        case .double(let number):
            guard number.isFinite, precision >= 0 else { return .double(number.isFinite ? 0 : number) }
            // printf rounds the exact binary value, half to even, as Python does.
            return .double(Double(Jinja.Number.text(of: number, decimals: precision)) ?? number)
        }
    }

    func filterAbs(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'abs'")
        switch number(value) {
        case .integer(let number)?:
            return .integer(number < 0 ? try checked(0.subtractingReportingOverflow(number)) : number)
        case .double(let number)?: return .double(number.magnitude)
        case nil: throw failure(expected: "a number for 'abs'", found: value)
        }
    }
}
