import EMLLMCore

extension ModelStepSource {
    /// A text that keeps the beginning of another one: its tokens are still in the cache, and only the last of them is
    /// computed again, for its logits.
    func continued(_ job: WriteJob, _ rollback: StepNode.Rollback, ledger: Ledger) throws -> Text {
        guard let parent = live[job.parent], let former = live[rollback.node] else {
            preconditionFailure("what a text continues was released")
        }
        let start = former.branch.count - former.logProbabilities.count
        let tokens = former.branch.tokens[start...]
        var detokenizer = parent.detokenizer
        var text = ""
        var kept = (tokens: 0, bytes: 0)
        for (index, token) in tokens.enumerated() {
            text += detokenizer.append(token)
            if text.utf8.count > rollback.keptBytes { break }
            var probe = detokenizer
            // A token that ends within a character is kept only with the rest of it.
            if probe.finish().isEmpty { kept = (index + 1, text.utf8.count) }
        }
        let branch = former.branch.fork()
        var states = StepStates(after: parent.pool)
        let logits: Logits
        if options.verifier != nil, kept.tokens > 0 {
            // The verifier reads the states of the whole step, and only its pooled ones were kept.
            branch.rollback(to: start)
            let again = Array(tokens.prefix(kept.tokens))
            let result = try appendWithStates((branch, again), to: \.recomputed, ledger: ledger)
            if let found = result.states { states.append(found) }
            logits = result.logits
        } else {
            let last = branch.tokens[start + kept.tokens - 1]
            branch.rollback(to: start + kept.tokens - 1)
            logits = try step([(branch, last)], to: \.recomputed, ledger: ledger)[0]
        }
        var writer = StepWriter(job, rule: rule, detokenizer: parent.detokenizer, behind: line(to: parent))
        writer.adopt(tokens.prefix(kept.tokens), former.logProbabilities)
        if let insertion = rollback.insertion {
            // What a token that is not kept has of the kept text, such as the space before a number.
            let gap = String(decoding: text.utf8.prefix(rollback.keptBytes).dropFirst(kept.bytes), as: UTF8.self)
            writer.forced = tokenizer.encode(gap + insertion, continuing: true)
        }
        return Text(writer: writer, branch: branch, start: start, view: job.view, logits: logits, states: states)
    }
}
