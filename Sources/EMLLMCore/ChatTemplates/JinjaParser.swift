extension Jinja {
    /// Builds the tree of a template by recursive descent, following the grammar of Jinja 3.1.
    ///
    /// Tags, filters, tests and functions that are not implemented are reported here with their line, before anything
    /// is rendered.
    struct Parser {
        private let tokens: [Token]
        private let limits: Limits
        private var index = 0
        private var depth = 0
        /// Whether `break` and `continue` are inside a loop; a macro's body starts outside of any.
        private var isInLoop = false

        /// Functions that are called by a bare name, with the line of the first call.
        private var calledNames: [(name: String, line: Int)] = []
        /// Names that are assigned, or read other than by a call (for instance to test whether they are defined).
        private var otherNames: Set<String> = []
        /// For each open macro: the names that its body reads.
        private var macroReferences: [Set<String>] = []

        static func parse(_ source: String, limits: Limits) throws -> [Statement] {
            var parser = Parser(tokens: try Lexer.tokenize(source, limits: limits), limits: limits)
            let body = try parser.parseBody(until: [])
            try parser.checkCalledNames()
            return body
        }

        private init(tokens: [Token], limits: Limits) {
            self.tokens = tokens
            self.limits = limits
        }

        /// Reports a call to a name that is neither defined nor tested for, since it can only fail.
        private func checkCalledNames() throws {
            for (name, line) in calledNames where !otherNames.contains(name) && Function(rawValue: name) == nil {
                throw EMLLMError.chatTemplateUnsupported(line: line, construct: "the function '\(name)'")
            }
        }
    }
}

// MARK: - Tokens

extension Jinja.Parser {
    typealias Token = Jinja.Token
    typealias Expression = Jinja.Expression
    typealias Statement = Jinja.Statement

    var current: Token { tokens[min(index, tokens.count - 1)] }
    var line: Int { current.line }

    func peek(_ kind: Token.Kind, offset: Int = 0) -> Bool {
        tokens[min(index + offset, tokens.count - 1)].kind == kind
    }

    mutating func advance() { index += 1 }

    mutating func skip(_ kind: Token.Kind) -> Bool {
        guard peek(kind) else { return false }
        advance()
        return true
    }

    mutating func skip(symbol: String) -> Bool { skip(.symbol(symbol)) }

    mutating func expect(_ kind: Token.Kind) throws {
        guard skip(kind) else { throw unexpected(Token(kind: kind, line: line).summary) }
    }

    mutating func expectName(_ what: String = "a name") throws -> String {
        guard case .name(let name) = current.kind else { throw unexpected(what) }
        advance()
        return name
    }

    func unexpected(_ expected: String) -> EMLLMError {
        .chatTemplateSyntax(line: line, expected: expected, found: current.summary)
    }

    /// Runs `parse` one level deeper.
    mutating func nested<Result>(_ parse: (inout Self) throws -> Result) throws -> Result {
        try descend()
        defer { depth -= 1 }
        return try parse(&self)
    }

    mutating func descend() throws {
        depth += 1
        guard depth <= limits.syntaxDepth else {
            throw EMLLMError.chatTemplateLimit(
                line: line,
                expected: "at most \(limits.syntaxDepth) levels of nesting",
                found: "more"
            )
        }
    }

    mutating func ascend() { depth -= 1 }

    mutating func noteRead(_ name: String, isCalled: Bool, line: Int) {
        for level in macroReferences.indices { macroReferences[level].insert(name) }
        let isCaller = name == "caller" && !macroReferences.isEmpty
        if isCalled && !isCaller { calledNames.append((name, line)) } else { otherNames.insert(name) }
    }

    mutating func noteWritten(_ target: Jinja.Target) { otherNames.formUnion(target.names) }
}

// MARK: - Bodies

