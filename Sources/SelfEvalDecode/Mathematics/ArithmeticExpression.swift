import Foundation

/// A calculation with its exact value.
indirect enum ArithmeticExpression: Equatable, Sendable {
    case number(Rational, ArithmeticText.Written)
    case percent(ArithmeticExpression)
    case negated(ArithmeticExpression)
    case binary(Character, ArithmeticExpression, ArithmeticExpression)

    /// The exact value; `nil` for a division by zero, and where numbers grow too large.
    var value: Rational? {
        switch self {
        case .number(let value, _): return value
        case .percent(let part): return part.value?.divided(by: Rational(100))
        case .negated(let part): return part.value.map { -$0 }
        case .binary(let sign, let left, let right):
            guard let left = left.value, let right = right.value else { return nil }
            return Self.calculate(sign, left, right)
        }
    }

    private static func calculate(_ sign: Character, _ left: Rational, _ right: Rational) -> Rational? {
        switch sign {
        case "+": left.adding(right)
        case "-": left.subtracting(right)
        case "*": left.multiplied(by: right)
        case "/": left.divided(by: right)
        case "^": right.isWhole ? left.raised(to: right.numerator) : nil
        default: nil
        }
    }

    /// How far the value may be off because numbers in it were rounded, and about what it is.
    var error: (value: Double, error: Double) {
        switch self {
        case .number(let value, let written):
            return (value.double, written.isRounded ? pow(10, -Double(written.decimals)) : 0)
        case .percent(let part):
            let (value, error) = part.error
            return (value / 100, error / 100)
        case .negated(let part):
            let (value, error) = part.error
            return (-value, error)
        case .binary(let sign, let left, let right):
            let (a, da) = left.error
            let (b, db) = right.error
            switch sign {
            case "+": return (a + b, da + db)
            case "-": return (a - b, da + db)
            case "*": return (a * b, abs(a) * db + abs(b) * da + da * db)
            case "/":
                let least = max(abs(b) - db, .leastNormalMagnitude)
                return (a / b, (abs(a) * db + abs(b) * da) / (abs(b) * least))
            default: return (pow(a, b), da + db > 0 ? .infinity : 0)
            }
        }
    }

    var isSingle: Bool {
        switch self {
        case .number: true
        case .percent(let part), .negated(let part): part.isSingle
        case .binary: false
        }
    }

    /// Digits after the point of a single number, in a fraction of one; `nil` for a calculation.
    var decimals: Int? {
        switch self {
        case .number(_, let written): written.decimals
        case .percent(let part): part.decimals.map { $0 + 2 }
        case .negated(let part): part.decimals
        case .binary: nil
        }
    }

    /// Whether a number can be read in two ways.
    var isAmbiguous: Bool {
        switch self {
        case .number(_, let written): written.isAmbiguous
        case .percent(let part), .negated(let part): part.isAmbiguous
        case .binary(_, let left, let right): left.isAmbiguous || right.isAmbiguous
        }
    }

    var isPercent: Bool {
        if case .percent = self { return true }
        return false
    }

    /// As a person would write it.
    var text: String {
        switch self {
        case .number(let value, let written): return value.text(decimals: written.decimals)
        case .percent(let part): return part.text + "%"
        case .negated(let part): return "-" + part.text
        case .binary(let sign, let left, let right):
            func part(_ expression: ArithmeticExpression) -> String {
                if case .binary = expression { return "(\(expression.text))" }
                return expression.text
            }
            return part(left) + " \(sign) " + part(right)
        }
    }
}

/// A calculation that is not grouped yet: operands with signs between them.
struct ArithmeticChain: Equatable, Sendable {
    private(set) var operands: [ArithmeticExpression]
    private(set) var signs: [Character] = []

    init(_ first: ArithmeticExpression) { operands = [first] }

    private init(operands: [ArithmeticExpression], signs: [Character]) {
        (self.operands, self.signs) = (operands, signs)
    }

    mutating func append(_ sign: Character, _ operand: ArithmeticExpression) {
        signs.append(sign)
        operands.append(operand)
    }

    mutating func prepend(_ operand: ArithmeticExpression, _ sign: Character) {
        signs.insert(sign, at: 0)
        operands.insert(operand, at: 0)
    }

    var isSingle: Bool { signs.isEmpty }
    var adds: Bool { signs.contains { $0 == "+" || $0 == "-" } }

    /// Grouped as usual: powers, then products, then sums.
    var expression: ArithmeticExpression {
        var (operands, signs) = (operands, signs)
        for level in ["^", "*/", "+-"] {
            var (grouped, left): ([ArithmeticExpression], [Character]) = ([operands[0]], [])
            for (sign, operand) in zip(signs, operands.dropFirst()) {
                if level.contains(sign) {
                    grouped[grouped.count - 1] = .binary(sign, grouped[grouped.count - 1], operand)
                } else {
                    grouped.append(operand)
                    left.append(sign)
                }
            }
            (operands, signs) = (grouped, left)
        }
        return operands[0]
    }

    /// From left to right, as on a pocket calculator.
    private var sequential: ArithmeticExpression {
        zip(signs, operands.dropFirst()).reduce(operands[0]) { .binary($1.0, $0, $1.1) }
    }

    /// The other ways in which people mean a calculation: from left to right, and what comes behind a dash.
    var otherReadings: [ArithmeticExpression] {
        var readings = signs.count > 1 ? [sequential] : []
        for (place, sign) in signs.enumerated() where sign == "-" {
            readings.append(
                Self(operands: Array(operands[(place + 1)...]), signs: Array(signs[(place + 1)...])).expression
            )
        }
        return readings
    }

    /// Its beginnings, the longest first: of "6+4" in "3*2=6+4=10" the first sign of equality means "6".
    var beginnings: [ArithmeticExpression] {
        (1...operands.count).reversed().map {
            Self(operands: Array(operands[..<$0]), signs: Array(signs[..<($0 - 1)])).expression
        }
    }

    /// Whether a percentage is added to something else, which can mean two things.
    var addsPercentage: Bool { adds && operands.contains(where: \.isPercent) && !operands.allSatisfy(\.isPercent) }
}
