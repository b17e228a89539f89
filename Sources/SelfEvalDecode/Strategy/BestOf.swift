/// Best of N: several chains, drawn as one batch, and the one whose steps score best. Where no verdict says anything, the
/// majority decides.
struct BestOf: Strategy {
    let name = StrategyName.bestOf
    let evaluatesSteps = true

    func run(in search: SearchSession) throws -> Conclusion {
        let chains = try search.drawAndEvaluateChains()
        let leaves = chains.map(\.leaf)
        let scores = leaves.map { search.lineScore(to: $0) }
        let winner: Int
        var confidence: Double?
        if let best = scores.compactMap({ $0 }).max(), let index = scores.firstIndex(of: best) {
            winner = index
            confidence = best
        } else {
            let vote = search.vote(try search.answers(after: leaves), weights: nil)
            winner = vote?.winner ?? 0
            confidence = vote?.share
        }
        search.settle(on: leaves[winner], among: leaves)
        return Conclusion(leaf: leaves[winner], stopReason: chains[winner].stopReason, confidence: confidence)
    }
}
