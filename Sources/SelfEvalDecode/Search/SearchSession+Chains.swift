import Foundation

// MARK: Chains from the question

extension SearchSession {
    /// The most chains from the question that the budget allows to begin; where it is divided among chains, the most that it
    /// allows to be written to their ends.
    ///
    /// - Parameter written: the ends of the chains that there are.
    func chainWidth(upTo count: Int, behind written: [Int] = [], isEvaluated: Bool) -> Int {
        guard options.dividesBudget, !written.isEmpty else {
            return width(upTo: count, after: 0, length: options.prompts.step.maximumTokens, isEvaluated: isEvaluated)
        }
        // As the longest one so far, and somewhat longer, each step with its verdict, the answer asked for.
        let lines = written.map { steps(to: $0) }
        let longest = lines.map { $0.reduce(0) { $0 + $1.written } }.max() ?? 0
        let evaluations = isEvaluated ? costs.evaluation * (lines.map(\.count).max() ?? 0) : 0
        let isSilent = written.contains { statedAnswer(onLineTo: $0) == nil }
        let answer = isSilent ? costs.answer + options.budget.answerTokens : 0
        let length = longest + longest / 4
        let room = source.position(after: 0) + length + max(ledger.meter.reservedTokens, costs.evaluation)
        guard count > 0, room <= source.contextLength else { return 0 }
        return (1...count).last { width in
            let prompts = width * (evaluations + answer)
            let expense = Expense(promptTokens: prompts, branches: width, written: width * (length + 2))
            return ledger.meter.allows(expense)
        } ?? 0
    }

    /// Draws as many chains from the question as the options say and the budget allows, one at least, and evaluates them.
    func drawAndEvaluateChains() throws -> [(leaf: Int, stopReason: ReasoningStopReason)] {
        var chains: [(leaf: Int, stopReason: ReasoningStopReason)] = []
        repeat {
            let begun = chains.count
            // How much of a budget a chain takes is known once there is one.
            let wanted = options.dividesBudget && begun == 0 ? 1 : options.chains - begun
            let width = chainWidth(upTo: wanted, behind: chains.map(\.leaf), isEvaluated: true)
            if width == 0, begun > 0 { break }
            let drawn = try drawChains(begun..<(begun + max(1, width)), isEvaluated: true)
            // What the budget cuts is no match for whole chains.
            chains += drawn.filter { begun == 0 || $0.stopReason != .budget }
            try evaluateLines(to: drawn.map(\.leaf))
            if drawn.contains(where: { $0.stopReason == .budget }) { break }
        } while options.dividesBudget && chains.count < options.chains
        return chains
    }

    /// Draws chains from the question as one batch.
    ///
    /// - Parameter numbers: which of the run's chains they are.
    func drawChains(
        _ numbers: Range<Int>,
        isEvaluated: Bool,
        endingEarly monitor: (([ChainProgress]) -> [Int: EarlyEnd])? = nil
    ) throws -> [(leaf: Int, stopReason: ReasoningStopReason)] {
        let drafts = draftOptions(for: numbers, after: 0, extent: turn(after: [0]), isEvaluated: isEvaluated)
        let chains = drafts.map { (parent: 0, draft: $0) }
        return try monitor.map { try writeChains(chains, endingEarly: $0) } ?? writeChains(chains)
    }

    /// What the votes of lines count: what their steps' evaluations come to; where no evaluation says anything, how sure the
    /// model was of them.
    func voteWeights(of leaves: [Int]) -> [Double] {
        let scores = leaves.map { lineScore(to: $0) }
        guard scores.contains(where: { $0 != nil }) else { return leaves.map { lineConfidence(to: $0) } }
        return scores.map { $0 ?? 0 }
    }

    /// The probability of a token where a line is least sure: over any ``SelfEvalOptions/confidenceWindow`` tokens of a step in a
    /// row, the lowest geometric mean (``StepNode/windowConfidence``; the lowest group confidence of arXiv 2508.15260).
    ///
    /// - Returns: from 0 to 1; 0 for a line without steps.
    public func lineConfidence(to leaf: Int) -> Double {
        steps(to: leaf).map(\.windowConfidence).min().map { exp($0) } ?? 0
    }
}
