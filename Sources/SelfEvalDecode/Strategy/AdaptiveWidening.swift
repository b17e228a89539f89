/// One line while its verdicts are confident; from the first step that is not, several chains and a vote weighted by their
/// verdicts. With further views of the pictures each of these chains is written with one of them.
///
/// Wider search pays where the scorer tells good from bad well enough, and hurts where it does not (arXiv 2603.15377), so
/// the widening ends in a vote and not in a choice by score.
struct AdaptiveWidening: Strategy {
    let name = StrategyName.adaptive
    let evaluatesSteps = true

    func run(in search: SearchSession) throws -> Conclusion {
        var leaf = 0
        for _ in 0..<search.options.maximumSteps {
            try search.checkCancelled()
            guard search.width(upTo: 1, after: leaf, length: 1, isEvaluated: true) == 1 else {
                return Conclusion(leaf: leaf, stopReason: .budget)
            }
            var node = try search.write(after: [leaf], .init(sampling: search.options.primarySampling))[0][0]
            let step = search[node]
            if step.rejection == .empty || step.rejection == .repetition {
                search.decide(node, .rejected)
                return Conclusion(leaf: leaf, stopReason: step.end == .endOfTurn ? .endOfTurn : .exhausted)
            }
            try search.evaluate([node])
            func isConfident(_ node: Int) -> Bool {
                search.score(of: node).map { $0 >= search.options.acceptThreshold } ?? false
            }
            if !isConfident(node) {
                let rewritten = try search.rewriteRefuted(node, after: leaf, upTo: search.options.maximumRevisions)
                let standing = rewritten.last.flatMap { isConfident($0) ? $0 : nil }
                for other in [node] + rewritten where other != standing && (standing != nil || other != node) {
                    search.decide(other, .rejected)
                }
                node = standing ?? node
            }
            let isConfident = isConfident(node)
            if !isConfident, let conclusion = try widen(at: node, after: leaf, in: search) { return conclusion }
            search.decide(node, isConfident ? .accepted : search[node].evaluation == nil ? .unevaluated : .kept)
            leaf = node
            if let stop = search.stopReason(after: leaf) { return Conclusion(leaf: leaf, stopReason: stop) }
        }
        return Conclusion(leaf: leaf, stopReason: .maximumSteps)
    }

    /// Draws chains beside the step that is in doubt, goes on behind it as well, and votes; `nil` where the budget allows
    /// no second line.
    private func widen(at node: Int, after leaf: Int, in search: SearchSession) throws -> Conclusion? {
        let length = search.options.prompts.step.maximumTokens
        let width = search.width(upTo: search.options.chains, after: node, length: length, isEvaluated: true)
        guard width > 1 else { return nil }
        search.announceRevision(after: leaf, count: width - 1)
        search.decide(node, .kept)
        // A step that ends its line is one of the voters as it is.
        let isLast = search.steps(to: node).count >= search.options.maximumSteps
        let end = (search.stopReason(after: node) ?? (isLast ? .maximumSteps : nil)).map {
            (leaf: node, stopReason: $0)
        }
        // With further views of the pictures, the line goes on as it would have, and the others take the views after its own.
        let turn = search.turn(after: [node, leaf])
        let others = search.draftOptions(for: 1..<width, after: leaf, extent: turn, isEvaluated: true).map {
            (leaf, $0)
        }
        let own = search.draftOptions(for: 0..<1, after: node, extent: turn, isEvaluated: true).map { (node, $0) }
        let chains = try search.writeChains((end == nil ? own : []) + others)
        let lines = (end.map { [$0] } ?? []) + chains
        let leaves = lines.map(\.leaf)
        try search.evaluateLines(to: leaves)
        let answers = try search.answers(after: leaves)
        let scores = leaves.map { search.lineScore(to: $0) }
        let weights = scores.contains { $0 != nil } ? scores.map { $0 ?? 0 } : nil
        let vote = search.vote(answers, weights: weights)
        let winner = vote?.winner ?? 0
        search.settle(on: leaves[winner], among: leaves)
        return Conclusion(
            leaf: leaves[winner],
            stopReason: lines[winner].stopReason,
            answer: answers[winner],
            confidence: vote?.share
        )
    }
}
