/// Cas-SEAT (arXiv 2501.05662): the long prompt as a cascade of short ones over a whole chain: reason, evaluate, refine,
/// answer. Each is a branch off the shared prefix, the picture in it.
///
/// The released code asks for a reflection only where the ground truth says that the answer is wrong. Here the model's own
/// verdict decides, for every question, and the better chain by that verdict stands.
struct Cascade: Strategy {
    let judges = true

    func run(on bench: Workbench) throws -> Conclusion {
        let options = bench.options
        var best = try bench.writeChains(after: [0], sampling: options.primarySampling, isJudged: true)[0]
        guard best.leaf != 0 else { return Conclusion(leaf: 0, stop: best.stop) }
        var leaves = [best.leaf]
        var reflection = try evaluate(best.leaf, on: bench)
        for round in 0..<options.maximumRevisions {
            try bench.checkCancelled()
            guard let score = bench.score(of: best.leaf), score < options.acceptThreshold else { break }
            if reflection == nil { reflection = try bench.reflect(on: best.leaf, as: .chain)?.id }
            let length = bench.steps(to: best.leaf).reduce(0) { $0 + $1.tokens.count }
            // The new chain is written, and processed once more in its place.
            guard let hint = reflection, bench.width(upTo: 1, after: 0, length: 2 * length, isJudged: true) == 1 else {
                break
            }
            bench.announceRevision(after: 0, count: 1)
            let chain = try bench.writeChains(
                after: [0],
                sampling: round == 0 ? options.primarySampling : options.revisionSampling,
                hint: .reflection(id: hint),
                isJudged: true
            )[0]
            guard chain.leaf != 0 else { break }
            leaves.append(chain.leaf)
            let afterthought = try evaluate(chain.leaf, on: bench)
            // What is wrong with a worse chain does not help the better one.
            if (bench.score(of: chain.leaf) ?? 0) > score { (best, reflection) = (chain, afterthought) }
        }
        bench.settle(on: best.leaf, among: leaves)
        bench.decide(best.leaf, decision(on: bench[best.leaf], options))
        return Conclusion(leaf: best.leaf, stop: best.stop)
    }

    /// Asks whether a chain is right: at once, or after the model has said what is wrong with it.
    ///
    /// - Returns: the reflection, where one was asked for.
    private func evaluate(_ leaf: Int, on bench: Workbench) throws -> Int? {
        guard bench.options.evaluation == .reflection, let reflection = try bench.reflect(on: leaf, as: .chain) else {
            try bench.judge([leaf], as: .chain)
            return nil
        }
        try bench.judge([leaf], as: .chain, behind: reflection.id)
        return reflection.id
    }

    private func decision(on leaf: StepNode, _ options: SelfEvalOptions) -> StepNode.Decision {
        guard let judgement = leaf.judgement else { return .unjudged }
        guard let score = judgement.score else { return .uninformative }
        return score >= options.acceptThreshold ? .accepted : .kept
    }
}
