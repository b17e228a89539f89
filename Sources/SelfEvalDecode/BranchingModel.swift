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

/// What step-wise decoding needs of a model: branches, and the logits after a branch.
///
/// The strategies are written against this protocol and nothing else, so that every decision they take can be tested
/// with a model whose logits are prescribed. `InferenceContext` of EMLLMCore is the real one.
public protocol BranchingModel: AnyObject {
    /// The model's paths.
    associatedtype Branch: ModelBranch

    /// The most positions that a branch can have.
    var contextLength: Int { get }
    /// Stops the work from another thread.
    var cancellation: CancellationFlag { get }
    /// Bytes of keys and values in use, over all branches.
    var cacheBytes: Int { get }
    /// The most bytes that so many positions on so many new branches can take.
    func cacheBytes(positions: Int, branches: Int) -> Int
    /// A new, empty branch.
    func makeBranch() -> Branch
    /// Appends tokens to several branches, computed together; the logits after the last token of each.
    func extend(_ work: [(branch: Branch, tokens: [TokenID])]) throws -> [Logits]
}

extension EMLLMCore.Branch: ModelBranch {}
extension InferenceContext: BranchingModel {}
