extension Jinja.Interpreter {
    func filterLength(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'length'")
        return .integer(try length(of: value))
    }

    func filterFirst(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'first'")
        let first: Value? =
            switch value {
            case .iterator(let iterator): iterator.next()
            case .items(let items): items.elements.first
            default: try elements(of: value).first
            }
        return first ?? .undefined("the first element of an empty sequence")
    }

    func filterLast(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'last'")
        if case .iterator = value { throw failure(expected: "a sequence that can be reversed", found: value) }
        if case .items(let items) = value, let last = items.elements.last { return last }
        return try elements(of: value).last ?? .undefined("the last element of an empty sequence")
    }

    func filterList(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'list'")
        return try makeItems(.list, try elements(of: value))
    }

    func filterJoin(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["d", "attribute"], of: "'join'")
        var values = try elements(of: value)
        if let attribute = slots[1] { values = try values.map { try self.attribute(path: attribute, of: $0) } }
        let separator = try text(of: slots[0] ?? .trusted(""))
        return .string(try joining(try values.map { try text(of: $0) }, with: separator))
    }

    func filterReverse(_ value: Value, _ arguments: Arguments) throws -> Value {
        _ = try bind(arguments, [], of: "'reverse'")
        switch value {
        case .string(let text):
            try checkLength(text.count)
            return .string(text.gathering(text.scalars.indices.reversed()))
        case .iterator: return try makeItems(.list, try elements(of: value).reversed())
        default: return try makeIterator(try elements(of: value).reversed())
        }
    }

    func filterBatch(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["linecount", "fill_with"], required: 1, of: "'batch'")
        let size = try wholeNumber(slots[0] ?? .none, "a batch size")
        guard size > 0 else { throw unsupported("a batch size of \(size)") }
        let values = try elements(of: value)
        var batches: [Value] = []
        var start = 0
        while start < values.count {
            let end = size < values.count - start ? start + size : values.count
            var batch = Array(values[start..<end])
            if let filler = slots[1], batch.count < size {
                if case .none = filler {
                } else {
                    try spend(min(size, limits.steps) + 1)
                    batch += Array(repeating: filler, count: size - batch.count)
                }
            }
            batches.append(try makeItems(.list, batch))
            start = end
        }
        return try makeIterator(batches)
    }

    // MARK: Attributes

    /// Follows a dotted path of attributes and indices, as given by the `attribute` argument of filters.
    func attribute(path: Value, of value: Value) throws -> Value {
        guard case .string(let text) = path else { return try element(path, of: value) }
        try spend(characters: text.count)
        var result = value
        for part in text.text.split(separator: ".", omittingEmptySubsequences: false) {
            let index = part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
            result = try element(
                index.map { .integer($0) } ?? .string(TemplateString(String(part), isTrusted: true)),
                of: result
            )
        }
        return result
    }

    /// The value by which `sort` and similar filters compare: in lower case unless case matters.
    func folded(_ value: Value, _ isCaseSensitive: Bool) throws -> Value {
        guard !isCaseSensitive, case .string(let text) = value else { return value }
        try checkLength(text.count)
        return .string(text.lowercased())
    }

    private func sortKey(of value: Value, attribute: Value?, _ isCaseSensitive: Bool) throws -> Value {
        guard let attribute, !attribute.isNone else { return try folded(value, isCaseSensitive) }
        return try folded(try self.attribute(path: attribute, of: value), isCaseSensitive)
    }

    // MARK: Order

    func filterSort(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["reverse", "case_sensitive", "attribute"], of: "'sort'")
        let isCaseSensitive = try truth(slots[1])
        let values = try elements(of: value)
        let keys = try values.map { value -> Value in
            // Several attributes, separated by commas, are compared one after the other.
            guard case .string(let text)? = slots[2] else {
                return try sortKey(of: value, attribute: slots[2], isCaseSensitive)
            }
            let paths = text.text.split(separator: ",", omittingEmptySubsequences: false)
            return try makeItems(
                .list,
                try paths.map { try sortKey(of: value, attribute: .trusted(String($0)), isCaseSensitive) }
            )
        }
        return try makeItems(.list, try sorted(values, by: keys, descending: try truth(slots[0])))
    }

    /// A stable merge sort, which keeps the order of equal elements in both directions as Python does.
    func sorted(_ values: [Value], by keys: [Value], descending: Bool) throws -> [Value] {
        var order = Array(values.indices)
        var width = 1
        while width < order.count {
            try spend(order.count)
            var merged: [Int] = []
            merged.reserveCapacity(order.count)
            for start in stride(from: 0, to: order.count, by: 2 * width) {
                var left = start
                let middle = min(start + width, order.count)
                var right = middle
                let end = min(start + 2 * width, order.count)
                while left < middle || right < end {
                    let takesRight =
                        try left >= middle
                        || right < end
                            && self.order(keys[order[right]], keys[order[left]], "<") == (descending ? .greater : .less)
                    merged.append(order[takesRight ? right : left])
                    if takesRight { right += 1 } else { left += 1 }
                }
            }
            order = merged
            width *= 2
        }
        return order.map { values[$0] }
    }

    func filterUnique(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["case_sensitive", "attribute"], of: "'unique'")
        let isCaseSensitive = try truth(slots[0])
        var seen: Set<Jinja.Key> = []
        var result: [Value] = []
        for element in try elements(of: value) {
            let key = try key(try sortKey(of: element, attribute: slots[1], isCaseSensitive))
            if seen.insert(key).inserted { result.append(element) }
        }
        return try makeIterator(result)
    }

    func filterExtreme(_ value: Value, _ arguments: Arguments, _ name: String, wants wanted: Order) throws -> Value {
        let slots = try bind(arguments, ["case_sensitive", "attribute"], of: "'\(name)'")
        let isCaseSensitive = try truth(slots[0])
        var best: (value: Value, key: Value)?
        for element in try elements(of: value) {
            let key = try sortKey(of: element, attribute: slots[1], isCaseSensitive)
            if let best, try order(key, best.key, name) != wanted { continue }
            best = (element, key)
        }
        return best?.value ?? .undefined("the \(name) of an empty sequence")
    }

    func filterSum(_ value: Value, _ arguments: Arguments) throws -> Value {
        let slots = try bind(arguments, ["attribute", "start"], of: "'sum'")
        var total = slots[1] ?? .integer(0)
        if case .string = total { throw failure(expected: "numbers to sum", found: "strings") }
        for element in try elements(of: value) {
            let term =
                try slots[0].flatMap { $0.isNone ? nil : $0 }.map { try attribute(path: $0, of: element) } ?? element
            total = try arithmetic(.add, total, term)
        }
        return total
    }

    // MARK: Map and select

    func filterMap(_ value: Value, _ arguments: Arguments) throws -> Value {
        guard try isTrue(value) else { return try makeIterator([]) }
        var rest = arguments
        if rest.positional.isEmpty {
            let slots = try bind(arguments, ["attribute", "default"], required: 1, of: "'map'")
            let path = slots[0] ?? .none
            return try makeIterator(
                try elements(of: value).map { element in
                    let result = try attribute(path: path, of: element, default: slots[1])
                    return result
                }
            )
        }
        let name = try string(rest.positional.removeFirst()).text
        return try makeIterator(try elements(of: value).map { try applyFilter(name, to: $0, rest) })
    }

    /// Follows a path; an undefined step gives the default value.
    private func attribute(path: Value, of value: Value, default defaultValue: Value?) throws -> Value {
        guard let defaultValue, !defaultValue.isNone, case .string(let text) = path else {
            return try attribute(path: path, of: value)
        }
        var result = value
        for part in text.text.split(separator: ".", omittingEmptySubsequences: false) {
            result = try attribute(path: .trusted(String(part)), of: result)
            if result.isUndefined { result = defaultValue }
        }
        return result
    }

    func filterSelect(
        _ value: Value,
        _ arguments: Arguments,
        _ name: String,
        keeps: Bool,
        byAttribute: Bool
    ) throws -> Value {
        guard try isTrue(value) else { return try makeIterator([]) }
        var rest = arguments
        var path: Value?
        if byAttribute {
            guard !rest.positional.isEmpty else {
                throw failure(expected: "the name of an attribute for '\(name)'", found: "none")
            }
            path = rest.positional.removeFirst()
        }
        let test = rest.positional.isEmpty ? nil : try string(rest.positional.removeFirst()).text
        return try makeIterator(
            try elements(of: value).filter { element in
                let subject = try path.map { try attribute(path: $0, of: element) } ?? element
                return try (test.map { try applyTest($0, to: subject, rest) } ?? isTrue(subject)) == keeps
            }
        )
    }
}

extension Jinja.Value {
    fileprivate var isNone: Bool {
        if case .none = self { return true }
        return false
    }
}
