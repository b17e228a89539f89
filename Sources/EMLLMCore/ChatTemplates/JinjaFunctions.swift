import Foundation

extension Jinja {
    /// The global functions.
    enum Function: String, Sendable {
        case dict
        case namespace
        case raiseException = "raise_exception"
        case range
        case strftimeNow = "strftime_now"
    }
}

extension Jinja.Interpreter {
    func callFunction(_ function: Jinja.Function, _ arguments: Arguments) throws -> Value {
        let callee = "'\(function.rawValue)'"
        switch function {
        case .range:
            return try makeRange(try positional(arguments, of: callee).map { try wholeNumber($0, "a whole number") })
        case .dict: return try makeMapping(try entries(arguments, of: callee))
        case .namespace:
            namespaces.append([:])
            let index = namespaces.count - 1
            for (key, value) in try entries(arguments, of: callee) {
                try setAttribute(try string(key).text, of: index, to: value)
            }
            return .namespace(index)
        case .raiseException:
            let slots = try bind(arguments, ["message"], required: 1, of: callee)
            throw EMLLMError.chatTemplateRejection(line: line, message: try text(of: slots[0] ?? .none).text)
        case .strftimeNow:
            let format = try string(try bind(arguments, ["format"], required: 1, of: callee)[0])
            try spend(characters: format.count)
            let text = try Jinja.DateFormat(date: now, timeZone: timeZone).text(format.text) {
                unsupported("the date format '\($0)'")
            }
            try checkLength(text.unicodeScalars.count)
            return .string(TemplateString(text, isTrusted: format.isFullyTrusted))
        }
    }

    private func positional(_ arguments: Arguments, of callee: String) throws -> [Value] {
        guard arguments.keywords.isEmpty, (1...3).contains(arguments.positional.count) else {
            throw failure(expected: "one to three positional arguments for \(callee)", found: "others")
        }
        return arguments.positional
    }

    private func makeRange(_ numbers: [Int]) throws -> Value {
        let start = numbers.count > 1 ? numbers[0] : 0
        let stop = numbers.count > 1 ? numbers[1] : numbers[0]
        let step = numbers.count > 2 ? numbers[2] : 1
        guard step != 0 else { throw failure(expected: "a step other than zero", found: "zero") }
        let (span, overflow) =
            step > 0 ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
        let isEmpty = step > 0 ? stop <= start : start <= stop
        let count = isEmpty ? 0 : (UInt(max(0, span)) + step.magnitude - 1) / step.magnitude
        guard isEmpty || (!overflow && count <= UInt(limits.rangeLength)) else {
            throw EMLLMError.chatTemplateLimit(
                line: line,
                expected: "a range of at most \(limits.rangeLength) numbers",
                found: "a longer one"
            )
        }
        try spend(Int(count))
        let elements = (0..<Int(count)).map { Value.integer(start &+ $0 &* step) }
        return .items(Jinja.Items(.range, elements, depth: 1, bounds: (start, stop, step)))
    }

    /// The entries of Python's `dict(mapping_or_pairs, **keywords)`.
    private func entries(_ arguments: Arguments, of callee: String) throws -> [(Value, Value)] {
        var entries: [(Value, Value)] = []
        guard arguments.positional.count <= 1 else {
            throw failure(expected: "at most one positional argument for \(callee)", found: "more")
        }
        if case .mapping(let mapping)? = arguments.positional.first {
            entries = Array(zip(mapping.keys, mapping.values))
        } else if let pairs = arguments.positional.first {
            for pair in try elements(of: pairs) {
                let pair = try elements(of: pair)
                guard pair.count == 2 else {
                    throw failure(expected: "pairs for \(callee)", found: "\(pair.count) values")
                }
                entries.append((pair[0], pair[1]))
            }
        }
        return entries + arguments.keywords.map { (.trusted($0.name), $0.value) }
    }
}
