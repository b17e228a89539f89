/// SEAT (arXiv 2501.05662): one long prompt; the model writes an evaluation between markers where it doubts a step, and it
/// is parsed as it streams.
///
/// After Accept the evaluation stays in the line, as in the texts such models are trained on. After Refine the step is
/// written again with the evaluation in sight; then the flawed step and its evaluation are cut from the cache, and the new
/// step takes their place.
struct InlineEvaluation: Strategy {
    // Verdicts are the model's own words, not an answer to a question.
    let judges = false

    func run(on bench: Workbench) throws -> Conclusion {
        let options = bench.options
        var leaf = 0
        var revisions = 0
        while bench.steps(to: leaf).count < options.maximumSteps || bench.trace[leaf]?.kind == .step {
            try bench.checkCancelled()
            guard bench.width(upTo: 1, after: leaf, length: 1, isJudged: false) == 1 else {
                return Conclusion(leaf: leaf, stop: .budget)
            }
            let manner = Workbench.Manner(sampling: options.primarySampling, isJudged: false)
            let node = try bench.write(after: [leaf], manner)[0][0]
            let text = bench[node]
            if text.rejection == .empty || text.rejection == .repetition {
                bench.decide(node, .rejected)
                return Conclusion(leaf: leaf, stop: bench.stop(after: node) ?? .exhausted)
            }
            guard text.kind == .evaluation, let step = bench.trace[leaf], step.kind == .step else {
                bench.decide(node, .written)
                if text.kind == .step { revisions = 0 }
                leaf = node
                if let stop = bench.stop(after: leaf) { return Conclusion(leaf: leaf, stop: stop) }
                if bench.steps(to: leaf).count >= options.maximumSteps { break }
                continue
            }
            try bench.readVerdict(in: node, on: step.id)
            let judgement = options.prompts.markers.judgement(in: text.text)
            if judgement == .refine, revisions < options.maximumRevisions,
                let better = try refine(step, evaluation: node, on: bench)
            {
                revisions += 1
                leaf = better
            } else {
                bench.decide(step.id, judgement == .refine ? .kept : judgement == .accept ? .accepted : .uninformative)
                bench.decide(node, .written)
                leaf = node
            }
            if let stop = bench.stop(after: leaf) { return Conclusion(leaf: leaf, stop: stop) }
        }
        return Conclusion(leaf: leaf, stop: .maximumSteps)
    }

    /// Writes a step again behind the evaluation of it, in its place; `nil` where the budget or the model gives nothing new.
    private func refine(_ step: StepNode, evaluation: Int, on bench: Workbench) throws -> Int? {
        // Its tokens are written, and processed once more in their place.
        let length = 2 * step.tokens.count
        guard bench.width(upTo: 1, after: evaluation, length: length, isJudged: false) == 1 else { return nil }
        bench.announceRevision(after: step.parent, count: 1)
        let hint = StepNode.Hint.evaluation(node: evaluation)
        let manner = Workbench.Manner(sampling: bench.options.primarySampling, hint: hint, isJudged: false)
        let better = try bench.write(after: [step.parent], manner)[0][0]
        guard bench[better].rejection == nil, bench[better].kind == .step else {
            bench.decide(better, .rejected)
            return nil
        }
        bench.decide(step.id, .rejected)
        bench.decide(evaluation, .abandoned)
        bench.decide(better, .written)
        return better
    }
}
