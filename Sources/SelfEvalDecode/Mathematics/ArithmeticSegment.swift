/// A line with equations in it.
struct ArithmeticSegment {
    enum Item {
        case operand(ArithmeticExpression)
        case sign(Character)
        /// A sign that is written as a word.
        case spokenSign(Character)
        case words([String])
        case equals, about, stop, opaque
    }

    private(set) var items: [Item] = []
    private(set) var hasCurrency = false
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
    static let changing: Set<String> = [
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

    static let multiples: Set<String> = [
        "dozen", "dozens", "half", "hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion",
    ]

    /// Letters that are words.
    private static let plainLetters: Set<String> = ["a", "i"]

    private static func isUnit(_ words: [String]) -> Bool {
        words.count <= 5
            && words.allSatisfy { !changing.contains($0) && ($0.unicodeScalars.count > 1 || plainLetters.contains($0)) }
    }

    /// The longest calculation that begins at a place: where it ends, and whether nothing in it can be read in two ways.
    static func chain(
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
}
