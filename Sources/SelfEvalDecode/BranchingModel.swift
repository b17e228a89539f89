import EMLLMCore

/// A path through a model's cache that can be continued, forked and rolled back.
///
/// `Branch` of EMLLMCore is one; tests use a scripted one.
public protocol ModelBranch: AnyObject {
    /// The tokens of this branch from the root on.
    var tokens: [TokenID] { get }
    /// Positions in this branch.
    var count: Int { get }
    /// A second path that shares everything up to here; nothing is computed or copied.
    func fork() -> Self
    /// Forgets every token from `position` on; nothing is computed.
    func rollback(to position: Int)
}

/// What step-wise decoding needs of a model: branches, the logits after a branch, and the way from text to tokens.
///
/// `InferenceContext` of EMLLMCore is the one that computes. Any other can be asked as well, with
/// ``SelfEvalDecoder/run(_:on:options:strategy:checkers:onEvent:)``: a model whose logits are prescribed, for tests, or one
/// that another engine runs.
public protocol BranchingModel: AnyObject {
    /// The model's paths.
    associatedtype Branch: ModelBranch

    /// Names the model in traces.
    var identity: ModelIdentity { get }
    /// Turns text into tokens, and tokens into text.
    var tokenizer: Tokenizer { get }
    /// Turns conversations into tokens; `nil` for a model without a chat template.
    var promptRenderer: PromptRenderer? { get }
    /// The most positions that a branch can have.
    var contextLength: Int { get }
    /// Stops the work from another thread.
    var cancellation: CancellationFlag { get }
    /// Bytes of keys and values in use, over all branches.
    var cacheBytes: Int { get }
    /// The maximum bytes for this many positions on this many new branches.
    func cacheBytes(positions: Int, branches: Int) -> Int
    /// A new, empty branch.
    func makeBranch() -> Branch
    /// Appends tokens to several branches, computed together; the logits after the last token of each.
    func extend(_ work: [(branch: Branch, tokens: [TokenID])]) throws -> [Logits]
    /// Appends tokens to several branches: the logits after the last token of each, and the residual stream of all of them
    /// behind some layers. Needed only for runs with a verifier (``VerifierHead``).
    func extend(
        _ work: [(branch: Branch, tokens: [TokenID])],
        layers: [Int]
    ) throws -> [(logits: Logits, states: HiddenStates)]
    /// Seconds since some fixed moment, for budgets of time.
    func seconds() -> Double
}

extension BranchingModel {
    /// Seconds since the first question.
    public func seconds() -> Double { (ContinuousClock.now - clockStart) / .seconds(1) }

    /// A model that shows no hidden states.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError``, always.
    public func extend(
        _ work: [(branch: Branch, tokens: [TokenID])],
        layers: [Int]
    ) throws -> [(logits: Logits, states: HiddenStates)] {
        throw EMLLMError.noHiddenStates
    }
}

extension EMLLMError.Code {
    /// A model that shows no hidden states, where a verifier needs them.
    public static let noHiddenStates = Self(rawValue: "no-hidden-states")
}

extension EMLLMError {
    static let noHiddenStates = EMLLMError(
        code: .noHiddenStates,
        subject: "model",
        expected: "hidden states for the verifier",
        found: "a model that shows none",
        remedy: "run without a verifier, or implement BranchingModel.extend(_:layers:)"
    )
}

private let clockStart = ContinuousClock.now

extension EMLLMCore.Branch: ModelBranch {}

extension InferenceContext: BranchingModel {
    /// Names the model in traces.
    public var identity: ModelIdentity { ModelIdentity(of: self) }
    /// The model's tokenizer.
    public var tokenizer: Tokenizer { model.tokenizer }
    /// The model's chat template; `nil` where it has none.
    public var promptRenderer: PromptRenderer? { model.promptRenderer }
}
