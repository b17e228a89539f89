/// One line while its verdicts are confident; from the first step that is not, several chains and a vote weighted by their
/// verdicts. With further looks at the pictures each of these chains is at one of them.
///
/// Wider search pays where the scorer tells good from bad well enough, and hurts where it does not (arXiv 2603.15377), so
/// the widening ends in a vote and not in a choice by score.
struct AdaptiveWidening: Strategy {
    let judges = true

    func run(on bench: Workbench) throws -> Conclusion {
        var leaf = 0
        for _ in 0..<bench.options.maximumSteps {
            try bench.checkCancelled()
            guard bench.width(upTo: 1, after: leaf, length: 1, isJudged: true) == 1 else {
                return Conclusion(leaf: leaf, stop: .budget)
            }
            let node = try bench.write(after: [leaf], .init(sampling: bench.options.primarySampling))[0][0]
            let step = bench[node]
            if step.rejection == .empty || step.rejection == .repetition {
                bench.decide(node, .rejected)
                return Conclusion(leaf: leaf, stop: step.end == .endOfTurn ? .endOfTurn : .exhausted)
            }
            try bench.judge([node])
            let isConfident = bench.score(of: node).map { $0 >= bench.options.acceptThreshold } ?? false
            if !isConfident, let conclusion = try widen(at: node, after: leaf, on: bench) { return conclusion }
            bench.decide(node, isConfident ? .accepted : step.judgement == nil ? .unjudged : .kept)
            leaf = node
            if let stop = bench.stop(after: leaf) { return Conclusion(leaf: leaf, stop: stop) }
        }
        return Conclusion(leaf: leaf, stop: .maximumSteps)
    }

    /// Draws chains beside the step that is in doubt, goes on behind it as well, and votes; `nil` where the budget allows
    /// no second line.
    private func widen(at node: Int, after leaf: Int, on bench: Workbench) throws -> Conclusion? {
        let length = bench.options.prompts.step.maximumTokens
        let width = bench.width(upTo: bench.options.chains, after: node, length: length, isJudged: true)
        guard width > 1 else { return nil }
        bench.announceRevision(after: leaf, count: width - 1)
        bench.decide(node, .kept)
        // A step that ends its line is one of the voters as it is.
        let end = bench.stop(after: node).map { (leaf: node, stop: $0) }
        // With further looks at the pictures, the line goes on as it would have, and the others are at the looks after its own.
        let turn = bench.turn(after: [node, leaf])
        let others = bench.manners(of: 1..<width, after: leaf, extent: turn, isJudged: true).map { (leaf, $0) }
        let own = bench.manners(of: 0..<1, after: node, extent: turn, isJudged: true).map { (node, $0) }
        let chains = try bench.writeChains((end == nil ? own : []) + others)
        let lines = (end.map { [$0] } ?? []) + chains
        let leaves = lines.map(\.leaf)
        try bench.judgeLines(to: leaves)
        let answers = try bench.answers(after: leaves)
        let scores = leaves.map { bench.lineScore(to: $0) }
        let weights = scores.contains { $0 != nil } ? scores.map { $0 ?? 0 } : nil
        let vote = bench.vote(answers, weights: weights)
        let winner = vote?.winner ?? 0
        bench.settle(on: leaves[winner], among: leaves)
        return Conclusion(
            leaf: leaves[winner],
            stop: lines[winner].stop,
            answer: answers[winner],
            confidence: vote?.share
        )
    }
}
