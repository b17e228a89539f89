import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Votes that end when they are decided")
struct DecidedVoteTests {
    /// A model that reasons in several ways, some of which come to the same answer, written otherwise; some state none.
    static func script(_ random: inout SplitMix64) throws -> Script {
        let answers = ["1/2", "0.5", "2", "3", "2.0", nil]
        let reasonings = (0..<Int.random(in: 2...6, using: &random)).map { index in
            let lines = (0..<Int.random(in: 0...6, using: &random)).map { "\(index) says \($0).\n" }.joined()
            let answer = answers.randomElement(using: &random).flatMap { $0 }
            let end = answer.map { "The answer is \($0).\n" } ?? "That is \(index % 2 == 0 ? "odd" : "even").\n"
            return (text: lines + end + "<|im_end|>", weight: Double.random(in: 0.1...1, using: &random))
        }
        var script = try Script(reasonings)
        script.answer = { $0.contains("odd") ? " 3.<|im_end|>" : " 2.<|im_end|>" }
        return script
    }

    static func options(_ random: inout SplitMix64) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        options.strategy = .vote
        options.chains = .random(in: 1...9, using: &random)
        options.seed = random.next()
        if Bool.random(using: &random) { options.abstainBelow = .random(in: 0...1, using: &random) }
        if Bool.random(using: &random) { options.prompts.chainEnds = [] }
        options.budget.tokens = 100_000
        return options
    }

    @Test("the answer, its line and its mark are those of the whole vote", arguments: 0..<60 as Range<UInt64>)
    func same(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let script = try Self.script(&random)
        let options = Self.options(&random)
        var whole = options
        whole.endsDecidedVotes = false
        let (early, full) = try (ScriptedRun(script, options: options), ScriptedRun(script, options: whole))
        let (found, expected) = try (#require(early.trace.answer), #require(full.trace.answer))
        #expect(found.text == expected.text && found.source == expected.source)
        #expect(early.trace.path.map(\.text) == full.trace.path.map(\.text))
        #expect(early.trace.path.map(\.ordinal) == full.trace.path.map(\.ordinal))
        #expect(early.trace.stopReason == full.trace.stopReason)
        #expect(found.isAbstention == expected.isAbstention)
        #expect(try #require(found.confidence) <= #require(expected.confidence))
        #expect(early.counts.processed <= full.counts.processed)
        let ended = early.trace.nodes.filter { $0.end == .decided }
        if ended.isEmpty { #expect(early.trace.nodes == full.trace.nodes && found == expected) }
        #expect(full.trace.nodes.allSatisfy { $0.end != .decided })
        #expect(ended.allSatisfy { $0.decision == .abandoned || $0.decision == .rejected })
        // What was written of a chain is what the whole vote wrote.
        for (one, other) in zip(early.trace.children(of: 0), full.trace.children(of: 0)) {
            #expect(other.tokens.starts(with: one.tokens) || one.end != .decided)
        }
        try ReplayCheck.check(
            ScriptedRun(script.makeModel(), options: options, repeating: early.trace).trace,
            repeats: early.trace
        )
        #expect(try Trace(json: early.trace.json()) == early.trace)
    }

    @Test("chains that cannot change the result are ended at once, and count against the confidence")
    func tokens() throws {
        let long = String(repeating: "And so on and on.\nOr else.\n", count: 20)
        let script = try Script([
            ("The answer is 1.\n<|im_end|>", 0.8), (long + "The answer is 2.\n<|im_end|>", 0.2),
        ])
        var options = SelfEvalOptions.test
        (options.strategy, options.chains, options.seed) = (.vote, 9, 1)
        options.prompts.chainEnds = []
        let early = try ScriptedRun(script, options: options)
        options.endsDecidedVotes = false
        let full = try ScriptedRun(script, options: options)
        let votes = full.trace.proposals.count { $0.text == "1" }
        try #require(votes > 4 && votes < 9)
        #expect(early.trace.proposals.count == votes && full.trace.proposals.count == 9)
        #expect(early.counts.generated == 9 * 17 + 9 - votes && full.counts.generated > 500)
        #expect(early.trace.answer?.text == "1")
        #expect(early.trace.answer?.confidence == Double(votes) / 9)
        #expect(early.trace.nodes.count { $0.end == .decided } == 9 - votes)
    }

    @Test("votes that are weighted, or evaluated for the record, are taken to their end")
    func whole() throws {
        for path in [\SelfEvalOptions.weighsVotes, \.evaluatesChains] {
            for seed in 0..<10 as Range<UInt64> {
                var random = SplitMix64(state: seed)
                let script = try Self.script(&random)
                var options = Self.options(&random)
                options[keyPath: path] = true
                #expect(try ScriptedRun(script, options: options).trace.nodes.allSatisfy { $0.end != .decided })
            }
        }
    }

    @Test("what was cut is not decided anew by another vote")
    func otherVote() throws {
        var random = SplitMix64(state: 3)
        let script = try Script([
            ("Yes.\nThe answer is 1.\n<|im_end|>", 0.9), ("It is long.\nMaybe.\nSo.\n<|im_end|>", 0.1),
        ])
        var options = Self.options(&random)
        (options.chains, options.abstainBelow) = (9, nil)
        options.prompts.chainEnds = []
        let run = try ScriptedRun(script, options: options).trace
        try #require(run.nodes.contains { $0.end == .decided })
        let again = try SelfEvalDecoder.redecide(run, options: options)
        #expect(again.nodes == run.nodes && again.answer == run.answer)
        options.endsDecidedVotes = false
        #expect { try SelfEvalDecoder.redecide(run, options: options) } throws: {
            ($0 as? EMLLMError)?.code == .leftRecording
        }
    }

    @Test("options of earlier versions take votes to their end")
    func earlierOptions() throws {
        let earlier = try JSONDecoder().decode(SelfEvalOptions.self, from: Data(#"{"strategy": "vote"}"#.utf8))
        #expect(!earlier.endsDecidedVotes && SelfEvalOptions().endsDecidedVotes)
    }

    // MARK: Counting

    private func ballots(_ votes: String) -> VoteCount {
        VoteCount(
            ballots: votes.map {
                switch $0 {
                case "?": .open
                case "!": .unknown
                case "-": .none
                default: .cast("\($0)")
                }
            }
        )
    }

    @Test(
        "what is decided, and which chains are left over",
        arguments: [
            ("???", []), ("a??", []), ("aa?", [2]), ("?aa", []), ("a?a", [1]), ("ab?", []), ("aab?", [3]), ("baa?", []),
            ("?aab", []), ("aa!?", [3]), ("aa-?", [3]), ("aaa??", [3, 4]), ("?aaa?", [4]), ("b?aaa??", []), ("-", []),
            ("ab-", []), ("aab??", []), ("a-?", [2]), ("!aa?", []),
        ] as [(String, [Int])]
    )
    func decided(votes: String, dispensable: [Int]) {
        #expect(ballots(votes).dispensable(threshold: nil) == dispensable, "\(votes)")
    }

    @Test(
        "what is decided holds whatever the other votes are, and nothing else is",
        arguments: 0..<300 as Range<UInt64>
    )
    func exhaustive(seed: UInt64) {
        var random = SplitMix64(state: seed)
        let votes = (0..<Int.random(in: 1...6, using: &random)).map { _ in "aab?!-".randomElement(using: &random) ?? "a"
        }
        let count = ballots(String(votes))
        let missing = count.ballots.indices.filter { [.open, .unknown].contains(count.ballots[$0]) }
        var winners: Set<String?> = []
        for number in 0..<Int(pow(4, Double(missing.count))) {
            var (rest, completed) = (number, count)
            for index in missing {
                completed.ballots[index] = [.cast("a"), .cast("b"), .cast("c"), .none][rest % 4]
                rest /= 4
            }
            winners.insert(completed.leader?.key)
        }
        #expect(count.isDecided == (winners.count == 1 && winners.first != .some(nil)), "\(count.ballots)")
    }
}
