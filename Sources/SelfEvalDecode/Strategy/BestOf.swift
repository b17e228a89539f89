/// Best of N: several chains, drawn as one batch, and the one whose steps score best. Where no verdict says anything, the
/// majority decides.
struct BestOf: Strategy {
    let judges = true

    func run(on bench: Workbench) throws -> Conclusion {
        let chains = try bench.drawChains(isJudged: true)
        let leaves = chains.map(\.leaf)
        try bench.judgeLines(to: leaves)
        let scores = leaves.map { bench.lineScore(to: $0) }
        let winner: Int
        var confidence: Double?
        if let best = scores.compactMap({ $0 }).max(), let index = scores.firstIndex(of: best) {
            winner = index
            confidence = best
        } else {
            let vote = bench.vote(try bench.answers(after: leaves), weights: nil)
            winner = vote?.winner ?? 0
            confidence = vote?.share
        }
        bench.settle(on: leaves[winner], among: leaves)
        return Conclusion(leaf: leaves[winner], stop: chains[winner].stop, confidence: confidence)
    }
}
