import EMLLMCore
import Testing

@testable import SelfEvalDecode

@Suite("Limits, and an answer within them")
struct BudgetTests {
    private let end = "<|im_end|>"
    private let long = (1...60).map { "This is step number \($0) of many.\n" }.joined()

    private func spent(_ run: ScriptedRun) -> Int { run.model.processed - run.counts.prompt }

    @Test("tokens: the answer comes from what was set aside", arguments: [140, 141, 150, 300, 500, 1000, 2500])
    func tokens(limit: Int) throws {
        var options = SelfEvalOptions.test
        options.budget = Budget(tokens: limit, answerTokens: 20)
        let run = try ScriptedRun(Script(long + end), options: options)
        #expect(spent(run) <= limit)
        #expect(run.trace.stopReason == .budget || run.trace.stopReason == .maximumSteps)
        #expect(run.trace.answer?.text == "forty-two")
        #expect(long.hasPrefix(run.trace.reasoning))
    }

    @Test("a larger budget is used")
    func moreTokens() throws {
        var lengths: [Int] = []
        for limit in [300, 600, 1200] {
            var options = SelfEvalOptions.test
            options.budget = Budget(tokens: limit, answerTokens: 20)
            lengths.append(try ScriptedRun(Script(long + end), options: options).trace.reasoning.count)
        }
        #expect(lengths[0] > 0 && lengths == lengths.sorted() && Set(lengths).count == 3)
    }

    @Test("a budget that the answer alone exceeds is an error that says how much is needed")
    func tooSmall() {
        var options = SelfEvalOptions.test
        options.budget = Budget(tokens: 50, answerTokens: 48)
        #expect {
            try ScriptedRun(Script("One." + end), options: options)
        } throws: { ($0 as? EMLLMError)?.code == .invalidSelfEvalOption && "\($0)".contains("at least") }
    }

    @Test("time: reasoning ends early enough for the answer", arguments: [600, 800, 1500, 3000])
    func time(limit: Int) throws {
        var options = SelfEvalOptions.test
        options.budget = Budget(tokens: 100_000, milliseconds: limit, answerTokens: 20)
        options.maximumSteps = 60
        let run = try ScriptedRun(Script(long + end), options: options)
        #expect(run.trace.summary!.seconds.total <= Double(limit) / 1000)
        #expect(run.trace.stopReason == .budget)
        #expect(run.trace.answer?.text == "forty-two")
        #expect(limit < 800 || !run.trace.path.isEmpty)
    }

    @Test("time: what encoding the pictures took counts, unless their features were in memory")
    func pictures() throws {
        var options = SelfEvalOptions.test
        options.budget = Budget(tokens: 100_000, milliseconds: 2000, answerTokens: 20)
        options.maximumSteps = 60
        func run(_ encodeSeconds: Double, wasReused: Bool) throws -> Trace {
            let script = try Script(long + end)
            return try Pictures([script], encodeSeconds: encodeSeconds, wasReused: wasReused).run(options).trace
        }
        let (fresh, known, free) = try (run(1, wasReused: false), run(1, wasReused: true), run(0, wasReused: false))
        #expect(try #require(fresh.summary).seconds.total <= 1 && !fresh.path.isEmpty)
        #expect(fresh.path.count < known.path.count && known.nodes == free.nodes)
    }

    @Test("when the time is over before it began, there is still a word of an answer")
    func noTime() throws {
        var script = try Script(long + end)
        script.answer = { _ in " word and more words.<|im_end|>" }
        var options = SelfEvalOptions.test
        options.budget = Budget(milliseconds: 1)
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.path.isEmpty)
        #expect(run.trace.answer?.text == "w")
    }

    @Test("the context is a budget, too")
    func context() throws {
        let run = try ScriptedRun(Script(long + end), contextLength: 600)
        #expect(run.model.longest <= 600)
        #expect(run.trace.stopReason == .budget)
        #expect(run.trace.answer?.text == "forty-two")
        #expect(!run.trace.path.isEmpty)
    }

    @Test("a question that leaves no room for its answer is an error that says how many tokens fit")
    func questionTooLong() {
        #expect {
            try ScriptedRun(Script("One." + end), contextLength: 200)
        } throws: { ($0 as? EMLLMError)?.code == .contextOverflow }
    }

    @Test("revisions stop where the budget does, and a whole candidate is preferred to one cut short")
    func revisionsWithinBudget() throws {
        var script = try Script([("Bad bad bad bad.\n" + end, 0.6), ("Worse worse worse worse.\n" + end, 0.4)])
        script.verdict = { _ in 0.4 }
        for limit in stride(from: 240, through: 800, by: 7) {
            var options = SelfEvalOptions.test
            options.budget = Budget(tokens: limit, answerTokens: 20)
            let run = try ScriptedRun(script, options: options)
            #expect(spent(run) <= limit)
            for (place, step) in run.trace.path.enumerated() {
                let hasWhole = run.candidates(at: place).contains { $0.parent == step.parent && $0.end == .line }
                #expect(!hasWhole || step.end == .line)
            }
        }
    }

    @Test("an answer is a word even from a model that would rather end its turn, or write white space")
    func reluctantAnswers() throws {
        for text in [end, "\n\n" + end, "   ", "🎈" + end] {
            var script = try Script("One." + end)
            script.answer = { _ in text }
            let run = try ScriptedRun(script)
            let answer = try #require(run.trace.answer)
            #expect(answer.text.contains { !$0.isWhitespace })
            #expect(answer.tokens.count <= SelfEvalOptions.test.budget.answerTokens)
        }
    }

    @Test("an endless answer is cut at its limit")
    func endlessAnswer() throws {
        var script = try Script("One." + end)
        script.answer = { _ in String(repeating: " and", count: 100) }
        var options = SelfEvalOptions.test
        options.budget.answerTokens = 12
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.answer?.tokens.count == 12)
    }

    @Test("cancelling stops within one pass, and leaves a trace of what was done")
    func cancellation() throws {
        let script = try Script([("Bad.\nOne.\nTwo.\n" + end, 0.6), ("Fine.\nThree.\n" + end, 0.4)])
        let complete = try ScriptedRun(script).model.passes.count
        for pass in 0...complete {
            let model = script.makeModel()
            var passes = 0
            model.onPass = { [unowned model] _ in
                if passes == pass { model.cancellation.cancel() }
                passes += 1
            }
            let run = try ScriptedRun(model, options: .test)
            #expect(run.trace.summary?.outcome == (pass < complete ? .cancelled : .answered))
            #expect(model.passes.count == min(pass, complete))
            #expect(run.counts.processed == model.processed)
            #expect(model.live == 0)
            let copy = try Trace(json: run.trace.json())
            #expect(copy == run.trace)
        }
    }

    @Test("what was being written when it was cancelled is in the trace")
    func cancelledDraft() throws {
        let script = try Script("First step.\nSecond step.\n" + end)
        let model = script.makeModel()
        model.onPass = { [unowned model] _ in if model.passes.count == 6 { model.cancellation.cancel() } }
        let run = try ScriptedRun(model, options: .test)
        let last = try #require(run.trace.nodes.last)
        #expect(last.decision == nil && last.end == .cancelled && run.trace.path.isEmpty)
        #expect("First step.\n".hasPrefix(last.text) && !last.text.isEmpty)
    }
}
