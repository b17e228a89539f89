/// Cas-SEAT (arXiv 2501.05662): the long prompt as a cascade of short ones over a whole chain: reason, evaluate, refine,
/// answer. Each is a branch off the shared prefix, the picture in it.
///
/// The released code asks for a reflection only where the ground truth says that the answer is wrong. Here the model's own
/// verdict decides, for every question, and the better chain by that verdict stands.
struct Cascade: Strategy {
    let name = StrategyName.casSEAT
    let evaluatesSteps = true

    func run(in search: SearchSession) throws -> Conclusion {
        let options = search.options
        var best = try search.writeChains(after: [0], sampling: options.primarySampling, isEvaluated: true)[0]
        guard best.leaf != 0 else { return Conclusion(leaf: 0, stopReason: best.stopReason) }
        var leaves = [best.leaf]
        var reflection = try evaluate(best.leaf, in: search)
        for round in 0..<options.maximumRevisions {
            try search.checkCancelled()
            guard let score = search.score(of: best.leaf), score < options.acceptThreshold else { break }
            if reflection == nil { reflection = try search.reflect(on: best.leaf, as: .chain)?.id }
            let length = search.steps(to: best.leaf).reduce(0) { $0 + $1.tokens.count }
            // The new chain is written, and processed once more in its place.
            guard let hint = reflection, search.width(upTo: 1, after: 0, length: 2 * length, isEvaluated: true) == 1
            else {
                break
            }
            search.announceRevision(after: 0, count: 1)
            let chain = try search.writeChains(
                after: [0],
                sampling: round == 0 ? options.primarySampling : options.revisionSampling,
                hint: .reflection(id: hint),
                isEvaluated: true
            )[0]
            guard chain.leaf != 0 else { break }
            leaves.append(chain.leaf)
            let afterthought = try evaluate(chain.leaf, in: search)
            // What is wrong with a worse chain does not help the better one.
            if (search.score(of: chain.leaf) ?? 0) > score { (best, reflection) = (chain, afterthought) }
        }
        search.settle(on: best.leaf, among: leaves)
        search.decide(best.leaf, decision(on: search[best.leaf], options))
        return Conclusion(leaf: best.leaf, stopReason: best.stopReason)
    }

    /// Asks whether a chain is right: at once, or after the model has said what is wrong with it.
    ///
    /// - Returns: the reflection, where one was asked for.
    private func evaluate(_ leaf: Int, in search: SearchSession) throws -> Int? {
        guard search.options.evaluation == .reflection, let reflection = try search.reflect(on: leaf, as: .chain) else {
            try search.evaluate([leaf], as: .chain)
            return nil
        }
        try search.evaluate([leaf], as: .chain, behind: reflection.id)
        return reflection.id
    }

    private func decision(on leaf: StepNode, _ options: SelfEvalOptions) -> StepNode.Decision {
        guard let evaluation = leaf.evaluation else { return .unevaluated }
        guard let score = evaluation.score else { return .uninformative }
        return score >= options.acceptThreshold ? .accepted : .kept
    }
}
