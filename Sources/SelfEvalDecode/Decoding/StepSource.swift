import EMLLMCore

/// A text to write.
struct WriteJob {
    /// The node that it follows; 0 for the question.
    let parent: Int
    /// The number of texts that were begun there before.
    let ordinal: Int
    /// The stream of random numbers that it uses.
    let stream: UInt64
    /// How tokens are chosen.
    let sampling: GenerationOptions
    /// One step, or all of them.
    let extent: DraftOptions.Extent
    /// The hint that it is written after, before it is moved to its place.
    let hint: StepNode.Hint?
    /// The text of which the beginning is kept.
    let rollback: StepNode.Rollback?
    /// The view of the pictures that it is written with; 0 is the first.
    let view: Int
    /// The number of tokens that the budget reserves for evaluating it.
    let reserve: Int
    /// Whether evaluations between markers are separate pieces.
    let recognizesEvaluations: Bool

    /// The temperature, 0 for the likeliest text.
    var temperature: Double { sampling.samplingMode == .greedy ? 0 : sampling.temperature }
}

/// A text of a batch, as far as it is written.
struct TextProgress {
    /// The steps that have ended, without ids, and how many tokens of the text each ends after: the writer's own array, which
    /// nobody copies at every token.
    let steps: [(node: StepNode, end: Int)]
    /// Why the text ended; `nil` while it goes on.
    let end: StepStopReason?
    /// The lowest mean log-probability of any ``SelfEvalOptions/confidenceWindow`` tokens in a row; `nil` before there are so
    /// many.
    let windowConfidence: Double?
}

/// Looks at the texts of a batch, and says which of them are ended, and why.
typealias WriteMonitor = ([TextProgress]) -> [Int: EarlyEnd]

/// The origin of texts, verdicts and answers: a model, or the record of an earlier run.
///
/// Nodes are identified by their ids. A source keeps what it needs to continue from a node until that node is released.
protocol StepSource: AnyObject {
    /// Puts the question's prompt into the cache.
    ///
    /// - Returns: tokens processed, and tokens found in the cache.
    func readQuestion(ledger: Ledger) throws -> (processed: Int, reused: Int)

    /// Writes texts as one batch. Each text is a list of nodes: one for a step, or one for each step of a turn.
    ///
    /// - Parameters:
    ///   - jobs: the texts to write.
    ///   - firstID: the id of the first node; the others follow in order.
    ///   - ledger: records the costs; writing stops when the budget is used up.
    ///   - monitor: called before each token; names the texts to end. `nil` writes each to its end.
    ///   - onDraft: called with text of a step that is being written alone.
    /// - Returns: the nodes, and the error that ended the writing early, such as a cancellation.
    func write(
        _ jobs: [WriteJob],
        firstID: Int,
        ledger: Ledger,
        monitor: WriteMonitor?,
        onDraft: (_ parent: Int, String) -> Void
    ) throws -> (texts: [[StepNode]], error: (any Error)?)

    /// Evaluates nodes as one batch, without computing scores.
    ///
    /// - Parameter reflection: a reflection on the only node, which precedes the request; `nil` asks right after the
    ///   node.
    func evaluate(
        _ nodes: [Int],
        as scope: EvaluationScope,
        behind reflection: Int?,
        ledger: Ledger
    ) throws -> [StepEvaluation]

    /// The recorded findings of checkers on a node; `nil` if the checkers have to be asked.
    func findings(in node: Int) -> [StepFinding]?

    /// The verdict of an evaluation that was written after a step, from the probability of its word for an accepted
    /// step; `nil` if it has no verdict.
    func readVerdict(in evaluation: StepNode, ledger: Ledger) throws -> Verdict?

    /// The verdict on a step without content, which is subtracted from all later verdicts.
    func evaluateEmptyStep(ledger: Ledger) throws -> Verdict

    /// The model's description of what is wrong with a node, or with the chain up to it; `nil` if there is no room for
    /// it.
    ///
    /// - Parameter hint: a text that replaces the model's own words; `nil` asks the model.
    func reflect(
        on node: Int,
        as scope: EvaluationScope,
        saying hint: String?,
        id: Int,
        ledger: Ledger
    ) throws -> Reflection?

    /// Asks for the model's answers after nodes, as one batch.
    func answer(after nodes: [Int], ledger: Ledger) throws -> [(text: String, tokens: [TokenID])]

    /// Discards the state of nodes. They can no longer be continued or evaluated.
    func release(_ nodes: [Int])

    /// The number of positions in the context after a node.
    func position(after node: Int) -> Int
    /// The maximum number of positions.
    var contextLength: Int { get }
    /// Throws when the work was cancelled.
    func checkCancelled() throws
}
