/// Any JSON, for files whose keys differ from model to model.
package indirect enum JSONValue: Decodable, Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .bool(flag)
        } else if let integer = try? value.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    /// A member of an object; `nil` for anything else.
    package subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// The text of a string; `nil` for anything else.
    package var text: String? { if case .string(let text) = self { text } else { nil } }
    /// The elements of an array; `nil` for anything else.
    package var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    /// A whole number; `nil` for anything else.
    package var whole: Int? { if case .integer(let number) = self { number } else { nil } }
    /// A number; `nil` for anything else.
    package var real: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }
    /// A flag; `nil` for anything else.
    package var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
}
