import EMLLMCore

extension VerifySearch {
    /// Whether so many candidates may be given one more token each, and be judged then.
    ///
    /// Two passes: the second pays for the token that may have to be computed again where a step ended earlier.
    func mayWrite(_ count: Int) -> Bool {
        meter.allows(promptTokens: count * conversation.evaluationCost, passes: 2, tokensPerPass: count)
            && hasRoom(after: main.count)
    }

    /// Whether the budget allows so many further candidates of about `length` tokens.
    func mayRevise(_ count: Int, length: Int) -> Bool {
        meter.allows(promptTokens: count * conversation.evaluationCost, passes: length + 2, tokensPerPass: count)
            && hasRoom(after: place.start + length)
    }

    /// Whether a branch of `count` positions can take another token, and its evaluation or the answer after that.
    private func hasRoom(after count: Int) -> Bool {
        let evaluation = conversation.evaluations.map(\.count).max() ?? 0
        return count + 1 + max(meter.reservedTokens, evaluation) <= model.contextLength
    }

    /// Writes candidates for the next place as one batch, sets aside those that say nothing new, and judges the others.
    ///
    /// - Parameter keys: the candidates already tried at this place; the new ones are added.
    func writeAndJudge(_ count: Int, sampling: GenerationOptions, keys: inout Set<String>) throws -> [Draft] {
        let generationBefore = trace.seconds.generation
        let evaluationBefore = trace.seconds.evaluation
        let known = current?.candidates.count ?? 0
        defer {
            current?.generationSeconds += trace.seconds.generation - generationBefore
            current?.evaluationSeconds += trace.seconds.evaluation - evaluationBefore
        }
        var drafts = try timed(\.generation) { try write(count, sampling: sampling) }
        let isRevision = known > 0 || !keys.isEmpty
        for index in drafts.indices {
            let key = AnswerText.key(drafts[index].candidate.text)
            drafts[index].candidate.rejection = rejection(
                of: drafts[index].candidate,
                key: key,
                keys: keys,
                isRevision: isRevision
            )
            keys.insert(key)
        }
        current?.candidates += drafts.map(\.candidate)
        try timed(\.evaluation) { try judge(&drafts) }
        for (offset, draft) in drafts.enumerated() {
            current?.candidates[known + offset] = draft.candidate
            onEvent(.evaluation(step: chain.count, draft.candidate))
        }
        return drafts
    }

    private func rejection(
        of candidate: Candidate,
        key: String,
        keys: Set<String>,
        isRevision: Bool
    ) -> Candidate.Rejection? {
        if key.isEmpty { return .empty }
        if keys.contains(key) { return .duplicate }
        if chain.contains(where: { AnswerText.key($0.candidate.text) == key }) { return .repetition }
        return isRevision && candidate.end == .budget ? .cut : nil
    }

    /// Writes candidates token by token, all of them in one batch.
    private func write(_ count: Int, sampling: GenerationOptions) throws -> [Draft] {
        let sampler = try Sampler(sampling)
        let isDraw = sampling.samplingMode != .greedy
        var writers = (0..<count).map { _ in
            defer { nextCandidate += 1 }
            return Writer(
                id: nextCandidate,
                temperature: isDraw ? sampling.temperature : 0,
                branch: main.fork(),
                place: place,
                scanner: options.segmenter.makeScanner()
            )
        }
        do {
            while true {
                let active = writers.indices.filter { writers[$0].candidate.end == nil }
                if active.isEmpty { break }
                try model.cancellation.check()
                guard
                    meter.allows(
                        promptTokens: count * conversation.evaluationCost,
                        passes: 2,
                        tokensPerPass: active.count
                    ),
                    active.allSatisfy({ hasRoom(after: writers[$0].branch.count) })
                else {
                    for index in active { writers[index].endWithin(.budget) }
                    break
                }
                for index in active { writers[index].chooseToken(sampler, tokenizer) }
                if count == 1, let text = writers[0].fragments.last, !text.isEmpty, writers[0].pending != nil {
                    onEvent(.draft(step: chain.count, text: text))
                }
                let growing = active.filter { writers[$0].pending != nil }
                try extend(&writers, growing)
            }
            try recomputeEnds(&writers)
        } catch {
            current?.candidates += writers.map { $0.interrupted() }
            throw error
        }
        return writers.map { $0.draft() }
    }

    private func extend(_ writers: inout [Writer], _ growing: [Int]) throws {
        guard !growing.isEmpty else { return }
        let before = clock()
        let work = growing.map { (branch: writers[$0].branch, tokens: writers[$0].pending.map { [$0] } ?? []) }
        let logits = try model.extend(work)
        trace.counts.generated += growing.count
        meter.notePass(tokens: growing.count, seconds: clock() - before)
        for (index, logits) in zip(growing, logits) { writers[index].accept(logits) }
    }

