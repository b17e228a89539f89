import EMLLMCore

/// Texts, verdicts and answers from the record of an earlier run. It shows what would have been decided under other
/// thresholds, without running the model.
///
/// A node is a function of the seed and its place in the tree, so a recorded text is exactly what the model would
/// write. A request for anything that was not recorded ends the run with ``/EMLLMCore/EMLLMError/Code/leftRecording``.
final class RecordedStepSource: StepSource {
    private let recorded: Trace
    /// The recorded node that each node stands for.
    private var known: [Int: Int] = [0: 0]
    private var reflectionsTaken: Set<Int> = []
    private var viewRoots: Set<Int> = []
    private var knownReflections: [Int: Int] = [:]

    init(_ trace: Trace) { recorded = trace }

    var contextLength: Int { recorded.header.contextLength }
    func checkCancelled() throws {}
    func release(_ nodes: [Int]) {}

    func position(after node: Int) -> Int {
        recorded.header.prompt.count + recorded.line(to: known[node] ?? 0).reduce(0) { $0 + $1.tokens.count }
    }

    func readQuestion(ledger: Ledger) -> (processed: Int, reused: Int) { (recorded.header.prompt.count, 0) }

    func write(
        _ jobs: [WriteJob],
        firstID: Int,
        ledger: Ledger,
        onDraft: (_ parent: Int, String) -> Void
    ) throws -> (texts: [[StepNode]], error: (any Error)?) {
        var texts: [[StepNode]] = []
        var id = firstID
        for job in jobs {
            noteView(of: job, ledger: ledger)
            var nodes: [StepNode] = []
            for found in try text(of: job) {
                var node = found
                node.parent = nodes.last?.id ?? job.parent
                node.id = id
                node.hint = job.hint
                (node.rejection, node.decision, node.evaluation) = (nil, nil, nil)
                known[id] = found.id
                id += 1
                ledger.counts.generated += node.written
                if job.hint != nil { ledger.counts.recomputed += node.tokens.count }
                ledger.meter.notePass(tokens: node.written, seconds: 0)
                nodes.append(node)
            }
            texts.append(nodes)
        }
        return (texts, nil)
    }

    /// The recorded nodes of a text.
    private func text(of job: WriteJob) throws -> [StepNode] {
        let parent = known[job.parent]
        guard
            let first = recorded.nodes.first(where: { node in
                node.parent == parent && node.ordinal == job.ordinal && !node.continues
                    && node.temperature == job.temperature && (node.view ?? 0) == job.view
                    && isSame(node.hint, job.hint)
            })
        else { throw EMLLMError.leftRecording }
        var nodes = [first]
        while let next = recorded.nodes.first(where: { $0.parent == nodes[nodes.count - 1].id && $0.continues }) {
            nodes.append(next)
        }
        if case .step = job.extent, nodes.count > 1 { throw EMLLMError.leftRecording }
        return nodes
    }

    /// Records the cost of a text that uses another view than the step before it.
    private func noteView(of job: WriteJob, ledger: Ledger) {
        guard job.hint == nil, let parent = known[job.parent], recorded.view(of: parent) != job.view else { return }
        if job.view > 0, viewRoots.insert(job.view).inserted { ledger.counts.views += recorded.header.prompt.count }
        ledger.counts.recomputed += recorded.line(to: parent).reduce(0) { $0 + $1.tokens.count }
    }

    private func isSame(_ recorded: StepNode.Hint?, _ hint: StepNode.Hint?) -> Bool {
        switch (recorded, hint) {
        case (nil, nil): true
        case (.reflection(let id)?, .reflection(let own)?): knownReflections[own] == id
        case (.evaluation(let node)?, .evaluation(let own)?): known[own] == node
        default: false
        }
    }

    func evaluate(
        _ nodes: [Int],
        as scope: EvaluationScope,
        behind reflection: Int?,
        ledger: Ledger
    ) throws -> [StepEvaluation] {
        let cost = scope == .step ? recorded.header.costs.evaluation : recorded.header.costs.chainEvaluation
        return try nodes.map { node in
            guard let evaluation = known[node].flatMap({ recorded[$0]?.evaluation }), evaluation.verdict != nil
            else {
                throw EMLLMError.leftRecording
            }
            ledger.counts.evaluation += cost
            ledger.meter.noteAppended(tokens: cost, seconds: 0)
            return evaluation
        }
    }

    func readVerdict(in evaluation: StepNode, ledger: Ledger) -> Verdict? {
        known[evaluation.parent].flatMap { recorded[$0]?.evaluation?.verdict }
    }

    func evaluateEmptyStep(ledger: Ledger) throws -> Verdict {
        guard let prior = recorded.prior else { throw EMLLMError.leftRecording }
        ledger.counts.evaluation += recorded.header.costs.prior
        ledger.meter.noteAppended(tokens: recorded.header.costs.prior, seconds: 0)
        return prior
    }

    func findings(in node: Int) -> [StepFinding]? {
        known[node].flatMap { recorded[$0]?.evaluation }?.findings ?? []
    }

    func reflect(
        on node: Int,
        as scope: EvaluationScope,
        saying hint: String?,
        id: Int,
        ledger: Ledger
    ) throws -> Reflection? {
        let found = recorded.reflections.first { $0.node == known[node] && !reflectionsTaken.contains($0.id) }
        guard let found else { throw EMLLMError.leftRecording }
        reflectionsTaken.insert(found.id)
        knownReflections[id] = found.id
        ledger.counts.reflection += found.tokens.count
        ledger.meter.noteAppended(tokens: found.tokens.count, seconds: 0)
        return Reflection(id: id, node: node, text: found.text, tokens: found.tokens)
    }

    func answer(after nodes: [Int], ledger: Ledger) throws -> [(text: String, tokens: [TokenID])] {
        try nodes.map { node in
            let answers = recorded.proposals + (recorded.answer.map { [$0] } ?? [])
            guard let answer = answers.first(where: { $0.source == .asked && $0.node == known[node] }) else {
                throw EMLLMError.leftRecording
            }
            ledger.counts.answerPrompt += recorded.header.costs.answer
            ledger.counts.answer += max(0, answer.tokens.count - 1)
            ledger.meter.noteAppended(tokens: recorded.header.costs.answer + answer.tokens.count - 1, seconds: 0)
            return (answer.text, answer.tokens)
        }
    }
}

extension EMLLMError.Code {
    /// Other options lead to a step or a verdict that was not recorded.
    public static let leftRecording = Self(rawValue: "left-recording")
}

extension EMLLMError {
    static let leftRecording = EMLLMError(
        code: .leftRecording,
        subject: "recorded run",
        expected: "a step, verdict or answer that was recorded",
        found: "one that only the model can give",
        remedy: "record with wider limits (an accept threshold of 1 tries every revision), or run the model"
    )
}
