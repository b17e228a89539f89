/// Self-consistency (arXiv 2203.11171): several chains, drawn as one batch, and the answer that most of them give. With further
/// looks at the pictures each chain is at one of them.
///
/// Votes may count by what the steps' verdicts come to; where no verdict says anything, they count alike.
struct Vote: Strategy {
    /// Whether steps are judged.
    let judges: Bool

    func run(on bench: Workbench) throws -> Conclusion {
        let chains = try bench.drawChains(isJudged: judges)
        let leaves = chains.map(\.leaf)
        if judges { try bench.judgeLines(to: leaves) }
        let answers = try bench.answers(after: leaves)
        let scores = leaves.map { bench.lineScore(to: $0) }
        let isWeighted = bench.options.weighsVotes && scores.contains { $0 != nil }
        let weights = isWeighted ? scores.map { $0 ?? 0 } : nil
        guard let (winner, share) = bench.vote(answers, weights: weights) else {
            bench.settle(on: leaves[0], among: leaves)
            return Conclusion(leaf: leaves[0], stop: chains[0].stop)
        }
        bench.settle(on: leaves[winner], among: leaves)
        return Conclusion(
            leaf: leaves[winner],
            stop: chains[winner].stop,
            answer: answers[winner],
            confidence: share
        )
    }
}

extension Workbench {
    /// Draws as many chains from the question as the options say and the budget allows, one at least.
    func drawChains(isJudged: Bool) throws -> [(leaf: Int, stop: ReasoningStop)] {
        let step = options.prompts.step.maximumTokens
        let width = width(upTo: options.chains, after: 0, length: step, isJudged: isJudged)
        let manners = manners(of: 0..<max(1, width), after: 0, extent: turn(after: [0]), isJudged: isJudged)
        return try writeChains(manners.map { (0, $0) })
    }
}