    /// Brings the branches whose step ended some tokens ago to that end, with the logits there.
    private func recomputeEnds(_ writers: inout [Writer]) throws {
        let late = writers.indices.filter { writers[$0].needsRecomputation }
        guard !late.isEmpty else { return }
        let before = clock()
        let work = late.map { (branch: writers[$0].branch, tokens: writers[$0].stepBackOne()) }
        let logits = try model.extend(work)
        trace.counts.recomputed += late.count
        meter.notePass(tokens: late.count, seconds: clock() - before)
        for (index, logits) in zip(late, logits) { writers[index].acceptRecomputed(logits) }
    }

    /// Writes one candidate.
    private struct Writer {
        var candidate: Candidate
        let branch: Model.Branch
        private let place: Place
        private var scanner: StepSegmenter.Scanner
        private var logits: Logits
        /// The text that each token made readable, and the state after it.
        private(set) var fragments: [String] = []
        private var detokenizers: [StreamingDetokenizer] = []
        private var logProbabilities: [Double] = []
        private var chosen: [TokenID] = []
        /// The token chosen but not yet in the cache.
        private(set) var pending: TokenID?
        /// How the step ends once the pending token is in the cache.
        private var endAfterPending: (kept: Int, end: StepEnd)?
        /// Whether the logits are those of a position after the step's end.
        private(set) var needsRecomputation = false

        init(id: Int, temperature: Double, branch: Model.Branch, place: Place, scanner: StepSegmenter.Scanner) {
            candidate = Candidate(id: id, temperature: temperature)
            self.branch = branch
            self.place = place
            self.scanner = scanner
            logits = place.logits
        }

        /// Chooses the next token; the step may end with it, or turn out to have ended before it.
        mutating func chooseToken(_ sampler: Sampler, _ tokenizer: Tokenizer) {
            let recent = sampler.options.repetitionPenalty == 1 ? [] : branch.tokens
            let token = sampler.sample(
                logits,
                recent: recent,
                branch: UInt64(candidate.id),
                position: branch.count
            )
            if tokenizer.isEndOfGeneration(token) { return endWithin(.endOfTurn) }
            var detokenizer = detokenizers.last ?? place.detokenizer
            let fragment = detokenizer.append(token)
            var probe = detokenizer
            let decision = scanner.append(fragment, isWhole: probe.finish().isEmpty)
            if case .end(let kept, let reason) = decision, kept <= chosen.count {
                return end(keeping: kept, reason)
            }
            if case .end(let kept, let reason) = decision { endAfterPending = (kept, reason) }
            pending = token
            chosen.append(token)
            fragments.append(fragment)
            detokenizers.append(detokenizer)
            logProbabilities.append(logits.logProbability(of: token))
        }

        /// The pending token is in the cache.
        mutating func accept(_ newLogits: Logits) {
            logits = newLogits
            pending = nil
            if let (kept, reason) = endAfterPending { end(keeping: kept, reason) }
        }

        /// Ends the step with its last whole character.
        mutating func endWithin(_ reason: StepEnd) { end(keeping: scanner.wholeTokens(within: chosen.count), reason) }

        private mutating func end(keeping kept: Int, _ reason: StepEnd) {
            // Where the turn or the budget ends, no step follows, and the logits are not asked for again.
            needsRecomputation = kept < chosen.count && kept > 0 && reason != .endOfTurn && reason != .budget
            if kept == 0 { logits = place.logits }
            branch.rollback(to: place.start + kept)
            chosen.removeLast(chosen.count - kept)
            fragments.removeLast(fragments.count - kept)
            detokenizers.removeLast(detokenizers.count - kept)
            logProbabilities.removeLast(logProbabilities.count - kept)
            candidate.end = reason
            fillIn()
        }

        private mutating func fillIn() {
            candidate.tokens = chosen
            candidate.text = fragments.joined()
            candidate.meanLogProbability =
                chosen.isEmpty ? 0 : logProbabilities.reduce(0, +) / Double(chosen.count)
        }

        /// Takes the last token out of the cache, to be computed again for its logits.
        mutating func stepBackOne() -> [TokenID] {
            branch.rollback(to: branch.count - 1)
            return [chosen[chosen.count - 1]]
        }

        mutating func acceptRecomputed(_ newLogits: Logits) {
            logits = newLogits
            needsRecomputation = false
        }

        func draft() -> Draft {
            let canContinue = candidate.end != .endOfTurn && candidate.end != .budget
            let next = Place(
                start: branch.count,
                logits: logits,
                detokenizer: detokenizers.last ?? place.detokenizer
            )
            return Draft(candidate: candidate, branch: branch, next: canContinue ? next : nil)
        }

        /// What there was when the work was cancelled.
        func interrupted() -> Candidate {
            var copy = self
            copy.fillIn()
            if copy.candidate.end == nil { copy.candidate.end = .cancelled }
            return copy.candidate
        }
    }
}
