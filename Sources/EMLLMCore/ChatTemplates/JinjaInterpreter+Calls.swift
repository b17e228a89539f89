extension Jinja {
    /// The evaluated arguments of a call.
    struct Arguments {
        var positional: [Value] = []
        var keywords: [(name: String, value: Value)] = []
    }
}

extension Jinja.Interpreter {
    typealias Arguments = Jinja.Arguments

    /// Sorts arguments into the slots of `parameters`; an empty slot stands for the default value.
    func bind(
        _ arguments: Arguments,
        _ parameters: [String],
        required: Int = 0,
        of callee: String
    ) throws -> [Value?] {
        guard arguments.positional.count <= parameters.count else {
            throw failure(
                expected: "at most \(parameters.count) arguments for \(callee)",
                found: "\(arguments.positional.count)"
            )
        }
        var slots: [Value?] = arguments.positional
        slots += Array(repeating: nil, count: parameters.count - slots.count)
        for (name, value) in arguments.keywords {
            guard let index = parameters.firstIndex(of: name) else {
                throw failure(expected: "the known arguments of \(callee)", found: "'\(name)'")
            }
            guard slots[index] == nil else { throw failure(expected: "'\(name)' of \(callee) once", found: "it twice") }
            slots[index] = value
        }
        if let missing = slots.prefix(required).firstIndex(where: { $0 == nil }) {
            throw failure(expected: "the argument '\(parameters[missing])' of \(callee)", found: "none")
        }
        return slots
    }

    /// Calls a callable value.
    func call(_ callee: Value, _ arguments: Arguments, name: String) throws -> Value {
        switch callee {
        case .macro(let index): return .string(try callMacro(index, arguments))
        case .function(let function): return try callFunction(function, arguments)
        case .method(let method): return try callMethod(method, arguments)
        case .loop: throw unsupported("a recursive 'for'")
        default: throw failure(expected: "\(name) to be something that can be called", found: callee)
        }
    }

    private func callMacro(_ index: Int, _ arguments: Arguments) throws -> TemplateString {
        let (macro, closure) = macros[index]
        let scope = try makeScope(in: closure)
        var keywords = arguments.keywords
        func takeKeyword(_ name: String) -> Value? {
            keywords.firstIndex { $0.name == name }.map { keywords.remove(at: $0).value }
        }
        for (position, parameter) in macro.parameters.enumerated() {
            if position < arguments.positional.count {
                scope.variables[parameter.name] = arguments.positional[position]
            } else if let value = takeKeyword(parameter.name) {
                scope.variables[parameter.name] = value
            } else if let defaultValue = parameter.defaultValue {
                scope.variables[parameter.name] = try evaluate(defaultValue, in: scope)
            } else {
                scope.variables[parameter.name] = .undefined("the missing argument '\(parameter.name)'")
            }
        }
        if macro.usesCaller {
            scope.variables["caller"] = takeKeyword("caller") ?? .undefined("a macro that was called without a body")
        }
        if macro.usesKeywordRest {
            scope.variables["kwargs"] = try makeMapping(keywords.map { (.trusted($0.name), $0.value) })
        } else if let keyword = keywords.first {
            throw failure(expected: "the parameters of the macro '\(macro.name)'", found: "'\(keyword.name)'")
        }
        let rest = Array(arguments.positional.dropFirst(macro.parameters.count))
        if macro.usesPositionalRest {
            scope.variables["varargs"] = try makeItems(.tuple, rest)
        } else if !rest.isEmpty {
            throw failure(
                expected: "at most \(macro.parameters.count) arguments for the macro '\(macro.name)'",
                found: "\(arguments.positional.count)"
            )
        }
        try descend()
        defer { ascend() }
        return try capture { _ = try execute(macro.body, in: scope) }
    }
}
