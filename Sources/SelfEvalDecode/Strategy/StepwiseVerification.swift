import EMLLMCore

/// Reasons step by step: write a step, evaluate it, then accept it, write it again, or take steps before it back.
///
/// A step that does not pass is written again a few times, drawn or with further views of the pictures, then written once more
/// behind a reflection on what is wrong (where that is asked for); when even the best candidate stays below the lower
/// threshold, the weakest earlier step is taken back and rewritten. Taking steps back, and putting them in their place
/// again when nothing better comes, processes nothing: they are still in the cache.
struct StepwiseVerification: Strategy {
    let name = StrategyName.verify
    let evaluatesSteps = true

    func run(in search: SearchSession) throws -> Conclusion {
        var verification = VerificationSearch(search: search)
        let stopReason = try verification.run()
        return Conclusion(leaf: verification.leaf, stopReason: stopReason)
    }
}

/// The state of one verification.
private struct VerificationSearch {
    let search: SearchSession
    /// The accepted nodes, in order.
    private var path: [Int] = []
    /// Steps that are not taken back (again).
    private var settled: Set<Int> = []
    private var backtracks = 0
    /// What stood before the last backtrack, while its place is rewritten.
    private var reopened: Reopened?

    /// Steps that were taken back, and what they were taken back for.
    private struct Reopened {
        /// The node that was taken back, and those that stood behind it.
        let nodes: [Int]
        /// The best candidate behind them.
        let best: Int
    }

    init(search: SearchSession) { self.search = search }

    private var options: SelfEvalOptions { search.options }
    /// The last node that stands.
    var leaf: Int { path.last ?? 0 }

    mutating func run() throws -> ReasoningStopReason {
        while true {
            try search.checkCancelled()
            guard reopened != nil || path.count < options.maximumSteps else { return .maximumSteps }
            if let stop = try fillNextPlace() { return stop }
            if reopened == nil, let stop = search.stopReason(after: leaf) { return stop }
        }
    }

    /// Writes candidates behind the last step until one stands, or says why there is none.
    private mutating func fillNextPlace() throws -> ReasoningStopReason? {
        var candidates: [Int] = []
        if reopened == nil {
            guard search.width(upTo: 1, after: leaf, length: 1, isEvaluated: true) == 1 else { return .budget }
            candidates = try draftAndEvaluate([.init(sampling: options.primarySampling)])
            let first = search[candidates[0]]
            if first.rejection == .empty, first.end == .endOfTurn || first.end == .budget {
                search.decide(first.id, .rejected)
                return first.end == .budget ? .budget : .endOfTurn
            }
        }
        var remaining = options.maximumRevisions
        if let first = candidates.first, !hasStanding(candidates) {
            let rewritten = try search.rewriteRefuted(first, after: leaf, upTo: remaining)
            candidates += rewritten
            remaining -= rewritten.count
        }
        // What was calculated is worth more than another draw.
        if remaining > 0, !hasStanding(candidates),
            let refuted = candidates.first(where: { search[$0].evaluation?.calculatedHint != nil })
        {
            candidates += try writeBehindReflection(on: refuted)
        }
        let length = search[candidates.first ?? reopened?.nodes.first ?? 1].tokens.count
        while remaining > 0, !hasStanding(candidates) {
            let wanted = min(remaining, options.revisionWidth)
            let width = search.width(upTo: wanted, after: leaf, length: length, isEvaluated: true)
            guard width > 0 else { break }
            search.announceRevision(after: leaf, count: width)
            let number = 1 + options.maximumRevisions - remaining
            candidates += try draftAndEvaluate(
                search.draftOptions(for: number..<(number + width), after: leaf, extent: .step, isEvaluated: true)
            )
            remaining -= width
        }
        if options.usesHints, options.maximumRevisions > 0, !hasStanding(candidates) {
            candidates += try writeBehindReflection(on: best(candidates) ?? candidates.first)
        }
        return decide(candidates)
    }

    private func draftAndEvaluate(_ drafts: [DraftOptions]) throws -> [Int] {
        let nodes = try search.write(drafts.map { (leaf, $0) }).map { $0[0] }
        try search.evaluate(nodes.filter { search[$0].rejection == nil })
        return nodes
    }

