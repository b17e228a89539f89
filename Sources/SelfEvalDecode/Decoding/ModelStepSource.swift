import EMLLMCore

/// Texts and verdicts from a model: the tree of nodes is a tree of branches in its cache.
final class ModelStepSource<Model: BranchingModel>: StepSource {
    let model: Model
    let tokenizer: Tokenizer
    let options: SelfEvalOptions
    let questionPrompts: QuestionPrompts
    var scorer: StepScorer
    let rule: StepWriter.Rule
    /// The state of each node that can be continued; the question's prompt is at 0.
    var live: [Int: Live] = [:]
    /// The prefixes without the picture, by node.
    var imageFreeBranches: [Int: Model.Branch] = [:]
    /// The question's prompt with further views of its pictures, by view.
    var viewRoots: [Int: View] = [:]
    /// Encodes further views of the question's pictures; `nil` if it has none.
    let views: (any ViewEncoder)?
    /// The branches after reflections, by reflection.
    var reflections: [Int: Model.Branch] = [:]
    /// The question's prompt alone, for the next question; `nil` before it is processed.
    private(set) var prompted: Model.Branch?
    private var start: Model.Branch?

    /// A node's part of the cache.
    struct Live {
        let branch: Model.Branch
        /// The logits after it; `nil` if they were not kept.
        var logits: Logits?
        /// The state of the detokenizer after it.
        let detokenizer: StreamingDetokenizer
        /// The view of the pictures that precedes it.
        var view = 0
        /// The number of white-space tokens at its end.
        let trailingSpace: Int
        /// The natural log-probabilities of its tokens; empty for the question.
        var logProbabilities: [Double] = []
        /// The hidden states of the line up to it, pooled for the verifier.
        var pool = StatePool()
    }

    /// The question in another view.
    struct View {
        let branch: Model.Branch
        let logits: Logits
    }

    /// - Parameters:
    ///   - start: a branch of an earlier question; the prefix that both share is not processed again.
    ///   - views: encodes further views of the question's pictures.
    init(
        model: Model,
        options: SelfEvalOptions,
        questionPrompts: QuestionPrompts,
        continuing start: Model.Branch? = nil,
        views: (any ViewEncoder)? = nil
    ) throws {
        self.model = model
        tokenizer = model.tokenizer
        self.options = options
        self.questionPrompts = questionPrompts
        self.start = start
        self.views = views
        rule = StepWriter.Rule(options, tokenizer)
        scorer = StepScorer(
            tokens: try VerdictTokens(
                positive: options.prompts.verdict.positive,
                negative: options.prompts.verdict.negative,
                tokenizer: tokenizer
            ),
            minimumMass: options.minimumVerdictMass
        )
    }

    var contextLength: Int { model.contextLength }
    func checkCancelled() throws { try model.cancellation.check() }
    func position(after node: Int) -> Int { live[node]?.branch.count ?? model.contextLength }

    func release(_ nodes: [Int]) {
        for node in nodes {
            live[node] = nil
            imageFreeBranches[node] = nil
        }
    }

    func readQuestion(ledger: Ledger) throws -> (processed: Int, reused: Int) {
        let question = questionPrompts.question
        let main = start ?? model.makeBranch()
        start = nil
        // The prefix that is in the cache from an earlier question. The last token is always computed, for its logits.
        let shared = zip(main.tokens, question.dropLast()).prefix { $0 == $1 }.count
        main.rollback(to: shared)
        let logits = try ledger.pass { try model.extend([(main, Array(question[shared...]))])[0] }
        prompted = main.fork()
        live[0] = Live(branch: main, logits: logits, detokenizer: tokenizer.makeDetokenizer(), trailingSpace: 0)
        return (question.count - shared, shared)
    }

