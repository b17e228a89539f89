import EMLLMCore
import Foundation

/// What strategies work with: the tree of steps, and the few things that can be done to it.
///
/// Write texts behind nodes, evaluate them, ask for reflections and answers, and say what stands. Whatever is done is
/// an event, and the trace is what the events come to; every token is counted and kept within the budget here. Where the
/// texts come from is the source's business: a model, or the record of an earlier run.
final class SearchSession {
    let options: SelfEvalOptions
    let ledger: Ledger
    private(set) var trace: Trace
    private let source: any StepSource
    private let costs: TraceHeader.PromptCosts
    private let onEvent: (DecodeEvent) -> Void
    /// Texts that were begun after each node.
    private var draftCounts: [Int: Int] = [:]
    /// Which random numbers the text of each node draws.
    private var streams: [Int: UInt64] = [0: 0]
    /// What was said after each node, to tell duplicates.
    private var textsWritten: [Int: Set<String>] = [:]

    init(
        header: TraceHeader,
        source: any StepSource,
        ledger: Ledger,
        onEvent: @escaping (DecodeEvent) -> Void
    ) {
        options = header.options
        costs = header.costs
        self.source = source
        self.ledger = ledger
        self.onEvent = onEvent
        trace = Trace(header)
        ledger.onDraft = { onEvent(.draft(parent: $0, text: $1)) }
    }

    /// Records an event.
    private func note(_ event: DecodeEvent) {
        let fits = trace.apply(event)
        assert(fits, "an event that does not follow: \(event)")
        onEvent(event)
    }

    /// A node that was written.
    subscript(id: Int) -> StepNode {
        guard let node = trace[id] else { preconditionFailure("node \(id) was not written") }
        return node
    }

    /// The score of a node; `nil` where it was not evaluated, or its verdict says nothing.
    func score(of id: Int) -> Double? { trace[id]?.evaluation?.score }

    /// The steps from the first to `id`, evaluations between them left out.
    func steps(to id: Int) -> [StepNode] { trace.line(to: id).filter { $0.kind == .step } }

    // MARK: A run

    /// Reads the question and works on it by a strategy. A cancelled run keeps what it has.
    func run(_ strategy: any Strategy) throws -> Trace {
        note(.info(.started(trace.header)))
        ledger.meter.noteImages(trace.header.images ?? [])
        var leaf = 0
        var outcome = TraceSummary.Outcome.answered
        do {
            try readQuestion(asksPrior: strategy.evaluatesSteps)
            let conclusion = try strategy.run(on: self)
            leaf = conclusion.leaf
            note(.info(.reasoningStopped(conclusion.stop)))
            var answer = try conclusion.answer ?? ledger.timed(\.answer) { try finalAnswer(after: leaf) }
            answer.confidence = conclusion.confidence ?? confidence(in: leaf)
            answer.isAbstention = options.abstainBelow.map { (answer.confidence ?? 0) < $0 } ?? false
            note(.answer(answer))
        } catch let error as EMLLMError where error.code == .cancelled {
            outcome = .cancelled
            leaf = lastStanding
        }
        let path = trace.line(to: leaf)
        var summary = TraceSummary(outcome: outcome, path: path.map(\.id))
        ledger.counts.accepted = path.reduce(0) { $0 + $1.tokens.count }
        ledger.seconds.total = ledger.meter.elapsed
        summary.counts = ledger.counts
        summary.seconds = ledger.seconds
        summary.passes = ledger.passes
        summary.timeRefusals = ledger.meter.timeRefusals
        note(.info(.finished(summary)))
        return trace
    }

    private func readQuestion(asksPrior: Bool) throws {
        let (processed, reused) = try ledger.timed(\.prompt) { try source.readQuestion(ledger: ledger) }
        ledger.counts.prompt = processed
        if reused > 0 { ledger.counts.reusedPrompt = reused }
        ledger.meter.notePrompt(tokens: processed, seconds: ledger.seconds.prompt)
        note(.info(.prompted(tokens: processed, reused: reused, seconds: ledger.seconds.prompt)))
        guard asksPrior, options.subtractsPrior, options.prompts.emptyStep != nil,
            ledger.meter.allows(Expense(promptTokens: costs.prior)),
            trace.header.prompt.count + costs.prior <= source.contextLength
        else { return }
        note(.info(.prior(try ledger.timed(\.evaluation) { try source.evaluateEmptyStep(ledger: ledger) })))
    }

    /// The last node of which every step up to it stands: where a run that was cancelled had arrived.
    private var lastStanding: Int {
        let standing = trace.nodes.last { node in trace.line(to: node.id).allSatisfy { $0.decision?.stands == true } }
        return standing?.id ?? 0
    }

    func checkCancelled() throws { try source.checkCancelled() }

    // MARK: Limits

    /// The most texts, up to `count`, that may be written behind a node and evaluated, about `length` tokens each.
    func width(upTo count: Int, after parent: Int, length: Int, isEvaluated: Bool) -> Int {
        let evaluating = isEvaluated ? costs.evaluation : 0
        let room = source.position(after: parent) + length + max(ledger.meter.reservedTokens, evaluating)
        guard count > 0, room <= source.contextLength else { return 0 }
        return (1...count).last { width in
            ledger.meter.allows(Expense(promptTokens: width * evaluating, passes: length + 2, branches: width))
        } ?? 0
    }

