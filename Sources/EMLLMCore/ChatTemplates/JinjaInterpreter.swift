import Foundation

extension Jinja {
    /// Runs the tree of a template.
    ///
    /// An interpreter renders once. It keeps the budget, the current line for messages, and the tables of namespaces
    /// and macros; variables are in ``Scope``.
    final class Interpreter {
        let limits: Limits
        let now: Date
        let timeZone: TimeZone
        /// The line being evaluated.
        var line = 1
        /// The output so far of the innermost block that captures its output.
        var output = TemplateString()
        /// The attributes of each namespace. The value of a namespace or a macro is its index in these tables.
        var namespaces: [[String: Value]] = []
        var macros: [(definition: Macro, scope: Scope)] = []
        private var stepsLeft: Int
        private var depth = 0

        init(limits: Limits, now: Date, timeZone: TimeZone) {
            self.limits = limits
            self.now = now
            self.timeZone = timeZone
            stepsLeft = limits.steps
        }

        func render(_ body: [Statement], context: [String: TemplateValue]) throws -> TemplateString {
            let root = Scope(parent: nil)
            for (name, value) in context { root.variables[name] = try makeValue(value) }
            _ = try execute(body, in: root)
            return output
        }

        // MARK: Budget

        /// Takes steps from the budget.
        func spend(_ steps: Int) throws {
            stepsLeft -= steps
            guard stepsLeft >= 0 else {
                throw EMLLMError.chatTemplateLimit(
                    line: line,
                    expected: "at most \(limits.steps) steps",
                    found: "a template that runs longer"
                )
            }
        }

        /// Charges `count` characters that are about to be copied or compared to the budget.
        func spend(characters count: Int) throws { try spend(1 + count / 16) }

        /// Rejects a text that would be longer than the limit before it is made, and charges the copied part to the
        /// budget.
        func checkLength(_ count: Int, copying copied: Int? = nil) throws {
            guard count <= limits.stringLength else {
                throw EMLLMError.chatTemplateLimit(
                    line: line,
                    expected: "texts of at most \(limits.stringLength) characters",
                    found: "more"
                )
            }
            try spend(characters: copied ?? count)
        }

        /// Runs `body` one level deeper.
        func descend() throws {
            depth += 1
            guard depth <= limits.evaluationDepth else {
                throw EMLLMError.chatTemplateLimit(
                    line: line,
                    expected: "at most \(limits.evaluationDepth) levels of evaluation",
                    found: "more (endless recursion?)"
                )
            }
        }

        func ascend() { depth -= 1 }

        // MARK: Errors

        func failure(expected: String, found: String) -> EMLLMError {
            .chatTemplateEvaluation(line: line, expected: expected, found: found)
        }

        func failure(expected: String, found value: Value) -> EMLLMError {
            failure(expected: expected, found: value.typeName)
        }

        func unsupported(_ construct: String) -> EMLLMError {
            .chatTemplateUnsupported(line: line, construct: construct)
        }

        // MARK: Scopes

        func makeScope(in parent: Scope) throws -> Scope {
            let scope = Scope(parent: parent)
            // A macro that defines the next macro could make the chain of scopes arbitrarily long.
            guard scope.depth <= limits.evaluationDepth else {
                throw EMLLMError.chatTemplateLimit(
                    line: line,
                    expected: "at most \(limits.evaluationDepth) nested scopes",
                    found: "more"
                )
            }
            return scope
        }

        /// Runs `body` with a separate output and returns that output.
        func capture(_ body: () throws -> Void) throws -> TemplateString {
            let outer = output
            output = TemplateString()
            defer { output = outer }
            try body()
            return output
        }

        func write(_ text: TemplateString) throws {
            try checkLength(output.count + text.count, copying: text.count)
            output.append(text)
        }
    }
}

// MARK: - Statements

extension Jinja.Interpreter {
    typealias Value = Jinja.Value
    typealias Scope = Jinja.Scope
    typealias Statement = Jinja.Statement
    typealias Expression = Jinja.Expression

    /// How to continue after a statement.
    enum Flow { case next, breakLoop, continueLoop }

    func execute(_ body: [Statement], in scope: Scope) throws -> Flow {
        for statement in body {
            line = statement.line
            try spend(1)
            let flow = try execute(statement, in: scope)
            if flow != .next { return flow }
        }
        return .next
    }

