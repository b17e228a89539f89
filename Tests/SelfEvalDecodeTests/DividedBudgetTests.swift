import EMLLMCore
import Testing

@testable import SelfEvalDecode

@Suite("Budgets divided among chains")
struct DividedBudgetTests {
    private func script() throws -> Script {
        let long = (1...6).map { "This is line \($0) of it.\n" }.joined()
        return try Script([
            (long + "The answer is 1.\n<|im_end|>", 0.6), ("Short.\n" + long + "The answer is 2.\n<|im_end|>", 0.4),
        ])
    }

    private func options(_ strategy: StrategyName, tokens: Int) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        (options.strategy, options.chains, options.dividesBudget, options.endsDecidedVotes) = (
            strategy, 64, true, false
        )
        options.budget = Budget(tokens: tokens, answerTokens: 20)
        return options
    }

    @Test("as many whole chains as there is room for, and more for more", arguments: [StrategyName.vote, .bestOf])
    func tokens(strategy: StrategyName) throws {
        var counts: [Int] = []
        for tokens in [1200, 2400, 4800, 9600] {
            let options = options(strategy, tokens: tokens)
            let run = try ScriptedRun(script(), options: options)
            let chains = run.trace.children(of: 0).count
            counts.append(chains)
            #expect(run.model.processed - run.counts.prompt <= tokens)
            #expect(run.trace.nodes.allSatisfy { $0.end != .budget }, "no chain is cut")
            #expect(run.trace.answer?.source == .reasoning)
            if strategy == .bestOf { #expect(run.trace.nodes.allSatisfy { $0.evaluation?.verdict != nil }) }
            // What is left is less than another chain takes, somewhat more than the longest, and the answer.
            let chain = 6 * 21 + 7 + 17 + (strategy == .bestOf ? 8 * run.trace.header.costs.evaluation : 0)
            let left = tokens - (run.model.processed - run.counts.prompt)
            #expect(left < 2 * chain + run.trace.header.costs.answer + 20)
            let again = try ScriptedRun(script().makeModel(), options: options, repeating: run.trace).trace
            try ReplayCheck.check(again, repeats: run.trace)
        }
        #expect(counts == counts.sorted() && Set(counts).count == counts.count, "\(counts)")
        #expect(try #require(counts.last) > (strategy == .vote ? 30 : 8))
    }

    @Test("seconds are divided as tokens are", arguments: [StrategyName.vote, .bestOf])
    func seconds(strategy: StrategyName) throws {
        var counts: [Int] = []
        for milliseconds in [2000, 4000, 12000] {
            var options = options(strategy, tokens: 1_000_000)
            options.budget.milliseconds = milliseconds
            let run = try ScriptedRun(script(), options: options)
            counts.append(run.trace.children(of: 0).count)
            #expect(try #require(run.trace.summary).seconds.total <= Double(milliseconds) / 1000)
            #expect(run.trace.answer?.text == "1" || run.trace.answer?.text == "2")
            let again = try ScriptedRun(script().makeModel(), options: options, repeating: run.trace).trace
            try ReplayCheck.check(again, repeats: run.trace)
        }
        #expect(counts == counts.sorted() && Set(counts).count == counts.count, "\(counts)")
    }

    @Test("a chain that turns out longer than the others, and is cut, has no vote beside whole ones")
    func cut() throws {
        let endless = "Endless: " + String(repeating: "on and on, ", count: 200)
        let script = try Script([("Short.\nThe answer is 1.\n<|im_end|>", 0.5), (endless, 0.5)])
        for seed in 0..<12 as Range<UInt64> {
            var options = options(.vote, tokens: 900)
            options.seed = seed
            let run = try ScriptedRun(script, options: options)
            let isFirstWhole = run.trace.children(of: 0)[0].text.hasPrefix("Short")
            if isFirstWhole { #expect(run.trace.answer?.text == "1" && run.trace.answer?.confidence == 1) }
            #expect(run.model.processed - run.counts.prompt <= 900)
        }
    }

    @Test("agreement ends it before the budget does")
    func agreement() throws {
        var options = options(.vote, tokens: 9600)
        options.untilAgree = 3
        let run = try ScriptedRun(script(), options: options)
        let votes = run.trace.proposals.count { $0.voteKey == run.trace.answer?.voteKey }
        #expect(votes == 3 && run.trace.proposals.count < 6)
    }
}