extension Jinja.Parser {
    /// Parses up to a block tag with one of the `ends`, and stops at that tag's name; without `ends`, up to the end of
    /// the template.
    mutating func parseBody(until ends: Set<String>) throws -> [Statement] {
        try descend()
        defer { ascend() }
        var body: [Statement] = []
        while true {
            let line = self.line
            switch current.kind {
            case .data(let text):
                advance()
                body.append(Statement(kind: .text(TemplateString(text, isTrusted: true)), line: line))
            case .outputStart:
                advance()
                let expression = try parseTuple()
                try expect(.outputEnd)
                body.append(Statement(kind: .output([expression]), line: line))
            case .blockStart:
                advance()
                if case .name(let name) = current.kind, ends.contains(name) { return body }
                body.append(try parseStatement())
                try expect(.blockEnd)
            case .end where ends.isEmpty:
                return body
            default:
                throw unexpected(
                    ends.isEmpty ? "text or a tag" : ends.sorted().map { "'\($0)'" }.joined(separator: " or ")
                )
            }
        }
    }

    /// Parses the rest of an opening tag and the body up to one of the `ends`, whose name is consumed and returned.
    mutating func parseBlock(until ends: Set<String>) throws -> (body: [Statement], end: String) {
        _ = skip(symbol: ":")
        try expect(.blockEnd)
        let body = try parseBody(until: ends)
        return (body, try expectName())
    }

    mutating func inLoop<Result>(_ isInLoop: Bool, _ parse: (inout Self) throws -> Result) throws -> Result {
        let outer = self.isInLoop
        self.isInLoop = isInLoop
        defer { self.isInLoop = outer }
        return try parse(&self)
    }

    private mutating func parseStatement() throws -> Statement {
        let line = self.line
        let tag = try expectName("a tag's name")
        return Statement(kind: try parseStatement(tag: tag, line: line), line: line)
    }

    private mutating func parseStatement(tag: String, line: Int) throws -> Statement.Kind {
        switch tag {
        case "if": return try parseIf()
        case "for": return try parseFor()
        case "set": return try parseSet()
        case "macro": return try parseMacro()
        case "call": return try parseCallBlock()
        case "with": return try parseWith()
        case "filter":
            let filters = try parseFilters(startsInline: true)
            return .filter(filters, body: try parseBlock(until: ["endfilter"]).body)
        case "generation": return .generation(try inLoop(false) { try $0.parseBlock(until: ["endgeneration"]).body })
        case "print":
            var expressions: [Expression] = []
            while !peek(.blockEnd) {
                if !expressions.isEmpty { try expect(.symbol(",")) }
                expressions.append(try parseExpression())
            }
            return .output(expressions)
        case "break", "continue":
            guard isInLoop else {
                throw EMLLMError.chatTemplateSyntax(line: line, expected: "'\(tag)' inside a loop", found: "no loop")
            }
            return tag == "break" ? .breakLoop : .continueLoop
        case "else", "elif":
            throw EMLLMError.chatTemplateSyntax(line: line, expected: "an open block", found: "'\(tag)'")
        default:
            if tag.hasPrefix("end") {
                throw EMLLMError.chatTemplateSyntax(line: line, expected: "an open block", found: "'\(tag)'")
            }
            throw EMLLMError.chatTemplateUnsupported(line: line, construct: "the tag '\(tag)'")
        }
    }

    private mutating func parseIf() throws -> Statement.Kind {
        var branches: [(condition: Expression, body: [Statement])] = []
        while true {
            let condition = try parseTuple(allowsConditional: false)
            let (body, end) = try parseBlock(until: ["elif", "else", "endif"])
            branches.append((condition, body))
            if end == "elif" { continue }
            let otherwise = end == "else" ? try parseBlock(until: ["endif"]).body : []
            return .branch(branches, otherwise: otherwise)
        }
    }

    private mutating func parseFor() throws -> Statement.Kind {
        let target = try parseTarget(allowsAttribute: false)
        try expect(.name("in"))
        let iterable = try parseTuple(allowsConditional: false, ends: ["recursive"])
        let condition = skip(.name("if")) ? try parseExpression() : nil
        if peek(.name("recursive")) {
            throw EMLLMError.chatTemplateUnsupported(line: line, construct: "a recursive 'for'")
        }
        let (body, end) = try inLoop(true) { try $0.parseBlock(until: ["endfor", "else"]) }
        let otherwise = end == "else" ? try parseBlock(until: ["endfor"]).body : []
        return .loop(
            Jinja.Loop(target: target, iterable: iterable, condition: condition, body: body, otherwise: otherwise)
        )
    }

