import EMLLMCore

extension SearchSession {
    /// The answer that a step states; `nil` if it states none.
    public func statedAnswer(in node: Int) -> Answer? {
        guard let step = trace[node], step.kind == .step,
            let text = AnswerText.stated(in: step.text, by: options.prompts)
        else { return nil }
        return Answer(text: text, source: .reasoning, node: node, tokens: [])
    }

    /// The last answer that is stated on the line to a node; `nil` if no step of it states one.
    ///
    /// If a stated answer ends the chain (``PromptPack/ChainEnd/answer``), only the last step states one.
    public func statedAnswer(onLineTo leaf: Int) -> Answer? {
        if options.prompts.chainEnds.contains(.answer) { return statedAnswer(in: leaf) }
        let steps = steps(to: leaf)
        guard let stated = AnswerText.statement(in: steps.map(\.text).joined(), by: options.prompts) else { return nil }
        // The step in which the statement begins.
        var end = 0
        let node = steps.first { step in
            end += step.text.utf8.count
            return stated.offset < end
        }
        return Answer(text: stated.text, source: .reasoning, node: node?.id ?? leaf, tokens: [])
    }

    /// The answer of the final line, from the tokens that were reserved for it.
    func finalAnswer(after leaf: Int) throws -> Answer {
        if let answer = statedAnswer(onLineTo: leaf) { return answer }
        if let known = trace.proposals.last(where: { $0.node == leaf }) { return known }
        let (text, tokens) = try source.answer(after: [leaf], ledger: ledger)[0]
        return Answer(text: text, source: .asked, node: leaf, tokens: tokens)
    }

    /// The answers of several lines: stated answers as they are, and the others requested as one batch if the budget
    /// allows it.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the work was cancelled, the session ended the search, or a node does
    ///   not exist.
    public func answers(after leaves: [Int]) throws -> [Answer?] {
        try beginCall()
        for leaf in leaves { try checkIsKept(leaf) }
        let silent = leaves.filter { statedAnswer(onLineTo: $0) == nil }
        let expense = Expense(
            promptTokens: silent.count * costs.answer,
            passes: options.budget.answerTokens,
            branches: silent.count
        )
        var asked: [Int: Answer] = [:]
        if !silent.isEmpty, ledger.meter.allows(expense) {
            let found = try ledger.timed(\.answer) { try source.answer(after: silent, ledger: ledger) }
            for (leaf, answer) in zip(silent, found) {
                asked[leaf] = Answer(text: answer.text, source: .asked, node: leaf, tokens: answer.tokens)
            }
        }
        return leaves.map { leaf in
            let answer = statedAnswer(onLineTo: leaf) ?? asked[leaf]
            if let answer { note(.proposal(answer)) }
            return answer
        }
    }

    /// The answer that most lines give, by weight; `nil` if no line gives one.
    ///
    /// - Parameters:
    ///   - answers: one for each line.
    ///   - weights: the weight of each line; `nil` for equal weights, which is plain self-consistency.
    /// - Returns: the index of the heaviest line that gives the winning answer, and the answer's share of the weight.
    public func vote(_ answers: [Answer?], weights: [Double]?) -> (winner: Int, share: Double)? {
        var totals: [String: Double] = [:]
        var order: [String] = []
        var total = 0.0
        func weight(_ index: Int) -> Double { weights?[index] ?? 1 }
        for (index, answer) in answers.enumerated() {
            guard let answer else { continue }
            let key = answer.voteKey
            if totals[key] == nil { order.append(key) }
            totals[key, default: 0] += weight(index)
            total += weight(index)
        }
        // The first one, if several are equal.
        guard let best = order.max(by: { (totals[$0] ?? 0) < (totals[$1] ?? 0) }) else { return nil }
        let winning = order.first { totals[$0] == totals[best] } ?? best
        let voters = answers.indices.filter { answers[$0]?.voteKey == winning }
        let heaviest = voters.map(weight).max() ?? 0
        guard let winner = voters.first(where: { weight($0) == heaviest }) else { return nil }
        return (winner, total > 0 ? (totals[winning] ?? 0) / total : 0)
    }
}
