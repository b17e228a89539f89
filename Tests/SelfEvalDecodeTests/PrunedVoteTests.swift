import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Pruned and weighted votes")
struct PrunedVoteTests {
    private func chain(_ state: ChainProgress.State, _ confidence: Double, _ answer: String? = nil) -> ChainProgress {
        ChainProgress(state: state, answer: answer, windowConfidence: confidence)
    }

    private func prunable(_ chains: [ChainProgress]) -> [Int] {
        ChainPruning.prunable(chains, in: VoteCount(ballots: chains.map(\.ballot)))
    }

    @Test("what is less sure than the median of what is complete is pruned, as far as the lead bears it")
    func pruned() {
        let complete = (0..<4).map { chain(.complete, -0.1 * Double($0 + 1), "1") }
        func unsure(_ values: Double...) -> [ChainProgress] { values.map { chain(.writing, $0) } }
        // The median is the lower of the two in the middle: −0.3.
        #expect(prunable(complete + unsure(-0.29, -0.3, -0.31, -0.2, 0, 0)) == [6])
        // Three of four votes in the lead: one less than that, the least sure ones.
        #expect(prunable(complete + unsure(-1, -4, -3, -2, -5, -0.1)) == [8, 5, 6])
        // What was pruned counts.
        #expect(
            prunable(complete + [chain(.ended(.pruned), -9), chain(.ended(.pruned), -9)] + unsure(-1, -2, 0, 0)) == [7]
        )
        // A vote for another answer takes a vote from the lead.
        let contested = complete.dropLast() + [chain(.complete, -0.4, "2")]
        #expect(prunable(contested + unsure(-1, -4, -3, -2, -5, -0.1)) == [8])
        #expect(prunable(contested.dropFirst() + unsure(-1, -4, -3, -2, -5, -0.1)) == [])
        // Three chains are kept, and half of them.
        #expect(prunable(Array(complete.prefix(2)) + unsure(-1)) == [])
        #expect(prunable(Array(complete.prefix(2)) + unsure(-1, -2)) == [3])
        #expect((1...12).map(ChainPruning.mostPruned) == [0, 0, 0, 1, 2, 3, 3, 4, 4, 5, 5, 6])
        // Nothing is pruned before there is something to compare with.
        #expect(
            prunable(unsure(-1, -2, -3, -4, -5)) == [] && prunable(Array(complete.prefix(1)) + unsure(-5, -6)) == []
        )
    }

    @Test(
        "a pruned vote that comes to another answer than the whole one was close, and the guard holds",
        arguments: 0..<60 as Range<UInt64>
    )
    func guarded(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let script = try DecidedVoteTests.script(&random)
        var options = DecidedVoteTests.options(&random)
        options.chains = .random(in: 3...12, using: &random)
        options.confidenceWindow = .random(in: 2...20, using: &random)
        options.endsDecidedVotes = false
        let full = try ScriptedRun(script, options: options)
        options.prunesChains = true
        let run = try ScriptedRun(script, options: options)
        let pruned = run.trace.nodes.count { $0.end == .pruned }
        #expect(pruned <= ChainPruning.mostPruned(of: options.chains))
        #expect(run.trace.proposals.count == options.chains - pruned)
        #expect(run.counts.processed <= full.counts.processed)
        let (found, expected) = try (#require(run.trace.answer), #require(full.trace.answer))
        if found.voteKey != expected.voteKey {
            // The lead of those that voted is no larger than the number of those that did not.
            let votes = run.trace.proposals.count { $0.voteKey == found.voteKey }
            let others = run.trace.proposals.count { $0.voteKey == expected.voteKey }
            #expect(votes - others <= pruned)
        }
        if pruned == 0 { #expect(run.trace.nodes == full.trace.nodes && found == expected) }
        #expect(try #require(found.confidence) * Double(options.chains) <= Double(options.chains - pruned) + 1e-9)
        try ReplayCheck.check(
            ScriptedRun(script.makeModel(), options: options, repeating: run.trace).trace,
            repeats: run.trace
        )
    }

    @Test("a chain that is unsure is ended where it is, and saves its tokens")
    func tokens() throws {
        // Where a chain wavers, the next letters are hard to guess.
        let wavering = (0..<6).map { index in
            let letters = (0..<30).map { "\(UnicodeScalar(UInt8(97 + (7 * index + 11 * $0) % 26)))" }.joined()
            return (
                text: "Well, " + letters + String(repeating: " and on", count: 30) + ".\nThe answer is 2.\n<|im_end|>",
                weight: 0.05
            )
        }
        let script = try Script([("Sure.\nThe answer is 1.\n<|im_end|>", 0.7)] + wavering)
        var options = SelfEvalOptions.test
        (options.strategy, options.chains, options.confidenceWindow) = (.vote, 10, 4)
        options.endsDecidedVotes = false
        options.budget.tokens = 100_000
        var saved = 0
        for seed in 0..<5 as Range<UInt64> {
            (options.seed, options.prunesChains) = (seed, false)
            let full = try ScriptedRun(script, options: options)
            options.prunesChains = true
            let run = try ScriptedRun(script, options: options)
            saved += run.trace.nodes.count { $0.end == .pruned && $0.tokens.count < 60 }
            #expect(run.trace.answer?.text == full.trace.answer?.text)
        }
        #expect(saved > 2)
    }

    @Test("where no verdict says anything, weighted votes go by how sure the chains are")
    func weighted() throws {
        // Many ways to the wrong answer, each a guess; few to the right one, and sure.
        let guesses = "abcdefghij".map { (text: "\($0)\($0)\($0) then?\nThe answer is 1.\n<|im_end|>", weight: 0.06) }
        var script = try Script(guesses + [("The answer is 2.\n<|im_end|>", 0.4)])
        script.mass = { _ in 0.01 }
        var options = SelfEvalOptions.test
        (options.strategy, options.chains, options.confidenceWindow, options.seed) = (.vote, 15, 3, 0)
        var plain: Trace
        var weighted: Trace
        repeat {
            options.seed += 1
            options.weighsVotes = false
            plain = try ScriptedRun(script, options: options).trace
            options.weighsVotes = true
            weighted = try ScriptedRun(script, options: options).trace
        } while plain.answer?.text == weighted.answer?.text && options.seed < 20
        #expect(plain.answer?.text == "1" && weighted.answer?.text == "2")
        let weights = weighted.proposals.map { answer in
            exp(weighted.line(to: answer.node).map(\.windowConfidence).min() ?? 0)
        }
        let share =
            zip(weighted.proposals, weights).reduce(0) { $1.0.text == "2" ? $0 + $1.1 : $0 } / weights.reduce(0, +)
        #expect(abs((weighted.answer?.confidence ?? 0) - share) < 1e-12)
    }
}
