import EMLLMCore

/// A text that is to be written.
struct WriteJob {
    /// The node that it follows; 0 for the question.
    let parent: Int
    /// How many texts were begun there before.
    let ordinal: Int
    /// Which random numbers it draws.
    let stream: UInt64
    /// How tokens are chosen.
    let sampling: GenerationOptions
    /// One step, or all of them.
    let extent: DraftOptions.Extent
    /// What it is written behind, before it is moved to its place.
    let hint: StepNode.Hint?
    /// The view of the pictures that it is written at; 0 is the first.
    let view: Int
    /// Tokens of the budget that are kept for evaluating it.
    let reserve: Int
    /// Whether evaluations between markers are pieces of their own.
    let recognizesEvaluations: Bool

    /// The temperature, 0 for the likeliest text.
    var temperature: Double { sampling.samplingMode == .greedy ? 0 : sampling.temperature }
}

/// A text of a batch, as far as it is written.
struct TextProgress {
    /// The steps that have ended, without ids.
    let steps: [StepNode]
    /// Why the text ended; `nil` while it goes on.
    let end: StepStopReason?
    /// The lowest mean log-probability of any ``SelfEvalOptions/confidenceWindow`` tokens in a row; `nil` before there are so
    /// many.
    let windowConfidence: Double?
}

/// Looks at the texts of a batch, and says which of them are ended, and why.
typealias WriteMonitor = ([TextProgress]) -> [Int: EarlyEnd]

/// Where texts, verdicts and answers come from: a model, or the record of what one said.
///
/// Nodes are known by their ids. A source keeps what it needs to go on behind each until it
/// is told that a node is not needed any more.
protocol StepSource: AnyObject {
    /// Puts the question's prompt into the cache.
    ///
    /// - Returns: tokens processed, and tokens found in the cache.
    func readQuestion(ledger: Ledger) throws -> (processed: Int, reused: Int)

    /// Writes texts as one batch. Each is a list of nodes: one for a step, one for each step of a turn.
    ///
    /// - Parameters:
    ///   - jobs: what is to be written.
    ///   - firstID: the id of the first node; the others follow in order.
    ///   - ledger: what it costs is noted here, and writing stops where the budget does.
    ///   - monitor: called before each token, and says which texts are ended; `nil` lets each come to its end.
    ///   - onDraft: called with text of a step that is being written alone.
    /// - Returns: the nodes, and the error that ended the writing before its time, as a cancellation does.
    func write(
        _ jobs: [WriteJob],
        firstID: Int,
        ledger: Ledger,
        monitor: WriteMonitor?,
        onDraft: (_ parent: Int, String) -> Void
    ) throws -> (texts: [[StepNode]], error: (any Error)?)

    /// The evaluations of nodes, asked for as one batch, without scores.
    ///
    /// - Parameter reflection: what the model said about the only node, and is reminded of; `nil` asks right after it.
    func evaluate(
        _ nodes: [Int],
        as scope: EvaluationScope,
        behind reflection: Int?,
        ledger: Ledger
    ) throws -> [StepEvaluation]

    /// What checkers found in a node, where that is on record; `nil` where they are to be asked.
    func findings(in node: Int) -> [StepFinding]?

    /// The verdict that an evaluation written beside a step comes to, as the probability of its word for a step that stands;
    /// `nil` where it comes to none.
    func readVerdict(in evaluation: StepNode, ledger: Ledger) throws -> Verdict?

    /// The verdict on a step without content, which is subtracted from others from then on.
    func evaluateEmptyStep(ledger: Ledger) throws -> Verdict

    /// What the model says is wrong with a node, or the chain that it ends; `nil` if there is no room for it.
    ///
    /// - Parameter hint: what stands in the place of the model's own words; `nil` asks it.
    func reflect(
        on node: Int,
        as scope: EvaluationScope,
        saying hint: String?,
        id: Int,
        ledger: Ledger
    ) throws -> Reflection?

    /// The answers that the model gives after nodes, asked for as one batch.
    func answer(after nodes: [Int], ledger: Ledger) throws -> [(text: String, tokens: [TokenID])]

    /// Forgets what is kept for nodes; their texts can not be continued or evaluated any more.
    func release(_ nodes: [Int])

    /// Positions in the context after a node.
    func position(after node: Int) -> Int
    /// The most positions.
    var contextLength: Int { get }
    /// Throws when the work was cancelled.
    func checkCancelled() throws
}
