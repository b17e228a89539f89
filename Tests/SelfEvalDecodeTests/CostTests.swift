import EMLLMCore
import Testing

@testable import SelfEvalDecode

@Suite("What a run costs, by the model's own counters")
struct CostTests {
    private let end = "<|im_end|>"

    private func conversation(_ script: Script, bothOrders: Bool = false) throws -> Conversation {
        try Conversation(
            question: "What is it?",
            system: nil,
            prompts: Prompts(),
            bothOrders: bothOrders,
            template: ChatTemplate(TestVocabulary.chatML),
            tokenizer: script.tokenizer
        )
    }

    @Test("the trace counts exactly the tokens that were processed")
    func counts() throws {
        var script = try Script([("Bad.\nOne.\n" + end, 0.6), ("Fine.\nTwo.\nStep 3" + end, 0.4)])
        script.verdict = { $0.hasSuffix("Bad.") ? 0.1 : 0.8 }
        for boundary in StepBoundary.allCases {
            var options = SelfEvalOptions.test
            options.segmenter.boundaries = [boundary]
            options.subtractsPrior = true
            let run = try ScriptedRun(script, options: options)
            #expect(run.trace.counts.processed == run.model.processed)
            #expect(
                run.trace.counts.accepted == run.trace.acceptedSteps.reduce(0) { $0 + $1.chosenCandidate!.tokens.count }
            )
        }
    }

    @Test("judging a step processes exactly the evaluation prompt's tokens", arguments: [false, true])
    func judging(bothOrders: Bool) throws {
        let script = try Script("First.\nSecond.\nThird." + end)
        var options = SelfEvalOptions.test
        options.averagesOrders = bothOrders
        let cost = try conversation(script, bothOrders: bothOrders).evaluationCost
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.counts.evaluation == 3 * cost)
        let steps = run.trace.acceptedSteps.reduce(0) { $0 + $1.chosenCandidate!.tokens.count }
        #expect(run.trace.counts.generated == steps, "a step's tokens are processed once")
        #expect(run.trace.counts.prompt == run.trace.prompt.count, "so is the question")
    }

    @Test("candidates are written as one batch and judged as one batch")
    func batches() throws {
        var script = try Script([("Bad.\nEnd." + end, 0.9), ("Good\nEnd." + end, 0.03), ("Okay\nEnd." + end, 0.03)])
        script.verdict = { $0 == "Bad." ? 0.1 : 0.9 }
        var options = SelfEvalOptions.test
        options.revisionWidth = 3
        options.maximumRevisions = 3
        options.revisionTemperature = 50
        let run = try ScriptedRun(script, options: options)
        let first = run.trace.steps[0].candidates
        try #require(first.count == 4)
        let lengths = first.dropFirst().map(\.tokens.count)
        let batched = run.model.passes.filter { $0.count == 3 && $0.allSatisfy { $0 == 1 } }
        #expect(batched.count == lengths.min(), "one pass for each token that all of them have")
        let cost = try conversation(script).evaluationCost
        let judged = first.dropFirst().filter { $0.verdict != nil }.count
        try #require(judged > 1)
        #expect(run.model.passes.contains(Array(repeating: cost, count: judged)), "the verdicts are one pass")
    }

    @Test("taking a step back, and putting it in its place again, processes nothing")
    func backtracking() throws {
        var script = try Script("Start.\nNonsense.\nEnd.\n" + end)
        script.verdict = { $0.hasSuffix("Nonsense.") ? 0.05 : 0.8 }
        var options = SelfEvalOptions.test
        options.maximumRevisions = 2
        let model = script.makeModel()
        var log: [(event: String, processed: Int)] = []
        let run = try ScriptedRun(model, tokenizer: script.tokenizer, options: options) { event in
            switch event {
            case .evaluation: log.append(("evaluation", model.processed))
            case .backtrack: log.append(("backtrack", model.processed))
            case .step(let step) where step.decision == .restored: log.append(("restored", model.processed))
            default: break
            }
        }
        let back = try #require(log.firstIndex { $0.event == "backtrack" })
        #expect(log[back].processed == log[back - 1].processed)
        let restored = try #require(log.firstIndex { $0.event == "restored" })
        #expect(log[restored].processed == log[restored - 1].processed)
        // Two steps judged once each, at first; their duplicates never; "Nonsense." and "End." again after that.
        let cost = try conversation(script).evaluationCost
        #expect(run.trace.counts.evaluation == 4 * cost)
    }

    @Test("no branch outlives a run")
    func leaks() throws {
        var script = try Script([("Bad.\nOne.\n" + end, 0.6), ("Fine.\nTwo.\n" + end, 0.4)])
        script.verdict = { $0.hasSuffix("One.") ? 0.05 : 0.6 }
        let run = try ScriptedRun(script)
        #expect(run.model.live == 0)
    }
}
