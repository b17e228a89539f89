import EMLLMCore
import Foundation

/// The interface of a ``Strategy``: the tree of steps, and the operations on it.
///
/// Write texts after nodes, evaluate them, ask for reflections and answers, and decide which are accepted. Nodes are
/// identified by their ids; the question is node 0. Every operation is an event, and the events make up the ``trace``.
///
/// | to | use |
/// |---|---|
/// | write | ``write(after:_:)``, ``writeChains(after:sampling:hint:isEvaluated:)``, ``draftOptions(for:after:extent:isEvaluated:)`` |
/// | evaluate | ``evaluate(_:as:behind:)``, ``evaluateLines(to:)``, ``reflect(on:as:)``, ``score(of:)``, ``lineScore(to:)`` |
/// | decide | ``decide(_:_:)``, ``takeBack(_:nodes:)``, ``settle(on:among:)``, ``release(_:)`` |
/// | answer | ``statedAnswer(in:)``, ``answers(after:)``, ``vote(_:weights:)`` |
/// | stay within limits | ``width(upTo:after:length:isEvaluated:)``, ``stopReason(after:)``, ``checkCancelled()`` |
///
/// The session enforces every limit, whatever a strategy does: a text that the budget has no room for is empty,
/// an evaluation or a reflection that it has no room for is not made, and the tokens for the answer are reserved from the
/// start. The session ends a strategy that continues a line of ``SelfEvalOptions/maximumSteps`` steps, or calls the session
/// repeatedly without any computation: the call throws an error with the code
/// `EMLLMError.Code.searchLimit`. Pass it on like every other error. The session then takes the last line whose
/// steps are all accepted, and asks for its answer.
///
/// A session belongs to one run and to the thread of that run.
public final class SearchSession {
    /// The settings of the run.
    public let options: SelfEvalOptions
    /// The run so far.
    public private(set) var trace: Trace
    let ledger: Ledger
    let source: any StepSource
    let checkers: [any StepChecker]
    private let onEvent: (DecodeEvent) -> Void

    /// The number of texts that were begun after each node.
    var draftCounts: [Int: Int] = [:]
    /// The random stream of each node.
    var streams: [Int: UInt64] = [0: 0]
    /// The texts written after each node, to detect duplicates.
    var textsWritten: [Int: Set<String>] = [:]
    /// Nodes that were released.
    var released: Set<Int> = []
    /// Views that the budget has room for, or that were already used.
    var permittedViews: Set<Int> = [0]
    /// The findings of the checkers in each checked step.
    var findings: [Int: [StepFinding]] = [:]
    /// Why the session ended the search; `nil` if it did not.
    private var limit: ReasoningStopReason?
    /// Calls since the last computation, and the tokens processed up to it.
    private var idle = (calls: 0, processed: -1)

    /// The maximum number of calls without any computation. More than the built-in strategies make: 64 revisions, each written
    /// and evaluated, that all end their turn at once.
    private static let mostIdleCalls = 256

    init(
        header: TraceHeader,
        source: any StepSource,
        ledger: Ledger,
        checkers: [any StepChecker] = [],
        onEvent: @escaping (DecodeEvent) -> Void
    ) {
        options = header.options
        self.source = source
        self.ledger = ledger
        self.checkers = checkers
        self.onEvent = onEvent
        trace = Trace(header)
    }

    /// Token costs of the method's prompts.
    var costs: TraceHeader.PromptCosts { trace.header.costs }

    /// Records an event.
    func note(_ event: DecodeEvent) {
        let fits = trace.apply(event)
        assert(fits, "an event that does not follow: \(event)")
        onEvent(event)
    }

    // MARK: Reading

    /// A written node.
    ///
    /// - Precondition: the node exists. The question is not a node.
    public subscript(id: Int) -> StepNode {
        guard let node = trace[id] else { preconditionFailure("node \(id) was not written") }
        return node
    }

    /// The score of a node; `nil` if it was not evaluated, or its verdict is uninformative.
    public func score(of id: Int) -> Double? { trace[id]?.evaluation?.score }

    /// The steps from the first to `id`, without evaluations between them.
    public func steps(to id: Int) -> [StepNode] { trace.line(to: id).filter { $0.kind == .step } }

    /// The combined score of a line's steps (``SelfEvalOptions/aggregation``); `nil` if none was evaluated.
    public func lineScore(to leaf: Int) -> Double? {
        options.aggregation(steps(to: leaf).compactMap { $0.evaluation?.score })
    }

    /// Why nothing can follow a node; `nil` if the line can continue.
    public func stopReason(after node: Int) -> ReasoningStopReason? {
        // What a chain that was cut states may not be all that it would have stated.
        switch trace[node]?.end {
        case .decided?: return .decided
        case .pruned?: return .pruned
        default: break
        }
        if options.prompts.chainEnds.contains(.answer), statedAnswer(in: node) != nil { return .answered }
        switch trace[node]?.end {
        case .endOfTurn?: return .endOfTurn
        case .budget?: return .budget
        case .loop?: return .loop
        default: return nil
        }
    }

