import EMLLMCore

// MARK: Limits

extension SearchSession {
    /// The largest number of texts, up to `count`, that can be written after a node and evaluated, at about `length`
    /// tokens each.
    public func width(upTo count: Int, after parent: Int, length: Int, isEvaluated: Bool) -> Int {
        let evaluation = isEvaluated ? costs.evaluation : 0
        let room = source.position(after: parent) + length + max(ledger.meter.reservedTokens, evaluation)
        guard count > 0, room <= source.contextLength else { return 0 }
        return (1...count).last { width in
            ledger.meter.allows(Expense(promptTokens: width * evaluation, passes: length + 2, branches: width))
        } ?? 0
    }

    /// How far chains after nodes may go.
    public func turn(after parents: [Int]) -> DraftOptions.Extent {
        let known = parents.map { steps(to: $0).count }.max() ?? 0
        return .turn(maximumSteps: max(1, options.maximumSteps - known))
    }

    /// Options for texts after a node that have to differ. Each takes a view in turn. The first text of each view is
    /// the most likely one; later texts are sampled. Without further views, and if the budget has no room for them, all
    /// are sampled.
    ///
    /// - Parameters:
    ///   - numbers: the numbers of the texts at this place; number 0 uses the view of the previous step.
    ///   - parent: the node.
    ///   - extent: how far they go.
    ///   - isEvaluated: whether they are going to be evaluated.
    public func draftOptions(
        for numbers: Range<Int>,
        after parent: Int,
        extent: DraftOptions.Extent,
        isEvaluated: Bool
    ) -> [DraftOptions] {
        let views = numbers.map { (trace.view(of: parent) + $0) % options.views }
        guard options.views > 1, trace.header.images != nil,
            ledger.meter.allows(expense(of: views, texts: numbers.count, after: parent))
        else {
            let draft = DraftOptions(extent: extent, sampling: options.revisionSampling, isEvaluated: isEvaluated)
            return numbers.map { _ in draft }
        }
        permittedViews.formUnion(views)
        return zip(numbers, views).map { number, view in
            DraftOptions(
                extent: extent,
                sampling: number < options.views ? options.primarySampling : options.revisionSampling,
                isEvaluated: isEvaluated,
                view: view
            )
        }
    }

    /// The cost of texts in other views: the question in each view that was not used yet, followed by the line so far.
    private func expense(of views: [Int], texts: Int, after parent: Int) -> Expense {
        let further = Set(views).subtracting(trace.nodes.map { $0.view ?? 0 }).subtracting([0]).count
        let line = trace.line(to: parent).reduce(0) { $0 + $1.tokens.count }
        return Expense(promptTokens: further * trace.header.prompt.count + texts * line, views: further)
    }
}

// MARK: Writing

extension SearchSession {
    /// Writes texts after nodes as one batch. Texts that say nothing new are marked (``StepNode/rejection``).
    ///
    /// - Returns: for each text, its nodes: one for a step, or one for each step of a turn.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the work was cancelled, the session ended the search, or a node does
    ///   not exist.
    public func write(after parents: [Int], _ draft: DraftOptions) throws -> [[Int]] {
        try write(parents.map { ($0, draft) })
    }

    /// Writes texts as one batch, each with its own options.
    ///
    /// - Returns: for each text, its nodes: one for a step, or one for each step of a turn.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the work was cancelled, the session ended the search, or a node does
    ///   not exist.
    public func write(_ texts: [(parent: Int, draft: DraftOptions)]) throws -> [[Int]] {
        try write(texts, endingEarly: nil)
    }

    private func write(
        _ texts: [(parent: Int, draft: DraftOptions)],
        endingEarly monitor: (([ChainProgress]) -> [Int: EarlyEnd])?
    ) throws -> [[Int]] {
        try beginCall()
        guard !texts.isEmpty else { return [] }
        let jobs = try texts.map { try job($0.draft, after: $0.parent) }
        let (written, error) = try ledger.timed(\.generation) {
            try source.write(
                jobs,
                firstID: trace.nodes.count + 1,
                ledger: ledger,
                monitor: monitor.map { writeMonitor(of: jobs, $0) }
            ) { [self] parent, text in
                note(.draft(parent: parent, text: text))
            }
        }
        for (job, nodes) in zip(jobs, written) {
            let rejections = rejections(of: nodes, job)
            for (var node, rejection) in zip(nodes, rejections) {
                streams[node.id] = Self.stream(streams[job.parent] ?? 0, job.ordinal)
                if node.continues { draftCounts[node.parent] = 1 }
                node.rejection = rejection
                textsWritten[node.parent, default: []].insert(AnswerText.key(node.text))
                permittedViews.insert(job.view)
                note(.candidate(node))
            }
        }
        if let error { throw error }
        return written.map { $0.map(\.id) }
    }

