extension Jinja {
    /// The methods of strings, dictionaries and lists that are implemented.
    enum Methods {
        static let string: Set<String> = [
            "capitalize", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdigit", "islower", "isspace",
            "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind",
            "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
        ]
        static let mapping: Set<String> = ["copy", "get", "items", "keys", "values"]
        static let items: Set<String> = ["copy", "count", "index"]

        /// Methods that Python has and this interpreter lacks. They are defined, so that a test for them gives the same
        /// result, and the error of a call names the method.
        static let unimplementedString: Set<String> = [
            "casefold", "center", "encode", "expandtabs", "format", "format_map", "isascii", "isdecimal",
            "isidentifier", "isnumeric", "isprintable", "istitle", "ljust", "maketrans", "rindex", "rjust", "swapcase",
            "translate", "zfill",
        ]

        static func exists(_ name: String, on value: Value) -> Bool {
            switch value {
            case .string: string.contains(name) || unimplementedString.contains(name)
            case .mapping: mapping.contains(name) || name == "fromkeys"
            case .items(let items) where items.kind == .list: Self.items.contains(name)
            case .items(let items) where items.kind.isIndexable: name != "copy" && Self.items.contains(name)
            default: false
            }
        }
    }
}

extension Jinja.Interpreter {
    func callMethod(_ method: Jinja.BoundMethod, _ arguments: Arguments) throws -> Value {
        switch method.receiver {
        case .string(let text): try callStringMethod(method.name, of: text, arguments)
        case .mapping(let mapping): try callMappingMethod(method.name, of: mapping, arguments)
        case .items(let items): try callItemsMethod(method.name, of: items, arguments)
        case .loop(let loop): try callLoopMethod(method.name, of: loop, arguments)
        default: throw unsupported("the method '\(method.name)' of \(method.receiver.typeName)")
        }
    }

    private func callMappingMethod(_ name: String, of mapping: Jinja.Mapping, _ arguments: Arguments) throws -> Value {
        switch name {
        case "get":
            let slots = try bind(arguments, ["key", "default"], required: 1, of: "'get'")
            return mapping[try key(slots[0] ?? .none)] ?? slots[1] ?? .none
        case "items":
            _ = try bind(arguments, [], of: "'items'")
            return try makeItems(.pairs, try pairs(of: mapping))
        case "keys":
            _ = try bind(arguments, [], of: "'keys'")
            return try makeItems(.keys, mapping.keys)
        case "values":
            _ = try bind(arguments, [], of: "'values'")
            return try makeItems(.values, mapping.values)
        case "copy":
            _ = try bind(arguments, [], of: "'copy'")
            return .mapping(mapping)
        default: throw unsupported("the method '\(name)' of a dictionary")
        }
    }

    func pairs(of mapping: Jinja.Mapping) throws -> [Value] {
        try zip(mapping.keys, mapping.values).map { try makeItems(.tuple, [$0, $1]) }
    }

    private func callItemsMethod(_ name: String, of items: Jinja.Items, _ arguments: Arguments) throws -> Value {
        switch name {
        case "copy":
            _ = try bind(arguments, [], of: "'copy'")
            return .items(items)
        case "count":
            let wanted = try bind(arguments, ["value"], required: 1, of: "'count'")[0] ?? .none
            return .integer(try items.elements.reduce(0) { $0 + (try isEqual($1, wanted) ? 1 : 0) })
        case "index":
            let wanted = try bind(arguments, ["value"], required: 1, of: "'index'")[0] ?? .none
            guard let index = try items.elements.firstIndex(where: { try isEqual($0, wanted) }) else {
                throw failure(expected: "the value to be in the list", found: "it is not")
            }
            return .integer(index)
        default: throw unsupported("the method '\(name)' of \(items.kind.rawValue)")
        }
    }

    private func callLoopMethod(_ name: String, of loop: Jinja.LoopState, _ arguments: Arguments) throws -> Value {
        let values = arguments.positional
        guard arguments.keywords.isEmpty else {
            throw failure(expected: "no keyword arguments for '\(name)'", found: "some")
        }
        if name == "cycle" {
            guard !values.isEmpty else { throw failure(expected: "values to cycle through", found: "none") }
            return values[max(0, loop.index) % values.count]
        }
        guard let before = loop.exchangeChanged(values), before.count == values.count else { return .boolean(true) }
        for (old, new) in zip(before, values) where !(try isEqual(old, new)) { return .boolean(true) }
        return .boolean(false)
    }
}