    // MARK: Deciding

    /// Records the decision on a step.
    public func decide(_ node: Int, _ decision: StepNode.Decision) {
        guard self[node].decision != decision else { return }
        note(.step(node: node, decision))
    }

    /// Records that no candidate is accepted yet, and how many are written next.
    public func announceRevision(after parent: Int, count: Int) { note(.revision(parent: parent, candidates: count)) }

    /// Records that steps are taken back. They stay in the cache, and can be decided on again.
    public func takeBack(_ backtrack: Backtrack, nodes: [Int]) {
        for node in nodes { decide(node, .abandoned) }
        note(.backtrack(backtrack))
    }

    /// Records that all lines except one are abandoned.
    public func settle(on leaf: Int, among leaves: [Int]) {
        let kept = Set(trace.line(to: leaf).map(\.id))
        for node in leaves.flatMap({ trace.line(to: $0).map(\.id) }) where !kept.contains(node) {
            decide(node, .abandoned)
        }
    }

    /// Frees the memory of nodes that will have no successors. They can no longer be continued, evaluated or answered
    /// from.
    public func release(_ nodes: some Sequence<Int>) {
        let nodes = nodes.filter { $0 != 0 }
        released.formUnion(nodes)
        source.release(nodes)
    }

    // MARK: Ending

    /// Throws if the run was cancelled, or if the session ended the search.
    public func checkCancelled() throws {
        try beginCall()
        try source.checkCancelled()
    }

    /// Counts calls without a computation between them, and ends a search that makes too many of them.
    func beginCall() throws {
        if limit != nil { throw EMLLMError.searchLimit }
        let processed = ledger.counts.processed
        idle = processed == idle.processed ? (idle.calls + 1, processed) : (0, processed)
        guard idle.calls > Self.mostIdleCalls else { return }
        throw endSearch(trace.nodes.last?.end == .budget ? .budget : .exhausted)
    }

    /// Ends the search and returns the error to throw.
    func endSearch(_ reason: ReasoningStopReason) -> EMLLMError {
        limit = reason
        return EMLLMError.searchLimit
    }

    /// Checks that a node can be continued, evaluated or answered from.
    func checkIsKept(_ node: Int) throws {
        guard node == 0 || trace[node] != nil, !released.contains(node) else { throw EMLLMError.noSuchNode(node) }
    }
}

// MARK: A run

extension SearchSession {
    /// Reads the question and runs a strategy on it. A cancelled run keeps what it has so far.
    func run(_ strategy: any Strategy) throws -> Trace {
        note(.info(.started(trace.header)))
        ledger.meter.noteImages(trace.header.images ?? [])
        var leaf = 0
        var outcome = TraceSummary.Outcome.answered
        do {
            try readQuestion(asksPrior: strategy.evaluatesSteps && !options.weights.asksNothing)
            let conclusion = try conclude(by: strategy)
            leaf = conclusion.leaf
            note(.info(.reasoningStopped(conclusion.stopReason)))
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

    /// The conclusion of a strategy, or its state when the session ended the search.
    private func conclude(by strategy: any Strategy) throws -> Conclusion {
        do {
            let conclusion = try strategy.run(in: self)
            try checkIsKept(conclusion.leaf)
            return conclusion
        } catch let error as EMLLMError where error.code == .searchLimit {
            return Conclusion(leaf: lastStanding, stopReason: limit ?? .exhausted)
        }
    }

    /// The last node whose line consists of accepted steps only.
    private var lastStanding: Int {
        let standing = trace.nodes.last { node in
            !released.contains(node.id) && trace.line(to: node.id).allSatisfy { $0.decision?.stands == true }
        }
        return standing?.id ?? 0
    }

    /// The confidence in a line: its score or, if nothing was evaluated, the mean probability of its tokens.
    private func confidence(in leaf: Int) -> Double? {
        if let score = lineScore(to: leaf) { return score }
        let steps = steps(to: leaf)
        let tokens = steps.reduce(0) { $0 + $1.tokens.count }
        guard tokens > 0 else { return nil }
        return exp(trace.logProbability(to: leaf) / Double(tokens))
    }
}

extension EMLLMError.Code {
    /// A search that the session ended, because it reached a limit.
    public static let searchLimit = Self(rawValue: "search-limit")
    /// A strategy that names a node, a reflection or a view that does not exist, or was released.
    public static let noSuchNode = Self(rawValue: "no-such-node")
}

extension EMLLMError {
    static let searchLimit = EMLLMError(
        code: .searchLimit,
        subject: "search",
        expected: "a strategy that stops within the limits of its options",
        found: "one that goes on",
        remedy: "let this error through: the session ends the search and asks for the answer"
    )

    static func noSuchNode(_ node: Int) -> EMLLMError {
        noSuchNode("node \(node)", expected: "a node that was written, and not released")
    }

    static func noSuchNode(_ subject: String, expected: String) -> EMLLMError {
        EMLLMError(
            code: .noSuchNode,
            subject: "\(subject) in a search",
            expected: expected,
            found: "none",
            remedy: "correct the strategy"
        )
    }
}
