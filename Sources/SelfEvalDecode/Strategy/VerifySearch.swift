import EMLLMCore

/// Reasons step by step: write a step, judge it, then accept it, write it again, or take the step before it back.
///
/// The chain of accepted steps is one branch of the cache. Candidates are forks of it; the chosen one becomes the chain.
/// Taking a step back is a rollback, which processes nothing.
///
/// One instance answers one question.
final class VerifySearch<Model: BranchingModel> {
    let model: Model
    let tokenizer: Tokenizer
    let options: SelfEvalOptions
    let conversation: Conversation
    let onEvent: (DecodeEvent) -> Void
    let clock: BudgetMeter.Clock
    var meter: BudgetMeter
    var scorer: StepScorer
    var trace: Trace

    /// The accepted steps in the cache; the question's prompt at its root.
    var main: Model.Branch
    /// The question's prompt alone, for the next question; `nil` before it is processed.
    private(set) var prompted: Model.Branch?
    /// The accepted steps.
    var chain: [Link] = []
    /// Where the next step begins.
    var place: Place
    /// The step being worked on, for the trace of a run that is cancelled in the middle of it.
    var current: Step?
    var nextCandidate = 0

    /// A position in the chain where a step begins.
    struct Place {
        /// Positions before it.
        let start: Int
        /// The logits after them.
        let logits: Logits
        /// The state of the text before it.
        let detokenizer: StreamingDetokenizer
    }

    /// An accepted step.
    struct Link {
        let place: Place
        let candidate: Candidate
        /// Its record in the trace.
        let record: Int
        /// What was tried at this place, for telling duplicates.
        let triedKeys: Set<String>
        /// Whether it was put in its place again after nothing new was found, so that it is not taken back twice.
        let isSettled: Bool
    }

    /// A candidate with its part of the cache.
    struct Draft {
        var candidate: Candidate
        let branch: Model.Branch
        /// Where a step after this one would begin; `nil` when none can follow.
        let next: Place?
    }

    /// A place that is written anew, with the step that stood there.
    struct Reopened {
        let link: Link
        let branch: Model.Branch
        let next: Place
    }

    init(
        model: Model,
        tokenizer: Tokenizer,
        template: ChatTemplate?,
        imageFormat: ImagePromptFormat? = nil,
        images: [EncodedImage] = [],
        continuing start: Model.Branch? = nil,
        identity: ModelIdentity,
        question: String,
        system: String?,
        options: SelfEvalOptions,
        clock: @escaping BudgetMeter.Clock,
        onEvent: @escaping (DecodeEvent) -> Void
    ) throws {
        try options.validate()
        self.model = model
        self.tokenizer = tokenizer
        self.options = options
        self.clock = clock
        self.onEvent = onEvent
        conversation = try Conversation(
            question: question,
            system: system,
            prompts: options.prompts,
            bothOrders: options.averagesOrders,
            template: template,
            tokenizer: tokenizer,
            imageFormat: imageFormat,
            images: images
        )
        scorer = StepScorer(
            tokens: try VerdictTokens(
                positive: options.prompts.positive,
                negative: options.prompts.negative,
                tokenizer: tokenizer
            ),
            minimumMass: options.minimumVerdictMass
        )
        meter = BudgetMeter(
            budget: options.budget,
            answerPromptTokens: conversation.answer.count,
            clock: clock
        )
        guard options.budget.tokens >= meter.reservedTokens else {
            throw EMLLMError.budgetTooSmall(options.budget.tokens, needed: meter.reservedTokens)
        }
        guard conversation.question.count + meter.reservedTokens <= model.contextLength else {
            throw EMLLMError.questionTooLong(
                tokens: conversation.question.count,
                reserved: meter.reservedTokens,
                contextLength: model.contextLength
            )
        }
        trace = Trace(model: identity, question: question, system: system, options: options)
        trace.prompt = conversation.question
        main = start ?? model.makeBranch()
        place = Place(start: 0, logits: Logits([]), detokenizer: tokenizer.makeDetokenizer())
    }

