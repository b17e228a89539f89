import SelfEvalDecode

/// An answer that several lines propose.
struct ProposalCount {
    /// As the first of them spells it.
    let text: String
    /// The lines that propose it: their numbers, from 1, and the nodes that they end with.
    let lines: [(number: Int, leaf: Int)]

    /// Counts answers, the most frequent first, and equally frequent ones in order of appearance. Answers that are
    /// equal in a vote are counted together.
    static func tally(_ proposals: [Answer]) -> [ProposalCount] {
        var order: [String] = []
        var groups: [String: [(number: Int, answer: Answer)]] = [:]
        for (index, proposal) in proposals.enumerated() {
            let key = proposal.voteKey
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append((index + 1, proposal))
        }
        let counts = order.compactMap { groups[$0] }.map { group in
            ProposalCount(text: group[0].answer.text, lines: group.map { ($0.number, $0.answer.node) })
        }
        return counts.enumerated().sorted { ($1.element.lines.count, $0.offset) < ($0.element.lines.count, $1.offset) }
            .map(\.element)
    }
}
