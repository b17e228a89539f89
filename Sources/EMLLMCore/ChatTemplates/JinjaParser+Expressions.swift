extension Jinja.Parser {
    typealias Postfix = Jinja.Postfix
    typealias ArgumentList = Jinja.ArgumentList

    /// One expression, or several separated by commas, which make a tuple.
    ///
    /// - Parameter ends: Names after which no further element follows.
    mutating func parseTuple(
        allowsConditional: Bool = true,
        ends: Set<String> = [],
        isParenthesized: Bool = false
    ) throws -> Expression {
        let line = self.line
        var elements: [Expression] = []
        var isTuple = false
        while !isTupleEnd(ends) {
            elements.append(try allowsConditional ? parseExpression() : nested { try $0.parseOr() })
            guard skip(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple, let only = elements.first { return only }
        guard isTuple || isParenthesized else { throw unexpected("an expression") }
        return Expression(kind: .tuple(elements), line: line)
    }

    private func isTupleEnd(_ ends: Set<String>) -> Bool {
        switch current.kind {
        case .outputEnd, .blockEnd, .symbol(")"): true
        case .name(let name): ends.contains(name)
        default: false
        }
    }

    /// A full expression, with `a if b else c` as the loosest operator.
    mutating func parseExpression() throws -> Expression {
        try descend()
        defer { ascend() }
        let line = self.line
        var result = try parseOr()
        var chained = 0
        while skip(.name("if")) {
            // `a if b if c` nests to the left without recursion here, but evaluation recurses.
            chained += 1
            try descend()
            let condition = try parseOr()
            let otherwise = skip(.name("else")) ? try parseExpression() : nil
            result = Expression(
                kind: .conditional(condition: condition, then: result, otherwise: otherwise),
                line: line
            )
        }
        for _ in 0..<chained { ascend() }
        return result
    }

    private mutating func parseOr() throws -> Expression {
        let line = self.line
        var operands = [try parseAnd()]
        while skip(.name("or")) { operands.append(try parseAnd()) }
        return operands.count == 1 ? operands[0] : Expression(kind: .or(operands), line: line)
    }

    private mutating func parseAnd() throws -> Expression {
        let line = self.line
        var operands = [try parseNot()]
        while skip(.name("and")) { operands.append(try parseNot()) }
        return operands.count == 1 ? operands[0] : Expression(kind: .and(operands), line: line)
    }

    private mutating func parseNot() throws -> Expression {
        let line = self.line
        var count = 0
        while skip(.name("not")) { count += 1 }
        var result = try parseComparison()
        // More than two `not` cancel in pairs: `not not not a` is `not a`.
        for _ in 0..<(count > 2 ? 2 - count % 2 : count) { result = Expression(kind: .not(result), line: line) }
        return result
    }

    private mutating func parseComparison() throws -> Expression {
        let line = self.line
        let first = try parseSum()
        var steps: [(symbol: Jinja.ComparisonOperator, operand: Expression)] = []
        while true {
            let comparison: Jinja.ComparisonOperator
            if case .symbol(let symbol) = current.kind, let known = Jinja.ComparisonOperator(rawValue: symbol) {
                comparison = known
                advance()
            } else if skip(.name("in")) {
                comparison = .contained
            } else if peek(.name("not")), peek(.name("in"), offset: 1) {
                comparison = .notContained
                index(advancedBy: 2)
            } else {
                return steps.isEmpty ? first : Expression(kind: .comparison(first, steps), line: line)
            }
            steps.append((comparison, try parseSum()))
        }
    }

    private mutating func index(advancedBy count: Int) { for _ in 0..<count { advance() } }

    private mutating func parseSum() throws -> Expression {
        try parseChain(of: ["+", "-"]) { try $0.parseConcatenation() }
    }

    private mutating func parseConcatenation() throws -> Expression {
        let line = self.line
        var operands = [try parseProduct()]
        while skip(symbol: "~") { operands.append(try parseProduct()) }
        return operands.count == 1 ? operands[0] : Expression(kind: .concatenation(operands), line: line)
    }

    private mutating func parseProduct() throws -> Expression {
        try parseChain(of: ["*", "/", "//", "%"]) { try $0.parseChain(of: ["**"]) { try $0.parseUnary() } }
    }

    /// Operators of one precedence, which all group to the left in Jinja, including `**`.
    private mutating func parseChain(
        of symbols: Set<String>,
        operand: (inout Self) throws -> Expression
    ) throws -> Expression {
        let line = self.line
        let first = try operand(&self)
        var steps: [(symbol: Jinja.ArithmeticOperator, operand: Expression)] = []
        while case .symbol(let symbol) = current.kind, symbols.contains(symbol),
            let known = Jinja.ArithmeticOperator(rawValue: symbol)
        {
            advance()
            steps.append((known, try operand(&self)))
        }
        return steps.isEmpty ? first : Expression(kind: .arithmetic(first, steps), line: line)
    }

    private mutating func parseUnary(allowsFilters: Bool = true) throws -> Expression {
        let line = self.line
        let operand: Expression
        if peek(.symbol("-")) || peek(.symbol("+")) {
            let isNegative = peek(.symbol("-"))
            advance()
            let inner = try nested { try $0.parseUnary(allowsFilters: false) }
            operand = Expression(kind: .sign(isNegative: isNegative, inner), line: line)
        } else {
            operand = try parsePrimary()
        }
        var steps: [Postfix] = []
        try parsePostfixes(into: &steps)
        if allowsFilters { try parseFiltersAndTests(into: &steps) }
        noteRead(operand, isCalled: steps.first?.isCall == true)
        return steps.isEmpty ? operand : Expression(kind: .postfix(operand, steps), line: line)
    }

    private mutating func noteRead(_ expression: Expression, isCalled: Bool) {
        if case .name(let name) = expression.kind { noteRead(name, isCalled: isCalled, line: expression.line) }
    }

    private mutating func parsePrimary() throws -> Expression {
        let line = self.line
        switch current.kind {
        case .name(let name):
            advance()
            if let constant = Self.constants[name] { return Expression(kind: .literal(constant), line: line) }
            return Expression(kind: .name(name), line: line)
        case .string:
            var text: [Unicode.Scalar] = []
            while case .string(let part) = current.kind {
                text += part
                advance()
            }
            return Expression(kind: .literal(.string(TemplateString(text, isTrusted: true))), line: line)
        case .integer(let value):
            advance()
            return Expression(kind: .literal(.integer(value)), line: line)
        case .double(let value):
            advance()
            return Expression(kind: .literal(.double(value)), line: line)
        case .symbol("("):
            advance()
            let inner = try nested { try $0.parseTuple(isParenthesized: true) }
            try expect(.symbol(")"))
            noteRead(inner, isCalled: false)
            return inner
        case .symbol("["): return try parseList()
        case .symbol("{"): return try parseDictionary()
        default: throw unexpected("an expression")
        }
    }

    private mutating func parseList() throws -> Expression {
        let line = self.line
        advance()
        var elements: [Expression] = []
        while !peek(.symbol("]")) {
            if !elements.isEmpty { try expect(.symbol(",")) }
            if peek(.symbol("]")) { break }
            elements.append(try parseExpression())
        }
        try expect(.symbol("]"))
        return Expression(kind: .list(elements), line: line)
    }

    private mutating func parseDictionary() throws -> Expression {
        let line = self.line
        advance()
        var entries: [(key: Expression, value: Expression)] = []
        while !peek(.symbol("}")) {
            if !entries.isEmpty { try expect(.symbol(",")) }
            if peek(.symbol("}")) { break }
            let key = try parseExpression()
            try expect(.symbol(":"))
            entries.append((key, try parseExpression()))
        }
        try expect(.symbol("}"))
        return Expression(kind: .dictionary(entries), line: line)
    }
}

extension Jinja.Postfix {
    var isCall: Bool {
        if case .call = kind { return true }
        return false
    }
}

// MARK: - Attributes, subscripts, calls, filters, tests

extension Jinja.Parser {
    private mutating func parsePostfixes(into steps: inout [Postfix]) throws {
        while case .symbol(let symbol) = current.kind {
            let line = self.line
            switch symbol {
            case ".":
                advance()
                if case .integer(let index) = current.kind {
                    advance()
                    let index = Expression(kind: .literal(.integer(index)), line: line)
                    steps.append(Postfix(kind: .element(index), line: line))
                } else {
                    steps.append(Postfix(kind: .attribute(try expectName("an attribute or an index")), line: line))
                }
            case "[":
                advance()
                steps.append(Postfix(kind: try parseSubscript(), line: line))
            case "(":
                steps.append(Postfix(kind: .call(try parseArguments()), line: line))
            default: return
            }
        }
    }

    private mutating func parseSubscript() throws -> Postfix.Kind {
        var parts: [Expression?] = [nil]
        while !peek(.symbol("]")) {
            if skip(symbol: ":") {
                guard parts.count < 3 else { throw unexpected("']'") }
                parts.append(nil)
            } else {
                guard parts[parts.count - 1] == nil else { throw unexpected("']' (only one subscript is implemented)") }
                parts[parts.count - 1] = try parseExpression()
            }
        }
        advance()
        if parts.count > 1 {
            return .slice(start: parts[0], stop: parts[1], step: parts.count > 2 ? parts[2] : nil)
        }
        guard let index = parts[0] else { throw unexpected("a subscript before this") }
        return .element(index)
    }

    mutating func parseArguments() throws -> ArgumentList {
        var list = ArgumentList()
        var isFirst = true
        try expect(.symbol("("))
        while !peek(.symbol(")")) {
            if !isFirst { try expect(.symbol(",")) }
            if peek(.symbol(")")) { break }
            isFirst = false
            if skip(symbol: "*") {
                guard list.unpackedPositional == nil, list.unpackedKeywords == nil else {
                    throw unexpected("one '*' argument")
                }
                list.unpackedPositional = try parseExpression()
            } else if skip(symbol: "**") {
                guard list.unpackedKeywords == nil else { throw unexpected("one '**' argument") }
                list.unpackedKeywords = try parseExpression()
            } else if case .name(let name) = current.kind, peek(.symbol("="), offset: 1) {
                guard list.unpackedKeywords == nil else { throw unexpected("no argument after '**'") }
                guard !list.keywords.contains(where: { $0.name == name }) else {
                    throw unexpected("each keyword once")
                }
                index(advancedBy: 2)
                list.keywords.append((name, try parseExpression()))
            } else {
                guard list.keywords.isEmpty, list.unpackedPositional == nil, list.unpackedKeywords == nil else {
                    throw unexpected("positional arguments before keyword arguments")
                }
                list.positional.append(try parseExpression())
            }
        }
        try expect(.symbol(")"))
        return list
    }

    private mutating func parseFiltersAndTests(into steps: inout [Postfix]) throws {
        while true {
            if peek(.symbol("|")) {
                steps += try parseFilters(startsInline: false)
            } else if peek(.name("is")) {
                steps.append(try parseTest())
            } else if peek(.symbol("(")) {
                let line = self.line
                steps.append(Postfix(kind: .call(try parseArguments()), line: line))
            } else {
                return
            }
        }
    }

    /// Filters, each after a `|`; the first one without it if it starts inline, as in a `filter` tag.
    mutating func parseFilters(startsInline: Bool) throws -> [Postfix] {
        var filters: [Postfix] = []
        while filters.isEmpty && startsInline || skip(symbol: "|") {
            let line = self.line
            let name = try parseDottedName("a filter's name")
            guard Jinja.Filters.table[name] != nil else {
                throw EMLLMError.chatTemplateUnsupported(line: line, construct: "the filter '\(name)'")
            }
            let arguments = peek(.symbol("(")) ? try parseArguments() : ArgumentList()
            try checkNames(in: arguments, of: name, line: line)
            filters.append(Postfix(kind: .filter(name, arguments), line: line))
        }
        return filters
    }

    /// Also checks the filters and tests that `map`, `select` and similar filters name in a literal argument.
    private func checkNames(in arguments: ArgumentList, of filter: String, line: Int) throws {
        func literal(_ index: Int) -> String? {
            guard index < arguments.positional.count,
                case .literal(.string(let text)) = arguments.positional[index].kind
            else { return nil }
            return text.text
        }
        switch filter {
        case "map":
            if let name = literal(0), Jinja.Filters.table[name] == nil {
                throw EMLLMError.chatTemplateUnsupported(line: line, construct: "the filter '\(name)'")
            }
        case "select", "reject", "selectattr", "rejectattr":
            if let name = literal(filter.hasSuffix("attr") ? 1 : 0), Jinja.Tests.table[name] == nil {
                throw EMLLMError.chatTemplateUnsupported(line: line, construct: "the test '\(name)'")
            }
        default: break
        }
    }

    private mutating func parseDottedName(_ what: String) throws -> String {
        var name = try expectName(what)
        while skip(symbol: ".") { name += "." + (try expectName(what)) }
        return name
    }

    private mutating func parseTest() throws -> Postfix {
        advance()
        let isNegated = skip(.name("not"))
        let line = self.line
        let name = try parseDottedName("a test's name")
        guard Jinja.Tests.table[name] != nil else {
            throw EMLLMError.chatTemplateUnsupported(line: line, construct: "the test '\(name)'")
        }
        var arguments = ArgumentList()
        if peek(.symbol("(")) {
            arguments = try parseArguments()
        } else if startsTestArgument {
            if peek(.name("is")) { throw unexpected("one test at a time") }
            arguments.positional = [try nested { try $0.parseTestArgument() }]
        }
        return Postfix(kind: .test(name, arguments, isNegated: isNegated), line: line)
    }

    /// Whether a test's only argument follows without parentheses: `a is divisibleby 3`.
    private var startsTestArgument: Bool {
        switch current.kind {
        case .name(let name): !["else", "or", "and"].contains(name)
        case .string, .integer, .double, .symbol("["), .symbol("{"): true
        default: false
        }
    }

    private mutating func parseTestArgument() throws -> Expression {
        let line = self.line
        let operand = try parsePrimary()
        var steps: [Postfix] = []
        try parsePostfixes(into: &steps)
        noteRead(operand, isCalled: steps.first?.isCall == true)
        return steps.isEmpty ? operand : Expression(kind: .postfix(operand, steps), line: line)
    }
}