    private mutating func parseSet() throws -> Statement.Kind {
        let target = try parseTarget(allowsAttribute: true)
        if skip(symbol: "=") { return .set(target, try parseTuple()) }
        let filters = try parseFilters(startsInline: false)
        return .setBlock(target, filters: filters, body: try parseBlock(until: ["endset"]).body)
    }

    private mutating func parseWith() throws -> Statement.Kind {
        var assignments: [(target: Jinja.Target, value: Expression)] = []
        while !peek(.blockEnd) {
            if !assignments.isEmpty { try expect(.symbol(",")) }
            let target = try parseTarget(allowsAttribute: false)
            try expect(.symbol("="))
            assignments.append((target, try parseExpression()))
        }
        return .with(assignments, body: try parseBlock(until: ["endwith"]).body)
    }

    private mutating func parseMacro() throws -> Statement.Kind {
        let name = try expectName("the macro's name")
        otherNames.insert(name)
        return .macro(try parseMacroBody(name: name, end: "endmacro", parameters: try parseParameters()))
    }

    private mutating func parseCallBlock() throws -> Statement.Kind {
        let parameters = peek(.symbol("(")) ? try parseParameters() : []
        let line = self.line
        let call = try parseExpression()
        guard case .postfix(let base, var steps) = call.kind, case .call(let arguments)? = steps.popLast()?.kind else {
            throw EMLLMError.chatTemplateSyntax(line: line, expected: "a call", found: "another expression")
        }
        let callee = steps.isEmpty ? base : Expression(kind: .postfix(base, steps), line: call.line)
        let caller = try parseMacroBody(name: "caller", end: "endcall", parameters: parameters)
        return .call(caller: caller, callee: callee, arguments: arguments)
    }

    private mutating func parseParameters() throws -> [(name: String, defaultValue: Expression?)] {
        var parameters: [(name: String, defaultValue: Expression?)] = []
        try expect(.symbol("("))
        while !peek(.symbol(")")) {
            if !parameters.isEmpty { try expect(.symbol(",")) }
            let name = try expectName("a parameter")
            let defaultValue = skip(symbol: "=") ? try parseExpression() : nil
            if defaultValue == nil, parameters.last?.defaultValue != nil {
                throw unexpected("a default value for '\(name)', since the parameter before it has one,")
            }
            otherNames.insert(name)
            parameters.append((name, defaultValue))
        }
        try expect(.symbol(")"))
        return parameters
    }

    private mutating func parseMacroBody(
        name: String,
        end: String,
        parameters: [(name: String, defaultValue: Expression?)]
    ) throws -> Jinja.Macro {
        macroReferences.append([])
        let body = try inLoop(false) { try $0.parseBlock(until: [end]).body }
        let references = macroReferences.removeLast()
        let names = Set(parameters.map(\.name))
        return Jinja.Macro(
            name: name,
            parameters: parameters,
            body: body,
            usesCaller: references.contains("caller") && !names.contains("caller"),
            usesPositionalRest: references.contains("varargs") && !names.contains("varargs"),
            usesKeywordRest: references.contains("kwargs") && !names.contains("kwargs")
        )
    }

    /// Parses the left side of `=` or `in`: names, attributes of a namespace, and tuples of them.
    mutating func parseTarget(allowsAttribute: Bool) throws -> Jinja.Target {
        try descend()
        defer { ascend() }
        var targets: [Jinja.Target] = []
        var isTuple = false
        while true {
            if skip(symbol: "(") {
                targets.append(try parseTarget(allowsAttribute: allowsAttribute))
                try expect(.symbol(")"))
            } else {
                guard case .name(let name) = current.kind, name != "in" else { break }
                if Self.constants[name] != nil { throw unexpected("a variable to assign to") }
                advance()
                if allowsAttribute, skip(symbol: ".") {
                    otherNames.insert(name)
                    targets.append(.attribute(object: name, name: try expectName("an attribute")))
                } else {
                    targets.append(.name(name))
                }
            }
            guard skip(symbol: ",") else { break }
            isTuple = true
        }
        guard let first = targets.first else { throw unexpected("a variable to assign to") }
        let target = isTuple ? Jinja.Target.tuple(targets) : first
        noteWritten(target)
        return target
    }

    static let constants: [String: Jinja.Literal] = [
        "true": .boolean(true), "True": .boolean(true), "false": .boolean(false), "False": .boolean(false),
        "none": .none, "None": .none,
    ]
}
