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
/// The search is written against this protocol and nothing else, so that every decision it takes can be tested with a
/// model whose logits are prescribed. `InferenceContext` of EMLLMCore is the real one.
public protocol BranchingModel: AnyObject {
    /// The model's paths.
    associatedtype Branch: ModelBranch

    /// The most positions that a branch can have.
    var contextLength: Int { get }
    /// Stops the work from another thread.
    var cancellation: CancellationFlag { get }
    /// A new, empty branch.
    func makeBranch() -> Branch
    /// Appends tokens to several branches, computed together; the logits after the last token of each.
    func extend(_ work: [(branch: Branch, tokens: [TokenID])]) throws -> [Logits]
}

extension BranchingModel {
    /// Appends tokens to one branch and returns the logits after the last of them.
    func extend(_ branch: Branch, by tokens: [TokenID]) throws -> Logits {
        try extend([(branch, tokens)])[0]
    }
}

extension EMLLMCore.Branch: ModelBranch {}
extension InferenceContext: BranchingModel {}
