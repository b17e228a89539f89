/// A value that a program passes to a chat template.
///
/// ```swift
/// let tools: TemplateValue = [["type": "function", "function": ["name": "add"]]]
/// ```
///
/// Strings include their marks of trust; a string literal makes an untrusted one. A variable that is absent from the
/// context is undefined in the template, which is not the same as ``none``.
public enum TemplateValue: Sendable, Equatable {
    /// The absence of a value.
    case none
    /// A truth value.
    case boolean(Bool)
    /// A whole number.
    case integer(Int)
    /// A floating-point number.
    case double(Double)
    /// Text with its marks of trust.
    case string(TemplateString)
    /// A list.
    case list([TemplateValue])
    /// A mapping, in the order in which templates iterate over it. If keys are equal, the last entry counts.
    case dictionary([Entry])

    /// A key of a mapping and its value.
    public struct Entry: Sendable, Equatable {
        /// The key.
        public var key: TemplateString
        /// The value.
        public var value: TemplateValue

        /// Makes an entry.
        public init(key: TemplateString, value: TemplateValue) {
            self.key = key
            self.value = value
        }
    }

    /// Text that does not come from a user, such as a role.
    public static func trusted(_ text: String) -> TemplateValue { .string(TemplateString(text, isTrusted: true)) }

    /// Text that a user wrote.
    public static func untrusted(_ text: String) -> TemplateValue { .string(TemplateString(text, isTrusted: false)) }
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Makes an untrusted string.
    public init(stringLiteral value: String) { self = .untrusted(value) }
    /// Makes a truth value.
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    /// Makes a whole number.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// Makes a floating-point number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Makes a list.
    public init(arrayLiteral elements: TemplateValue...) { self = .list(elements) }
    /// Makes a mapping with untrusted keys.
    public init(dictionaryLiteral elements: (String, TemplateValue)...) {
        self = .dictionary(elements.map { Entry(key: TemplateString($0, isTrusted: false), value: $1) })
    }
}
