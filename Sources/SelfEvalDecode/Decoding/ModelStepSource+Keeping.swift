import EMLLMCore

extension ModelStepSource {
    /// Keeps the branch after each node of a text, and sets the verifier's log-odds of the nodes.
    func keep(_ nodes: inout [StepNode], of text: Text, ledger: Ledger) throws {
        let writer = text.writer
        var states = text.states
        let reached = text.branch.count
        var (branch, start, logits) = (text.branch, text.start, text.logits as Logits?)
        if writer.job.hint != nil, let parent = live[writer.job.parent] {
            // It was written after a reflection; from here on, it is at the place of a step without one.
            let tokens = nodes.flatMap(\.tokens)
            branch = parent.branch.fork()
            start = branch.count
            logits = nil
            if !tokens.isEmpty {
                let result = try appendWithStates((branch, tokens), to: \.recomputed, ledger: ledger)
                logits = result.logits
                states = StepStates(after: parent.pool)
                if let found = result.states { states.append(found) }
            }
        } else {
            if reached != start + writer.keptTokens { logits = nil }
            branch.rollback(to: start + writer.keptTokens)
        }
        if options.verifier != nil { states.end(nodes) }
        for (index, end) in writer.steps.map(\.end).enumerated() {
            nodes[index].verifierLogOdds = try options.verifier.flatMap { try states.logOdds(of: index, by: $0) }
            let node = nodes[index]
            let own = branch.fork()
            own.rollback(to: start + end)
            let isLast = end == writer.keptTokens
            let parent = live[node.parent]
            live[node.id] = Live(
                branch: own,
                logits: node.tokens.isEmpty ? parent?.logits : isLast ? logits : nil,
                detokenizer: end > 0
                    ? writer.detokenizers[end - 1] : parent?.detokenizer ?? tokenizer.makeDetokenizer(),
                view: text.view,
                trailingSpace: trailingSpace(node.tokens),
                logProbabilities: Array(writer.logProbabilities[(end - node.tokens.count)..<end]),
                pool: states.pool(after: index)
            )
        }
    }

    /// The number of white-space tokens at the end of a step. The turn is closed before them, right after the last
    /// word, as in the conversations that models are trained on.
    private func trailingSpace(_ tokens: [TokenID]) -> Int {
        tokens.reversed().prefix { token in
            let bytes = tokenizer.bytes(of: token)
            return !bytes.isEmpty && bytes.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
        }.count
    }

    /// A fork after the last word of a node.
    func closed(_ node: Int) -> Model.Branch {
        guard let live = live[node] else { preconditionFailure("node \(node) was released") }
        let branch = live.branch.fork()
        branch.rollback(to: branch.count - live.trailingSpace)
        return branch
    }
}
