import EMLLMCore

extension Trace {
    /// A line of the tree that came to its end, with the answer that it gives.
    package struct Chain: Sendable {
        /// The nodes from the first to the last, evaluations between the steps included.
        package let nodes: [StepNode]
        /// The answer, stated or asked for.
        package let answer: Answer

        /// The steps.
        package var steps: [StepNode] { nodes.filter { $0.kind == .step } }
    }

    /// The lines that came to their end and gave an answer, each text once: chains of a vote, and candidates that ended one.
    package var completeChains: [Chain] {
        let parents = Set(nodes.map(\.parent))
        var texts: Set<[TokenID]> = []
        return nodes.filter { !parents.contains($0.id) || $0.id == path.last?.id }.compactMap { leaf in
            var line = line(to: leaf.id)
            // White space at the end of a chain, or the same again, is no part of it.
            while let last = line.last, last.rejection != nil || last.tokens.isEmpty { line.removeLast() }
            let wasCut = line.last?.id != leaf.id
            guard let last = line.last, line.allSatisfy({ $0.rejection == nil }),
                let answer = answer(of: line), wasCut || ends(last) || last.id == path.last?.id,
                texts.insert(line.flatMap(\.tokens)).inserted
            else { return nil }
            return Chain(nodes: line, answer: answer)
        }
    }

    private func ends(_ node: StepNode) -> Bool {
        if header.options.prompts.chainEnds.contains(.answer), states(node.text) != nil { return true }
        return [.endOfTurn, .budget, .loop].contains(node.end)
    }

    private func states(_ text: String) -> String? { AnswerText.statement(in: text, by: header.options.prompts)?.text }

    /// The answer that a line states; the one that was asked for behind it where it states none.
    private func answer(of line: [StepNode]) -> Answer? {
        let leaf = line.last?.id ?? 0
        let steps = line.filter { $0.kind == .step }
        if let text = states(steps.map(\.text).joined()) {
            return Answer(text: text, source: .reasoning, node: leaf, tokens: [])
        }
        return (proposals + (answer.map { [$0] } ?? [])).first { $0.source == .asked && $0.node == leaf }
    }
}
