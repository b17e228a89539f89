import EMLLMCore
import Testing

@testable import SelfEvalDecode

@Suite("Accept, revise, take back")
struct SearchTests {
    private let end = "<|im_end|>"

    @Test("good steps are accepted one after the other, and the answer is asked for")
    func accept() throws {
        let run = try ScriptedRun(Script("First.\nSecond.\nThird." + end))
        #expect(run.decisions == [.accepted, .accepted, .accepted])
        #expect(run.trace.path.map(\.text) == ["First.\n", "Second.\n", "Third."])
        #expect(run.trace.stopReason == .endOfTurn)
        #expect(run.trace.answer?.text == "forty-two")
        #expect(run.trace.answer?.source == .asked)
        #expect(run.trace.summary?.outcome == .answered)
    }

    @Test("a step that states the answer ends the reasoning")
    func statedAnswer() throws {
        let run = try ScriptedRun(Script("First.\nSo the answer is 7.\nAnd on it goes.\n" + end))
        #expect(run.trace.reasoning == "First.\nSo the answer is 7.\n")
        #expect(run.trace.stopReason == .answered)
        #expect(run.trace.answer?.text == "7" && run.trace.answer?.source == .reasoning)
        #expect(run.counts.answerPrompt == 0, "nothing is asked when the answer is there")
    }

