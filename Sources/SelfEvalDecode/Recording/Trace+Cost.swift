extension Trace {
    /// The number of tokens that the same procedure would process with a new prompt for every text, verdict, reflection
    /// and answer, as a client without branches does: each call sends the question, the previous steps, and its own
    /// prompt.
    ///
    /// Compare with ``TokenCounts/processed`` and ``TokenCounts/reusedPrompt``, the prompt that was in the cache.
    public var repromptedTokens: Int {
        let prompt = header.prompt.count
        func prefix(_ node: Int) -> Int { prompt + line(to: node).reduce(0) { $0 + $1.tokens.count } }
        var total = 0
        for node in nodes {
            // The steps of a turn are one call.
            total += node.written + (node.continues ? 0 : prefix(node.parent))
            guard let verdict = node.evaluation?.verdict else { continue }
            total += verdict.orderLogits.count * prefix(node.id) + header.costs.evaluation
        }
        if let prior { total += prior.orderLogits.count * prompt + header.costs.prior }
        total += reflections.reduce(0) { $0 + prefix($1.node) } + (summary?.counts.reflection ?? 0)
        let final = answer.map { answer in proposals.contains { $0.node == answer.node } ? [] : [answer] } ?? []
        for answer in proposals + final where answer.source == .asked {
            total += prefix(answer.node) + header.costs.answer + max(0, answer.tokens.count - 1)
        }
        return total
    }
}
