/// SEAT (arXiv 2501.05662): one long prompt; the model writes an evaluation between markers where it doubts a step, and it
/// is parsed as it streams.
///
/// After Accept the evaluation stays in the line, as in the texts such models are trained on. After Refine the step is
/// written again with the evaluation in sight; then the flawed step and its evaluation are cut from the cache, and the new
/// step takes their place.
struct InlineEvaluation: Strategy {
    // Verdicts are the model's own words, not an answer to a question.
    let evaluatesSteps = false

    func run(on search: SearchSession) throws -> Conclusion {
        let options = search.options
        var leaf = 0
        var revisions = 0
        while search.steps(to: leaf).count < options.maximumSteps || search.trace[leaf]?.kind == .step {
            try search.checkCancelled()
            guard search.width(upTo: 1, after: leaf, length: 1, isEvaluated: false) == 1 else {
                return Conclusion(leaf: leaf, stop: .budget)
            }
            let draft = DraftOptions(sampling: options.primarySampling, isEvaluated: false)
            let node = try search.write(after: [leaf], draft)[0][0]
            let text = search[node]
            if text.rejection == .empty || text.rejection == .repetition {
                search.decide(node, .rejected)
                return Conclusion(leaf: leaf, stop: search.stop(after: node) ?? .exhausted)
            }
            guard text.kind == .evaluation, let step = search.trace[leaf], step.kind == .step else {
                search.decide(node, .written)
                if text.kind == .step { revisions = 0 }
                leaf = node
                if let stop = search.stop(after: leaf) { return Conclusion(leaf: leaf, stop: stop) }
                if search.steps(to: leaf).count >= options.maximumSteps { break }
                continue
            }
            try search.readVerdict(in: node, on: step.id)
            let outcome = options.prompts.markers.outcome(in: text.text)
            if outcome == .refine, revisions < options.maximumRevisions,
                let better = try refine(step, evaluation: node, on: search)
            {
                revisions += 1
                leaf = better
            } else {
                search.decide(step.id, outcome == .refine ? .kept : outcome == .accept ? .accepted : .uninformative)
                search.decide(node, .written)
                leaf = node
            }
            if let stop = search.stop(after: leaf) { return Conclusion(leaf: leaf, stop: stop) }
        }
        return Conclusion(leaf: leaf, stop: .maximumSteps)
    }

    /// Writes a step again behind the evaluation of it, in its place; `nil` where the budget or the model gives nothing new.
    private func refine(_ step: StepNode, evaluation: Int, on search: SearchSession) throws -> Int? {
        // Its tokens are written, and processed once more in their place.
        let length = 2 * step.tokens.count
        guard search.width(upTo: 1, after: evaluation, length: length, isEvaluated: false) == 1 else { return nil }
        search.announceRevision(after: step.parent, count: 1)
        let hint = StepNode.Hint.evaluation(node: evaluation)
        let draft = DraftOptions(sampling: search.options.primarySampling, hint: hint, isEvaluated: false)
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