    /// The job for the source to write a text.
    private func job(_ draft: DraftOptions, after parent: Int) throws -> WriteJob {
        try checkIsKept(parent)
        switch draft.hint {
        case .evaluation(let node)?: try checkIsKept(node)
        case .reflection(let id)?:
            guard trace.reflections.indices.contains(id) else {
                throw EMLLMError.noSuchNode("reflection \(id)", expected: "a reflection that was asked for")
            }
        case nil: break
        }
        if let rollback = draft.rollback {
            try checkIsKept(rollback.node)
            guard self[rollback.node].parent == parent, draft.hint == nil else {
                throw EMLLMError.noSuchNode("node \(rollback.node)", expected: "a node behind node \(parent)")
            }
        }
        let ordinal = draftCounts[parent, default: 0]
        draftCounts[parent] = ordinal + 1
        return WriteJob(
            parent: parent,
            ordinal: ordinal,
            stream: stream(after: parent, ordinal),
            sampling: draft.sampling,
            extent: try extent(draft, after: parent),
            hint: draft.hint,
            rollback: draft.rollback,
            view: try draft.rollback.map { self[$0.node].view ?? 0 } ?? view(draft, after: parent),
            reserve: draft.isEvaluated ? costs.evaluation : 0,
            recognizesEvaluations: draft.recognizesEvaluations
        )
    }

    /// How far a text may go, so that its line has at most as many steps as allowed.
    private func extent(_ draft: DraftOptions, after parent: Int) throws -> DraftOptions.Extent {
        let left = options.maximumSteps - steps(to: parent).count
        // The last step may be followed by the model's own evaluation of it.
        let mayBeEvaluation = left == 0 && draft.recognizesEvaluations && trace[parent]?.kind == .step
        guard left > 0 || mayBeEvaluation else { throw endSearch(.maximumSteps) }
        guard case .turn(let steps) = draft.extent else { return .step }
        return .turn(maximumSteps: max(1, min(steps, left)))
    }

    /// The view that a text is written with: the requested one if the budget has room for it, otherwise that of the
    /// previous step.
    private func view(_ draft: DraftOptions, after parent: Int) throws -> Int {
        let current = trace.view(of: parent)
        guard let view = draft.view, view != current else { return current }
        guard (0..<options.views).contains(view) else {
            throw EMLLMError.noSuchNode("view \(view)", expected: "0...\(options.views - 1)")
        }
        if permittedViews.contains(view) { return view }
        guard ledger.meter.allows(expense(of: [view], texts: 1, after: parent)) else { return current }
        permittedViews.insert(view)
        return view
    }

    /// The random stream of a text. The first line samples like a plain chat with the same seed. If repeated steps end
    /// a chain, it has a separate stream, as in earlier versions.
    private func stream(after parent: Int, _ ordinal: Int) -> UInt64 {
        let isFirstLine = ordinal == 0 && trace.line(to: parent).allSatisfy { $0.ordinal == 0 }
        if isFirstLine, !options.prompts.chainEnds.contains(.repetition) { return 0 }
        return Self.stream(streams[parent] ?? 0, ordinal)
    }

    /// The random stream of a text, given the stream of what it follows: SplitMix64's finalizer (Steele et al. 2014).
    private static func stream(_ parent: UInt64, _ ordinal: Int) -> UInt64 {
        SplitMix64.mix(parent &+ SplitMix64.increment &* UInt64(ordinal + 1))
    }

    /// Why nodes of a text are rejected without a verdict; `nil` for each that is not. Chains may begin alike; candidates for
    /// a step have to differ.
    private func rejections(of nodes: [StepNode], _ job: WriteJob) -> [StepNode.Rejection?] {
        var isStep = false
        if case .step = job.extent { isStep = true }
        // If a chain is stuck in a loop, the repetitions are not part of it.
        let isLoop = !isStep && nodes.last?.end == .loop
        let loopStart = isLoop ? LoopDetector(behind: nodes.flatMap(\.tokens)).repetitionStart : nil
        let mayNotRepeat = options.prompts.chainEnds.contains(.repetition)
        var keys = Set(mayNotRepeat ? steps(to: job.parent).map { AnswerText.key($0.text) } : [])
        var position = 0
        return nodes.map { node in
            let key = AnswerText.key(node.text)
            defer {
                position += node.tokens.count
                if mayNotRepeat, node.kind == .step { keys.insert(key) }
            }
            if let loopStart, position >= loopStart { return .repetition }
            if key.isEmpty { return .empty }
            if isStep, textsWritten[job.parent]?.contains(key) == true { return .duplicate }
            if keys.contains(key) { return .repetition }
            if isStep, node.ordinal > 0, node.end == .budget { return .cut }
            return nil
        }
    }

