extension Jinja {
    /// The tests that are implemented, by name.
    enum Tests {
        typealias Test = @Sendable (Interpreter, Value, Arguments) throws -> Bool

        static let table: [String: Test] = {
            var table: [String: Test] = [:]
            for (name, test) in unary { table[name] = { try $0.testUnary($1, $2, name, test) } }
            for (name, symbol) in comparisons {
                table[name] = { try $0.compare(symbol, $1, try $0.argument($2, of: name)) }
            }
            table["divisibleby"] = { interpreter, value, arguments in
                let divisor = try interpreter.argument(arguments, of: "divisibleby")
                return try interpreter.isRemainder(0, of: value, by: divisor)
            }
            table["sameas"] = { try $0.isSame($1, try $0.argument($2, of: "sameas")) }
            return table
        }()

        private static let comparisons: [String: ComparisonOperator] = [
            "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual, ">": .greater,
            "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual, "ge": .greaterOrEqual, "<": .less,
            "lt": .less, "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual, "in": .contained,
        ]

        private static let unary: [String: @Sendable (Interpreter, Value) throws -> Bool] = [
            "defined": { !$1.isUndefined },
            "undefined": { $1.isUndefined },
            "none": { if case .none = $1 { true } else { false } },
            "boolean": { if case .boolean = $1 { true } else { false } },
            "true": { if case .boolean(true) = $1 { true } else { false } },
            "false": { if case .boolean(false) = $1 { true } else { false } },
            "integer": { if case .integer = $1 { true } else { false } },
            "float": { if case .double = $1 { true } else { false } },
            "number": { $0.number($1) != nil },
            "string": { if case .string = $1 { true } else { false } },
            "mapping": { if case .mapping = $1 { true } else { false } },
            "sequence": { $0.isSequence($1) },
            "iterable": { $0.isIterable($1) },
            "callable": { $0.isCallable($1) },
            "odd": { try $0.isRemainder(1, of: $1, by: .integer(2)) },
            "even": { try $0.isRemainder(0, of: $1, by: .integer(2)) },
            "lower": { try $0.text(of: $1).isCase(upper: false) },
            "upper": { try $0.text(of: $1).isCase(upper: true) },
            "escaped": { if case .string(let text) = $1 { text.isMarkup } else { false } },
            "filter": { Filters.table[try $0.string($1).text] != nil },
            "test": { Tests.table[try $0.string($1).text] != nil },
        ]
    }
}

extension Jinja.Interpreter {
    /// Applies a test whose name may come from the template's data, as in `select`.
    func applyTest(_ name: String, to value: Value, _ arguments: Arguments) throws -> Bool {
        guard let test = Jinja.Tests.table[name] else { throw unsupported("the test '\(name)'") }
        return try test(self, value, arguments)
    }

    fileprivate func testUnary(
        _ value: Value,
        _ arguments: Arguments,
        _ name: String,
        _ test: (Jinja.Interpreter, Value) throws -> Bool
    ) throws -> Bool {
        _ = try bind(arguments, [], of: "the test '\(name)'")
        return try test(self, value)
    }

    fileprivate func argument(_ arguments: Arguments, of test: String) throws -> Value {
        try bind(arguments, ["other"], required: 1, of: "the test '\(test)'")[0] ?? .none
    }

    fileprivate func isRemainder(_ wanted: Int, of value: Value, by divisor: Value) throws -> Bool {
        try isEqual(try arithmetic(.remainder, value, divisor), .integer(wanted))
    }

    fileprivate func isSequence(_ value: Value) -> Bool {
        switch value {
        // Python requires a length and access by subscript.
        case .undefined, .string, .mapping: true
        case .items(let items): items.kind.isIndexable
        default: false
        }
    }

    fileprivate func isIterable(_ value: Value) -> Bool {
        switch value {
        case .undefined, .string, .mapping, .items, .iterator, .loop: true
        default: false
        }
    }

    fileprivate func isCallable(_ value: Value) -> Bool {
        switch value {
        case .undefined, .macro, .function, .method, .loop: true
        default: false
        }
    }

    /// Identity, where it is well-defined: Python may or may not share equal numbers and strings.
    fileprivate func isSame(_ left: Value, _ right: Value) throws -> Bool {
        switch (left, right) {
        case (.none, .none), (.undefined, .undefined): true
        case (.boolean(let left), .boolean(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.items(let left), .items(let right)): left === right
        case (.mapping(let left), .mapping(let right)): left === right
        case (.string(let left), .string(let right)): left.scalars == right.scalars
        default: false
        }
    }
}
