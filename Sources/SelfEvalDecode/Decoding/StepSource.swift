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

    /// The temperature, 0 for the likeliest text.
    var temperature: Double { sampling.samplingMode == .greedy ? 0 : sampling.temperature }
}

/// What a node is evaluated as.
enum EvaluationScope {
    /// A step.
    case step
    /// The last one of a chain that is evaluated as a whole.
    case chain
}

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
    ///   - account: what it costs is noted here, and writing stops where the budget does.
    /// - Returns: the nodes, and the error that ended the writing before its time, as a cancellation does.
    func write(_ jobs: [WriteJob], firstID: Int, ledger: Ledger) throws -> (texts: [[StepNode]], error: (any Error)?)

    /// The evaluations of nodes, asked for as one batch, without scores.
    ///
    /// - Parameter reflection: what the model said about the only node, and is reminded of; `nil` asks right after it.
    func evaluate(
        _ nodes: [Int],
        as scope: EvaluationScope,
        behind reflection: Int?,
        ledger: Ledger
    ) throws -> [StepEvaluation]

    /// The verdict that an evaluation written beside a step comes to, as the probability of its word for a step that stands;
    /// `nil` where it comes to none.
    func readVerdict(in evaluation: StepNode, ledger: Ledger) throws -> Verdict?

    /// The verdict on a step without content, which is subtracted from others from then on.
    func evaluateEmptyStep(ledger: Ledger) throws -> Verdict

    /// What the model says is wrong with a node, or the chain that it ends; `nil` where there is no room for it.
    func reflect(on node: Int, as scope: EvaluationScope, id: Int, ledger: Ledger) throws -> Reflection?

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

/// Where the costs of a run are noted.
final class Ledger {
    let meter: BudgetMeter
    var counts = TokenCounts()
    var seconds = Seconds()
    /// Forward passes that were completed.
    private(set) var passes = 0
    /// After so many passes the run is cancelled, as the one was that is repeated; `nil` sets no limit.
    var passLimit: Int?
    /// Called with text of a step that is being written alone.
    var onDraft: (_ parent: Int, String) -> Void = { _, _ in }

    init(meter: BudgetMeter) { self.meter = meter }

    /// Runs `body` and adds the seconds it took to one of the sums, whether it ends or throws.
    func timed<Result>(_ purpose: WritableKeyPath<Seconds, Double>, _ body: () throws -> Result) rethrows -> Result {
        let before = meter.now()
        defer { seconds[keyPath: purpose] += meter.now() - before }
        return try body()
    }

    /// Runs a forward pass.
    func pass<Result>(_ body: () throws -> Result) throws -> Result {
        if let passLimit, passes >= passLimit { throw EMLLMError.cancelled }
        let result = try body()
        passes += 1
        return result
    }
}
