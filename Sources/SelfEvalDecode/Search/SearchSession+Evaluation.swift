import EMLLMCore

/// The scope of an evaluation.
public enum EvaluationScope: Sendable {
    /// A step.
    case step
    /// The whole chain that ends with the node.
    case chain
}

extension SearchSession {
    /// Evaluates nodes as one batch. Checkers come first; the model evaluates the nodes that they do not refute.
    ///
    /// Nodes that were evaluated before are skipped, unless they are evaluated after a reflection. If the budget has no
    /// room for all remaining nodes, none of them is evaluated.
    ///
    /// - Parameters:
    ///   - nodes: the nodes.
    ///   - scope: whether each node is evaluated as a step or as the end of a chain.
    ///   - reflection: a reflection on the only node, which precedes the request; `nil` asks right after the node.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the work was cancelled, the session ended the search, or a node does
    ///   not exist.
    public func evaluate(_ nodes: [Int], as scope: EvaluationScope = .step, behind reflection: Int? = nil) throws {
        try beginCall()
        if let reflection, !trace.reflections.indices.contains(reflection) {
            throw EMLLMError.noSuchNode("reflection \(reflection)", expected: "a reflection that was asked for")
        }
        try evaluateBatch(nodes, as: scope, behind: reflection)
    }

    /// Evaluates every step of these lines that was not evaluated yet, in one batch for each position in the lines.
    ///
    /// - Throws: as ``evaluate(_:as:behind:)``.
    public func evaluateLines(to leaves: [Int]) throws {
        try beginCall()
        let steps = Set(leaves.flatMap { self.steps(to: $0).filter { $0.rejection == nil }.map(\.id) }).sorted()
        // Each needs a branch. Work in chunks, so that many chains do not need memory for all branches at once.
        for begin in stride(from: 0, to: steps.count, by: 16) {
            try evaluateBatch(Array(steps[begin..<min(begin + 16, steps.count)]), as: .step, behind: nil)
        }
    }

    private func evaluateBatch(_ nodes: [Int], as scope: EvaluationScope, behind reflection: Int?) throws {
        let cost = scope == .step ? costs.evaluation : costs.chainEvaluation
        for node in nodes { try checkIsKept(node) }
        let open = nodes.filter { self[$0].evaluation == nil || reflection != nil }
        let found = open.map { findings(in: $0, as: scope) }
        var asked: [(node: Int, findings: [StepFinding])] = []
        for (node, findings) in zip(open, found) {
            guard findings.contains(where: { $0.outcome == .refuted }) else {
                asked.append((node, findings))
                continue
            }
            // A step that a checker refutes costs no verdict.
            note(.evaluation(node: node, StepEvaluation(verdict: nil, findings: findings, score: 0)))
        }
        if options.weights.asksNothing {
            for (id, findings) in asked { note(id, StepEvaluation(verdict: nil), findings) }
            return
        }
        guard !asked.isEmpty,
            ledger.meter.allows(Expense(promptTokens: asked.count * cost, branches: asked.count)),
            asked.allSatisfy({ source.position(after: $0.node) + cost <= source.contextLength })
        else { return }
        let evaluations = try ledger.timed(\.evaluation) {
            try source.evaluate(asked.map(\.node), as: scope, behind: reflection, ledger: ledger)
        }
        for ((id, findings), evaluation) in zip(asked, evaluations) { note(id, evaluation, findings) }
    }

    /// Reads the verdict of an evaluation that was written after a step, and records it for that step. If a checker
    /// refutes the step, only the findings are recorded, and the verdict is not read.
    ///
    /// - Throws: as ``evaluate(_:as:behind:)``.
    public func readVerdict(in evaluation: Int, on step: Int) throws {
        try beginCall()
        try checkIsKept(evaluation)
        let found = findings(in: step, as: .step)
        if found.contains(where: { $0.outcome == .refuted }) {
            return note(.evaluation(node: step, StepEvaluation(verdict: nil, findings: found, score: 0)))
        }
        guard ledger.meter.allows(Expense(promptTokens: 1)),
            let verdict = try source.readVerdict(in: self[evaluation], ledger: ledger)
        else { return }
        note(step, StepEvaluation(verdict: verdict), found)
    }

    /// Records an evaluation, with the findings of checkers and the resulting score.
    private func note(_ id: Int, _ evaluation: StepEvaluation, _ findings: [StepFinding]) {
        var evaluation = evaluation
        evaluation.findings = findings.isEmpty ? nil : findings
        let score = options.weights.score(
            self[id],
            evaluation,
            lineLogProbability: trace.logProbability(to: id),
            calibration: options.calibration
        )
        evaluation.score = findings.score(with: score)
        note(.evaluation(node: id, evaluation))
    }

    /// Asks what is wrong with a node, or with the chain that it ends. The hint of a checker (``StepFinding/hint``)
    /// replaces the model's own reflection.
    ///
    /// - Returns: the reflection; `nil` if there is no room for it.
    /// - Throws: as ``evaluate(_:as:behind:)``.
    public func reflect(on node: Int, as scope: EvaluationScope = .step) throws -> Reflection? {
        try beginCall()
        try checkIsKept(node)
        let hint = trace[node]?.evaluation?.findings?.lazy.compactMap(\.hint).first
        let reflection = try ledger.timed(\.evaluation) {
            try source.reflect(on: node, as: scope, saying: hint, id: trace.reflections.count, ledger: ledger)
        }
        if let reflection { note(.reflection(reflection)) }
        return reflection
    }

    // MARK: Checkers

    /// The findings of checkers in a step, or in every step of a chain; each step is checked only once.
    private func findings(in node: Int, as scope: EvaluationScope) -> [StepFinding] {
        if let recorded = source.findings(in: node) { return recorded }
        guard !checkers.isEmpty else { return [] }
        let checked = scope == .chain ? steps(to: node) : [self[node]].filter { $0.kind == .step }
        return ledger.timed(\.evaluation) { checked.flatMap(findings) }
    }

    private func findings(in step: StepNode) -> [StepFinding] {
        if let known = findings[step.id] { return known }
        let checked = CheckedStep(
            question: trace.header.question,
            text: step.text,
            earlierSteps: steps(to: step.parent).map(\.text)
        )
        let found = checkers.compactMap { $0.finding(in: checked) }
        findings[step.id] = found
        return found
    }
}
