import EMLLMCore
import Testing

@testable import SelfEvalDecode

@Suite("What a run costs, by the model's own counters")
struct CostTests {
    private let end = "<|im_end|>"

    private func questionPrompts(_ script: Script, bothOrders: Bool = false) throws -> QuestionPrompts {
        try QuestionPrompts(
            question: "What is it?",
            system: nil,
            prompts: PromptPack(),
            bothOrders: bothOrders,
            renderer: PromptRenderer(template: ChatTemplate(TestVocabulary.chatML), tokenizer: script.tokenizer),
            tokenizer: script.tokenizer
        )
    }

    @Test("the trace counts exactly the tokens that were processed")
    func counts() throws {
        var script = try Script([("Bad.\nOne.\n" + end, 0.6), ("Fine.\nTwo.\nStep 3" + end, 0.4)])
        script.verdict = { $0.hasSuffix("Bad.") ? 0.1 : 0.8 }
        for boundary in StepBoundary.allCases {
            var options = SelfEvalOptions.test
            options.prompts.step.boundaries = [boundary]
            options.subtractsPrior = true
            let run = try ScriptedRun(script, options: options)
            #expect(run.counts.processed == run.model.processed)
            #expect(run.counts.accepted == run.trace.path.reduce(0) { $0 + $1.tokens.count })
            // A pack without an empty step asks for no prior.
            options.prompts.emptyStep = nil
            let bare = try ScriptedRun(script, options: options)
            #expect(run.trace.prior != nil && bare.trace.prior == nil)
            #expect(bare.counts.processed == bare.model.processed && bare.counts.processed < run.counts.processed)
        }
    }

    @Test("evaluating a step processes exactly the evaluation prompt's tokens", arguments: [false, true])
    func evaluating(bothOrders: Bool) throws {
        let script = try Script("First.\nSecond.\nThird." + end)
        var options = SelfEvalOptions.test
        options.averagesOrders = bothOrders
        let cost = try questionPrompts(script, bothOrders: bothOrders).evaluationCost
        let run = try ScriptedRun(script, options: options)
        #expect(run.counts.evaluation == 3 * cost)
        let steps = run.trace.path.reduce(0) { $0 + $1.tokens.count }
        #expect(run.counts.generated == steps, "a step's tokens are processed once")
        #expect(run.counts.prompt == run.trace.header.prompt.count, "so is the question")
    }

    @Test("candidates are written as one batch and evaluated as one batch")
    func batches() throws {
        var script = try Script([("Bad.\nEnd." + end, 0.9), ("Good\nEnd." + end, 0.03), ("Okay\nEnd." + end, 0.03)])
        script.verdict = { $0 == "Bad." ? 0.1 : 0.9 }
        var options = SelfEvalOptions.test
        options.revisionWidth = 3
        options.maximumRevisions = 3
        options.revisionTemperature = 50
        let run = try ScriptedRun(script, options: options)
        let first = run.candidates(at: 0)
        try #require(first.count == 4)
        let lengths = first.dropFirst().map(\.written)
        let batched = run.model.passes.filter { $0.count == 3 && $0.allSatisfy { $0 == 1 } }
        #expect(batched.count == lengths.min(), "one pass for each token that all of them have")
        let cost = try questionPrompts(script).evaluationCost
        let evaluated = first.dropFirst().filter { $0.evaluation != nil }.count
        try #require(evaluated > 1)
        #expect(run.model.passes.contains(Array(repeating: cost, count: evaluated)), "the verdicts are one pass")
    }

    @Test("taking a step back, and putting it in its place again, processes nothing")
    func backtracking() throws {
        var script = try Script("Start.\nNonsense.\nEnd.\n" + end)
        script.verdict = { $0.hasSuffix("Nonsense.") ? 0.05 : 0.8 }
        var options = SelfEvalOptions.test
        options.maximumRevisions = 2
        let model = script.makeModel()
        var log: [(event: String, processed: Int)] = []
        let run = try ScriptedRun(model, options: options) { event in
            switch event {
            case .candidate, .evaluation: log.append(("work", model.processed))
            case .backtrack: log.append(("backtrack", model.processed))
            case .step(_, .restored): log.append(("restored", model.processed))
            default: break
            }
        }
        let back = try #require(log.firstIndex { $0.event == "backtrack" })
        #expect(log[back].processed == log[back - 1].processed)
        let restored = try #require(log.firstIndex { $0.event == "restored" })
        #expect(log[restored].processed == log[restored - 1].processed)
        // Each of the three steps is evaluated once, and their duplicates never.
        let cost = try questionPrompts(script).evaluationCost
        #expect(run.counts.evaluation == 3 * cost)
    }

    @Test("what prompting anew would cost is counted call by call")
    func reprompting() throws {
        let script = try Script("First.\nSecond.\n" + end)
        let run = try ScriptedRun(script)
        let (prompt, first, second) = (run.trace.header.prompt.count, "First.\n".utf8.count, "Second.\n".utf8.count)
        let costs = run.trace.header.costs
        let written = prompt + first + (prompt + first) + second + (prompt + first + second)
        let evaluated = (prompt + first + costs.evaluation) + (prompt + first + second + costs.evaluation)
        let answered = prompt + first + second + costs.answer + (run.trace.answer?.tokens.count ?? 0) - 1
        #expect(run.trace.repromptedTokens == written + evaluated + answered)
        #expect(run.trace.repromptedTokens > run.counts.processed)
    }

    @Test("no branch outlives a run")
    func leaks() throws {
        var script = try Script([("Bad.\nOne.\n" + end, 0.6), ("Fine.\nTwo.\n" + end, 0.4)])
        script.verdict = { $0.hasSuffix("One.") ? 0.05 : 0.6 }
        let run = try ScriptedRun(script)
        #expect(run.model.live == 0)
    }

    @Test("a vote's chains are one batch, and the question is processed once for all of them")
    func voteBatch() throws {
        let script = try Script([("One.\nThe answer is 1.\n" + end, 0.7), ("Two.\nThe answer is 2.\n" + end, 0.3)])
        var options = SelfEvalOptions.test
        options.strategy = .vote
        options.chains = 7
        let run = try ScriptedRun(script, options: options)
        #expect(run.counts.prompt == run.trace.header.prompt.count)
        let shortest = "One.\nThe answer is 1.\n".utf8.count
        #expect(run.model.passes.filter { $0 == [Int](repeating: 1, count: 7) }.count == shortest)
        #expect(run.counts.evaluation == 0 && run.counts.processed == run.model.processed)
    }

    @Test(
        "evaluating the steps of a finished chain processes the evaluation prompts alone: its forks are rolled back to them"
    )
    func evaluatingAfterwards() throws {
        let script = try Script("First.\nSecond.\nThe answer is 3.\n" + end)
        var options = SelfEvalOptions.test
        options.strategy = .cot
        let plain = try ScriptedRun(script, options: options)
        options.evaluatesChains = true
        let evaluated = try ScriptedRun(script, options: options)
        let cost = try questionPrompts(script).evaluationCost
        #expect(evaluated.model.processed - plain.model.processed == 3 * cost)
        #expect(evaluated.counts.evaluation == 3 * cost)
        #expect(evaluated.trace.path.allSatisfy { $0.evaluation != nil })
    }
}
