import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Rolling a step back to the wrong number")
struct RollbackTests {
    private let end = "<|im_end|>"

    private func options(_ strategy: StrategyName = .verify, hints: Bool) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        (options.strategy, options.checksArithmetic, options.rollsBack, options.usesHints) = (
            strategy, true, true, hints
        )
        return options
    }

    /// Says the wrong sum most of the time, and goes on with whatever number stands there.
    private func script() throws -> Script {
        try Script([
            ("We add: 14 + 15 = 39 apples in all.\nThe answer is 39.\n" + end, 0.7),
            ("We add: 14 + 15 = 29 apples in all.\nThe answer is 29.\n" + end, 0.3),
        ])
    }

    @Test(
        "the text before the number is kept, and the calculated one stands there",
        arguments: [StrategyName.verify, .adaptive]
    )
    func hint(strategy: StrategyName) throws {
        let run = try ScriptedRun(script(), options: options(strategy, hints: true))
        let (first, second) = (run.trace.nodes[0], run.trace.nodes[1])
        #expect(first.text == "We add: 14 + 15 = 39 apples in all.\n" && first.decision == .rejected)
        #expect(second.text == "We add: 14 + 15 = 29 apples in all.\n" && second.decision == .accepted)
        #expect(second.rollback == .init(node: 1, keptBytes: 18, insertion: "29"))
        #expect(second.parent == 0 && second.ordinal == 1 && second.tokens.count == first.tokens.count)
        // A token is a byte: the kept ones are not written again, one of them is computed once more.
        #expect(second.written == second.tokens.count - 18 && run.counts.recomputed == 1)
        #expect(run.trace.answer?.text == "29" && run.counts.reflection == 0)
        #expect(run.counts.processed == run.model.processed)
        // The number that was put there is as unlikely as it is.
        #expect(abs(second.logProbability - first.logProbability - (log(0.3) - log(0.7))) < 1e-3)
        let again = try ScriptedRun(script().makeModel(), options: options(strategy, hints: true), repeating: run.trace)
            .trace
        try ReplayCheck.check(again, repeats: run.trace)
        #expect(try SelfEvalDecoder.redecide(run.trace, options: run.trace.header.options).nodes == run.trace.nodes)
        #expect(try Trace(json: run.trace.json()) == run.trace)
    }

    @Test("without hints the rest is drawn from there", arguments: 0..<10 as Range<UInt64>)
    func draw(seed: UInt64) throws {
        var options = options(hints: false)
        (options.seed, options.maximumRevisions) = (seed, 12)
        let run = try ScriptedRun(script(), options: options)
        let rewritten = run.trace.nodes.filter { $0.rollback != nil }
        #expect(!rewritten.isEmpty && rewritten.allSatisfy { $0.rollback == .init(node: 1, keptBytes: 18) })
        #expect(rewritten.allSatisfy { $0.text.hasPrefix("We add: 14 + 15 = ") && $0.temperature > 0 })
        #expect(rewritten.dropLast().allSatisfy { $0.rejection == .duplicate } && run.trace.answer?.text == "29")
        try ReplayCheck.check(
            ScriptedRun(script().makeModel(), options: options, repeating: run.trace).trace,
            repeats: run.trace
        )
    }

    @Test("a step with two wrong numbers is mended one after the other")
    func twice() throws {
        let right = "So 2 + 2 = 4, 3 + 3 = 6.\nThe answer is 6.\n" + end
        let script = try Script([
            ("So 2 + 2 = 5, 3 + 3 = 7.\nThe answer is 7.\n" + end, 0.6),
            ("So 2 + 2 = 4, 3 + 3 = 7.\n" + end, 0.3),
            (right, 0.1),
        ])
        let run = try ScriptedRun(script, options: options(hints: true))
        #expect(run.trace.nodes.prefix(3).map { $0.rollback?.keptBytes } == [nil, 11, 22])
        #expect(run.trace.path.map(\.text).joined() == right.replacing(end, with: ""))
    }

    @Test("off by default, and without a place nothing is rolled back")
    func off() throws {
        var options = options(hints: true)
        options.rollsBack = false
        #expect(!SelfEvalOptions().rollsBack)
        #expect(try ScriptedRun(script(), options: options).trace.nodes.allSatisfy { $0.rollback == nil })
        struct Refuter: StepChecker {
            let name = "refuter"
            func check(_ step: CheckedStep) -> StepFinding? { StepFinding(outcome: .refuted) }
        }
        options.rollsBack = true
        options.checksArithmetic = false
        let run = try ScriptedRun(Script("One.\nTwo.\n" + end), options: options, checkers: [Refuter()])
        #expect(run.trace.nodes.allSatisfy { $0.rollback == nil } && run.trace.answer != nil)
    }

    @Test("a place beyond the text, and budgets of any size", arguments: stride(from: 160, to: 900, by: 37).map { $0 })
    func limits(tokens: Int) throws {
        struct Strange: StepChecker {
            let name = "strange"
            func check(_ step: CheckedStep) -> StepFinding? {
                let place = step.text.hasPrefix("We") ? 7 : 10_000
                return StepFinding(outcome: .refuted, range: place..<(place + 1), replacement: "ö")
            }
        }
        var options = options(hints: true)
        options.budget = Budget(tokens: tokens, answerTokens: 20)
        let run = try ScriptedRun(script(), options: options, checkers: [Strange()])
        #expect(run.model.processed - run.counts.prompt <= tokens && run.trace.answer != nil)
        #expect(run.counts.processed == run.model.processed && run.model.live == 0)
    }

    @Test(
        "where the wrong number is",
        arguments: [
            ("14 + 15 = 39", "39", "29"), ("So 14 + 15 = $39.00 in all.", "39.00", "29"),
            ("3 + 4 = 7, 3 * 4 = 13!", "13", "12"),
            ("He has 2 * 3 = 6, 6 + 6 = 13 eggs", "13", "12"), ("1,000 + 1 = 1,002", "1,002", "1001"),
            ("5 - 8 = -2", "-2", "-3"), ("\\(14 + 15 = 39\\)", "39", "29"),
        ]
    )
    func place(text: String, wrong: String, right: String) throws {
        let finding = try #require(ArithmeticChecker().check(CheckedStep(question: "", text: text)))
        let range = try #require(finding.range)
        #expect(String(decoding: Array(text.utf8)[range], as: UTF8.self) == wrong && finding.replacement == right)
    }
}
