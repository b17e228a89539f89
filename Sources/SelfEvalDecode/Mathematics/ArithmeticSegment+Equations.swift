extension ArithmeticSegment {
    /// The equations of the line, in order.
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