    /// How texts behind a node are to be written that have to differ: in a view each, in turn, the likeliest text of each view
    /// first, and draws after that. Without further views, and where the budget has no room for them, all are draws.
    ///
    /// - Parameters:
    ///   - numbers: which of the texts at this place they are; number 0 is at the look of the step before.
    ///   - parent: the node.
    ///   - extent: how far they go.
    ///   - isEvaluated: whether they are going to be evaluated.
    func draftOptions(
        of numbers: Range<Int>,
        after parent: Int,
        extent: DraftOptions.Extent,
        isEvaluated: Bool
    ) -> [DraftOptions] {
        let views = numbers.map { (trace.view(of: parent) + $0) % options.views }
        // The question at each view that was not taken yet, and behind it the line so far.
        let further = Set(views).subtracting(trace.nodes.map { $0.view ?? 0 }).subtracting([0]).count
        let line = trace.line(to: parent).reduce(0) { $0 + $1.tokens.count }
        let cost = further * trace.header.prompt.count + numbers.count * line
        guard options.views > 1, trace.header.images != nil,
            ledger.meter.allows(Expense(promptTokens: cost, views: further))
        else {
            let draft = DraftOptions(extent: extent, sampling: options.revisionSampling, isEvaluated: isEvaluated)
            return numbers.map { _ in draft }
        }
        return zip(numbers, views).map { number, view in
            DraftOptions(
                extent: extent,
                sampling: number < options.views ? options.primarySampling : options.revisionSampling,
                isEvaluated: isEvaluated,
                view: view
            )
        }
    }

    // MARK: Writing

    /// Writes texts behind nodes as one batch. Texts that say nothing new are marked.
    ///
    /// - Returns: for each text its nodes: one for a step, one for each step of a turn.
    func write(after parents: [Int], _ draft: DraftOptions) throws -> [[Int]] {
        try write(parents.map { ($0, draft) })
    }

    /// Writes texts as one batch, each in its own manner.
    func write(_ texts: [(parent: Int, draft: DraftOptions)]) throws -> [[Int]] {
        let jobs = texts.map { parent, draft in
            let ordinal = draftCounts[parent, default: 0]
            draftCounts[parent] = ordinal + 1
            return WriteJob(
                parent: parent,
                ordinal: ordinal,
                stream: Self.stream(streams[parent] ?? 0, ordinal),
                sampling: draft.sampling,
                extent: draft.extent,
                hint: draft.hint,
                view: draft.view ?? trace.view(of: parent),
                reserve: draft.isEvaluated ? costs.evaluation : 0
            )
        }
        let (written, error) = try ledger.timed(\.generation) {
            try source.write(jobs, firstID: trace.nodes.count + 1, ledger: ledger)
        }
        for (job, nodes) in zip(jobs, written) {
            for var node in nodes {
                streams[node.id] = job.stream
                if node.continues { draftCounts[node.parent] = 1 }
                node.rejection = rejection(of: node, in: job.extent)
                note(.candidate(node))
            }
        }
        if let error { throw error }
        return written.map { $0.map(\.id) }
    }

    /// The random numbers of a text, given those of what it follows: SplitMix64's finalizer (Steele et al. 2014).
    private static func stream(_ parent: UInt64, _ ordinal: Int) -> UInt64 {
        SplitMix64.mix(parent &+ SplitMix64.increment &* UInt64(ordinal + 1))
    }

    /// Why a text is set aside without a verdict. Chains may begin alike; candidates for a step have to differ.
    private func rejection(of node: StepNode, in extent: DraftOptions.Extent) -> StepNode.Rejection? {
        let key = AnswerText.key(node.text)
        defer { textsWritten[node.parent, default: []].insert(key) }
        if key.isEmpty { return .empty }
        if case .step = extent, textsWritten[node.parent]?.contains(key) == true { return .duplicate }
        if steps(to: node.parent).contains(where: { AnswerText.key($0.text) == key }) { return .repetition }
        if case .step = extent, node.ordinal > 0, node.end == .budget { return .cut }
        return nil
    }

    // MARK: Evaluating

    /// Evaluates nodes as one batch. Without the budget for all of them, none is evaluated.
    func evaluate(_ nodes: [Int], as scope: EvaluationScope = .step, behind reflection: Int? = nil) throws {
        let cost = scope == .step ? costs.evaluation : costs.chainEvaluation
        let asked = nodes.filter { self[$0].evaluation == nil || reflection != nil }
        guard !asked.isEmpty, ledger.meter.allows(Expense(promptTokens: asked.count * cost, branches: asked.count)),
            asked.allSatisfy({ source.position(after: $0) + cost <= source.contextLength })
        else { return }
        let evaluations = try ledger.timed(\.evaluation) {
            try source.evaluate(asked, as: scope, behind: reflection, ledger: ledger)
        }
        for (id, evaluation) in zip(asked, evaluations) {
            var evaluation = evaluation
            evaluation.score = score(id, evaluation)
            note(.evaluation(node: id, evaluation))
        }
    }