    /// Answers the question. A cancelled run returns what it has.
    func run() throws -> Trace {
        do {
            try readQuestion()
            let stop = try reason()
            trace.stopReason = stop
            onEvent(.info(.reasoningStopped(stop)))
            trace.answer = try timed(\.answer) { try answer(after: stop) }
            trace.outcome = .answered
            if let answer = trace.answer { onEvent(.answer(answer)) }
        } catch let error as EMLLMError where error.code == .cancelled {
            if let current { trace.steps.append(current) }
            trace.outcome = .cancelled
        }
        trace.counts.accepted = trace.acceptedSteps.reduce(0) { $0 + ($1.chosenCandidate?.tokens.count ?? 0) }
        trace.seconds.total = meter.elapsed
        onEvent(.info(.finished(trace)))
        return trace
    }

    private func readQuestion() throws {
        let question = conversation.question
        // What an earlier question left in the cache and this one says as well. The last token is always computed, for
        // its logits.
        let shared = zip(main.tokens, question.dropLast()).prefix { $0 == $1 }.count
        main.rollback(to: shared)
        let logits = try timed(\.prompt) { try model.extend(main, by: Array(question[shared...])) }
        trace.counts.prompt += question.count - shared
        if shared > 0 { trace.counts.reusedPrompt = shared }
        prompted = main.fork()
        meter.notePrompt(tokens: question.count - shared, seconds: trace.seconds.prompt)
        place = Place(start: main.count, logits: logits, detokenizer: tokenizer.makeDetokenizer())
        onEvent(.info(.started(promptTokens: conversation.question.count, seconds: trace.seconds.prompt)))
        if options.subtractsPrior { try judgeEmptyStep() }
    }

    // MARK: The chain

    private enum Attempt {
        case committed(Candidate)
        case takeBack(bestProbability: Double)
        case stop(ReasoningStop)
    }

    private func reason() throws -> ReasoningStop {
        var reopened: Reopened?
        while true {
            try model.cancellation.check()
            guard reopened != nil || chain.count < options.maximumSteps else { return .maximumSteps }
            guard reopened != nil || mayWrite(1) else { return .budget }
            switch try attempt(reopened) {
            case .stop(let reason):
                return reason
            case .takeBack(let bestProbability):
                reopened = takeBack(bestProbability)
            case .committed(let candidate):
                reopened = nil
                if statedAnswer != nil { return .answered }
                if candidate.end == .endOfTurn { return .endOfTurn }
                if candidate.end == .budget { return .budget }
            }
        }
    }

    /// The answer that the last step states.
    var statedAnswer: String? {
        chain.last.flatMap { AnswerText.stated(in: $0.candidate.text, after: options.prompts.answerPrefix) }
    }

    /// Tries to fill the next place of the chain.
    private func attempt(_ reopened: Reopened?) throws -> Attempt {
        current = Step(index: chain.count)
        var drafts: [Draft] = []
        var keys = reopened?.link.triedKeys ?? []
        if reopened == nil {
            drafts = try writeAndJudge(1, sampling: options.primarySampling, keys: &keys)
            let first = drafts[0].candidate
            if first.rejection == .empty, first.end == .endOfTurn || first.end == .budget {
                return stop(first.end == .budget ? .budget : .endOfTurn)
            }
        }
        var remaining = options.maximumRevisions
        while remaining > 0, needsRevision(drafts) {
            let length = drafts.first?.candidate.tokens.count ?? reopened?.link.candidate.tokens.count ?? 0
            let width = (1...min(remaining, options.revisionWidth)).last { mayRevise($0, length: length) }
            guard let width else { break }
            onEvent(.revision(step: chain.count, candidates: width))
            drafts += try writeAndJudge(width, sampling: options.revisionSampling, keys: &keys)
            remaining -= width
        }
        return decide(drafts, reopened, keys)
    }

    /// Whether none of the candidates can stand as it is.
    private func needsRevision(_ drafts: [Draft]) -> Bool {
        !drafts.contains { draft in
            guard draft.candidate.rejection == nil else { return false }
            guard let verdict = draft.candidate.verdict else { return true }
            return !verdict.isInformative || verdict.probability >= options.acceptThreshold
        }
    }

