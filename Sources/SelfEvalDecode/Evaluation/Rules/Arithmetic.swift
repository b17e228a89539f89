import Foundation

/// Arithmetic in text: numbers, `+ - × ÷ ^ √ π %` in their usual spellings, and parentheses. Nothing else is
/// understood, so text is never executed as code. It uses two stacks instead of recursion (Dijkstra's shunting-yard
/// algorithm).
struct Arithmetic: Equatable {
    enum Token: Equatable {
        /// A literal with the number of decimals that it was written with.
        case number(Double, decimals: Int)
        case pi, percent, open, close, root
        case op(Character)
    }

    /// The tokens of the text.
    let tokens: [Token]
    /// Its value.
    let value: Double

    /// Longer texts are not parsed.
    static let mostBytes = 1024

    /// Reads a text that is one expression from end to end; `nil` for anything else, and for a value that is not finite.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.mostBytes, let tokens = Self.tokens(of: String(text)),
            let value = Self.evaluate(tokens), value.isFinite
        else { return nil }
        self.tokens = tokens
        self.value = value
    }

    /// The number of decimals of a single number, counted as a fraction of one if it is a percentage; `nil` for
    /// anything longer.
    var decimals: Int? {
        let unsigned = tokens.first == .op("-") ? tokens.dropFirst() : tokens[...]
        guard case .number(_, let decimals)? = unsigned.first else { return nil }
        switch unsigned.count {
        case 1: return decimals
        case 2 where unsigned.last == .percent: return decimals + 2
        default: return nil
        }
    }

    /// Whether anything is calculated. A number alone is not a calculation, but a percentage counts as one.
    var calculates: Bool { decimals == nil && tokens != [.pi] || hasPercent }
    /// Whether a percentage is among the tokens.
    var hasPercent: Bool { tokens.contains(.percent) }

    private static let spellings: [Character: Token] = [
        "+": .op("+"), "-": .op("-"), "−": .op("-"), "–": .op("-"), "*": .op("*"), "×": .op("*"), "·": .op("*"),
        "⋅": .op("*"), "∙": .op("*"), "/": .op("/"), "÷": .op("/"), "∕": .op("/"), "⁄": .op("/"), "^": .op("^"),
        "(": .open, "[": .open, ")": .close, "]": .close, "%": .percent, "√": .root, "π": .pi,
    ]

    private static func tokens(of text: String) -> [Token]? {
        let number = /(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)?(\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/
        var tokens: [Token] = []
        var rest = text.replacingOccurrences(of: "**", with: "^")[...]
        while let character = rest.first {
            if character.isASCII, character.isNumber || character == "." {
                guard let match = rest.prefixMatch(of: number), !match.0.isEmpty,
                    let value = Double(match.0.filter { $0 != "," })
                else { return nil }
                if case .number? = tokens.last { return nil }
                tokens.append(.number(value, decimals: match.1.map { $0.count - 1 } ?? 0))
                rest = rest[match.range.upperBound...]
                continue
            }
            if let token = spellings[character] {
                tokens.append(token)
            } else if character == "²" || character == "³" {
                tokens += [.op("^"), .number(character == "²" ? 2 : 3, decimals: 0)]
            } else if !character.isWhitespace && !"$€£¥°".contains(character) {
                return nil
            }
            rest.removeFirst()
        }
        return tokens
    }

    /// A minus or a root before an operand binds less tightly than a power and more tightly than a product.
    private static func rank(_ token: Token) -> Int {
        switch token {
        case .op("+"), .op("-"): 1
        case .op("*"), .op("/"): 2
        case .op("~"), .root: 3
        case .op("^"): 4
        default: 0
        }
    }

    private static func evaluate(_ tokens: [Token]) -> Double? {
        var values: [Double] = []
        var waiting: [Token] = []
        /// Applies waiting operators of at least this rank.
        func reduce(_ least: Int) -> Bool {
            while let top = waiting.last, rank(top) >= least {
                waiting.removeLast()
                guard let right = values.popLast() else { return false }
                switch top {
                case .op("~"): values.append(-right)
                case .root: values.append(right.squareRoot())
                case .op(let name):
                    guard let left = values.popLast() else { return false }
                    values.append(apply(name, left, right))
                default: return false
                }
            }
            return true
        }

        var needsOperand = true
        for token in tokens {
            // "2(3 + 4)" and "2π" are products.
            if !needsOperand, token == .open || token == .pi || token == .root {
                guard reduce(2) else { return nil }
                waiting.append(.op("*"))
                needsOperand = true
            }
            switch token {
            case .number(let value, _) where needsOperand:
                values.append(value)
                needsOperand = false
            case .pi where needsOperand:
                values.append(.pi)
                needsOperand = false
            case .open where needsOperand, .root where needsOperand: waiting.append(token)
            case .op("-") where needsOperand: waiting.append(.op("~"))
            case .op("+") where needsOperand: break
            case .percent where !needsOperand:
                // "100 + 20%" means 120 to some and 100.2 to others.
                if let top = waiting.last, rank(top) == 1 { return nil }
                values[values.count - 1] /= 100
            case .close where !needsOperand:
                guard reduce(1), waiting.popLast() == .open else { return nil }
            case .op(let name) where !needsOperand:
                // Powers group to the right, and bind more tightly than a minus before them.
                guard reduce(name == "^" ? 5 : rank(token)) else { return nil }
                waiting.append(token)
                needsOperand = true
            default: return nil
            }
        }
        guard !needsOperand, reduce(1), waiting.isEmpty, values.count == 1 else { return nil }
        return values[0]
    }

    private static func apply(_ name: Character, _ left: Double, _ right: Double) -> Double {
        switch name {
        case "+": left + right
        case "-": left - right
        case "*": left * right
        case "/": left / right
        default: pow(left, right)
        }
    }
}
