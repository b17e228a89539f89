import Testing

import EMLLMCore

/// The cache tree on a real model: what a branch computes depends on its tokens alone.
@Suite("Branches of the key/value tree")
struct BranchTests {
    let model: EMLLMModel
    /// 90 tokens, so that they span several pages and make a long run.
    let story: [TokenID]

    init() throws {
        model = try TestModels.stories260K.get()
        story = Array(([1] + model.tokenizer.encode(try TestModels.stories260KGolden())).prefix(90))
    }

    func context(threads: Int = 2, cacheBytes: Int? = nil, contextLength: Int? = nil) throws -> InferenceContext {
        try InferenceContext(
            model: model,
            options: RuntimeOptions(threads: threads, contextLength: contextLength, cacheBytes: cacheBytes)
        )
    }

    /// Logits of a text computed token by token, on one thread, without a neighbour.
    func reference(_ tokens: [TokenID]) throws -> Logits {
        let context = try context(threads: 1)
        let branch = context.makeBranch()
        var logits = Logits([])
        for token in tokens { logits = try context.extend(branch, with: [token]) }
        return logits
    }

    @Test("A fork continues independently and shares its past")
    func fork() throws {
        let context = try context()
        let branch = context.makeBranch()
        _ = try context.extend(branch, with: Array(story[..<20]))
        let processed = context.counters.processedTokens
        let fork = branch.fork()
        #expect(context.counters.processedTokens == processed)
        let a = try context.extend(branch, with: Array(story[20..<30]))
        let b = try context.extend(fork, with: Array(story[40..<45]))
        #expect(context.counters.processedTokens == processed + 15)
        #expect(branch.tokens == Array(story[..<30]))
        #expect(fork.tokens == Array(story[..<20] + story[40..<45]))
        #expect(a == (try reference(branch.tokens)))
        #expect(b == (try reference(fork.tokens)))
    }

    @Test("Rolling back and continuing equals never having been there", arguments: [0, 1, 17, 20, 31, 32, 33, 40])
    func rollback(position: Int) throws {
        let context = try context()
        let branch = context.makeBranch()
        _ = try context.extend(branch, with: Array(story[..<20]))
        let other = branch.fork()
        _ = try context.extend(branch, with: Array(story[20..<40]))
        _ = try context.extend(other, with: Array(story[50..<60]))
        branch.rollback(to: position)
        #expect(branch.count == position)
        let logits = try context.extend(branch, with: Array(story[60..<70]))
        #expect(logits == (try reference(Array(story[..<position] + story[60..<70]))))
        #expect(other.tokens == Array(story[..<20] + story[50..<60]))
    }

    @Test("A branch's logits do not depend on its neighbours or on the number of threads", arguments: [1, 2, 3, 4])
    func neighbours(threads: Int) throws {
        let context = try context(threads: threads)
        let root = context.makeBranch()
        _ = try context.extend(root, with: Array(story[..<24]))
        let lengths = [1, 5, 2, 1, 9, 1, 3, 31]
        let work = lengths.enumerated().map { index, length in
            (branch: root.fork(), tokens: Array(story[(24 + index)..<(24 + index + length)]))
        }
        let together = try context.extend(work)
        for (index, item) in work.enumerated() {
            #expect(together[index] == (try reference(item.branch.tokens)), "branch \(index)")
        }
    }

    @Test("A prompt in one call equals the same prompt token by token, within the rounding of BLAS")
    func longRun() throws {
        let context = try context()
        let whole = try context.extend(context.makeBranch(), with: story)
        let single = try reference(story)
        let difference = zip(whole.values, single.values).map { abs($0 - $1) }.max() ?? 0
        #expect(difference < 1e-4)
        let again = try self.context(threads: 1)
        #expect(whole == (try again.extend(again.makeBranch(), with: story)))
    }

    @Test("Dropped branches give their memory back")
    func leaks() throws {
        let context = try context()
        do {
            let root = context.makeBranch()
            _ = try context.extend(root, with: Array(story[..<40]))
            var branches = [root]
            for index in 0..<20 {
                let fork = branches[index / 2].fork()
                _ = try context.extend(fork, with: [story[index]])
                branches.append(fork)
            }
            #expect(context.liveSegments > 1)
            #expect(context.cacheBytes > 0)
        }
        #expect(context.liveSegments == 0)
        #expect(context.cacheBytes == 0)
    }

    @Test("A context that is full says how many tokens fit, and nothing has happened")
    func overflow() throws {
        let context = try context(contextLength: 32)
        let branch = context.makeBranch()
        _ = try context.extend(branch, with: Array(story[..<30]))
        #expect {
            try context.extend(branch, with: Array(story[30..<33]))
        } throws: { error in
            "\(error)".contains("at most 2 more") && (error as? EMLLMError)?.code == .contextOverflow
        }
        #expect(branch.count == 30)
        #expect(try context.extend(branch, with: [story[30], story[31]]) == reference(Array(story[..<32])))
    }

    @Test("A cache budget is kept")
    func budget() throws {
        let page = 5 * 2 * 4 * 32 * 8 * 4  // layers, keys and values, heads, positions, head dimension, bytes
        let context = try context(cacheBytes: 2 * page)
        let branch = context.makeBranch()
        _ = try context.extend(branch, with: Array(story[..<64]))
        #expect(throws: EMLLMError.self) { try context.extend(branch, with: [story[64]]) }
        #expect(branch.count == 64)
        #expect(context.cacheBytes == 2 * page)
        branch.rollback(to: 10)
        _ = try context.extend(branch, with: [story[10]])
        #expect(context.cacheBytes == page)
    }

    @Test("Cancelling throws and leaves branches as they were")
    func cancellation() throws {
        let context = try context()
        let branch = context.makeBranch()
        _ = try context.extend(branch, with: [1])
        context.cancellation.cancel()
        #expect(throws: EMLLMError.cancelled) { try context.extend(branch, with: Array(story[1...])) }
        #expect(branch.count == 1)
        context.cancellation.reset()
        #expect(try context.extend(branch, with: [story[1]]) == reference(Array(story[..<2])))
    }

    @Test("A token outside the vocabulary is refused")
    func tokenRange() throws {
        let context = try context()
        for token: TokenID in [-1, 512, .max, .min] {
            #expect(throws: EMLLMError.self) { try context.extend(context.makeBranch(), with: [token]) }
        }
    }

    @Test("Scores of a continuation are the log-probabilities of its tokens, and leave the branch alone")
    func continuationScores() throws {
        let context = try context()
        let branch = context.makeBranch()
        let logits = try context.extend(branch, with: Array(story[..<10]))
        let scores = try context.logProbabilities(of: Array(story[10..<50]), after: branch, logits: logits)
        #expect(branch.count == 10)
        #expect(scores.count == 40)
        for offset in [0, 1, 15, 16, 17, 39] {
            let expected = try reference(Array(story[..<(10 + offset)])).logProbability(of: story[10 + offset])
            #expect(scores[offset] == expected)
        }
    }
}
