import Foundation

/// The mathematical value of a text: a number, a ratio, or a sequence of values in its brackets.
///
/// ```swift
/// MathValue(#"2\frac{1}{2}"#)?.key   // "5/2"
/// MathValue("2.5")?.key              // "5/2"
/// MathValue("(0, 3]")?.key           // "(0,3]"
/// MathValue("5x")                    // nil: not understood
/// ```
///
/// Understood are numbers with separators of thousands, decimals, powers of ten, fractions, mixed numbers, roots, logarithms,
/// sine, cosine and tangent, factorials, `π`, `e`, the four operations and powers; words such as "million"; signs of
/// currency, percent and degrees; a unit; ratios; and tuples, intervals, sets and lists of all these. LaTeX counts as what
/// it shows. A text is understood from end to end or not at all.
///
/// Time is bounded: longer texts than ``mostBytes`` and deeply nested ones are not understood.
public struct MathValue: Sendable, Equatable {
    /// What a value consists of.
    public indirect enum Form: Sendable, Equatable {
        /// One number.
        case number(MathNumber)
        /// Parts that stand in a ratio, as in `3:4`.
        case ratio([MathNumber])
        /// Values in order.
        case sequence([MathValue], brackets: Brackets)
    }

    /// What stands around a sequence.
    public enum Brackets: String, Sendable {
        /// Nothing: a list with commas.
        case none = ""
        /// `(a, b)`: a tuple, or an interval without its ends.
        case open = "()"
        /// `[a, b]`: a list, or an interval with its ends.
        case closed = "[]"
        /// `(a, b]`
        case openClosed = "(]"
        /// `[a, b)`
        case closedOpen = "[)"
        /// `{a, b}`: a set, where order does not count.
        case set = "{}"
        /// Values joined by `∪`.
        case union = "∪"

        init?(open: Character, close: Character) { self.init(rawValue: "\(open)\(close)") }
    }

    /// The longest text that is understood, in UTF-8 bytes.
    public static let mostBytes = 1024

    /// What the value consists of.
    public let form: Form
    /// The unit of a number as it was written, as "cm" or "km/h"; `nil` where there is none.
    public let unit: String?
    /// Whether a number was written with the sign of percent, which does not change ``number``.
    public let isPercent: Bool

    init(form: Form, unit: String? = nil, isPercent: Bool = false) {
        self.form = form
        self.unit = unit
        self.isPercent = isPercent
    }

    /// Reads a text from end to end; `nil` where any part of it is not understood.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.mostBytes, let tokens = MathLexer.tokens(of: text),
            let value = MathParser.value(of: tokens)
        else { return nil }
        self = value
    }

    /// The number, without its unit; `nil` for ratios and sequences.
    public var number: MathNumber? {
        if case .number(let number) = form { number } else { nil }
    }

    /// The values of a sequence; `nil` for anything else.
    public var elements: [MathValue]? {
        if case .sequence(let elements, _) = form { elements } else { nil }
    }

    /// A text that equal values have in common. Signs of currency, percent and degrees do not count; units, brackets and
    /// order do.
    public var key: String {
        switch form {
        case .number(let number): return number.key + (unit.map { " " + $0 } ?? "")
        case .ratio(let parts): return Self.reduced(parts).map(\.key).joined(separator: ":")
        case .sequence(let elements, let brackets):
            let keys = elements.map(\.key)
            if brackets == .union { return keys.sorted().joined(separator: "∪") }
            let content = (brackets == .set ? keys.sorted() : keys).joined(separator: ",")
            return "\(brackets.rawValue.prefix(1))\(content)\(brackets.rawValue.suffix(1))"
        }
    }

    /// Whether two texts say the same, although one leaves out a unit, brackets, or writes a ratio as a quotient.
    public func isEqual(to other: MathValue) -> Bool {
        switch (form, other.form) {
        case (.number(let first), .number(let second)):
            if let unit, let otherUnit = other.unit, unit != otherUnit { return false }
            if first.isEqual(to: second) { return true }
            guard isPercent != other.isPercent, unit == nil, other.unit == nil else { return false }
            // 50 % is 0.5 as well.
            let scaled = isPercent ? second.multiplied(by: MathNumber(100)) : first.multiplied(by: MathNumber(100))
            return scaled?.isEqual(to: isPercent ? first : second) ?? false
        case (.ratio(let first), .ratio(let second)):
            let (first, second) = (Self.reduced(first), Self.reduced(second))
            return first.count == second.count && zip(first, second).allSatisfy { $0.isEqual(to: $1) }
        case (.ratio(let parts), .number(let number)), (.number(let number), .ratio(let parts)):
            return parts.count == 2 && parts[0].divided(by: parts[1])?.isEqual(to: number) ?? false
        case (.sequence(let first, let brackets), .sequence(let second, let others)):
            let plain: Set<Brackets> = [.none, .open, .closed]
            let isAlike =
                brackets == others
                || (brackets == .none || others == .none) && plain.isSuperset(of: [brackets, others])
            guard isAlike, first.count == second.count else { return false }
            if brackets == .set || brackets == .union { return key == other.key }
            return zip(first, second).allSatisfy { $0.isEqual(to: $1) }
        default: return false
        }
    }

    /// The parts of a ratio over their greatest common divisor, or over the first where they are no whole numbers.
    private static func reduced(_ parts: [MathNumber]) -> [MathNumber] {
        let wholes = parts.compactMap(\.whole)
        guard wholes.count == parts.count, wholes.allSatisfy({ $0 > 0 }) else {
            guard let first = parts.first, first.double != 0 else { return parts }
            let scaled = parts.compactMap { $0.divided(by: first) }
            return scaled.count == parts.count ? scaled : parts
        }
        var divisor = wholes[0]
        for whole in wholes {
            var rest = whole
            while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
        }
        return wholes.compactMap { MathNumber.fraction($0 / divisor, 1) }
    }
}
