import Foundation

/// Reads tokens as one value from end to end (recursive descent, of bounded depth).
struct MathParser {
    private let tokens: [MathToken]
    private var index = 0
    private var depth = 0

    /// Deeper nesting is no answer.
    private static let mostDepth = 48

    static func value(of tokens: [MathToken]) -> MathValue? {
        guard !tokens.isEmpty, tokens.count <= 512 else { return nil }
        var parser = MathParser(tokens: tokens)
        guard let value = parser.list(), parser.index == tokens.count else { return nil }
        return value
    }

    private init(tokens: [MathToken]) { self.tokens = tokens }

    private var current: MathToken.Kind? { index < tokens.count ? tokens[index].kind : nil }
    private func kind(_ offset: Int) -> MathToken.Kind? {
        tokens.indices.contains(index + offset) ? tokens[index + offset].kind : nil
    }

    private mutating func take(_ kind: MathToken.Kind) -> Bool {
        guard current == kind else { return false }
        index += 1
        return true
    }

    /// Runs a rule one level deeper; `nil` where that is too deep.
    private mutating func nested<Result>(_ rule: (inout MathParser) -> Result?) -> Result? {
        guard depth < Self.mostDepth else { return nil }
        depth += 1
        defer { depth -= 1 }
        return rule(&self)
    }

    // MARK: Lists

    /// Elements with commas or unions between them.
    private mutating func list() -> MathValue? {
        guard let first = element() else { return nil }
        var elements = [first]
        var isUnion = false
        while current == .comma || current == .union {
            let joinsUnion = current == .union
            if elements.count > 1, joinsUnion != isUnion { return nil }
            isUnion = joinsUnion
            index += 1
            // "1, 2, and 3"
            if !isUnion, current == .comma { index += 1 }
            guard let next = element() else { return nil }
            elements.append(next)
        }
        if elements.count == 1 { return first }
        return MathValue(form: .sequence(elements, brackets: isUnion ? .union : .none))
    }

    private mutating func element() -> MathValue? {
        if case .open(let open) = current, let content = sequenceInBrackets(open) { return content }
        guard let first = expression() else { return nil }
        var parts = [first]
        while current == .colon {
            index += 1
            guard let next = expression() else { return nil }
            parts.append(next)
        }
        if parts.count > 1 { return MathValue(form: .ratio(parts)) }
        let isPercent = tokens[..<index].last?.kind == .percent
        guard let unit = unit() else { return nil }
        return MathValue(form: .number(first), unit: unit.isEmpty ? nil : unit, isPercent: isPercent)
    }

    /// A tuple, an interval or a set; `nil`, with nothing taken, where brackets hold no comma.
    private mutating func sequenceInBrackets(_ open: Character) -> MathValue? {
        let start = index
        var level = 0
        var hasComma = false
        var end: Int?
        for place in start..<tokens.count {
            switch tokens[place].kind {
            case .open, .group: level += 1
            case .close, .endGroup: level -= 1
            case .comma where level == 1: hasComma = true
            default: break
            }
            if level == 0 {
                end = place
                break
            }
        }
        guard let end, case .close(let close) = tokens[end].kind, hasComma || open == "{" || open == "[" else {
            return nil
        }
        // What goes on behind the bracket is a calculation.
        if end + 1 < tokens.count,
            ![.comma, .union, .close(")"), .close("]"), .close("}")].contains(tokens[end + 1].kind)
        {
            return nil
        }
        let result = nested { parser -> MathValue? in
            parser.index += 1
            guard let value = parser.list(), parser.index == end else { return nil }
            parser.index += 1
            guard let brackets = MathValue.Brackets(open: open, close: close) else { return nil }
            switch value.form {
            case .sequence(let elements, .none) where hasComma:
                return MathValue(form: .sequence(elements, brackets: brackets))
            default: return hasComma ? nil : MathValue(form: .sequence([value], brackets: brackets))
            }
        }
        if result == nil { index = start }
        return result
    }

    // MARK: Units