    /// Runs a batch of appended prompts.
    func append(
        _ work: [(branch: Model.Branch, tokens: [TokenID])],
        to purpose: WritableKeyPath<TokenCounts, Int>,
        ledger: Ledger
    ) throws -> [Logits] {
        let before = ledger.meter.now()
        let logits = try ledger.pass { try model.extend(work) }
        noteAppended(work.reduce(0) { $0 + $1.tokens.count }, since: before, to: purpose, ledger: ledger)
        return logits
    }

    /// Appends tokens to a line; the hidden states where there is a verifier.
    func appendWithStates(
        _ work: (branch: Model.Branch, tokens: [TokenID]),
        to purpose: WritableKeyPath<TokenCounts, Int>,
        ledger: Ledger
    ) throws -> (logits: Logits, states: HiddenStates?) {
        let before = ledger.meter.now()
        let result = try ledger.pass { try extend([work]) }[0]
        noteAppended(work.tokens.count, since: before, to: purpose, ledger: ledger)
        return result
    }

    private func noteAppended(
        _ tokens: Int,
        since before: Double,
        to purpose: WritableKeyPath<TokenCounts, Int>,
        ledger: Ledger
    ) {
        ledger.counts[keyPath: purpose] += tokens
        ledger.meter.noteAppended(tokens: tokens, seconds: ledger.meter.now() - before)
    }

    /// Runs one token for each of some branches.
    func step(
        _ work: [(branch: Model.Branch, token: TokenID)],
        to purpose: WritableKeyPath<TokenCounts, Int>,
        ledger: Ledger
    ) throws -> [Logits] {
        try stepWithStates(work, to: purpose, ledger: ledger).map(\.logits)
    }

    /// Runs one token for each of some branches; the hidden states where there is a verifier.
    private func stepWithStates(
        _ work: [(branch: Model.Branch, token: TokenID)],
        to purpose: WritableKeyPath<TokenCounts, Int>,
        ledger: Ledger
    ) throws -> [(logits: Logits, states: HiddenStates?)] {
        let before = ledger.meter.now()
        let results = try ledger.pass { try extend(work.map { ($0.branch, [$0.token]) }) }
        ledger.counts[keyPath: purpose] += work.count
        ledger.meter.notePass(tokens: work.count, seconds: ledger.meter.now() - before)
        return results
    }

    private func extend(
        _ work: [(branch: Model.Branch, tokens: [TokenID])]
    ) throws -> [(logits: Logits, states: HiddenStates?)] {
        guard let layers = options.verifier?.layers else { return try model.extend(work).map { ($0, nil) } }
        return try model.extend(work, layers: layers).map { ($0.logits, $0.states) }
    }

    /// Whether there is room for this many tokens, and then for the verdict or the answer.
    func hasRoom(after positions: Int, for tokens: Int, ledger: Ledger) -> Bool {
        let evaluation = questionPrompts.evaluations.map(\.count).max() ?? 0
        return positions + tokens + max(ledger.meter.reservedTokens, evaluation) <= model.contextLength
    }

    // MARK: Writing

    func write(
        _ jobs: [WriteJob],
        firstID: Int,
        ledger: Ledger,
        monitor: WriteMonitor?,
        onDraft: (_ parent: Int, String) -> Void
    ) throws -> (texts: [[StepNode]], error: (any Error)?) {
        let opening = openingTokens(of: jobs)
        let isAffordable = opening == 0 || ledger.meter.fits(tokens: opening, branches: jobs.count)
        var texts = try isAffordable ? begin(jobs, ledger: ledger) : jobs.map(emptyText)
        var failure: (any Error)?
        do {
            try writeTokens(&texts, ledger: ledger, monitor: monitor, onDraft: onDraft)
        } catch {
            failure = error
            for index in texts.indices { texts[index].writer.interrupt() }
        }
        var id = firstID
        var result: [[StepNode]] = []
        for text in texts {
            var nodes = number(text.writer.steps.map(\.node), from: id)
            id += nodes.count
            if failure == nil { try keep(&nodes, of: text, ledger: ledger) }
            result.append(nodes)
        }
        return (result, failure)
    }