    private func execute(_ statement: Statement, in scope: Scope) throws -> Flow {
        try descend()
        defer { ascend() }
        switch statement.kind {
        case .text(let text): try write(text)
        case .output(let expressions):
            for expression in expressions { try write(try text(of: try evaluate(expression, in: scope))) }
        case .branch(let branches, let otherwise):
            return try executeBranch(branches, otherwise: otherwise, in: scope)
        case .loop(let loop): try executeLoop(loop, in: scope)
        case .set(let target, let expression):
            try assign(try evaluate(expression, in: scope), to: target, in: scope)
        case .setBlock(let target, let filters, let body):
            var flow = Flow.next
            let inner = try makeScope(in: scope)
            let text = try capture { flow = try execute(body, in: inner) }
            guard flow == .next else { return flow }
            try assign(try apply(filters, to: .string(text), in: inner), to: target, in: scope)
        case .filter(let filters, let body):
            var flow = Flow.next
            let inner = try makeScope(in: scope)
            let text = try capture { flow = try execute(body, in: inner) }
            guard flow == .next else { return flow }
            try write(try self.text(of: try apply(filters, to: .string(text), in: inner)))
        case .macro(let macro): scope.variables[macro.name] = defineMacro(macro, in: scope)
        case .call(let caller, let callee, let arguments):
            try executeCall(caller, callee, arguments, in: scope)
        case .with(let assignments, let body):
            let inner = try makeScope(in: scope)
            for (target, value) in assignments { try assign(try evaluate(value, in: scope), to: target, in: inner) }
            return try execute(body, in: inner)
        case .generation(let body): return try execute(body, in: try makeScope(in: scope))
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    private func executeBranch(
        _ branches: [(condition: Expression, body: [Statement])],
        otherwise: [Statement],
        in scope: Scope
    ) throws -> Flow {
        for (condition, body) in branches where try isTrue(try evaluate(condition, in: scope)) {
            return try execute(body, in: scope)
        }
        return try execute(otherwise, in: scope)
    }

    private func executeLoop(_ loop: Jinja.Loop, in scope: Scope) throws {
        let iterable = try evaluate(loop.iterable, in: scope)
        line = loop.iterable.line
        let elements = try self.elements(of: iterable)
        var condition: ((Value) throws -> Bool)?
        if let expression = loop.condition {
            condition = { [unowned self] element in
                let inner = try makeScope(in: scope)
                try assign(element, to: loop.target, in: inner)
                return try isTrue(try evaluate(expression, in: inner))
            }
        }
        let state = Jinja.LoopState(elements, depth: try containerDepth(iterable.depth), condition: condition)
        defer { state.finish() }
        // Jinja runs the `else` body unless some iteration reached its end: `break` and `continue` do not count.
        var hasFinishedOne = false
        while let element = try state.advance() {
            try spend(1)
            let inner = try makeScope(in: scope)
            inner.variables["loop"] = .loop(state)
            try assign(element, to: loop.target, in: inner)
            let flow = try execute(loop.body, in: inner)
            if flow == .next { hasFinishedOne = true }
            if flow == .breakLoop { break }
        }
        if !hasFinishedOne { _ = try execute(loop.otherwise, in: try makeScope(in: scope)) }
    }

    private func executeCall(
        _ caller: Jinja.Macro,
        _ callee: Expression,
        _ list: Jinja.ArgumentList,
        in scope: Scope
    ) throws {
        let function = try evaluate(callee, in: scope)
        var arguments = try evaluate(list, in: scope)
        guard !arguments.keywords.contains(where: { $0.name == "caller" }) else {
            throw failure(expected: "one 'caller'", found: "two")
        }
        arguments.keywords.append(("caller", defineMacro(caller, in: scope)))
        line = callee.line
        try write(try text(of: try call(function, arguments, name: "the callee")))
    }

    private func defineMacro(_ macro: Jinja.Macro, in scope: Scope) -> Value {
        macros.append((macro, scope))
        return .macro(macros.count - 1)
    }

    /// Assigns to a variable, an attribute of a namespace, or several of them.
    func assign(_ value: Value, to target: Jinja.Target, in scope: Scope) throws {
        switch target {
        case .name(let name): scope.variables[name] = value
        case .attribute(let object, let name):
            guard case .namespace(let index)? = scope.lookUp(object) else {
                throw failure(
                    expected: "a namespace to set '\(name)' on",
                    found: (scope.lookUp(object) ?? .undefined("undefined '\(object)'"))
                )
            }
            try setAttribute(name, of: index, to: value)
        case .tuple(let targets):
            let values = try elements(of: value)
            guard values.count == targets.count else {
                throw failure(expected: "\(targets.count) values to unpack", found: "\(values.count)")
            }
            for (target, value) in zip(targets, values) { try assign(value, to: target, in: scope) }
        }
    }

    func setAttribute(_ name: String, of namespace: Int, to value: Value) throws {
        guard !name.hasPrefix("_") else {
            throw failure(expected: "an attribute without a leading underscore", found: "'\(name)'")
        }
        namespaces[namespace][name] = value
    }
}
