/// What is known about a vote before all of its chains are written.
struct VoteCount {
    /// What is known about one chain's vote.
    enum Ballot: Equatable {
        /// The chain is being written, or is yet to be begun.
        case open
        /// The chain will not be written further, and its vote is not known (yet).
        case unknown
        /// The chain has no vote: it gives no answer, or was pruned.
        case none
        /// The chain votes for the answer with this key.
        case cast(String)
    }

    var ballots: [Ballot]

    /// The answer that is ahead.
    struct Leader: Equatable {
        let key: String
        let votes: Int
        /// The first chain that votes for it.
        let first: Int
        /// Its votes beyond those of the second.
        let lead: Int
    }

    /// The answer with the most votes, the first among equals; `nil` before the first vote.
    var leader: Leader? {
        let ranked = tally.sorted { ($1.value.votes, $0.value.first) < ($0.value.votes, $1.value.first) }
        return ranked.first.map { key, value in
            let second = ranked.dropFirst().first?.value.votes ?? 0
            return Leader(key: key, votes: value.votes, first: value.first, lead: value.votes - second)
        }
    }

    /// For each answer, its votes and the first chain that gives it.
    private var tally: [String: (votes: Int, first: Int)] {
        var tally: [String: (votes: Int, first: Int)] = [:]
        for (index, ballot) in ballots.enumerated() {
            guard case .cast(let key) = ballot else { continue }
            tally[key] = (1 + (tally[key]?.votes ?? 0), tally[key]?.first ?? index)
        }
        return tally
    }

    /// Whether the leader wins whatever the votes are that are not known, ties included: of equals the one wins that an earlier
    /// chain gives.
    var isDecided: Bool {
        guard let leader else { return false }
        let missing = ballots.indices.filter { ballots[$0] == .open || ballots[$0] == .unknown }
        let firstMissing = missing.first ?? .max
        func staysBehind(_ votes: Int, first: Int) -> Bool {
            votes + missing.count < leader.votes
                || (votes + missing.count == leader.votes && leader.first < min(first, firstMissing))
        }
        // An answer that nobody gives yet, and each of the others.
        return staysBehind(0, first: .max)
            && tally.allSatisfy { $0.key == leader.key || staysBehind($0.value.votes, first: $0.value.first) }
    }

    /// The open chains that cannot change the result: neither which answer wins nor the first chain that gives it, whose text
    /// stands, nor whether its share of the votes reaches a threshold.
    func dispensable(threshold: Double?) -> [Int] {
        guard isDecided, let leader else { return [] }
        if let threshold {
            let missing = ballots.count { $0 == .open || $0 == .unknown }
            let known = tally.values.reduce(0) { $0 + $1.votes }
            let lowest = Double(leader.votes) / Double(ballots.count)
            let highest = Double(leader.votes + missing) / Double(known + missing)
            guard lowest >= threshold || highest < threshold else { return [] }
        }
        return ballots.indices.filter { $0 > leader.first && ballots[$0] == .open }
    }
}
