/// Attributes, subscripts and slices.
extension Jinja.Interpreter {
    /// `value.name`: an attribute or method if there is one, otherwise the element with that key.
    func attribute(_ name: String, of value: Value) throws -> Value {
        switch value {
        case .undefined: throw failure(expected: "a value with '\(name)'", found: value)
        case .mapping(let mapping) where !Jinja.Methods.exists(name, on: value):
            return mapping[.text(Array(name.unicodeScalars))] ?? missing(name, of: value)
        default: return try ownAttribute(name, of: value) ?? missing(name, of: value)
        }
    }

    /// `value[key]`: the element with that key, otherwise the attribute of that name.
    func element(_ key: Value, of value: Value) throws -> Value {
        switch value {
        case .undefined: throw failure(expected: "a value to take an element of", found: value)
        case .mapping(let mapping):
            switch key {
            case .items(let items) where items.kind != .tuple: return missing("a list", of: value)
            case .mapping: return missing("a dictionary", of: value)
            default: if let element = mapping[try self.key(key)] { return element }
            }
        case .items(let items) where items.kind.isIndexable:
            if let index = integer(key) {
                let position = index < 0 ? index + items.elements.count : index
                return items.elements.indices.contains(position)
                    ? items.elements[position] : missing(String(index), of: value)
            }
        case .string(let text):
            if let index = integer(key) {
                let position = index < 0 ? index + text.count : index
                guard position >= 0, position < text.count else { return missing(String(index), of: value) }
                return .string(text[position..<position + 1])
            }
        default: break
        }
        guard case .string(let name) = key else { return missing(key.typeName, of: value) }
        return try ownAttribute(name.text, of: value) ?? missing(name.text, of: value)
    }

    private func missing(_ name: String, of value: Value) -> Value {
        .undefined("an undefined element ('\(name)' of \(value.typeName))")
    }

    /// An attribute or method of the value's type.
    private func ownAttribute(_ name: String, of value: Value) throws -> Value? {
        switch value {
        case .namespace(let index): return namespaces[index][name]
        case .loop(let loop): return try loopAttribute(name, of: loop)
        case .macro(let index) where name == "name": return .trusted(macros[index].definition.name)
        default: break
        }
        guard Jinja.Methods.exists(name, on: value) else { return nil }
        return .method(Jinja.BoundMethod(receiver: value, name: name, depth: try containerDepth(value.depth)))
    }

    private func loopAttribute(_ name: String, of loop: Jinja.LoopState) throws -> Value? {
        switch name {
        case "index": return .integer(loop.index + 1)
        case "index0": return .integer(loop.index)
        case "first": return .boolean(loop.index == 0)
        case "last": return .boolean(try loop.peek() == nil)
        case "length": return .integer(try loop.length())
        case "revindex": return .integer(try loop.length() - loop.index)
        case "revindex0": return .integer(try loop.length() - loop.index - 1)
        case "previtem": return loop.index > 0 ? loop.previous : .undefined("the item before the first one")
        case "nextitem": return try loop.peek() ?? .undefined("the item after the last one")
        case "depth": return .integer(1)
        case "depth0": return .integer(0)
        case "cycle", "changed":
            return .method(
                Jinja.BoundMethod(receiver: .loop(loop), name: name, depth: try containerDepth(loop.depth))
            )
        default: return nil
        }
    }

    /// Python's slice of a string, list, tuple or range.
    func slice(_ value: Value, start: Int?, stop: Int?, step: Int) throws -> Value {
        guard step != 0 else { throw failure(expected: "a slice step other than zero", found: "zero") }
        switch value {
        case .string(let text):
            let indices = Self.sliceIndices(count: text.count, start: start, stop: stop, step: step)
            try checkLength(indices.count)
            if step == 1 { return .string(text[indices.first..<max(indices.first, indices.first + indices.count)]) }
            return .string(text.gathering((0..<indices.count).lazy.map { indices.first + $0 * step }))
        case .items(let items) where items.kind.isIndexable:
            let indices = Self.sliceIndices(count: items.elements.count, start: start, stop: stop, step: step)
            let elements = (0..<indices.count).map { items.elements[indices.first + $0 * step] }
            guard items.kind == .range else { return try makeItems(items.kind, elements) }
            // Python computes the bounds, which only show when a slice of a range is printed.
            throw unsupported("a slice of a range")
        default: throw failure(expected: "a string or list to slice", found: value)
        }
    }

    /// The first index and the number of indices of a slice of `count` elements.
    private static func sliceIndices(count: Int, start: Int?, stop: Int?, step: Int) -> (first: Int, count: Int) {
        func clamp(_ index: Int, _ low: Int, _ high: Int) -> Int {
            min(max(index < 0 ? index + count : index, low), high)
        }
        if step > 0 {
            let first = start.map { clamp($0, 0, count) } ?? 0
            let end = stop.map { clamp($0, 0, count) } ?? count
            return (first, end > first ? (end - first - 1) / step + 1 : 0)
        }
        let first = start.map { clamp($0, -1, count - 1) } ?? count - 1
        let end = stop.map { clamp($0, -1, count - 1) } ?? -1
        return (first, first > end ? Int((first - end - 1).magnitude / step.magnitude) + 1 : 0)
    }
}