    private func decide(_ drafts: [Draft], _ reopened: Reopened?, _ keys: Set<String>) -> Attempt {
        let standing = drafts.indices.filter { drafts[$0].candidate.rejection == nil }
        let judged = standing.filter { drafts[$0].candidate.verdict?.isInformative == true }
        func probability(_ index: Int) -> Double { drafts[index].candidate.verdict?.probability ?? 0 }
        // The earliest among equals.
        let best = judged.max { (probability($0), $1) < (probability($1), $0) }

        if let best, probability(best) >= options.rejectThreshold {
            let decision: Step.Decision = probability(best) >= options.acceptThreshold ? .accepted : .kept
            return commit(drafts, best, decision, keys)
        }
        if let silent = standing.first(where: { drafts[$0].candidate.verdict?.isInformative == false }) {
            return commit(drafts, silent, .uninformative, keys)
        }
        if let unjudged = standing.first(where: { drafts[$0].candidate.verdict == nil }) {
            return commit(drafts, unjudged, .unjudged, keys)
        }
        if let best, mayTakeBack {
            current?.decision = .backtracked
            closeStep()
            return .takeBack(bestProbability: probability(best))
        }
        if let reopened, best.map(probability) ?? 0 <= reopened.link.candidate.verdict?.probability ?? 0 {
            return restore(reopened, keys)
        }
        if let best { return commit(drafts, best, .kept, keys) }
        return stop(.exhausted)
    }

    private var mayTakeBack: Bool {
        guard trace.backtracks.count < options.maximumBacktracks, options.maximumRevisions > 0, let last = chain.last
        else { return false }
        return !last.isSettled
    }

    private func commit(_ drafts: [Draft], _ chosen: Int, _ decision: Step.Decision, _ keys: Set<String>) -> Attempt {
        let draft = drafts[chosen]
        current?.chosen = chosen
        current?.decision = decision
        chain.append(
            Link(
                place: place,
                candidate: draft.candidate,
                record: trace.steps.count,
                triedKeys: keys,
                isSettled: false
            )
        )
        main = draft.branch
        if let next = draft.next { place = next }
        closeStep()
        return .committed(draft.candidate)
    }

    /// Takes back the last step, and opens its place.
    private func takeBack(_ bestProbability: Double) -> Reopened {
        let link = chain.removeLast()
        trace.steps[link.record].isTakenBack = true
        let backtrack = Backtrack(from: chain.count + 1, to: chain.count, bestProbability: bestProbability)
        trace.backtracks.append(backtrack)
        onEvent(.backtrack(backtrack))
        let reopened = Reopened(link: link, branch: main.fork(), next: place)
        main.rollback(to: link.place.start)
        place = link.place
        return reopened
    }

    /// Puts the step that was taken back in its place again: it is still in the cache.
    private func restore(_ reopened: Reopened, _ keys: Set<String>) -> Attempt {
        let position = current?.candidates.count
        current?.chosen = position
        current?.candidates.append(reopened.link.candidate)
        current?.decision = .restored
        chain.append(
            Link(
                place: place,
                candidate: reopened.link.candidate,
                record: trace.steps.count,
                triedKeys: keys,
                isSettled: true
            )
        )
        main = reopened.branch
        place = reopened.next
        closeStep()
        return .committed(reopened.link.candidate)
    }

    private func stop(_ reason: ReasoningStop) -> Attempt {
        current?.decision = .exhausted
        closeStep()
        return .stop(reason)
    }

    private func closeStep() {
        guard let step = current else { return }
        trace.steps.append(step)
        if step.chosen != nil { onEvent(.step(step)) }
        current = nil
    }

    /// Runs `body` and adds the seconds it took to one of the trace's sums, whether it ends or throws.
    func timed<Result>(_ purpose: WritableKeyPath<Seconds, Double>, _ body: () throws -> Result) rethrows -> Result {
        let before = clock()
        defer { trace.seconds[keyPath: purpose] += clock() - before }
        return try body()
    }
}
