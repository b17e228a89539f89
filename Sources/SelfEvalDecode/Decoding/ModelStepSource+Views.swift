import EMLLMCore

extension ModelStepSource {
    /// Branches for the texts that use another view than the step before them: the prompt in that view, and the line so
    /// far.
    func readViews(for jobs: [WriteJob], ledger: Ledger) throws -> [Int: View] {
        let changing = jobs.indices.filter { changesView(jobs[$0]) }
        let missing = Set(changing.map { jobs[$0].view }).filter { $0 > 0 && viewRoots[$0] == nil }.sorted()
        if !missing.isEmpty {
            let work = try missing.map { (branch: model.makeBranch(), tokens: try prompt(inView: $0)) }
            let logits = try append(work, to: \.views, ledger: ledger)
            for (index, view) in missing.enumerated() {
                viewRoots[view] = View(branch: work[index].branch, logits: logits[index])
            }
        }
        var places: [Int: View] = [:]
        var behind: [(index: Int, branch: Model.Branch, tokens: [TokenID])] = []
        for index in changing {
            let job = jobs[index]
            guard let line = live[job.parent]?.branch.tokens.dropFirst(questionPrompts.question.count),
                let root = job.view > 0 ? viewRoots[job.view] : prompted.flatMap(first)
            else { preconditionFailure("what a text begins behind was released") }
            let branch = root.branch.fork()
            places[index] = View(branch: branch, logits: root.logits)
            if !line.isEmpty { behind.append((index, branch, Array(line))) }
        }
        guard !behind.isEmpty else { return places }
        let logits = try append(behind.map { ($0.branch, $0.tokens) }, to: \.recomputed, ledger: ledger)
        for (place, logits) in zip(behind, logits) {
            places[place.index] = View(branch: place.branch, logits: logits)
        }
        return places
    }

    /// The question's prompt in another view.
    private func prompt(inView view: Int) throws -> [TokenID] {
        try views?.prompt(questionPrompts.question, inView: view) ?? questionPrompts.question
    }

    /// The question in the first view. Its logits are kept as long as it can be continued.
    private func first(_ prompted: Model.Branch) -> View? {
        live[0].flatMap { $0.logits }.map { View(branch: prompted, logits: $0) }
    }
}