    /// Asks what is wrong with the best candidate, and writes the step again with that in sight.
    private func writeBehindReflection(on candidate: Int?) throws -> [Int] {
        guard let candidate, search[candidate].rejection == nil, let reflection = try search.reflect(on: candidate),
            search.width(upTo: 1, after: leaf, length: 2 * search[candidate].tokens.count, isEvaluated: true) == 1
        else { return [] }
        search.announceRevision(after: leaf, count: 1)
        let hint = StepNode.Hint.reflection(id: reflection.id)
        return try draftAndEvaluate([.init(sampling: options.primarySampling, hint: hint)])
    }

    // MARK: Decisions

    /// Whether one of the candidates stands as it is: it passes, or its verdict says nothing.
    private func hasStanding(_ candidates: [Int]) -> Bool {
        candidates.contains { candidate in
            guard search[candidate].rejection == nil, let evaluation = search[candidate].evaluation else {
                return false
            }
            return evaluation.score.map { $0 >= options.acceptThreshold } ?? true
        }
    }

    /// The candidate with the highest score, the earliest among equals.
    private func best(_ candidates: [Int]) -> Int? {
        let evaluated = candidates.filter { search[$0].rejection == nil && search.score(of: $0) != nil }
        return evaluated.max { (score($0), $1) < (score($1), $0) }
    }

    private func score(_ node: Int) -> Double { search.score(of: node) ?? 0 }

    /// Decides about candidates; the reason to stop where none stands and no step can be taken back.
    private mutating func decide(_ candidates: [Int]) -> ReasoningStopReason? {
        let standing = candidates.filter { search[$0].rejection == nil }
        let best = best(candidates)
        if let best, score(best) >= options.rejectThreshold {
            return commit(best, score(best) >= options.acceptThreshold ? .accepted : .kept, among: candidates)
        }
        if let silent = standing.first(where: { search[$0].evaluation != nil && search.score(of: $0) == nil }) {
            return commit(silent, .uninformative, among: candidates)
        }
        if let unevaluated = standing.first(where: { search[$0].evaluation == nil }) {
            return commit(unevaluated, .unevaluated, among: candidates)
        }
        if let best, let weakest = weakestStep {
            for node in candidates { search.decide(node, .rejected) }
            return takeBack(from: weakest, for: best)
        }
        if let reopened, best.map(score) ?? 0 <= score(reopened.nodes[0]) {
            for node in candidates { search.decide(node, .rejected) }
            return restore(reopened)
        }
        if let best { return commit(best, .kept, among: candidates) }
        for node in candidates { search.decide(node, .rejected) }
        return .exhausted
    }

    private mutating func commit(
        _ node: Int,
        _ decision: StepNode.Decision,
        among candidates: [Int]
    ) -> ReasoningStopReason? {
        for other in candidates where other != node { search.decide(other, .rejected) }
        search.release(candidates.filter { $0 != node })
        search.decide(node, decision)
        path.append(node)
        reopened = nil
        return nil
    }

    /// The place in the path of the weakest step that may be taken back; the last among equals.
    private var weakestStep: Int? {
        guard backtracks < options.maximumBacktracks, options.maximumRevisions > 0, reopened == nil else { return nil }
        let open = path.indices.filter { !settled.contains(path[$0]) }
        return open.min { (score(path[$0]), $1) < (score(path[$1]), $0) }
    }

    /// Takes back the steps from a place on, and opens it.
    private mutating func takeBack(from place: Int, for best: Int) -> ReasoningStopReason? {
        let nodes = Array(path[place...])
        let backtrack = Backtrack(from: leaf, to: nodes[0], bestScore: score(best))
        search.takeBack(backtrack, nodes: nodes)
        backtracks += 1
        reopened = Reopened(nodes: nodes, best: best)
        path.removeSubrange(place...)
        return nil
    }

    /// Puts the steps that were taken back in their places again, with the best that was found behind them.
    private mutating func restore(_ reopened: Reopened) -> ReasoningStopReason? {
        for node in reopened.nodes {
            search.decide(node, .restored)
            settled.insert(node)
        }
        path += reopened.nodes
        self.reopened = nil
        settled.insert(reopened.best)
        search.decide(reopened.best, .kept)
        path.append(reopened.best)
        return nil
    }
}
