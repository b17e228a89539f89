extension Jinja {
    /// A value at run time, with the behaviour of its Python counterpart.
    ///
    /// Namespaces and macros are indices into tables of the interpreter: they are the only values that can change after
    /// they are created. As indices, they cannot form a reference cycle, or a chain whose release would recurse.
    enum Value {
        /// The value of something that does not exist, with a description of it.
        case undefined(String)
        case none
        case boolean(Bool)
        case integer(Int)
        case double(Double)
        case string(TemplateString)
        case items(Items)
        case mapping(Mapping)
        case iterator(OneShot)
        case namespace(Int)
        case macro(Int)
        case function(Function)
        case method(BoundMethod)
        case loop(LoopState)

        /// How deeply containers nest in the value.
        var depth: Int {
            switch self {
            case .items(let items): items.depth
            case .mapping(let mapping): mapping.depth
            case .iterator(let iterator): iterator.depth
            case .method(let method): method.depth
            case .loop(let loop): loop.depth
            default: 0
            }
        }

        /// Python's name of the type, for messages.
        var typeName: String {
            switch self {
            case .undefined(let description): description
            case .none: "none"
            case .boolean: "a boolean"
            case .integer: "an integer"
            case .double: "a float"
            case .string: "a string"
            case .items(let items): items.kind.rawValue
            case .mapping: "a dictionary"
            case .iterator: "an iterator"
            case .namespace: "a namespace"
            case .macro: "a macro"
            case .function, .method: "a function"
            case .loop: "a loop"
            }
        }

        var isUndefined: Bool {
            if case .undefined = self { return true }
            return false
        }

        static func trusted(_ text: String) -> Value { .string(TemplateString(text, isTrusted: true)) }
    }

    /// A finite sequence of values.
    final class Items {
        enum Kind: String {
            case list = "a list"
            case tuple = "a tuple"
            case range = "a range"
            case keys = "the keys of a dictionary"
            case values = "the values of a dictionary"
            case pairs = "the items of a dictionary"

            /// Whether elements can be accessed by index, which Python does not allow for views of a dictionary.
            var isIndexable: Bool { self == .list || self == .tuple || self == .range }
        }

        let kind: Kind
        let elements: [Value]
        let depth: Int
        /// Start, stop and step of a range.
        let bounds: (Int, Int, Int)

        init(_ kind: Kind, _ elements: [Value], depth: Int, bounds: (Int, Int, Int) = (0, 0, 1)) {
            self.kind = kind
            self.elements = elements
            self.depth = depth
            self.bounds = bounds
        }
    }

    /// A mapping that keeps the order in which its keys were inserted.
    final class Mapping {
        private(set) var keys: [Value] = []
        private(set) var values: [Value] = []
        private var positions: [Key: Int] = [:]
        let depth: Int

        init(_ entries: [(key: Value, hash: Key, value: Value)], depth: Int) {
            self.depth = depth
            for (key, hash, value) in entries {
                if let position = positions[hash] {
                    values[position] = value
                } else {
                    positions[hash] = keys.count
                    keys.append(key)
                    values.append(value)
                }
            }
        }

        subscript(key: Key) -> Value? { positions[key].map { values[$0] } }
    }

    /// The identity of a mapping's key. As in Python, text is compared by scalars, and numbers by value.
    enum Key: Hashable {
        case none
        case integer(Int)
        case double(Double)
        case text([Unicode.Scalar])
        indirect case tuple([Key])
    }

    /// The result of a lazy filter, which can be iterated over only once.
    final class OneShot {
        private let elements: [Value]
        private var position = 0
        let depth: Int

        init(_ elements: [Value], depth: Int) {
            self.elements = elements
            self.depth = depth
        }

        func next() -> Value? {
            guard position < elements.count else { return nil }
            defer { position += 1 }
            return elements[position]
        }

        func rest() -> [Value] {
            defer { position = elements.count }
            return Array(elements[position...])
        }
    }

    /// A method together with the value that it belongs to.
    final class BoundMethod {
        let receiver: Value
        let name: String
        let depth: Int

        init(receiver: Value, name: String, depth: Int) {
            self.receiver = receiver
            self.name = name
            self.depth = depth
        }
    }

    /// The variables of one block; inner scopes see outer ones.
    final class Scope {
        var variables: [String: Value] = [:]
        let parent: Scope?
        let depth: Int

        init(parent: Scope?) {
            self.parent = parent
            depth = (parent?.depth ?? -1) + 1
        }

        func lookUp(_ name: String) -> Value? {
            var scope: Scope? = self
            while let current = scope {
                if let value = current.variables[name] { return value }
                scope = current.parent
            }
            return nil
        }
    }
}