    /// Assigns ids to the nodes of a text, and parents to all but the first.
    private func number(_ nodes: [StepNode], from first: Int) -> [StepNode] {
        nodes.enumerated().map { index, node in
            var node = node
            node.id = first + index
            if index > 0 { (node.parent, node.ordinal) = (first + index - 1, 0) }
            return node
        }
    }

    /// A text that is being written.
    struct Text {
        var writer: StepWriter
        let branch: Model.Branch
        /// The number of positions before it.
        let start: Int
        /// The view of the pictures that precedes it.
        let view: Int
        /// The logits after the tokens in the cache.
        var logits: Logits
        /// The hidden states of its steps, for the verifier.
        var states: StepStates
    }

    /// The number of tokens that are processed before the first token of these texts is chosen.
    private func openingTokens(of jobs: [WriteJob]) -> Int {
        let question = questionPrompts.question.count
        var tokens = Set(jobs.compactMap(beginning)).count { live[$0]?.logits == nil }
        tokens += Set(jobs.filter(changesView).map(\.view)).count { $0 > 0 && viewRoots[$0] == nil } * question
        for job in jobs {
            if changesView(job) { tokens += (live[job.parent]?.branch.count ?? question) - question }
            if case .reflection? = job.hint { tokens += request(for: job).count }
            if let rollback = job.rollback {
                tokens += options.verifier == nil ? 1 : live[rollback.node]?.logProbabilities.count ?? 1
            }
        }
        return tokens
    }

    /// The request for a text after a reflection.
    private func request(for job: WriteJob) -> [TokenID] {
        if case .turn = job.extent { return questionPrompts.rework }
        return questionPrompts.refine
    }

    /// An empty text, for which there is no budget.
    private func emptyText(_ job: WriteJob) throws -> Text {
        guard let parent = live[job.parent] else { preconditionFailure("node \(job.parent) was released") }
        var writer = StepWriter(job, rule: rule, detokenizer: parent.detokenizer, behind: line(to: parent))
        writer.endWithin(.budget)
        let branch = parent.branch.fork()
        let logits = parent.logits ?? Logits([])
        let states = StepStates(after: parent.pool)
        return Text(
            writer: writer,
            branch: branch,
            start: branch.count,
            view: parent.view,
            logits: logits,
            states: states
        )
    }

    /// The tokens of the line up to a node.
    func line(to node: Live) -> ArraySlice<TokenID> {
        node.branch.tokens.dropFirst(questionPrompts.question.count)
    }

    private func begin(_ jobs: [WriteJob], ledger: Ledger) throws -> [Text] {
        try ensureLogits(after: jobs.compactMap(beginning), ledger: ledger)
        let elsewhere = try ledger.timed(\.views) { try readViews(for: jobs, ledger: ledger) }
        return try jobs.enumerated().map { index, job in
            if let rollback = job.rollback { return try continued(job, rollback, ledger: ledger) }
            guard let parent = live[job.parent] else { preconditionFailure("node \(job.parent) was released") }
            let writer = StepWriter(job, rule: rule, detokenizer: parent.detokenizer, behind: line(to: parent))
            func text(behind branch: Model.Branch, _ logits: Logits) -> Text {
                Text(
                    writer: writer,
                    branch: branch,
                    start: branch.count,
                    view: job.view,
                    logits: logits,
                    states: StepStates(after: parent.pool)
                )
            }
            if let view = elsewhere[index] { return text(behind: view.branch, view.logits) }
            if case .reflection(let id)? = job.hint, let reflected = reflections[id] {
                let branch = reflected.fork()
                let logits = try append([(branch, request(for: job))], to: \.reflection, ledger: ledger)[0]
                return text(behind: branch, logits)
            }
            guard let node = beginning(of: job), let place = live[node], let logits = place.logits else {
                preconditionFailure("what a text begins behind was released")
            }
            return text(behind: place.branch.fork(), logits)
        }
    }

