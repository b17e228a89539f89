/// An equation that a text states, and what comes of it.
struct ArithmeticEquation: Sendable {
    /// What is known about an equation.
    enum Outcome: Sendable, Equatable {
        case confirmed
        /// It is wrong; what is calculated has this value.
        case refuted(value: Rational)
        case unknown
    }

    let left: ArithmeticExpression
    let right: ArithmeticExpression
    let outcome: Outcome

    /// A longer line is no calculation.
    private static let mostTokens = 600
    private static let mostEquations = 64

    /// The equations of a text, in their order.
    static func all(in text: String) -> [ArithmeticEquation] {
        var found: [ArithmeticEquation] = []
        for segment in ArithmeticText(text).segments where segment.count <= mostTokens {
            found += ArithmeticSegment(segment).equations
            if found.count >= mostEquations { break }
        }
        return Array(found.prefix(mostEquations))
    }
}

/// A line with equations in it.
private struct ArithmeticSegment {
    private enum Item {
        case operand(ArithmeticExpression)
        case sign(Character)
        /// A sign that is written as a word.
        case spokenSign(Character)
        case words([String])
        case equals, about, stop, opaque
    }

    private var items: [Item] = []
    private var hasCurrency = false
    private static let mostDepth = 16

    init(_ tokens: [ArithmeticText.Token]) {
        hasCurrency = tokens.contains(.currency)
        items = Self.items(tokens[...].filter { $0 != .currency }[...], depth: 0)
    }

    // MARK: Items

    private static let spokenSigns: [String: Character] = ["times": "*", "plus": "+", "minus": "-"]

    private static func items(_ tokens: ArraySlice<ArithmeticText.Token>, depth: Int) -> [Item] {
        var items: [Item] = []
        var index = tokens.startIndex
        while index < tokens.endIndex {
            defer { index += 1 }
            switch tokens[index] {
            case .number(let value, let written):
                items.append(.operand(.number(value, written)))
            case .op(let sign): items.append(.sign(sign))
            case .percent:
                if case .operand(let part)? = items.last {
                    items[items.count - 1] = .operand(.percent(part))
                } else {
                    items.append(.opaque)
                }
            case .word("percent"):
                if case .operand(let part)? = items.last { items[items.count - 1] = .operand(.percent(part)) }
            case .word(let word):
                if let sign = spokenSigns[word], case .operand? = items.last {
                    items.append(.spokenSign(sign))
                } else if case .words(let words)? = items.last {
                    items[items.count - 1] = .words(words + [word])
                } else {
                    items.append(.words([word]))
                }
            case .equals: items.append(.equals)
            case .about: items.append(.about)
            case .open:
                guard let close = closing(tokens, index), depth < mostDepth else {
                    // "100 + (100 * 2 = 300": the rest of the calculation stands before it.
                    switch items.last {
                    case .operand, .sign, .spokenSign: items.append(.opaque)
                    default: items.append(.stop)
                    }
                    continue
                }
                let inner = Self.items(tokens[(index + 1)..<close], depth: depth + 1)
                items += group(inner, behind: items.last)
                index = close
            case .close, .stop, .currency: items.append(.stop)
            case .opaque: items.append(.opaque)
            }
        }
        return items
    }

