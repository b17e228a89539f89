extension SearchSession {
    /// Writes a refuted step again from the place that a checker names, and evaluates it, until one stands.
    ///
    /// The text before that place is kept. With ``SelfEvalOptions/usesHints`` the checker's own value follows it, if it knows
    /// one; otherwise the rest is drawn.
    ///
    /// - Parameters:
    ///   - node: the refuted step; it may follow no other step than `parent`.
    ///   - count: the maximum number of texts.
    /// - Returns: the new texts, the one that stands last; none if no checker names a place, or the budget allows none.
    func rewriteRefuted(_ node: Int, after parent: Int, upTo count: Int) throws -> [Int] {
        var (written, refuted): ([Int], Int) = ([], node)
        while options.rollsBack, written.count < count {
            let step = self[refuted]
            guard step.rejection == nil, let finding = step.evaluation?.refutedPlace,
                let place = finding.range?.lowerBound,
                (0...step.text.utf8.count).contains(place),
                width(upTo: 1, after: parent, length: step.tokens.count, isEvaluated: true) == 1
            else { break }
            announceRevision(after: parent, count: 1)
            let insertion = options.usesHints ? finding.replacement : nil
            let draft = DraftOptions(
                sampling: insertion == nil ? options.revisionSampling : options.primarySampling,
                rollback: .init(node: refuted, keptBytes: place, insertion: insertion)
            )
            let again = try write(after: [parent], draft)[0][0]
            written.append(again)
            if self[again].rejection != nil {
                // The same value would lead to the same text.
                if insertion != nil { break }
                continue
            }
            try evaluate([again])
            guard let evaluation = self[again].evaluation, let score = evaluation.score, score < options.acceptThreshold
            else { break }
            if evaluation.refutedPlace != nil { refuted = again } else { break }
        }
        return written
    }
}
