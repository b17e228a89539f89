/// Ends chains that are less sure than those that are complete (DeepConf, arXiv 2508.15260).
///
/// A chain is as sure as its least sure part is: the lowest mean log-probability of any window of tokens. That only falls while
/// the chain is written. A chain is pruned once it is below the median of the chains of the same question that are complete.
///
/// On small models pruning by confidence alone does worse than voting, so it never goes further than a plain vote can bear:
///
/// - At least three chains, and at least half of them, are never pruned.
/// - A chain is pruned only while the answer that is ahead has more votes than any other would have if every pruned chain, this
///   one included, had voted for that one.
enum ChainPruning {
    /// The chains to prune now, the least sure first.
    ///
    /// - Parameters:
    ///   - chains: those that are being written, or were ended.
    ///   - count: the votes of all chains.
    ///   - earlier: how many were pruned before these were begun.
    static func prunable(_ chains: [ChainProgress], in count: VoteCount, earlier: Int = 0) -> [Int] {
        let whole = chains.filter { $0.state == .complete }.compactMap(\.windowConfidence).sorted()
        guard let lead = count.leader?.lead, lead > 1, whole.count > 1 else { return [] }
        let median = whole[(whole.count - 1) / 2]
        func confidence(_ index: Int) -> Double { chains[index].windowConfidence ?? 0 }
        let unsure = chains.indices.filter { chains[$0].state == .writing && confidence($0) < median }
            .sorted { (confidence($0), $0) < (confidence($1), $1) }
        let pruned = earlier + chains.count { $0.state == .ended(.pruned) }
        let most = min(mostPruned(of: count.ballots.count), lead - 1)
        return Array(unsure.prefix(max(0, most - pruned)))
    }

    /// The most chains that are pruned of so many.
    static func mostPruned(of chains: Int) -> Int { max(0, chains - max(3, (chains + 1) / 2)) }
}
