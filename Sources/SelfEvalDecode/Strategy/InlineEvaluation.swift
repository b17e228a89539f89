/// SEAT (arXiv 2501.05662): one long prompt; the model writes an evaluation between markers where it doubts a step, and it
/// is parsed as it streams.
///
/// After Accept the evaluation stays in the line, as in the texts such models are trained on. After Refine the step is
/// written again with the evaluation in sight; then the flawed step and its evaluation are cut from the cache, and the new
/// step takes their place.
struct InlineEvaluation: Strategy {
    let name = StrategyName.seat
    // Verdicts are the model's own words, not an answer to a question.
    let evaluatesSteps = false

    func run(in search: SearchSession) throws -> Conclusion {
        let options = search.options
        var leaf = 0
        var revisions = 0
        while search.steps(to: leaf).count < options.maximumSteps || search.trace[leaf]?.kind == .step {
            try search.checkCancelled()
            guard search.width(upTo: 1, after: leaf, length: 1, isEvaluated: false) == 1 else {
                return Conclusion(leaf: leaf, stopReason: .budget)
            }
            let draft = Self.draft(options)
            let node = try search.write(after: [leaf], draft)[0][0]
            let text = search[node]
            if text.rejection == .empty || text.rejection == .repetition {
                search.decide(node, .rejected)
                return Conclusion(leaf: leaf, stopReason: search.stopReason(after: node) ?? .exhausted)
            }
            if text.kind == .step, search.steps(to: node).count > options.maximumSteps {
                // Behind the last step, an evaluation of it is all that may come.
                search.decide(node, .rejected)
                return Conclusion(leaf: leaf, stopReason: .maximumSteps)
            }
            guard text.kind == .evaluation, let step = search.trace[leaf], step.kind == .step else {
                search.decide(node, .written)
                if text.kind == .step { revisions = 0 }
                leaf = node
                if let stop = search.stopReason(after: leaf) { return Conclusion(leaf: leaf, stopReason: stop) }
                if search.steps(to: leaf).count >= options.maximumSteps { break }
                continue
            }
            try search.readVerdict(in: node, on: step.id)
            let isRefuted = search[step.id].evaluation?.isRefuted == true
            let outcome = isRefuted ? .refine : options.prompts.markers.outcome(in: text.text)
            if outcome == .refine, revisions < options.maximumRevisions,
                let better = try refine(step, evaluation: node, in: search)
            {
                revisions += 1
                leaf = better
            } else {
                search.decide(step.id, outcome == .refine ? .kept : outcome == .accept ? .accepted : .uninformative)
                search.decide(node, .written)
                leaf = node
            }
            if let stop = search.stopReason(after: leaf) { return Conclusion(leaf: leaf, stopReason: stop) }
        }
        return Conclusion(leaf: leaf, stopReason: .maximumSteps)
    }

    /// How its texts are written: steps, and evaluations between markers beside them.
    private static func draft(_ options: SelfEvalOptions, hint: StepNode.Hint? = nil) -> DraftOptions {
        DraftOptions(sampling: options.primarySampling, hint: hint, isEvaluated: false, recognizesEvaluations: true)
    }

    /// Writes a step again behind the evaluation of it, in its place; `nil` where the budget or the model gives nothing new.
    private func refine(_ step: StepNode, evaluation: Int, in search: SearchSession) throws -> Int? {
        // Its tokens are written, and processed once more in their place.
        let length = 2 * step.tokens.count
        guard search.width(upTo: 1, after: evaluation, length: length, isEvaluated: false) == 1 else { return nil }
        search.announceRevision(after: step.parent, count: 1)
        let hint = StepNode.Hint.evaluation(node: evaluation)
        let draft = Self.draft(search.options, hint: hint)
        let better = try search.write(after: [step.parent], draft)[0][0]
        guard search[better].rejection == nil, search[better].kind == .step else {
            search.decide(better, .rejected)
            return nil
        }
        search.decide(step.id, .rejected)
        search.decide(evaluation, .abandoned)
        search.decide(better, .written)
        return better
    }
}
