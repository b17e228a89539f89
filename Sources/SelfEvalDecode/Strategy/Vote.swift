/// Self-consistency (arXiv 2203.11171): several chains, drawn as one batch, and the answer that most of them give. With further
/// views of the pictures each chain is written with one of them.
///
/// Votes may count by what the steps' verdicts come to; where no verdict says anything, they count alike.
struct Vote: Strategy {
    let name = StrategyName.vote
    /// Whether steps are evaluated.
    let evaluatesSteps: Bool

    func run(in search: SearchSession) throws -> Conclusion {
        let chains = try search.drawChains(isEvaluated: evaluatesSteps)
        let leaves = chains.map(\.leaf)
        if evaluatesSteps { try search.evaluateLines(to: leaves) }
        let answers = try search.answers(after: leaves)
        let scores = leaves.map { search.lineScore(to: $0) }
        let isWeighted = search.options.weighsVotes && scores.contains { $0 != nil }
        let weights = isWeighted ? scores.map { $0 ?? 0 } : nil
        guard let (winner, share) = search.vote(answers, weights: weights) else {
            search.settle(on: leaves[0], among: leaves)
            return Conclusion(leaf: leaves[0], stopReason: chains[0].stopReason)
        }
        search.settle(on: leaves[winner], among: leaves)
        return Conclusion(
            leaf: leaves[winner],
            stopReason: chains[winner].stopReason,
            answer: answers[winner],
            confidence: share
        )
    }
}

extension SearchSession {
    /// Draws as many chains from the question as the options say and the budget allows, one at least.
    func drawChains(isEvaluated: Bool) throws -> [(leaf: Int, stopReason: ReasoningStopReason)] {
        let step = options.prompts.step.maximumTokens
        let width = width(upTo: options.chains, after: 0, length: step, isEvaluated: isEvaluated)
        let drafts = draftOptions(for: 0..<max(1, width), after: 0, extent: turn(after: [0]), isEvaluated: isEvaluated)
        return try writeChains(drafts.map { (0, $0) })
    }
}
