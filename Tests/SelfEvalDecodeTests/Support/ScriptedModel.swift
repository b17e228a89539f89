import EMLLMCore

@testable import SelfEvalDecode

/// A model whose logits are prescribed, and which counts what is asked of it.
final class ScriptedModel: BranchingModel {
    typealias Branch = ScriptedBranch

    let tokenizer: Tokenizer
    let contextLength: Int
    /// The seconds that each token takes.
    var secondsPerToken = 0.001
    let cancellation = CancellationFlag()
    /// The logits after a sequence of tokens.
    private let logits: ([TokenID]) -> Logits
    /// Called before each pass, with the tokens it adds to each branch.
    var onPass: ([[TokenID]]) -> Void = { _ in }

    /// Tokens processed.
    private(set) var processed = 0
    /// The branches' token counts of every pass.
    private(set) var passes: [[Int]] = []
    /// Branches alive.
    fileprivate(set) var live = 0
    /// Positions that live branches hold by themselves: those since they were forked. One byte each.
    fileprivate(set) var cacheBytes = 0
    /// The most that it ever was.
    private(set) var peakCacheBytes = 0
    /// The most positions that any branch ever had.
    private(set) var longest = 0

    init(_ tokenizer: Tokenizer, contextLength: Int = 4096, logits: @escaping ([TokenID]) -> Logits) {
        self.tokenizer = tokenizer
        self.contextLength = contextLength
        self.logits = logits
    }

    var identity: ModelIdentity { .scripted(tokenizer) }
    var promptRenderer: PromptRenderer? {
        (try? ChatTemplate(TestVocabulary.chatML)).map { PromptRenderer(template: $0, tokenizer: tokenizer) }
    }
    func seconds() -> Double { Double(processed) * secondsPerToken }
    func cacheBytes(positions: Int, branches: Int) -> Int { positions }

    func makeBranch() -> ScriptedBranch { ScriptedBranch(tokens: [], model: self) }

    func extend(_ work: [(branch: ScriptedBranch, tokens: [TokenID])]) throws -> [Logits] {
        precondition(Set(work.map { ObjectIdentifier($0.branch) }).count == work.count, "a branch occurs twice")
        onPass(work.map(\.tokens))
        try cancellation.check()
        for (branch, tokens) in work {
            precondition(!tokens.isEmpty, "every branch needs at least one token")
            precondition(branch.count + tokens.count <= contextLength, "the context overflows")
        }
        passes.append(work.map(\.tokens.count))
        return work.map { branch, tokens in
            branch.tokens += tokens
            cacheBytes += tokens.count
            peakCacheBytes = max(peakCacheBytes, cacheBytes)
            processed += tokens.count
            longest = max(longest, branch.count)
            return logits(branch.tokens)
        }
    }
}

/// A branch that is nothing but its tokens.
final class ScriptedBranch: ModelBranch {
    fileprivate(set) var tokens: [TokenID]
    private let model: ScriptedModel
    /// Where the positions of its own begin.
    private var start: Int

    init(tokens: [TokenID], model: ScriptedModel) {
        self.tokens = tokens
        self.model = model
        start = tokens.count
        model.live += 1
    }

    deinit {
        model.live -= 1
        model.cacheBytes -= count - start
    }

    var count: Int { tokens.count }
    func fork() -> ScriptedBranch { ScriptedBranch(tokens: tokens, model: model) }
    func rollback(to position: Int) {
        precondition((0...count).contains(position))
        model.cacheBytes -= count - max(position, start)
        start = min(start, position)
        tokens.removeLast(count - position)
    }
}