    private static let units: Set<String> = [
        "mm", "cm", "dm", "m", "km", "mg", "g", "kg", "t", "ml", "mL", "l", "L", "s", "ms", "min", "h", "hr", "hrs",
        "ft", "in",
        "yd", "mi", "lb", "lbs", "oz", "W", "kW", "mW", "MW", "V", "mV", "A", "mA", "J", "kJ", "N", "Pa", "kPa", "Hz",
        "kHz",
        "MHz", "K", "C", "F", "mph", "units", "rad", "USD", "mol", "ha", "am", "pm", "sq",
    ]
    /// Words that say more than what is counted.
    private static let noUnits: Set<String> = [
        "or", "to", "plus", "minus", "times", "over", "squared", "cubed", "root", "half", "halves", "third", "thirds",
        "quarter",
        "quarters", "if", "not", "but", "because", "since", "when", "where", "is", "are", "equals", "than", "more",
        "less", "per",
        "with", "without", "modulo", "mod", "th", "st", "nd", "rd", "factorial", "for", "as", "while", "divided", "by",
        "et",
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twenty", "remainder", "until",
        "from",
    ]

    /// The unit behind a number: words, with powers and quotients; empty where there is none, `nil` for words that are no
    /// unit.
    private mutating func unit() -> String? {
        var unit = ""
        var words = 0
        while case .word(let word, let isText) = current {
            let token = tokens[index]
            let isKnown = Self.units.contains(word)
            guard words < 8, !Self.noUnits.contains(word.lowercased()) else { return nil }
            guard isText || isKnown || (words > 0 || token.isSpaced) && word.count > 1 else { return nil }
            words += 1
            // Case tells mW and MW apart; in a word it is the sentence's.
            unit += (unit.isEmpty || unit.hasSuffix("/") ? "" : " ") + (isKnown ? word : word.lowercased())
            index += 1
            if case .raised(let power) = current {
                unit += "^\(power)"
                index += 1
            } else if current == .op("^") {
                let isGrouped = kind(1) == .group
                guard case .number(let value, true)? = kind(isGrouped ? 2 : 1), let power = value.whole else {
                    return nil
                }
                if isGrouped, kind(3) != .endGroup { return nil }
                index += isGrouped ? 4 : 2
                unit += "^\(power)"
            }
            if current == .op("/"), case .word? = kind(1) {
                unit += "/"
                index += 1
            }
        }
        return unit
    }

    // MARK: Arithmetic

    private mutating func expression() -> MathNumber? {
        nested { parser in
            guard var sum = parser.term() else { return nil }
            while case .op(let name) = parser.current, name == "+" || name == "-" {
                // "100 + 20%" means 120 to some and 100.2 to others.
                parser.index += 1
                guard let next = parser.term(), parser.tokens[parser.index - 1].kind != .percent,
                    let value = sum.adding(name == "-" ? -next : next)
                else { return nil }
                sum = value
            }
            return sum
        }
    }

    private mutating func term() -> MathNumber? {
        guard var product = signed() else { return nil }
        while let kind = current {
            switch kind {
            case .op("*"), .op("/"):
                index += 1
                guard let next = signed(),
                    let value = kind == .op("*") ? product.multiplied(by: next) : product.divided(by: next)
                else { return nil }
                product = value
            // "2(3 + 4)", "2π" and "2√3" are products; "2 3" is none.
            case .open("("), .pi, .root, .function, .fraction, .euler:
                guard let next = power(), let value = product.multiplied(by: next) else { return nil }
                product = value
            case .scale(let scale):
                index += 1
                guard let value = product.multiplied(by: scale) else { return nil }
                product = value
            default: return product
            }
        }
        return product
    }

    private mutating func signed() -> MathNumber? {
        var isNegative = false
        while case .op(let name) = current, name == "+" || name == "-" {
            if name == "-" { isNegative.toggle() }
            index += 1
        }
        return power().map { isNegative ? -$0 : $0 }
    }

    private mutating func power() -> MathNumber? {
        nested { parser in
            guard var base = parser.primary() else { return nil }
            while let kind = parser.current {
                switch kind {
                case .factorial:
                    guard let value = base.factorial else { return nil }
                    base = value
                    parser.index += 1
                case .raised(let exponent):
                    guard let value = base.power(MathNumber(exponent)) else { return nil }
                    base = value
                    parser.index += 1
                // The sign of percent or of degrees says what is counted, as a unit does.
                case .percent, .degree: parser.index += 1
                case .op("^"):
                    parser.index += 1
                    if parser.take(.degree) { continue }
                    if parser.current == .group, parser.kind(1) == .degree, parser.kind(2) == .endGroup {
                        parser.index += 3
                        continue
                    }
                    guard let exponent = parser.signed(), let value = base.power(exponent) else { return nil }
                    base = value
                default: return base
                }
            }
            return base
        }
    }

