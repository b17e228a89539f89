import EMLLMCore

/// A procedure that comes from a question to an answer.
///
/// Strategies see nothing but a ``SearchSession``: they write texts behind nodes, evaluate them, and say what stands. One file
/// each; ``StrategyName`` lists them.
protocol Strategy {
    /// Whether it asks for verdicts on steps, so that the prior is worth asking for.
    var evaluatesSteps: Bool { get }
    /// Works on a question whose prompt is read.
    func run(on search: SearchSession) throws -> Conclusion
}

/// Where a strategy arrived.
struct Conclusion {
    /// The last node of the line that stands; 0 where there is none.
    var leaf: Int
    /// Why it stopped.
    var stop: ReasoningStopReason
    /// The answer; `nil` takes the one that the line states, or asks for it.
    var answer: Answer?
    /// How sure it is; `nil` takes the line's score.
    var confidence: Double?
}

extension StrategyName {
    /// The procedure, for some options.
    func make(_ options: SelfEvalOptions) -> any Strategy {
        switch self {
        case .cot: ChainOfThought(evaluatesSteps: options.evaluatesChains)
        case .vote: Vote(evaluatesSteps: options.evaluatesChains || options.weighsVotes)
        case .seat: InlineEvaluation()
        case .casSEAT: Cascade()
        case .verify: StepwiseVerification()
        case .bestOf: BestOf()
        case .beam: BeamSearch()
        case .adaptive: AdaptiveWidening()
        }
    }
}

extension SearchSession {
    /// Why nothing follows a node; `nil` where a line can go on.
    func stop(after node: Int) -> ReasoningStopReason? {
        if statedAnswer(in: node) != nil { return .answered }
        switch trace[node]?.end {
        case .endOfTurn?: return .endOfTurn
        case .budget?: return .budget
        default: return nil
        }
    }

    /// Writes whole chains behind nodes as one batch, and says which of their steps stand.
    ///
    /// - Returns: for each chain its last step that stands (the node it began behind where none does), and why it stopped.
    func writeChains(
        after parents: [Int],
        sampling: GenerationOptions,
        hint: StepNode.Hint? = nil,
        isEvaluated: Bool
    ) throws -> [(leaf: Int, stop: ReasoningStopReason)] {
        let draft = DraftOptions(extent: turn(after: parents), sampling: sampling, hint: hint, isEvaluated: isEvaluated)
        return try writeChains(parents.map { ($0, draft) })
    }

    /// Writes whole chains as one batch, each in its own manner, and says which of their steps stand.
    func writeChains(_ chains: [(parent: Int, draft: DraftOptions)]) throws -> [(leaf: Int, stop: ReasoningStopReason)] {
        try zip(chains, write(chains)).map { chain, nodes in chainEnd(of: nodes, after: chain.parent) }
    }

    /// How far chains behind nodes may go.
    func turn(after parents: [Int]) -> DraftOptions.Extent {
        let known = parents.map { steps(to: $0).count }.max() ?? 0
        return .turn(maximumSteps: max(1, options.maximumSteps - known))
    }

    private func chainEnd(of nodes: [Int], after parent: Int) -> (leaf: Int, stop: ReasoningStopReason) {
        // White space, or the same again, at the end of a chain is no part of it.
        let standing = nodes.prefix { self[$0].rejection == nil }
        for node in nodes { decide(node, standing.contains(node) ? .written : .rejected) }
        let leaf = standing.last ?? parent
        // The last text may be white space that ended the turn: then the turn ended, though the line does not show it.
        let stop = stop(after: leaf) ?? nodes.last.flatMap { self.stop(after: $0) }
        return (leaf, stop ?? (standing.count < nodes.count ? .exhausted : .maximumSteps))
    }

    /// Says that all lines but one are given up.
    func settle(on leaf: Int, among leaves: [Int]) {
        let kept = Set(trace.line(to: leaf).map(\.id))
        for node in leaves.flatMap({ trace.line(to: $0).map(\.id) }) where !kept.contains(node) {
            decide(node, .abandoned)
        }
    }

    /// The answer that most lines give, by weight; `nil` where none gives any.
    ///
    /// - Parameters:
    ///   - answers: one for each line.
    ///   - weights: what each line counts; all the same where `nil`, which is plain self-consistency.
    /// - Returns: the index of the heaviest line that gives the winning answer, and the answer's share of the weight.
    func vote(_ answers: [Answer?], weights: [Double]?) -> (winner: Int, share: Double)? {
        var totals: [String: Double] = [:]
        var order: [String] = []
        var total = 0.0
        func weight(_ index: Int) -> Double { weights?[index] ?? 1 }
        for (index, answer) in answers.enumerated() {
            guard let answer else { continue }
            let key = answer.voteKey
            if totals[key] == nil { order.append(key) }
            totals[key, default: 0] += weight(index)
            total += weight(index)
        }
        // The first among equals.
        guard let best = order.max(by: { (totals[$0] ?? 0) < (totals[$1] ?? 0) }) else { return nil }
        let winning = order.first { totals[$0] == totals[best] } ?? best
        let voters = answers.indices.filter { answers[$0]?.voteKey == winning }
        let heaviest = voters.map(weight).max() ?? 0
        guard let winner = voters.first(where: { weight($0) == heaviest }) else { return nil }
        return (winner, total > 0 ? (totals[winning] ?? 0) / total : 0)
    }
}
