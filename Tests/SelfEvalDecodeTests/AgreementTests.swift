import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Votes until chains agree")
struct AgreementTests {
    @Test("the chains are the first of the whole vote, as many as it takes", arguments: 0..<50 as Range<UInt64>)
    func prefix(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let script = try DecidedVoteTests.script(&random)
        var options = DecidedVoteTests.options(&random)
        (options.chains, options.abstainBelow) = (.random(in: 2...9, using: &random), nil)
        options.endsDecidedVotes = false
        let full = try ScriptedRun(script, options: options)
        let quorum = Int.random(in: 2...options.chains, using: &random)
        options.untilAgree = quorum
        let run = try ScriptedRun(script, options: options)

        // One after the other: the first place at which enough of the whole vote's answers agree.
        var votes: [String: Int] = [:]
        var needed = options.chains
        for (index, answer) in full.trace.proposals.enumerated() {
            votes[answer.voteKey, default: 0] += 1
            guard votes[answer.voteKey] == quorum else { continue }
            needed = index + 1
            break
        }
        try #require(full.trace.proposals.count == options.chains)
        #expect(run.trace.proposals.map(\.text) == full.trace.proposals.prefix(needed).map(\.text))
        let (drawn, all) = (run.trace.children(of: 0), full.trace.children(of: 0))
        #expect(drawn.map(\.tokens) == all.prefix(needed).map(\.tokens) && drawn.map(\.ordinal) == Array(0..<needed))
        let answer = try #require(run.trace.answer)
        let agreeing = run.trace.proposals.count { $0.voteKey == answer.voteKey }
        #expect(needed == options.chains || agreeing == quorum)
        #expect(answer.confidence == Double(agreeing) / Double(needed))
        #expect(run.counts.processed <= full.counts.processed)

        // What would have been decided, read off the record of the whole vote.
        #expect(try SelfEvalDecoder.redecide(full.trace, options: options).answer == answer)
        try ReplayCheck.check(
            ScriptedRun(script.makeModel(), options: options, repeating: run.trace).trace,
            repeats: run.trace
        )

        // Chains that cannot change the result change nothing.
        options.endsDecidedVotes = true
        let early = try ScriptedRun(script, options: options)
        #expect(early.trace.answer?.text == answer.text)
        #expect(early.trace.path.map(\.text) == run.trace.path.map(\.text))
        #expect(early.counts.processed <= run.counts.processed)
    }

    @Test("a further view of a picture is taken only when it is needed")
    func views() throws {
        func says(_ answers: String...) throws -> Pictures {
            try Pictures(answers.map { try Script("It is there.\nThe answer is \($0).\n<|im_end|>") })
        }
        func run(_ pictures: Pictures) throws -> ScriptedRun {
            var options = SelfEvalOptions.test
            (options.strategy, options.chains, options.views, options.untilAgree) = (.vote, 4, 4, 2)
            return try pictures.run(options)
        }
        let agreed = try run(says("1", "1", "2", "2"))
        #expect(agreed.trace.nodes.map { $0.view ?? 0 }.max() == 1 && agreed.trace.answer?.text == "1")
        #expect(agreed.trace.answer?.confidence == 1 && agreed.counts.views == agreed.trace.header.prompt.count)
        let third = try run(says("1", "2", "2", "1"))
        #expect(third.trace.children(of: 0).map { $0.view ?? 0 } == [0, 1, 2] && third.trace.answer?.text == "2")
        #expect(third.counts.views == 2 * third.trace.header.prompt.count)
        // Each says something else; the first look is the vote's.
        let never = try run(says("1", "2", "3", "4"))
        #expect(never.trace.children(of: 0).count == 4 && never.trace.answer?.text == "1")
        #expect(never.trace.answer?.confidence == 0.25)
    }

    @Test("more than there are chains cannot agree, and weighted votes do not")
    func options() throws {
        var options = SelfEvalOptions(strategy: .vote, chains: 3, untilAgree: 3)
        try options.validate()
        for wrong in [1, 4] {
            options.untilAgree = wrong
            #expect { try options.validate() } throws: {
                "\($0)".contains("untilAgree") && "\($0)".contains("\(wrong)")
            }
        }
        (options.untilAgree, options.weighsVotes) = (2, true)
        #expect { try options.validate() } throws: { "\($0)".contains("weighsVotes") }
    }

    @Test("where the budget has no room for another chain, those that are written decide")
    func budget() throws {
        let script = try Script([
            ("It is a long way to it.\nThe answer is 1.\n<|im_end|>", 0.5),
            ("Nobody knows whether.\nThe answer is 2.\n<|im_end|>", 0.5),
        ])
        var options = SelfEvalOptions.test
        (options.strategy, options.chains, options.untilAgree) = (.vote, 9, 5)
        for tokens in stride(from: 200, to: 1200, by: 100) {
            options.budget.tokens = tokens
            let run = try ScriptedRun(script, options: options)
            #expect(run.model.processed - run.counts.prompt <= tokens)
            #expect(run.trace.answer != nil)
        }
    }
}