    /// What looks at texts while they are written, for what looks at chains.
    private func writeMonitor(
        of jobs: [WriteJob],
        _ monitor: @escaping ([ChainProgress]) -> [Int: EarlyEnd]
    ) -> WriteMonitor {
        var answers: [Int: String?] = [:]
        return { [self] texts in
            let chains = texts.enumerated().map { index, text in
                var chain = ChainProgress(state: .writing, windowConfidence: text.windowConfidence)
                guard let end = text.end else { return chain }
                if let early = end.earlyEnd {
                    chain.state = .ended(early)
                    return chain
                }
                chain.state = .complete
                let answer = answers[index] ?? statedAnswer(in: text.steps.map(\.node), of: jobs[index])
                answers[index] = .some(answer)
                chain.answer = answer
                return chain
            }
            return monitor(chains)
        }
    }

    /// The answer that a chain comes to which is not recorded yet.
    private func statedAnswer(in nodes: [StepNode], of job: WriteJob) -> String? {
        let standing = zip(nodes, rejections(of: nodes, job)).prefix { $1 == nil }.map(\.0)
        if options.prompts.chainEnds.contains(.answer) {
            guard let last = standing.last else { return statedAnswer(in: job.parent)?.text }
            return last.kind == .step ? AnswerText.stated(in: last.text, by: options.prompts) : nil
        }
        let steps = steps(to: job.parent) + standing.filter { $0.kind == .step }
        return AnswerText.statement(in: steps.map(\.text).joined(), by: options.prompts)?.text
    }
}

// MARK: Chains

extension SearchSession {
    /// Writes whole chains after nodes as one batch, and reports which of their steps are accepted.
    ///
    /// - Returns: for each chain, its last accepted step (or the node it began after, if there is none), and why it
    ///   stopped.
    /// - Throws: the errors of ``write(after:_:)``.
    public func writeChains(
        after parents: [Int],
        sampling: GenerationOptions,
        hint: StepNode.Hint? = nil,
        isEvaluated: Bool
    ) throws -> [(leaf: Int, stopReason: ReasoningStopReason)] {
        let extent = turn(after: parents)
        let draft = DraftOptions(extent: extent, sampling: sampling, hint: hint, isEvaluated: isEvaluated)
        return try writeChains(parents.map { ($0, draft) })
    }

    /// Writes whole chains as one batch, each with its own options, and reports which of their steps are accepted.
    ///
    /// - Returns: as ``writeChains(after:sampling:hint:isEvaluated:)``.
    /// - Throws: the errors of ``write(after:_:)``.
    public func writeChains(
        _ chains: [(parent: Int, draft: DraftOptions)]
    ) throws -> [(leaf: Int, stopReason: ReasoningStopReason)] {
        try zip(chains, write(chains)).map { chain, nodes in chainEnd(of: nodes, after: chain.parent) }
    }

    /// Writes whole chains as one batch, and ends some of them while they are written.
    ///
    /// Before each token `monitor` is shown how far the chains have come; those that it names are ended with the last whole
    /// character. Their last step says so (``StepStopReason/decided``, ``StepStopReason/pruned``), and they are not asked for an
    /// answer by anybody but the strategy. It has to depend on nothing but what it is shown, so that a run can be repeated.
    ///
    /// - Parameters:
    ///   - chains: what is written behind which node.
    ///   - monitor: given the chains in order, names those to end by their places.
    /// - Returns: as ``writeChains(after:sampling:hint:isEvaluated:)``; a chain that was ended has the reason
    ///   ``ReasoningStopReason/decided`` or ``ReasoningStopReason/pruned``.
    /// - Throws: as ``write(after:_:)``.
    public func writeChains(
        _ chains: [(parent: Int, draft: DraftOptions)],
        endingEarly monitor: @escaping ([ChainProgress]) -> [Int: EarlyEnd]
    ) throws -> [(leaf: Int, stopReason: ReasoningStopReason)] {
        try zip(chains, write(chains, endingEarly: monitor)).map { chain, nodes in
            chainEnd(of: nodes, after: chain.parent)
        }
    }

    private func chainEnd(of nodes: [Int], after parent: Int) -> (leaf: Int, stopReason: ReasoningStopReason) {
        // White space or a repetition at the end of a chain is not part of it.
        let standing = nodes.prefix { self[$0].rejection == nil }
        for node in nodes { decide(node, standing.contains(node) ? .written : .rejected) }
        let leaf = standing.last ?? parent
        switch nodes.last.flatMap({ self[$0].end?.earlyEnd }) {
        case .decided?: return (leaf, .decided)
        case .pruned?: return (leaf, .pruned)
        case nil: break
        }
        // The last text may be white space that ended the turn. Then the turn ended, although the line does not show
        // it.
        let stop = stopReason(after: leaf) ?? nodes.last.flatMap { stopReason(after: $0) }
        return (leaf, stop ?? (standing.count < nodes.count ? .exhausted : .maximumSteps))
    }
}
