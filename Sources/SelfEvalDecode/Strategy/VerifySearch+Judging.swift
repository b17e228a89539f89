import EMLLMCore

extension VerifySearch {
    /// Asks for the verdicts on candidates, all of them in one batch: each costs the evaluation prompt's tokens.
    ///
    /// Without the budget for all of them, none is judged.
    func judge(_ drafts: inout [Draft]) throws {
        let asked = drafts.indices.filter { drafts[$0].candidate.rejection == nil }
        guard !asked.isEmpty, meter.allows(promptTokens: asked.count * conversation.evaluationCost) else { return }
        let branches = asked.map { index in
            let branch = drafts[index].branch.fork()
            trimWhitespace(of: branch, tokens: drafts[index].candidate.tokens)
            return branch
        }
        let verdicts = try verdicts(after: branches)
        for (index, verdict) in zip(asked, verdicts) { drafts[index].candidate.verdict = verdict }
    }

    /// Asks for the verdict on a step without content: the prior.
    func judgeEmptyStep() throws {
        let cost = conversation.evaluationCost + conversation.evaluations.count * conversation.emptyStep.count
        let length = main.count + cost
        guard meter.allows(promptTokens: cost), length <= model.contextLength else { return }
        let verdict = try timed(\.evaluation) {
            try verdicts(after: [main.fork()], beginning: conversation.emptyStep)[0]
        }
        trace.prior = verdict
        scorer.prior = verdict.orderLogits
        onEvent(.info(.prior(verdict)))
    }

    private func verdicts(after branches: [Model.Branch], beginning: [TokenID] = []) throws -> [Verdict] {
        let orders = conversation.evaluations
        let work = branches.flatMap { branch in
            orders.map { (branch: branch.fork(), tokens: beginning + $0) }
        }
        let before = clock()
        let logits = try model.extend(work)
        let tokens = work.reduce(0) { $0 + $1.tokens.count }
        trace.counts.evaluation += tokens
        meter.noteAppended(tokens: tokens, seconds: clock() - before)
        return branches.indices.map { index in
            scorer.verdict(from: Array(logits[(index * orders.count)..<((index + 1) * orders.count)]))
        }
    }

    /// Takes white space off the end of a step, so that the turn is closed right after its last word as it is in the
    /// conversations that models are trained on. Processes nothing.
    func trimWhitespace(of branch: Model.Branch, tokens: [TokenID]) {
        let trailing = tokens.reversed().prefix { token in
            let bytes = tokenizer.bytes(of: token)
            return !bytes.isEmpty && bytes.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
        }
        branch.rollback(to: branch.count - trailing.count)
    }
}
