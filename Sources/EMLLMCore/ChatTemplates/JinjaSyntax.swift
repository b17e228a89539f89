extension Jinja {
    /// An expression and the line it starts on.
    ///
    /// Chains (`a + b - c`, `a or b or c`, `a.b[0]()|trim`) are flat arrays, so that their length does not cause
    /// recursion.
    struct Expression: Sendable {
        var kind: Kind
        var line: Int

        indirect enum Kind: Sendable {
            case literal(Literal)
            case name(String)
            case list([Expression])
            case tuple([Expression])
            case dictionary([(key: Expression, value: Expression)])
            case not(Expression)
            case sign(isNegative: Bool, Expression)
            case and([Expression])
            case or([Expression])
            case concatenation([Expression])
            case arithmetic(Expression, [(symbol: ArithmeticOperator, operand: Expression)])
            case comparison(Expression, [(symbol: ComparisonOperator, operand: Expression)])
            case conditional(condition: Expression, then: Expression, otherwise: Expression?)
            case postfix(Expression, [Postfix])
        }
    }

    enum Literal: Sendable {
        case none
        case boolean(Bool)
        case integer(Int)
        case double(Double)
        case string(TemplateString)
    }

    enum ArithmeticOperator: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case floorDivide = "//"
        case remainder = "%"
        case power = "**"
    }

    enum ComparisonOperator: String, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case contained = "in"
        case notContained = "not in"
    }

    /// An operation that follows an operand, in source order.
    struct Postfix: Sendable {
        var kind: Kind
        var line: Int

        enum Kind: Sendable {
            case attribute(String)
            case element(Expression)
            case slice(start: Expression?, stop: Expression?, step: Expression?)
            case call(ArgumentList)
            case filter(String, ArgumentList)
            case test(String, ArgumentList, isNegated: Bool)
        }
    }

    struct ArgumentList: Sendable {
        var positional: [Expression] = []
        var keywords: [(name: String, value: Expression)] = []
        /// `*sequence`
        var unpackedPositional: Expression?
        /// `**mapping`
        var unpackedKeywords: Expression?
    }

    /// The target of an assignment.
    indirect enum Target: Sendable {
        case name(String)
        case attribute(object: String, name: String)
        case tuple([Target])

        /// The variables that the target sets.
        var names: [String] {
            switch self {
            case .name(let name): [name]
            case .attribute: []
            case .tuple(let targets): targets.flatMap(\.names)
            }
        }
    }

    struct Statement: Sendable {
        var kind: Kind
        var line: Int

        indirect enum Kind: Sendable {
            case text(TemplateString)
            case output([Expression])
            case branch([(condition: Expression, body: [Statement])], otherwise: [Statement])
            case loop(Loop)
            case set(Target, Expression)
            case setBlock(Target, filters: [Postfix], body: [Statement])
            case macro(Macro)
            /// `{% call(parameters) callee(…) %}body{% endcall %}`
            case call(caller: Macro, callee: Expression, arguments: ArgumentList)
            case filter([Postfix], body: [Statement])
            case with([(target: Target, value: Expression)], body: [Statement])
            /// The `generation` tag of transformers marks the assistant's text. It only opens a scope here.
            case generation([Statement])
            case breakLoop
            case continueLoop
        }
    }

    struct Loop: Sendable {
        var target: Target
        var iterable: Expression
        var condition: Expression?
        var body: [Statement]
        var otherwise: [Statement]
    }

    struct Macro: Sendable {
        var name: String
        var parameters: [(name: String, defaultValue: Expression?)]
        var body: [Statement]
        var usesCaller: Bool
        var usesPositionalRest: Bool
        var usesKeywordRest: Bool
    }
}