    @Test("a rejected step is written again, and the first candidate that passes stands")
    func revise() throws {
        var script = try Script([("Wrong.\nNext." + end, 0.6), ("Right.\nNext." + end, 0.4)])
        script.verdict = { $0 == "Wrong." ? 0.2 : 0.9 }
        var options = SelfEvalOptions.test
        options.maximumRevisions = 12
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.reasoning == "Right.\nNext.")
        let first = run.candidates(at: 0)
        #expect(run.decisions[0] == .accepted)
        #expect(first[0].text == "Wrong.\n" && first[0].decision == .rejected)
        #expect(first[0].temperature == 0)
        #expect(first.dropFirst().allSatisfy { $0.temperature == 1 })
        let revisions = run.events.filter { if case .revision = $0 { true } else { false } }
        #expect(!revisions.isEmpty)
    }

    @Test("without a better candidate the best one is kept when it reaches the lower threshold")
    func keep() throws {
        var script = try Script([("Poor.\nEnd." + end, 0.5), ("Better.\nEnd." + end, 0.3), ("Bad.\nEnd." + end, 0.2)])
        script.verdict = { ["Poor.": 0.35, "Better.": 0.45, "Bad.": 0.1][$0] ?? 0.9 }
        var options = SelfEvalOptions.test
        options.maximumRevisions = 12
        let run = try ScriptedRun(script, options: options)
        #expect(run.decisions[0] == .kept)
        #expect(run.trace.path[0].text == "Better.\n")
        #expect(run.trace.backtracks.isEmpty)
    }

    @Test("the same text again is set aside without a verdict")
    func duplicates() throws {
        var script = try Script("Only this.\nEnd." + end)
        script.verdict = { $0 == "Only this." ? 0.4 : 0.9 }
        let run = try ScriptedRun(script)
        let candidates = run.candidates(at: 0)
        #expect(candidates.count == 1 + 4)
        #expect(candidates.dropFirst().allSatisfy { $0.rejection == .duplicate && $0.evaluation == nil })
        #expect(run.decisions[0] == .kept)
        let evaluations = run.counts.evaluation
        let cost = try evaluationCost(script)
        #expect(evaluations == 2 * cost, "one verdict for each of the two steps")
    }

    @Test("a verdict without mass does not count against a step")
    func uninformative() throws {
        var script = try Script("First.\nEnd." + end)
        script.verdict = { _ in 0.01 }
        script.mass = { _ in 0.05 }
        let run = try ScriptedRun(script)
        #expect(run.decisions == [.uninformative, .uninformative])
        #expect(run.trace.nodes.count == 2)
    }

    @Test("when no candidate reaches the lower threshold, the step before is taken back and written anew")
    func backtrack() throws {
        // After "Trap." nothing good can be said; the verdict on "Trap." itself hardly shows it.
        var script = try Script([
            ("Start.\nTrap.\nNonsense.\n" + end, 0.6), ("Start.\nWay.\nGood.\n" + end, 0.4),
        ])
        script.verdict = { $0.hasSuffix("Nonsense.") ? 0.05 : $0.hasSuffix("Trap.") ? 0.7 : 0.8 }
        var options = SelfEvalOptions.test
        options.maximumRevisions = 12
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.reasoning == "Start.\nWay.\nGood.\n")
        #expect(run.decisions == [.accepted, .accepted, .accepted])
        let backtrack = try #require(run.trace.backtracks.first)
        #expect(run.trace.backtracks.count == 1)
        #expect(run.trace[backtrack.to]?.text == "Trap.\n" && run.trace[backtrack.to]?.decision == .abandoned)
        #expect(backtrack.from == backtrack.to && abs(backtrack.bestScore - 0.05) < 1e-3)
    }

    @Test("it is the weakest of the earlier steps that is taken back, and those behind it with it")
    func weakestStep() throws {
        var script = try Script([
            ("Weak.\nStrong.\nNonsense.\n" + end, 0.6), ("Fine.\nGood.\nEnd.\n" + end, 0.4),
        ])
        script.verdict = { $0.hasSuffix("Nonsense.") ? 0.05 : $0.hasSuffix("Weak.") ? 0.6 : 0.8 }
        var options = SelfEvalOptions.test
        options.maximumRevisions = 12
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.reasoning == "Fine.\nGood.\nEnd.\n")
        let backtrack = try #require(run.trace.backtracks.first)
        #expect(run.trace[backtrack.to]?.text == "Weak.\n")
        #expect(run.trace.nodes.filter { $0.decision == .abandoned }.map(\.text) == ["Weak.\n", "Strong.\n"])
    }

    @Test("steps taken back are put in their places again when nothing better is found, and not taken back twice")
    func restore() throws {
        var script = try Script("Start.\nMiddle.\nNonsense.\nEnd.\n" + end)
        script.verdict = { $0.hasSuffix("Nonsense.") ? 0.05 : $0.hasSuffix("Start.") ? 0.6 : 0.8 }
        let run = try ScriptedRun(script)
        #expect(run.decisions == [.restored, .restored, .kept, .accepted])
        #expect(run.trace.backtracks.count == 1)
        #expect(run.trace.reasoning == "Start.\nMiddle.\nNonsense.\nEnd.\n")
    }

    @Test("where draws do not help, the step is written once more behind a reflection, and moved to its place")
    func hint() throws {
        var script = try Script("Wrong.\nEnd." + end)
        script.verdict = { $0 == "Wrong." ? 0.2 : 0.9 }
        script.reflection = { "What about '\($0)'?\n" }
        var options = SelfEvalOptions.test
        options.usesHints = true
        options.maximumSteps = 1
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.reasoning == "Mended.\n")
        #expect(run.trace.reflections.map(\.text) == ["What about 'Wrong.'?\n"])
        let mended = try #require(run.trace.path.first)
        #expect(mended.hint == .reflection(id: 0) && mended.decision == .accepted && mended.parent == 0)
        #expect(run.counts.recomputed == mended.tokens.count, "its tokens are processed once more where they stand now")
        #expect(run.counts.processed == run.model.processed)
        // What it was evaluated on is the chain without the reflection.
        #expect(abs((mended.evaluation?.score ?? 0) - 0.9) < 1e-3)
    }

    @Test("there are no more backtracks than allowed", arguments: 0...3)
    func backtrackLimit(limit: Int) throws {
        var texts: [(text: String, weight: Double)] = []
        for letter in "ABCDEFGH" { texts.append(("Start \(letter).\nBad.\n" + end, letter == "A" ? 2 : 1)) }
        var script = try Script(texts)
        script.verdict = { $0.hasSuffix("Bad.") ? 0.05 : 0.8 }
        var options = SelfEvalOptions.test
        options.maximumBacktracks = limit
        options.maximumRevisions = 8
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.backtracks.count == limit)
        #expect(run.trace.reasoning.hasSuffix("Bad.\n"), "in the end the best there is is kept")
    }

    @Test("the first step has none before it: its best candidate is kept")
    func nothingToTakeBack() throws {
        var script = try Script("Bad.\nEnd." + end)
        script.verdict = { $0 == "Bad." ? 0.05 : 0.9 }
        let run = try ScriptedRun(script)
        #expect(run.decisions == [.kept, .accepted])
    }

    @Test("a model that only repeats itself is stopped")
    func repetition() throws {
        let run = try ScriptedRun(Script("Again.\nAgain.\nAgain.\nAgain." + end))
        #expect(run.trace.reasoning == "Again.\n")
        #expect(run.trace.stopReason == .exhausted)
        #expect(run.candidates(at: 1).allSatisfy { $0.rejection != nil && $0.decision == .rejected })
        #expect(run.trace.answer?.text == "forty-two")
    }

    @Test("a model that says nothing is asked for the answer at once")
    func silence() throws {
        let run = try ScriptedRun(Script(end))
        #expect(run.trace.stopReason == .endOfTurn)
        #expect(run.trace.path.isEmpty)
        #expect(run.trace.answer?.text == "forty-two")
    }

    @Test("a model that never ends a step has it cut")
    func cap() throws {
        var options = SelfEvalOptions.test
        options.prompts.step.maximumTokens = 10
        let run = try ScriptedRun(Script("abcdefghijklmABCDEFGHIJKL" + end), options: options)
        #expect(run.trace.path.map(\.tokens.count) == [10, 10, 5])
        #expect(run.trace.path.map(\.end) == [.cap, .cap, .endOfTurn])
    }

    @Test("there are no more steps than allowed")
    func maximumSteps() throws {
        var options = SelfEvalOptions.test
        options.maximumSteps = 2
        let run = try ScriptedRun(Script("1.\n2.\n3.\n4.\n" + end), options: options)
        #expect(run.trace.reasoning == "1.\n2.\n")
        #expect(run.trace.stopReason == .maximumSteps)
    }

    @Test("steps that end before the last token written go on from there", arguments: [StepBoundary.sentence, .marker])
    func lateBoundary(boundary: StepBoundary) throws {
        let text =
            boundary == .sentence ? "It is 3.5 here. Then 4. So 5." : "Step 1: add.\nStep 2: halve.\nStep 3: end."
        var options = SelfEvalOptions.test
        options.prompts.step.boundaries = [boundary]
        let run = try ScriptedRun(Script(text + end), options: options)
        #expect(run.trace.reasoning == text)
        #expect(run.trace.path.count == 3)
        let late = boundary == .sentence ? 0 : 2
        #expect(run.counts.recomputed == late, "a sentence's end is seen before the next token is processed")
    }

    @Test("characters of several tokens come out whole")
    func unicode() throws {
        let text = "Schön 🎈 气球。\nÜber: 三.\n"
        var options = SelfEvalOptions.test
        options.prompts.step.maximumTokens = 9
        let run = try ScriptedRun(Script(text + end), options: options)
        #expect(run.trace.reasoning == text)
        #expect(!run.trace.reasoning.contains("\u{FFFD}"))
    }

    @Test("white space at the end of a step is not shown to the evaluate, and stays in the chain")
    func trailingWhitespace() throws {
        var seen: [String] = []
        var script = try Script("One. \n\nTwo." + end)
        script.verdict = {
            seen.append($0)
            return 0.9
        }
        var options = SelfEvalOptions.test
        options.prompts.step.boundaries = [.blankLine]
        let run = try ScriptedRun(script, options: options)
        #expect(seen == ["One.", "One. \n\nTwo."])
        #expect(run.trace.reasoning == "One. \n\nTwo.")
    }

    @Test("the prior is asked for once and subtracted from every verdict")
    func prior() throws {
        var script = try Script("First.\nEnd." + end)
        // A model that says yes to everything, and a little less to a good step than to none.
        script.verdict = { $0 == "N/A" ? 0.95 : 0.9 }
        var options = SelfEvalOptions.test
        options.subtractsPrior = true
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.prior.map { abs($0.probability - 0.95) < 1e-3 } == true)
        let verdict = try #require(run.trace.nodes[0].evaluation?.verdict)
        #expect(verdict.probability < 0.5)
        #expect(run.decisions[0] == .kept)
    }

    @Test("a constant preference for the word named first cancels out over both orders")
    func bothOrders() throws {
        var script = try Script("First.\nEnd." + end)
        script.verdict = { _ in 0.7 }
        script.orderBias = -3
        var options = SelfEvalOptions.test
        #expect(try ScriptedRun(script, options: options).decisions[0] != .accepted)
        options.averagesOrders = true
        let run = try ScriptedRun(script, options: options)
        let verdict = try #require(run.trace.nodes[0].evaluation?.verdict)
        #expect(abs(verdict.probability - 0.7) < 1e-3)
        #expect(verdict.orderLogits.count == 2)
        #expect(run.decisions == [.accepted, .accepted])
    }

    private func evaluationCost(_ script: Script) throws -> Int {
        try QuestionPrompts(
            question: "What is it?",
            system: nil,
            prompts: PromptPack(),
            bothOrders: false,
            renderer: PromptRenderer(template: ChatTemplate(TestVocabulary.chatML), tokenizer: script.tokenizer),
            tokenizer: script.tokenizer
        ).evaluationCost
    }
}