    private static func closing(_ tokens: ArraySlice<ArithmeticText.Token>, _ open: Int) -> Int? {
        var depth = 0
        for index in open..<tokens.endIndex {
            if tokens[index] == .open { depth += 1 }
            if tokens[index] == .close { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    /// What stands in parentheses: an operand where it is a calculation from end to end, else a remark with its equations.
    private static func group(_ inner: [Item], behind last: Item?) -> [Item] {
        if let (chain, end, isClean) = chain(in: inner, from: 0), end == inner.count, isClean {
            // "2(3 + 4)" is a product, for most.
            if case .operand? = last { return [.spokenSign("*"), .operand(chain.expression)] }
            return [.operand(chain.expression)]
        }
        return [.stop] + inner + [.stop]
    }

    // MARK: Calculations

    /// Words that change what a number beside them means.
    private static let changing: Set<String> = [
        "times", "of", "half", "halves", "twice", "thrice", "double", "triple", "third", "thirds", "quarter",
        "quarters",
        "fourth", "fourths", "fifth", "fifths", "sixth", "eighth", "tenth", "tenths", "plus", "minus", "less", "more",
        "fewer", "than", "squared", "cubed", "square", "root", "dozen", "dozens", "pair", "pairs", "score", "hundred",
        "hundreds", "thousand", "thousands", "million", "millions", "billion", "k", "by", "from", "to", "sum",
        "difference", "product", "ratio", "divided", "multiplied", "am", "pm", "noon", "midnight", "mod", "modulo",
        "or",
        "and", "over", "until", "remainder", "log", "sin", "cos", "sqrt", "factorial", "choose", "between", "january",
        "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
    ]

    private static let multiples: Set<String> = [
        "dozen", "dozens", "half", "hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion",
    ]

    /// Letters that are words.
    private static let plainLetters: Set<String> = ["a", "i"]

    private static func isUnit(_ words: [String]) -> Bool {
        words.count <= 5
            && words.allSatisfy { !changing.contains($0) && ($0.unicodeScalars.count > 1 || plainLetters.contains($0)) }
    }

    /// The longest calculation that begins at a place: where it ends, and whether nothing in it can be read in two ways.
    private static func chain(
        in items: [Item],
        from start: Int
    ) -> (chain: ArithmeticChain, end: Int, isClean: Bool)? {
        var index = start
        var isNegative = false
        while index < items.count, case .sign(let sign) = items[index], sign == "-" || sign == "+" {
            if sign == "-" { isNegative.toggle() }
            index += 1
        }
        guard index - start <= 1, index < items.count, case .operand(let first) = items[index] else { return nil }
        var chain = ArithmeticChain(isNegative ? .negated(first) : first)
        var isClean = true
        index += 1
        while true {
            var next = index
            var areUnits = true
            if next < items.count, case .words(let words) = items[next] {
                areUnits = isUnit(words)
                let isShare = words == ["of"] || words == ["of", "the"]
                if isShare, next + 1 < items.count, case .operand(let whole) = items[next + 1] {
                    chain.append("*", whole)
                    index = next + 2
                    continue
                }
                next += 1
            }
            guard next < items.count else { return (chain, areUnits ? next : index, isClean) }
            let sign: Character
            switch items[next] {
            case .sign(let plain): sign = plain
            case .spokenSign(let spoken): (sign, isClean) = (spoken, false)
            default: return (chain, areUnits ? next : index, isClean)
            }
            // A unit with a unit: "$10/hour".
            if sign == "/", next + 1 < items.count, case .words(let words) = items[next + 1] {
                guard isUnit(words) else { return (chain, index, false) }
                index = next + 2
                if index >= items.count { return (chain, index, isClean) }
                switch items[index] {
                case .sign, .spokenSign:
                    guard index + 1 < items.count, case .operand(let operand) = items[index + 1] else {
                        return (chain, index, false)
                    }
                    if case .sign(let following) = items[index] { chain.append(following, operand) }
                    if case .spokenSign(let following) = items[index] {
                        chain.append(following, operand)
                        isClean = false
                    }
                    index += 2
                    continue
                default: return (chain, index, isClean)
                }
            }
            guard areUnits, next + 1 < items.count, case .operand(let operand) = items[next + 1] else {
                // A dash, or a sign with a word behind it.
                return (chain, index, isClean)
            }
            chain.append(sign, operand)
            index = next + 2
        }
    }

    // MARK: Equations

    var equations: [ArithmeticEquation] {
        var found: [ArithmeticEquation] = []
        var begin = 0
        for place in items.indices {
            switch items[place] {
            case .equals, .about:
                if let equation = equation(at: place, from: begin) { found.append(equation) }
                begin = place + 1
            default: continue
            }
        }
        return found
    }

    private func equation(at place: Int, from begin: Int) -> ArithmeticEquation? {
        guard let (left, start, isLeftClean) = leftSide(from: begin, to: place), !left.expression.isSingle
        else { return nil }
        var behind = place + 1
        var isAbout = false
        if case .about = items[place] { isAbout = true }
        while behind < items.count, case .about = items[behind] {
            isAbout = true
            behind += 1
        }
        guard let (right, end, isRightClean) = Self.chain(in: items, from: behind) else { return nil }
        let expression = left.expression
        func equation(_ outcome: ArithmeticEquation.Outcome) -> ArithmeticEquation {
            ArithmeticEquation(left: expression, right: right.beginnings[right.beginnings.count - 1], outcome: outcome)
        }
        if let outcome = remainder(left, right, behind: behind) { return equation(outcome) }
        guard let value = expression.value else { return equation(.unknown) }
        let comparison = ArithmeticComparison(hasUnits: hasUnits(from: start, to: end))
        var isPlausible = false
        for (place, reading) in right.beginnings.enumerated() {
            switch comparison.compare(expression, reading) {
            case .equal where place == 0 || isRunOn(right, place): return equation(.confirmed)
            case .equal, .plausible: isPlausible = true
            case .different: break
            }
            for other in left.otherReadings where comparison.compare(other, reading) != .different {
                isPlausible = true
            }
        }
        let isClean =
            isLeftClean && isRightClean && !isAbout && !left.addsPercentage && !right.addsPercentage
            && !expression.isAmbiguous && !right.expression.isAmbiguous && isFreeBefore(start, from: begin)
            && isFreeBehind(end) && !(left.adds && mixesUnits(from: start, to: place - 1))
        return equation(isPlausible || !isClean ? .unknown : .refuted(value: value))
    }

    /// Whether the first sign of equality of "3*2=6+4=10" means the six.
    private func isRunOn(_ right: ArithmeticChain, _ place: Int) -> Bool { place == right.beginnings.count - 1 }

    /// The calculation that ends where the sign of equality stands.
    private func leftSide(from begin: Int, to end: Int) -> (ArithmeticChain, start: Int, isClean: Bool)? {
        var best: (ArithmeticChain, Int, Bool)?
        for start in (begin..<end).reversed() {
            // Only an operand, or a sign before one, begins a calculation.
            switch items[start] {
            case .operand, .sign: break
            case .words, .spokenSign: continue
            case .equals, .about, .stop, .opaque: return best
            }
            guard let (chain, reached, isClean) = Self.chain(in: Array(items[..<end]), from: start), reached == end
            else {
                if case .operand = items[start], best != nil { return best }
                continue
            }
            if case .sign = items[start] {
                // A sign at the beginning of a line is a bullet, elsewhere a part of what stands before.
                if start == begin, best != nil { continue }
            }
            best = (chain, start, isClean)
        }
        return best
    }

    private func isFreeBefore(_ start: Int, from begin: Int) -> Bool {
        guard start > begin else { return true }
        switch items[start - 1] {
        case .stop, .equals, .about: return true
        case .words(let words):
            // "100 - x + 40": the sign belongs to what stands before.
            if case .sign = items[start] { return false }
            if start - 2 >= begin, isOperand(start - 2) {
                // "2 feet 6 inches * 2"
                if words.count == 1, !measured(from: start - 1, to: start - 1).isEmpty { return false }
                return Self.changing.isDisjoint(with: words.suffix(2))
            }
            return !changes(words)
        case .sign: return start - 1 == 0
        case .operand, .spokenSign, .opaque: return false
        }
    }

    /// Whether words before a calculation change what it means: "half of", but not "a total of".
    private func changes(_ words: [String]) -> Bool {
        guard let last = words.last, Self.changing.contains(last) else { return false }
        let former = words.dropLast().last ?? ""
        switch last {
        case "and", "or", "to", "from", "over": return false
        case "by": return former.hasPrefix("multipl") || former.hasPrefix("divid")
        case "of": return former.isEmpty || Self.changing.contains(former)
        default: return true
        }
    }

    private func isFreeBehind(_ end: Int) -> Bool {
        // The units right behind the number belong to the calculation already.
        guard end < items.count else { return true }
        switch items[end] {
        case .stop, .equals, .about: return true
        case .words(let words):
            let harmless: Set<String> = ["by", "from", "to", "over", "until", "between", "square"]
            let compares: Set<String> = ["more", "less", "fewer"]
            if let first = words.first, Self.changing.subtracting(harmless).contains(first) {
                // "5 more than", but not "5 more lions".
                guard compares.contains(first), !words.contains("than") else { return false }
            }
            guard Self.multiples.isDisjoint(with: words.prefix(3)) else { return false }
            // "5 hours and 30 minutes"
            guard end + 1 < items.count, isOperand(end + 1) else { return true }
            return !words.contains("and") && measured(from: end, to: end).isEmpty
        case .sign(let sign): return sign == "-" && end + 1 < items.count && !isOperand(end + 1)
        case .operand, .spokenSign, .opaque: return false
        }
    }

    private func isOperand(_ index: Int) -> Bool {
        if case .operand = items[index] { return true }
        return false
    }

    // MARK: Units

    private static let measures: Set<String> = [
        "second", "minute", "hour", "day", "week", "month", "year", "min", "hr", "sec", "inch", "inche", "foot", "feet",
        "yard", "mile", "mm", "cm", "m", "km", "meter", "metre", "gram", "g", "kg", "kilogram", "pound", "lb", "ounce",
        "oz", "ton", "cent", "dollar", "nickel", "dime", "penny", "pennie", "cup", "pint", "quart", "gallon", "liter",
        "litre", "ml", "l", "decade", "century", "centurie",
    ]

    private func units(from start: Int, to end: Int) -> [String] {
        items[start..<min(end + 1, items.count)].flatMap { item -> [String] in
            if case .words(let words) = item { return words }
            return []
        }
    }

    private func hasUnits(from start: Int, to end: Int) -> Bool {
        hasCurrency || !units(from: start, to: end).isEmpty || measured(from: 0, to: items.count - 1).count > 0
    }

    private func measured(from start: Int, to end: Int) -> Set<String> {
        Set(units(from: start, to: end).map { $0.hasSuffix("s") ? String($0.dropLast()) : $0 }).intersection(
            Self.measures
        )
    }

    /// Whether what is added is measured in different units.
    private func mixesUnits(from start: Int, to end: Int) -> Bool {
        measured(from: start, to: end).count + (hasCurrency ? 1 : 0) > 1
    }

    // MARK: Remainders

    /// What comes of "19 / 5 = 3 remainder 4"; `nil` where the right side names no remainder.
    private func remainder(
        _ left: ArithmeticChain,
        _ right: ArithmeticChain,
        behind place: Int
    ) -> ArithmeticEquation.Outcome? {
        guard place + 2 < items.count, case .operand(let quotient) = items[place], right.isSingle,
            case .words(let words) = items[place + 1]
        else { return nil }
        var index = place + 2
        if case .opaque = items[index], words == ["r"] { index += 1 }
        let names = words.contains("remainder") || words == ["r"]
        guard index < items.count, case .operand(let rest) = items[index] else { return names ? .unknown : nil }
        let isLeft: Bool
        if index + 1 < items.count, case .words(let after) = items[index + 1] {
            isLeft = after.contains("left") || after.contains("leftover") || after.contains("remainder")
        } else {
            isLeft = false
        }
        guard names || (isLeft && words.contains("with")) else { return nil }
        guard left.signs == ["/"], let total = left.operands[0].value, let size = left.operands[1].value,
            let quotient = quotient.value, let rest = rest.value, [total, size, quotient, rest].allSatisfy(\.isWhole),
            let whole = quotient.multiplied(by: size)?.adding(rest), !rest.isNegative, size != .zero
        else { return .unknown }
        if whole == total, rest < size.magnitude { return .confirmed }
        guard names, let value = left.expression.value, whole != total else { return .unknown }
        return .refuted(value: value)
    }
}

/// Compares what is calculated with what is stated.
private struct ArithmeticComparison {
    enum Result { case equal, plausible, different }

    /// Whether there are units, so that the two sides may be measured in different ones.
    let hasUnits: Bool

    /// Percent and thousands, which are left out without saying.
    private static let scales: [Int128] = [100, 1000]
    /// How many of one unit are in another.
    private static let conversions: [Int128] = [
        3, 4, 7, 8, 10, 12, 16, 24, 28, 30, 31, 36, 52, 60, 90, 120, 144, 168, 180, 360, 365, 366, 1440, 1760, 2000,
        3600,
        5280, 10_000, 86_400, 1_000_000,
    ]

    func compare(_ left: ArithmeticExpression, _ right: ArithmeticExpression) -> Result {
        guard let a = left.value, let b = right.value else { return .plausible }
        if a == b { return .equal }
        if let result = rounded(a, to: b, right) ?? coarse(a, to: b, right) { return result }
        // Rounded numbers give a value that is off.
        let (x, dx) = left.error
        let (y, dy) = right.error
        if dx + dy > 0, abs(x - y) <= (dx + dy) * 1.01 + last(right) { return .plausible }
        if a.magnitude == b.magnitude { return .plausible }
        for factor in Self.scales + (hasUnits ? Self.conversions : []) {
            guard let factor = Rational(factor), let more = a.multiplied(by: factor), let less = a.divided(by: factor)
            else {
                return .plausible
            }
            for scaled in [more, less] where scaled == b || rounded(scaled, to: b, right) != nil { return .plausible }
        }
        return .different
    }

    /// Whether a number is what a value is rounded to: to the nearest, or up or down.
    private func rounded(_ value: Rational, to stated: Rational, _ expression: ArithmeticExpression) -> Result? {
        guard let decimals = expression.decimals, let scale = Rational.powerOfTen(decimals).flatMap({ Rational($0) }),
            let scaled = value.multiplied(by: scale), let whole = stated.multiplied(by: scale),
            let distance = scaled.subtracting(whole)?.magnitude, let half = Rational(1, over: 2)
        else { return nil }
        if scaled.isWhole { return nil }
        if distance <= half { return .equal }
        return distance < .one ? .plausible : nil
    }

    /// Whether a whole number is what a value with decimals is rounded to in tens or hundreds: "1234 / 7 = 180".
    private func coarse(_ value: Rational, to whole: Rational, _ expression: ArithmeticExpression) -> Result? {
        guard expression.isSingle, !value.isWhole, whole.isWhole, let distance = value.subtracting(whole)?.magnitude
        else {
            return nil
        }
        var zeros: Int128 = 1
        while zeros < 1_000_000, whole != .zero, whole.numerator % (zeros * 10) == 0 { zeros *= 10 }
        guard zeros > 1, let half = Rational(zeros / 2), distance <= half else { return nil }
        return .plausible
    }

    private func last(_ expression: ArithmeticExpression) -> Double {
        guard let decimals = expression.decimals, decimals > 0, let power = Rational.powerOfTen(decimals) else {
            return 0
        }
        return 1 / Double(power)
    }
}
