import Foundation

extension Jinja.Interpreter {
    func evaluate(_ expression: Expression, in scope: Scope) throws -> Value {
        try descend()
        defer { ascend() }
        try spend(1)
        line = expression.line
        switch expression.kind {
        case .literal(let literal): return value(of: literal)
        case .name(let name): return value(named: name, in: scope)
        case .list(let elements): return try makeItems(.list, try elements.map { try evaluate($0, in: scope) })
        case .tuple(let elements): return try makeItems(.tuple, try elements.map { try evaluate($0, in: scope) })
        case .dictionary(let entries): return try evaluateDictionary(entries, in: scope)
        case .not(let operand): return .boolean(!(try isTrue(try evaluate(operand, in: scope))))
        case .sign(let isNegative, let operand): return try evaluateSign(isNegative, operand, in: scope)
        case .and(let operands): return try evaluateLogic(operands, stopsAt: false, in: scope)
        case .or(let operands): return try evaluateLogic(operands, stopsAt: true, in: scope)
        case .concatenation(let operands): return try evaluateConcatenation(operands, in: scope)
        case .arithmetic(let first, let steps): return try evaluateArithmetic(first, steps, in: scope)
        case .comparison(let first, let steps): return try evaluateComparison(first, steps, in: scope)
        case .conditional(let condition, let then, let otherwise):
            if try isTrue(try evaluate(condition, in: scope)) { return try evaluate(then, in: scope) }
            guard let otherwise else { return .undefined("the missing 'else' value of an inline 'if'") }
            return try evaluate(otherwise, in: scope)
        case .postfix(let base, let steps): return try apply(steps, to: try evaluate(base, in: scope), in: scope)
        }
    }

    private func value(of literal: Jinja.Literal) -> Value {
        switch literal {
        case .none: .none
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .double(let value): .double(value)
        case .string(let value): .string(value)
        }
    }

    private func value(named name: String, in scope: Scope) -> Value {
        if let value = scope.lookUp(name) { return value }
        if let function = Jinja.Function(rawValue: name) { return .function(function) }
        return .undefined("undefined '\(name)'")
    }

    private func evaluateDictionary(
        _ entries: [(key: Expression, value: Expression)],
        in scope: Scope
    ) throws -> Value {
        try makeMapping(
            try entries.map { (try evaluate($0.key, in: scope), try evaluate($0.value, in: scope)) }
        )
    }

    private func evaluateSign(_ isNegative: Bool, _ operand: Expression, in scope: Scope) throws -> Value {
        let value = try evaluate(operand, in: scope)
        line = operand.line
        switch number(value) {
        case .integer(let number)?:
            return .integer(isNegative ? try checked(0.subtractingReportingOverflow(number)) : number)
        case .double(let number)?: return .double(isNegative ? -number : number)
        case nil: throw failure(expected: "a number after a sign", found: value)
        }
    }

    /// `and` and `or` return the operand that decides.
    private func evaluateLogic(_ operands: [Expression], stopsAt: Bool, in scope: Scope) throws -> Value {
        var value = Value.none
        for operand in operands {
            value = try evaluate(operand, in: scope)
            if try isTrue(value) == stopsAt { return value }
        }
        return value
    }

    private func evaluateConcatenation(_ operands: [Expression], in scope: Scope) throws -> Value {
        var result = TemplateString()
        for operand in operands {
            let part = try text(of: try evaluate(operand, in: scope))
            try checkLength(result.count + part.count, copying: part.count)
            result.append(part)
        }
        return .string(result)
    }

    private func evaluateArithmetic(
        _ first: Expression,
        _ steps: [(symbol: Jinja.ArithmeticOperator, operand: Expression)],
        in scope: Scope
    ) throws -> Value {
        var result = try evaluate(first, in: scope)
        for (symbol, operand) in steps {
            let right = try evaluate(operand, in: scope)
            line = operand.line
            result = try arithmetic(symbol, result, right)
        }
        return result
    }

    /// `a < b < c` holds if both comparisons do; `b` is evaluated once, and `c` only if needed.
    private func evaluateComparison(
        _ first: Expression,
        _ steps: [(symbol: Jinja.ComparisonOperator, operand: Expression)],
        in scope: Scope
    ) throws -> Value {
        var left = try evaluate(first, in: scope)
        for (symbol, operand) in steps {
            let right = try evaluate(operand, in: scope)
            line = operand.line
            guard try compare(symbol, left, right) else { return .boolean(false) }
            left = right
        }
        return .boolean(true)
    }

    // MARK: Postfixes

    /// Applies attributes, subscripts, calls, filters and tests from left to right.
    func apply(_ steps: [Jinja.Postfix], to base: Value, in scope: Scope) throws -> Value {
        var value = base
        for (index, step) in steps.enumerated() {
            try spend(1)
            line = step.line
            switch step.kind {
            case .attribute(let name): value = try attribute(name, of: value)
            case .element(let expression):
                let key = try evaluate(expression, in: scope)
                line = step.line
                value = try element(key, of: value)
            case .slice(let start, let stop, let step):
                value = try evaluateSlice(of: value, start, stop, step, in: scope)
            case .call(let list):
                let arguments = try evaluate(list, in: scope)
                line = step.line
                value = try call(value, arguments, name: callee(before: index, in: steps))
            case .filter(let name, let list):
                let arguments = try evaluate(list, in: scope)
                line = step.line
                value = try applyFilter(name, to: value, arguments)
            case .test(let name, let list, let isNegated):
                let arguments = try evaluate(list, in: scope)
                line = step.line
                value = .boolean(try applyTest(name, to: value, arguments) != isNegated)
            }
        }
        return value
    }

    private func callee(before index: Int, in steps: [Jinja.Postfix]) -> String {
        if index > 0, case .attribute(let name) = steps[index - 1].kind { return "'\(name)'" }
        return "the callee"
    }

    private func evaluateSlice(
        of value: Value,
        _ start: Expression?,
        _ stop: Expression?,
        _ step: Expression?,
        in scope: Scope
    ) throws -> Value {
        let line = self.line
        let bounds = try [start, stop, step].map { try $0.map { try evaluate($0, in: scope) } }
        self.line = line
        let numbers = try bounds.map { bound -> Int? in
            switch bound {
            case nil, Value.none?: return nil
            case let bound?:
                guard let index = integer(bound) else {
                    throw failure(expected: "a whole number in a slice", found: bound)
                }
                return index
            }
        }
        return try slice(value, start: numbers[0], stop: numbers[1], step: numbers[2] ?? 1)
    }

    func evaluate(_ list: Jinja.ArgumentList, in scope: Scope) throws -> Jinja.Arguments {
        var arguments = Jinja.Arguments()
        for expression in list.positional { arguments.positional.append(try evaluate(expression, in: scope)) }
        for (name, expression) in list.keywords {
            arguments.keywords.append((name, try evaluate(expression, in: scope)))
        }
        if let expression = list.unpackedPositional {
            arguments.positional += try elements(of: try evaluate(expression, in: scope))
        }
        if let expression = list.unpackedKeywords {
            let value = try evaluate(expression, in: scope)
            guard case .mapping(let mapping) = value else {
                throw failure(expected: "a dictionary after '**'", found: value)
            }
            for (key, value) in zip(mapping.keys, mapping.values) {
                guard case .string(let name) = key else {
                    throw failure(expected: "strings as keywords", found: key)
                }
                guard !arguments.keywords.contains(where: { $0.name == name.text }) else {
                    throw failure(expected: "each keyword once", found: "'\(name.text)' twice")
                }
                arguments.keywords.append((name.text, value))
            }
        }
        return arguments
    }
}