    /// Whether a text is written in another view than the step before it.
    func changesView(_ job: WriteJob) -> Bool {
        job.hint == nil && job.rollback == nil && job.view != live[job.parent]?.view
    }

    /// The node that a text begins after; `nil` if it begins after a reflection or in another view.
    private func beginning(of job: WriteJob) -> Int? {
        if changesView(job) || job.rollback != nil { return nil }
        return switch job.hint {
        case nil: job.parent
        case .evaluation(let node)?: node
        case .reflection?: nil
        }
    }

    /// Recomputes the last token of nodes whose logits were not kept.
    private func ensureLogits(after nodes: [Int], ledger: Ledger) throws {
        let missing = Set(nodes).sorted().filter { live[$0] != nil && live[$0]?.logits == nil }
        guard !missing.isEmpty else { return }
        let work = missing.compactMap { node -> (branch: Model.Branch, token: TokenID)? in
            guard let branch = live[node]?.branch, let last = branch.tokens.last else { return nil }
            branch.rollback(to: branch.count - 1)
            return (branch, last)
        }
        let logits = try step(work, to: \.recomputed, ledger: ledger)
        for (node, logits) in zip(missing, logits) { live[node]?.logits = logits }
    }

    private func writeTokens(
        _ texts: inout [Text],
        ledger: Ledger,
        monitor: WriteMonitor?,
        onDraft: (_ parent: Int, String) -> Void
    ) throws {
        let samplers = try texts.map { try Sampler($0.writer.job.sampling) }
        while true {
            for (index, end) in monitor?(texts.map(\.writer.progress)) ?? [:] where texts[index].writer.end == nil {
                texts[index].writer.endWithin(end.stepEnd)
            }
            let active = texts.indices.filter { texts[$0].writer.end == nil }
            if active.isEmpty { return }
            try model.cancellation.check()
            let reserve = texts.reduce(0) { $0 + $1.writer.job.reserve }
            // Two passes: the second is for a token that may have to be recomputed.
            let expense = Expense(promptTokens: reserve, passes: 2, branches: active.count)
            // A text written after a hint is processed once more at its final place.
            let moved = active.filter { texts[$0].writer.job.hint != nil }
                .reduce(0) { $0 + texts[$1].writer.tokenCount + 1 }
            guard ledger.meter.allows(expense),
                moved == 0 || moved + active.count <= ledger.meter.tokensLeft,
                active.allSatisfy({ hasRoom(after: texts[$0].branch.count, for: 1, ledger: ledger) })
            else {
                for index in active { texts[index].writer.endWithin(.budget) }
                return
            }
            for index in active {
                // Do not copy the text: its writer would be copied with it at every token.
                let (logits, branch) = (texts[index].logits, texts[index].branch)
                try texts[index].writer.chooseToken(
                    samplers[index],
                    logits,
                    recent: samplers[index].options.repetitionPenalty == 1 ? [] : branch.tokens,
                    position: branch.count
                )
            }
            if texts.count == 1, texts[0].writer.pending != nil, !texts[0].writer.lastFragment.isEmpty {
                onDraft(texts[0].writer.job.parent, texts[0].writer.lastFragment)
            }
            let growing = active.filter { texts[$0].writer.pending != nil }
            guard !growing.isEmpty else { continue }
            let work = growing.compactMap { index in
                texts[index].writer.pending.map { (branch: texts[index].branch, token: $0) }
            }
            let results = try stepWithStates(work, to: \.generated, ledger: ledger)
            for (index, (logits, states)) in zip(growing, results) {
                texts[index].logits = logits
                texts[index].writer.acceptPending()
                guard let states else { continue }
                let steps = texts[index].writer.steps
                texts[index].states.append(states)
                if steps.count > texts[index].states.endedCount { texts[index].states.end(steps.map(\.node)) }
            }
        }
    }
}
