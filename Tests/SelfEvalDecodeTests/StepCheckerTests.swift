import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// A checker that is a function.
private struct Checker: StepChecker {
    var name = "checker"
    let body: @Sendable (CheckedStep) throws -> StepFinding?

    func check(_ step: CheckedStep) throws -> StepFinding? { try body(step) }
}

@Suite("Checkers of steps")
struct StepCheckerTests {
    private static let end = "<|im_end|>"

    private func script() throws -> Script {
        try Script([
            ("2 + 2 = 5.\nThe answer is 5.\n" + Self.end, 0.6), ("2 + 2 = 4.\nThe answer is 4.\n" + Self.end, 0.4),
        ])
    }

    private func options(_ strategy: StrategyName = .verify) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        options.strategy = strategy
        options.maximumRevisions = 12
        return options
    }

    private let refuting = Checker { step in
        guard step.text.contains("= 5") || step.text.contains("is 5") else { return nil }
        return StepFinding(outcome: .refuted, message: "it is 4", hint: "2 + 2 is 4.")
    }

    @Test("a refuted step scores 0, costs no verdict, and another one stands")
    func refuted() throws {
        let wrong = try ScriptedRun(script(), options: options())
        #expect(wrong.trace.answer?.text == "5", "the model finds nothing wrong with it")
        let run = try ScriptedRun(script(), options: options(), checkers: [refuting])
        #expect(run.trace.answer?.text == "4")
        let first = try #require(run.trace.nodes.first)
        #expect(first.evaluation?.score == 0 && first.evaluation?.verdict == nil && first.decision == .rejected)
        let finding = try #require(first.evaluation?.findings?.first)
        #expect(finding.checker == "checker" && finding.outcome == .refuted && finding.message == "it is 4")
        let asked = run.trace.nodes.count { $0.evaluation?.verdict != nil }
        #expect(asked > 0 && run.counts.evaluation == asked * run.trace.header.costs.evaluation)
        #expect(run.trace.header.checkers == ["checker"])
        let read = try Trace(json: run.trace.json())
        #expect(read == run.trace)
    }

    @Test("a checker sees the question, the step and those before it; each step once")
    func context() throws {
        let seen = Seen()
        let checker = Checker { step in
            seen.steps.append(step)
            return nil
        }
        let run = try ScriptedRun(script(), options: options(), checkers: [checker])
        #expect(seen.steps.map(\.text) == run.trace.nodes.filter { $0.evaluation != nil }.map(\.text))
        #expect(seen.steps.allSatisfy { $0.question == "What is it?" })
        #expect(seen.steps.map(\.earlierSteps) == [[], ["2 + 2 = 5.\n"]])
        // Without anything to say, everything but the header is as it is without checkers.
        let plain = try ScriptedRun(script(), options: options()).trace
        #expect(run.trace.nodes == plain.nodes && run.trace.summary == plain.summary)
    }

    private final class Seen: @unchecked Sendable { var steps: [CheckedStep] = [] }

    @Test("a probability bounds the score, and stands alone where the verdict says nothing")
    func probability() throws {
        func scores(_ probability: Double, mass: Double = 0.8) throws -> [Double?] {
            var script = try script()
            script.mass = { _ in mass }
            let checker = Checker { _ in StepFinding(outcome: .unknown, probability: probability) }
            var options = options(.cot)
            options.evaluatesChains = true
            return try ScriptedRun(script, options: options, checkers: [checker]).trace.path.map {
                $0.evaluation?.score
            }
        }
        #expect(try scores(0.25) == [0.25, 0.25])
        #expect(try scores(1).allSatisfy { abs(($0 ?? 0) - 0.9) < 1e-3 })
        #expect(try scores(0.25, mass: 0.01) == [0.25, 0.25])
    }

    @Test("a checker that throws is a finding of its own, and the run goes on", arguments: [false, true])
    func throwing(givesNoProbability: Bool) throws {
        let checker = Checker { _ in
            if givesNoProbability { return StepFinding(outcome: .confirmed, probability: .nan) }
            throw EMLLMError.emptyQuestion
        }
        let run = try ScriptedRun(script(), options: options(), checkers: [checker])
        let plain = try ScriptedRun(script(), options: options())
        #expect(run.trace.answer == plain.trace.answer && run.counts == plain.counts)
        let findings = run.trace.nodes.compactMap { $0.evaluation?.findings }.joined()
        #expect(!findings.isEmpty && findings.allSatisfy { $0.outcome == .failed && !$0.message.isEmpty })
        let read = try Trace(json: run.trace.json())
        #expect(read == run.trace)
    }

    @Test("a hint stands in the place of the model's reflection")
    func hint() throws {
        var options = options()
        (options.usesHints, options.maximumRevisions) = (true, 1)
        var script = try Script("2 + 2 = 5.\nThe answer is 5.\n" + Self.end)
        script.refined = { _ in "2 + 2 = 4.\n" + Self.end }
        let run = try ScriptedRun(script, options: options, checkers: [refuting])
        let reflection = try #require(run.trace.reflections.first)
        #expect(reflection.text == "2 + 2 is 4." && reflection.node == 1)
        #expect(run.trace.path.first?.text == "2 + 2 = 4.\n")
        #expect(run.counts.processed == run.model.processed)
    }

    @Test(
        "every strategy asks checkers, repeats with them, and is decided anew without",
        arguments: StrategyName.builtIn
    )
    func strategies(strategy: StrategyName) throws {
        var options = options(strategy)
        options.evaluatesChains = true
        var script = try script()
        if strategy == .seat {
            let evaluation = "[self-evaluation-start: fine. Evaluation: Accept self-evaluation-end]\n"
            script = try Script("2 + 2 = 5.\n" + evaluation + "The answer is 5.\n" + Self.end)
        }
        let run = try ScriptedRun(script, options: options, checkers: [refuting])
        #expect(run.trace.nodes.contains { $0.evaluation?.isRefuted == true && $0.evaluation?.score == 0 })
        let again = try ScriptedRun(script.makeModel(), options: options, checkers: [refuting], repeating: run.trace)
        #expect(again.trace.nodes == run.trace.nodes)
        let decided = try SelfEvalDecoder.redecide(run.trace, options: options)
        #expect(decided.nodes == run.trace.nodes && decided.answer == run.trace.answer)
        #expect(decided.summary?.counts.evaluation == run.counts.evaluation)
    }

    @Test("a repetition without a checker of the record is an error that names it")
    func missing() throws {
        let run = try ScriptedRun(script(), options: options(), checkers: [refuting])
        let other = Checker(name: "other") { _ in nil }
        #expect {
            try ScriptedRun(script().makeModel(), options: options(), checkers: [other], repeating: run.trace)
        } throws: {
            ($0 as? EMLLMError)?.code == .missingChecker && "\($0)".contains("'checker'") && "\($0)".contains("other")
        }
    }
}