    /// Reads the verdict of an evaluation that was written beside a step, for the record of that step.
    func readVerdict(in evaluation: Int, on step: Int) throws {
        guard ledger.meter.allows(Expense(promptTokens: 1)),
            let verdict = try source.readVerdict(in: self[evaluation], ledger: ledger)
        else { return }
        var read = StepEvaluation(verdict: verdict)
        read.score = score(step, read)
        note(.evaluation(node: step, read))
    }

    /// What an evaluation comes to with the weights and the calibration that were asked for.
    private func score(_ id: Int, _ evaluation: StepEvaluation) -> Double? {
        options.weights.score(
            self[id],
            evaluation,
            lineLogProbability: trace.logProbability(to: id),
            calibration: options.calibration
        )
    }

    /// Evaluates every step of some lines that was not evaluated, a batch for each place in them.
    func evaluateLines(to leaves: [Int]) throws {
        let steps = Set(leaves.flatMap { self.steps(to: $0).filter { $0.rejection == nil }.map(\.id) }).sorted()
        // A branch for each: in pieces, so that many chains do not need the memory for all of them at once.
        for begin in stride(from: 0, to: steps.count, by: 16) {
            try evaluate(Array(steps[begin..<min(begin + 16, steps.count)]))
        }
    }

    /// What the scores of a line's steps come to; `nil` where none was evaluated.
    func lineScore(to leaf: Int) -> Double? { options.aggregation(steps(to: leaf).compactMap { $0.evaluation?.score }) }

    /// How sure the run is of a line: its score, or where nothing was evaluated the mean probability of its tokens.
    private func confidence(in leaf: Int) -> Double? {
        if let score = lineScore(to: leaf) { return score }
        let steps = steps(to: leaf)
        let tokens = steps.reduce(0) { $0 + $1.tokens.count }
        guard tokens > 0 else { return nil }
        return exp(trace.logProbability(to: leaf) / Double(tokens))
    }

    /// Asks what is wrong with a node, or the chain that it ends; `nil` where there is no room for it.
    func reflect(on node: Int, as scope: EvaluationScope = .step) throws -> Reflection? {
        let reflection = try ledger.timed(\.evaluation) {
            try source.reflect(on: node, as: scope, id: trace.reflections.count, ledger: ledger)
        }
        if let reflection { note(.reflection(reflection)) }
        return reflection
    }

    // MARK: Decisions

    /// Says what is made of a step.
    func decide(_ node: Int, _ decision: StepNode.Decision) {
        guard self[node].decision != decision else { return }
        note(.step(node: node, decision))
    }

    /// Says that no candidate stands yet, and how many are written next.
    func announceRevision(after parent: Int, count: Int) { note(.revision(parent: parent, candidates: count)) }

    /// Records that steps are taken back.
    func takeBack(_ backtrack: Backtrack, nodes: [Int]) {
        for node in nodes { decide(node, .abandoned) }
        note(.backtrack(backtrack))
    }

    /// Forgets nodes that nothing is going to follow.
    func release(_ nodes: some Sequence<Int>) { source.release(nodes.filter { $0 != 0 }) }

    // MARK: Answers

    /// The answer that a step states.
    func statedAnswer(in node: Int) -> Answer? {
        guard let step = trace[node], step.kind == .step,
            let text = AnswerText.stated(in: step.text, by: options.prompts)
        else { return nil }
        return Answer(text: text, source: .reasoning, node: node, tokens: [])
    }

    /// The answer of the line that the run arrived at, out of what was set aside for it.
    private func finalAnswer(after leaf: Int) throws -> Answer {
        if let answer = statedAnswer(in: leaf) { return answer }
        if let known = trace.proposals.last(where: { $0.node == leaf }) { return known }
        let (text, tokens) = try source.answer(after: [leaf], ledger: ledger)[0]
        return Answer(text: text, source: .asked, node: leaf, tokens: tokens)
    }

    /// The answers of several lines: stated ones, and the others asked for as one batch where the budget allows it.
    func answers(after leaves: [Int]) throws -> [Answer?] {
        let silent = leaves.filter { statedAnswer(in: $0) == nil }
        let expense = Expense(
            promptTokens: silent.count * costs.answer,
            passes: options.budget.answerTokens,
            branches: silent.count
        )
        var asked: [Int: Answer] = [:]
        if !silent.isEmpty, ledger.meter.allows(expense) {
            let found = try ledger.timed(\.answer) { try source.answer(after: silent, ledger: ledger) }
            for (leaf, answer) in zip(silent, found) {
                asked[leaf] = Answer(text: answer.text, source: .asked, node: leaf, tokens: answer.tokens)
            }
        }
        return leaves.map { leaf in
            let answer = statedAnswer(in: leaf) ?? asked[leaf]
            if let answer { note(.proposal(answer)) }
            return answer
        }
    }
}
