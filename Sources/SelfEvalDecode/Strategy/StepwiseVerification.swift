import EMLLMCore

/// Reasons step by step: write a step, judge it, then accept it, write it again, or take steps before it back.
///
/// A step that does not pass is written again a few times, drawn or at further looks at the pictures, then written once more
/// behind a reflection on what is wrong (where that is asked for); when even the best candidate stays below the lower
/// threshold, the weakest earlier step is taken back and written anew. Taking steps back, and putting them in their place
/// again when nothing better comes, processes nothing: they are still in the cache.
struct StepwiseVerification: Strategy {
    let judges = true

    func run(on bench: Workbench) throws -> Conclusion {
        var search = VerificationSearch(bench: bench)
        let stop = try search.run()
        return Conclusion(leaf: search.leaf, stop: stop)
    }
}

/// The state of one verification.
private struct VerificationSearch {
    let bench: Workbench
    /// The nodes that stand, in order.
    private var path: [Int] = []
    /// Steps that are not taken back (again).
    private var settled: Set<Int> = []
    private var backtracks = 0
    /// What stood before the last backtrack, while its place is written anew.
    private var reopened: Reopened?

    /// Steps that were taken back, and what they were taken back for.
    private struct Reopened {
        /// The node that was taken back, and those that stood behind it.
        let nodes: [Int]
        /// The best candidate behind them.
        let best: Int
    }

    init(bench: Workbench) { self.bench = bench }

    private var options: SelfEvalOptions { bench.options }
    /// The last node that stands.
    var leaf: Int { path.last ?? 0 }

    mutating func run() throws -> ReasoningStop {
        while true {
            try bench.checkCancelled()
            guard reopened != nil || path.count < options.maximumSteps else { return .maximumSteps }
            if let stop = try fillNextPlace() { return stop }
            if reopened == nil, let stop = bench.stop(after: leaf) { return stop }
        }
    }

    /// Writes candidates behind the last step until one stands, or says why there is none.
    private mutating func fillNextPlace() throws -> ReasoningStop? {
        var candidates: [Int] = []
        if reopened == nil {
            guard bench.width(upTo: 1, after: leaf, length: 1, isJudged: true) == 1 else { return .budget }
            candidates = try writeAndJudge([.init(sampling: options.primarySampling)])
            let first = bench[candidates[0]]
            if first.rejection == .empty, first.end == .endOfTurn || first.end == .budget {
                bench.decide(first.id, .rejected)
                return first.end == .budget ? .budget : .endOfTurn
            }
        }
        var remaining = options.maximumRevisions
        let length = bench[candidates.first ?? reopened?.nodes.first ?? 1].tokens.count
        while remaining > 0, !hasStanding(candidates) {
            let wanted = min(remaining, options.revisionWidth)
            let width = bench.width(upTo: wanted, after: leaf, length: length, isJudged: true)
            guard width > 0 else { break }
            bench.announceRevision(after: leaf, count: width)
            let number = 1 + options.maximumRevisions - remaining
            candidates += try writeAndJudge(
                bench.manners(of: number..<(number + width), after: leaf, extent: .step, isJudged: true)
            )
            remaining -= width
        }
        if options.usesHints, options.maximumRevisions > 0, !hasStanding(candidates) {
            candidates += try writeBehindReflection(on: best(candidates) ?? candidates.first)
        }
        return decide(candidates)
    }

    private func writeAndJudge(_ manners: [Workbench.Manner]) throws -> [Int] {
        let nodes = try bench.write(manners.map { (leaf, $0) }).map { $0[0] }
        try bench.judge(nodes.filter { bench[$0].rejection == nil })
        return nodes
    }

    /// Asks what is wrong with the best candidate, and writes the step again with that in sight.
    private func writeBehindReflection(on candidate: Int?) throws -> [Int] {
        guard let candidate, bench[candidate].rejection == nil, let reflection = try bench.reflect(on: candidate),
            bench.width(upTo: 1, after: leaf, length: 2 * bench[candidate].tokens.count, isJudged: true) == 1
        else { return [] }
        bench.announceRevision(after: leaf, count: 1)
        let hint = StepNode.Hint.reflection(id: reflection.id)
        return try writeAndJudge([.init(sampling: options.primarySampling, hint: hint)])
    }

    // MARK: Decisions

    /// Whether one of the candidates stands as it is: it passes, or its verdict says nothing.
    private func hasStanding(_ candidates: [Int]) -> Bool {
        candidates.contains { candidate in
            guard bench[candidate].rejection == nil, let judgement = bench[candidate].judgement else { return false }
            return judgement.score.map { $0 >= options.acceptThreshold } ?? true
        }
    }

    /// The candidate with the highest score, the earliest among equals.
    private func best(_ candidates: [Int]) -> Int? {
        let judged = candidates.filter { bench[$0].rejection == nil && bench.score(of: $0) != nil }
        return judged.max { (score($0), $1) < (score($1), $0) }
    }

    private func score(_ node: Int) -> Double { bench.score(of: node) ?? 0 }

    /// Decides about candidates; the reason to stop where none stands and no step can be taken back.
    private mutating func decide(_ candidates: [Int]) -> ReasoningStop? {
        let standing = candidates.filter { bench[$0].rejection == nil }
        let best = best(candidates)
        if let best, score(best) >= options.rejectThreshold {
            return commit(best, score(best) >= options.acceptThreshold ? .accepted : .kept, among: candidates)
        }
        if let silent = standing.first(where: { bench[$0].judgement != nil && bench.score(of: $0) == nil }) {
            return commit(silent, .uninformative, among: candidates)
        }
        if let unjudged = standing.first(where: { bench[$0].judgement == nil }) {
            return commit(unjudged, .unjudged, among: candidates)
        }
        if let best, let weakest = weakestStep {
            for node in candidates { bench.decide(node, .rejected) }
            return takeBack(from: weakest, for: best)
        }
        if let reopened, best.map(score) ?? 0 <= score(reopened.nodes[0]) {
            for node in candidates { bench.decide(node, .rejected) }
            return restore(reopened)
        }
        if let best { return commit(best, .kept, among: candidates) }
        for node in candidates { bench.decide(node, .rejected) }
        return .exhausted
    }

    private mutating func commit(
        _ node: Int,
        _ decision: StepNode.Decision,
        among candidates: [Int]
    ) -> ReasoningStop? {
        for other in candidates where other != node { bench.decide(other, .rejected) }
        bench.release(candidates.filter { $0 != node })
        bench.decide(node, decision)
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
    private mutating func takeBack(from place: Int, for best: Int) -> ReasoningStop? {
        let nodes = Array(path[place...])
        let backtrack = Backtrack(from: leaf, to: nodes[0], bestScore: score(best))
        bench.takeBack(backtrack, nodes: nodes)
        backtracks += 1
        reopened = Reopened(nodes: nodes, best: best)
        path.removeSubrange(place...)
        return nil
    }

    /// Puts the steps that were taken back in their places again, with the best that was found behind them.
    private mutating func restore(_ reopened: Reopened) -> ReasoningStop? {
        for node in reopened.nodes {
            bench.decide(node, .restored)
            settled.insert(node)
        }
        path += reopened.nodes
        self.reopened = nil
        settled.insert(reopened.best)
        bench.decide(reopened.best, .kept)
        path.append(reopened.best)
        return nil
    }
}
