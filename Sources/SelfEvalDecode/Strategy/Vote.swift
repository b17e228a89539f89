/// Self-consistency (arXiv 2203.11171): several chains, drawn as one batch, and the answer that most of them give. With further
/// views of the pictures each chain is written with one of them.
///
/// Chains that cannot change the result any more are ended while they are written, and so are the least sure ones where that is
/// asked for. Where chains are to agree, only as many are begun as that takes at least, then the next. Votes may count by what
/// the steps' verdicts come to; where no verdict says anything, by the confidence of their chains.
struct Vote: Strategy {
    let name = StrategyName.vote
    /// Whether steps are evaluated.
    let evaluatesSteps: Bool

    /// The chains so far, in the order of their numbers.
    private struct Chains {
        var ends: [(leaf: Int, stopReason: ReasoningStopReason)] = []
        /// What each chain answers; `nil` where it gives no answer, or was cut.
        var answers: [Answer?] = []

        /// What is known about the votes of all chains, those included that were not begun.
        func count(of all: Int) -> VoteCount {
            let known = zip(ends, answers).map { end, answer -> VoteCount.Ballot in
                if let answer { return .cast(answer.voteKey) }
                return end.stopReason.earlyEnd == .decided ? .unknown : .none
            }
            return VoteCount(ballots: known + Array(repeating: .open, count: max(0, all - known.count)))
        }
    }

    func run(in search: SearchSession) throws -> Conclusion {
        let options = search.options
        var chains = Chains()
        while let numbers = next(chains, options) {
            let written = chains.ends.map(\.leaf)
            let width = search.chainWidth(upTo: numbers.count, behind: written, isEvaluated: evaluatesSteps)
            guard width > 0 || chains.ends.isEmpty else { break }
            let drawn = numbers.lowerBound..<(numbers.lowerBound + max(1, width))
            try draw(drawn, &chains, in: search)
            // Without the budget for as many as there should be now, there is none for more.
            if drawn.count < numbers.count, !options.dividesBudget { break }
            if chains.ends.contains(where: { $0.stopReason == .budget }) { break }
        }
        return conclude(chains, in: search)
    }

    /// The chains that are written next, as one batch; `nil` where enough are.
    private func next(_ chains: Chains, _ options: SelfEvalOptions) -> Range<Int>? {
        let begun = chains.ends.count
        guard begun < options.chains else { return nil }
        guard let wanted = options.untilAgree else {
            // How much of a budget a chain takes is known once there is one.
            if options.dividesBudget { return begun..<(begun == 0 ? 1 : options.chains) }
            return begun == 0 ? 0..<options.chains : nil
        }
        let count = chains.count(of: options.chains)
        let agreeing = count.leader?.votes ?? 0
        if agreeing >= wanted || (mayEndEarly(options) && count.isDecided) { return nil }
        // So many are needed, whatever they say.
        return begun..<min(options.chains, begun + wanted - agreeing)
    }

    private func draw(_ numbers: Range<Int>, _ chains: inout Chains, in search: SearchSession) throws {
        let ends = try search.drawChains(
            numbers,
            isEvaluated: evaluatesSteps,
            endingEarly: monitor(chains, numbers, search.options)
        )
        // What a chain says that was cut is no vote. One that the budget cuts has one where there is no other.
        let mayBeCut = !search.options.dividesBudget || chains.ends.isEmpty
        func votes(_ end: (leaf: Int, stopReason: ReasoningStopReason)) -> Bool {
            end.stopReason.earlyEnd == nil && (mayBeCut || end.stopReason != .budget)
        }
        let whole = ends.filter(votes).map(\.leaf)
        if evaluatesSteps { try search.evaluateLines(to: whole) }
        var answers = try search.answers(after: whole)[...]
        chains.ends += ends
        chains.answers += ends.map { votes($0) ? answers.removeFirst() : nil }
    }

    private func conclude(_ chains: Chains, in search: SearchSession) -> Conclusion {
        let leaves = chains.ends.map(\.leaf)
        let weights = search.options.weighsVotes ? search.voteWeights(of: leaves) : nil
        guard let (winner, share) = search.vote(chains.answers, weights: weights) else {
            search.settle(on: leaves[0], among: leaves)
            return Conclusion(leaf: leaves[0], stopReason: chains.ends[0].stopReason)
        }
        search.settle(on: leaves[winner], among: leaves)
        let isWhole = chains.ends.allSatisfy { $0.stopReason.earlyEnd == nil }
        return Conclusion(
            leaf: leaves[winner],
            stopReason: chains.ends[winner].stopReason,
            answer: chains.answers[winner],
            confidence: isWhole || weights != nil ? share : lowestShare(of: winner, chains)
        )
    }

    /// The share of an answer where chains were cut: none of the votes that are not known may be for it.
    private func lowestShare(of winner: Int, _ chains: Chains) -> Double {
        let votes = chains.answers.count { $0 != nil && $0?.voteKey == chains.answers[winner]?.voteKey }
        let silent = zip(chains.ends, chains.answers).count { $0.stopReason.earlyEnd == nil && $1 == nil }
        return Double(votes) / Double(chains.ends.count - silent)
    }

    // MARK: Ending chains

    /// Whether chains are ended that cannot change the result.
    private func mayEndEarly(_ options: SelfEvalOptions) -> Bool { options.endsDecidedVotes && !evaluatesSteps }

    /// Ends chains while they are written; `nil` where each is wanted whole.
    private func monitor(
        _ earlier: Chains,
        _ numbers: Range<Int>,
        _ options: SelfEvalOptions
    ) -> (([ChainProgress]) -> [Int: EarlyEnd])? {
        guard mayEndEarly(options) || options.prunesChains else { return nil }
        let all = options.untilAgree == nil && !options.dividesBudget ? numbers.upperBound : options.chains
        let pruned = earlier.ends.count { $0.stopReason == .pruned }
        var states: [ChainProgress.State] = []
        return { chains in
            // Without pruning only the end of a chain changes anything, and most tokens end none.
            guard options.prunesChains || chains.map(\.state) != states else { return [:] }
            states = chains.map(\.state)
            var count = earlier.count(of: all)
            for (number, chain) in zip(numbers, chains) { count.ballots[number] = chain.ballot }
            var ends: [Int: EarlyEnd] = [:]
            if options.prunesChains {
                for index in ChainPruning.prunable(chains, in: count, earlier: pruned) {
                    ends[index] = .pruned
                    count.ballots[numbers.lowerBound + index] = .none
                }
            }
            if mayEndEarly(options) {
                for number in count.dispensable(threshold: options.abstainBelow) where numbers.contains(number) {
                    ends[number - numbers.lowerBound] = .decided
                }
            }
            return ends
        }
    }
}

extension ChainProgress {
    /// What is known about the chain's vote.
    var ballot: VoteCount.Ballot {
        switch state {
        case .writing: .open
        case .complete: answer.map { .cast(AnswerText.voteKey($0)) } ?? .unknown
        case .ended(.decided): .unknown
        case .ended(.pruned): .none
        }
    }
}

extension SelfEvalOptions {
    /// Whether a vote by these options ends the same chains at the same places as one by `other` options.
    func endsChainsLike(_ other: SelfEvalOptions) -> Bool {
        strategy == other.strategy && chains == other.chains && endsDecidedVotes == other.endsDecidedVotes
            && weighsVotes == other.weighsVotes && evaluatesChains == other.evaluatesChains
            && abstainBelow == other.abstainBelow && untilAgree == other.untilAgree
            && dividesBudget == other.dividesBudget && prunesChains == other.prunesChains
            && confidenceWindow == other.confidenceWindow
    }
}