    private mutating func primary() -> MathNumber? {
        guard let kind = current else { return nil }
        index += 1
        switch kind {
        case .number(let value, let isPlain): return isPlain ? mixed(value) : value
        case .vulgar(let value): return value
        case .pi: return .approximate(.pi)
        case .euler: return tokens.count > 1 ? .approximate(M_E) : nil
        case .infinity: return .approximate(.infinity)
        case .open(let open):
            guard let value = expression(), take(.close(open == "(" ? ")" : open == "[" ? "]" : "}")) else {
                return nil
            }
            return value
        case .group:
            guard let value = expression(), take(.endGroup) else { return nil }
            return value
        case .bar:
            guard let value = expression(), take(.bar) else { return nil }
            return value.double < 0 ? -value : value
        case .fraction:
            guard let top = argument(), let bottom = argument() else { return nil }
            return top.divided(by: bottom)
        case .root:
            var degree = 2
            if current == .open("[") {
                index += 1
                guard let value = expression(), let whole = value.whole, (2...64).contains(whole), take(.close("]"))
                else { return nil }
                degree = Int(whole)
            }
            return argument()?.root(degree)
        case .function(let name): return function(name)
        default: return nil
        }
    }

    /// A whole number with a proper fraction behind it is their sum: "2½", "2 1/2", "2\frac{1}{2}"; with an improper one it
    /// is not known what is meant.
    private mutating func mixed(_ whole: MathNumber) -> MathNumber? {
        switch current {
        case .vulgar(let part):
            index += 1
            return whole.adding(part)
        case .fraction:
            let start = index
            index += 1
            guard isPlainFraction(at: start), let top = argument(), let bottom = argument() else {
                index = start
                return whole
            }
            guard top.double < bottom.double else { return nil }
            return top.divided(by: bottom).flatMap(whole.adding)
        case .number(let top, true):
            guard tokens[index].isSpaced, kind(1) == .op("/"), case .number(let bottom, true)? = kind(2),
                top.double < bottom.double
            else { return nil }
            index += 3
            return top.divided(by: bottom).flatMap(whole.adding)
        default: return whole
        }
    }

    /// Whether the two arguments of a fraction are whole numbers.
    private func isPlainFraction(at start: Int) -> Bool {
        var place = start + 1
        for _ in 0..<2 {
            let isGrouped = place < tokens.count && tokens[place].kind == .group
            if isGrouped { place += 1 }
            guard place < tokens.count, case .number(_, true) = tokens[place].kind else { return false }
            place += 1
            if isGrouped {
                guard place < tokens.count, tokens[place].kind == .endGroup else { return false }
                place += 1
            }
        }
        return true
    }

    /// An argument of a command: a group, or what stands next.
    private mutating func argument() -> MathNumber? {
        switch current {
        case .number(let value, _):
            index += 1
            return value
        case .pi, .group, .open, .root, .fraction, .infinity: return nested { $0.primary() }
        default: return nil
        }
    }

    private mutating func function(_ name: String) -> MathNumber? {
        var base: MathNumber? = MathNumber(10)
        if take(.underscore) { base = argument() }
        guard let base, name == "log" || base == MathNumber(10) else { return nil }
        guard current != .op("-"), let value = nested({ $0.power() }) else { return nil }
        let isDegree = tokens[..<index].last?.kind == .degree || tokens[..<index].dropLast().last?.kind == .degree
        let angle = isDegree ? value.double * .pi / 180 : value.double
        switch name {
        case "sqrt": return value.root(2)
        case "cbrt": return value.root(3)
        case "log", "lg": return value.logarithm(base: base)
        case "ln": return value.double > 0 ? .finite(log(value.double)) : nil
        case "exp": return .finite(exp(value.double))
        case "sin": return .finite(sin(angle))
        case "cos": return .finite(cos(angle))
        case "tan": return .finite(tan(angle))
        default: return nil
        }
    }
}
