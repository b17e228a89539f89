import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Strategies other than step by step")
struct StrategyTests {
    private let end = "<|im_end|>"

    private func options(_ strategy: StrategyName, chains: Int = 9) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        options.strategy = strategy
        options.chains = chains
        options.seed = 1
        if strategy == .seat { options.prompts.reason = PromptPack.seat.reason }
        return options
    }

    // MARK: Chain of thought

    @Test("a chain goes on to the end of the turn, or to its answer; nothing is evaluated")
    func chain() throws {
        let run = try ScriptedRun(Script("One.\nTwo." + end), options: options(.cot))
        #expect(run.trace.path.map(\.text) == ["One.\n", "Two."])
        #expect(run.decisions == [.written, .written] && run.trace.stopReason == .endOfTurn)
        #expect(run.trace.answer?.text == "forty-two" && run.trace.answer?.source == .asked)
        let stated = try ScriptedRun(Script("One.\nThe answer is 2.\nThree.\n" + end), options: options(.cot))
        #expect(stated.trace.path.map(\.text) == ["One.\n", "The answer is 2.\n"])
        #expect(stated.trace.answer?.text == "2" && stated.trace.stopReason == .answered)
        #expect(stated.counts.evaluation == 0 && stated.counts.answerPrompt == 0)
    }

    @Test("a chain that goes round in circles, or never ends, is stopped")
    func endless() throws {
        let circle = try ScriptedRun(Script(String(repeating: "Again.\n", count: 50)), options: options(.cot))
        #expect(circle.trace.reasoning == "Again.\n" && circle.trace.stopReason == .exhausted)
        #expect(circle.counts.generated <= 3 * 7 + 1)
        var short = options(.cot)
        short.maximumSteps = 3
        let long = try ScriptedRun(Script("1.\n2.\n3.\n4.\n5.\n" + end), options: short)
        #expect(long.trace.reasoning == "1.\n2.\n3.\n" && long.trace.stopReason == .maximumSteps)
    }

    @Test("an answer at once is an answer")
    func answerAtOnce() throws {
        for strategy in StrategyName.builtIn {
            let run = try ScriptedRun(Script("The answer is 5.\n" + end), options: options(strategy))
            #expect(run.trace.answer?.text == "5", "\(strategy)")
        }
    }

    // MARK: Votes

    private func twoOpinions() throws -> Script {
        try Script([("Sure.\nThe answer is 1.\n" + end, 0.7), ("Hm.\nThe answer is 2.\n" + end, 0.3)])
    }

    @Test("the majority decides, and its share is the confidence")
    func vote() throws {
        var options = options(.vote)
        options.endsDecidedVotes = false
        let run = try ScriptedRun(twoOpinions(), options: options)
        let votes = run.trace.proposals.map(\.text)
        #expect(votes.count == 9 && Set(votes) == ["1", "2"])
        let ones = votes.filter { $0 == "1" }.count
        let winner = ones > 4 ? "1" : "2"
        #expect(run.trace.answer?.text == winner)
        #expect(run.trace.answer?.confidence == Double(max(ones, 9 - ones)) / 9)
        #expect(run.trace.path.last?.text == "The answer is \(winner).\n")
        // The other chains are given up, the steps they share are not.
        #expect(run.trace.nodes.filter { $0.decision == .abandoned }.count == run.trace.nodes.count - 2)
    }

    @Test("votes weighted by verdicts go to the chains that stand, unless no verdict says anything")
    func weightedVote() throws {
        var script = try twoOpinions()
        script.verdict = { $0.hasPrefix("Sure.") ? 0.05 : 0.95 }
        var weighted = options(.vote)
        weighted.weighsVotes = true
        let run = try ScriptedRun(script, options: weighted)
        #expect(run.trace.answer?.text == "2")
        #expect((run.trace.answer?.confidence ?? 0) > 0.5)
        script.mass = { _ in 0.01 }
        let majority = try ScriptedRun(script, options: options(.vote)).trace.answer
        #expect(try ScriptedRun(script, options: weighted).trace.answer?.text == majority?.text)
    }

    @Test("best of several: the chain whose steps score best, by the aggregation asked for")
    func bestOf() throws {
        var script = try twoOpinions()
        script.verdict = { $0.hasPrefix("Sure.") ? 0.4 : $0 == "Hm." ? 0.3 : 0.9 }
        #expect(try ScriptedRun(script, options: options(.bestOf)).trace.answer?.text == "2")
        var weakest = options(.bestOf)
        weakest.aggregation = .min
        #expect(try ScriptedRun(script, options: weakest).trace.answer?.text == "1")
        // Where no verdict says anything, the majority does.
        script.mass = { _ in 0.01 }
        let majority = try ScriptedRun(script, options: options(.vote)).trace.answer
        #expect(try ScriptedRun(script, options: options(.bestOf)).trace.answer?.text == majority?.text)
    }

    // MARK: Beam

    @Test("a beam drops lines that score badly and arrives at the one that does not")
    func beam() throws {
        var script = try Script([
            ("Bad.\nWorse.\nThe answer is 1.\n" + end, 0.6), ("Good.\nBetter.\nThe answer is 2.\n" + end, 0.4),
        ])
        script.verdict = { $0.contains("Bad.") ? 0.05 : 0.95 }
        var greedy = options(.beam)
        greedy.beam = BeamOptions(lines: 2, candidates: 3, mixing: 0.9, temperature: 0)
        let run = try ScriptedRun(script, options: greedy)
        #expect(run.trace.answer?.text == "2")
        #expect(run.decisions == [.accepted, .accepted, .accepted])
        #expect(
            run.model.passes.contains { $0.count == 6 && $0.allSatisfy { $0 == 1 } },
            "all candidates are one batch"
        )
        // By the text's own probability alone, the likelier line wins.
        greedy.beam.mixing = 0
        #expect(try ScriptedRun(script, options: greedy).trace.answer?.text == "1")
    }

    @Test("a beam at a temperature draws its lines, the same ones for the same seed")
    func stochasticBeam() throws {
        var script = try twoOpinions()
        script.verdict = { $0.hasPrefix("Sure.") ? 0.45 : 0.55 }
        var answers: Set<String> = []
        for seed in 0..<12 as Range<UInt64> {
            var options = options(.beam)
            options.seed = seed
            options.beam = BeamOptions(lines: 1, candidates: 4, mixing: 1, temperature: 1)
            let first = try ScriptedRun(script, options: options).trace
            #expect(try ScriptedRun(script, options: options).trace == first)
            answers.insert(first.answer?.text ?? "")
        }
        #expect(answers == ["1", "2"])
    }

    // MARK: SEAT

    private let doubt = "[self-evaluation-start: That is not so. Evaluation: Refine self-evaluation-end]\n"
    private let trust = "[self-evaluation-start: That is so. Evaluation: Accept self-evaluation-end]\n"

    @Test("after Refine the step is written again, and it and its evaluation are cut from the line")
    func refine() throws {
        let script = try Script([
            ("One is two.\n" + doubt + "One is one.\nThe answer is 1.\n" + end, 1),
            ("One is one.\nThe answer is 1.\n" + end, 0.1),
        ])
        let run = try ScriptedRun(script, options: options(.seat))
        #expect(run.trace.reasoning == "One is one.\nThe answer is 1.\n")
        #expect(run.trace.nodes.map(\.kind) == [.step, .evaluation, .step, .step])
        #expect(run.trace.nodes.map(\.decision) == [.rejected, .abandoned, .written, .written])
        let better = run.trace.nodes[2]
        #expect(better.parent == 0 && better.hint == .evaluation(node: 2))
        #expect(run.counts.recomputed == better.tokens.count && run.counts.processed == run.model.processed)
        #expect(run.counts.evaluation == 1, "the verdict is read from one token's logits")
        #expect((run.trace.nodes[0].evaluation?.verdict?.probability ?? 1) < 0.01)
    }

    @Test("after Accept the step stands, and the evaluation stays in the line")
    func accept() throws {
        let text = "One is one.\n" + trust + "The answer is 1.\n"
        let run = try ScriptedRun(Script(text + end), options: options(.seat))
        #expect(run.trace.reasoning == text)
        #expect(run.decisions == [.accepted, .written, .written])
        #expect((run.trace.nodes[0].evaluation?.verdict?.probability ?? 0) > 0.99)
        #expect(run.trace.answer?.text == "1")
    }

    @Test("a step is not refined more often than allowed, and an evaluation without a verdict decides nothing")
    func seatLimits() throws {
        var none = options(.seat)
        none.maximumRevisions = 0
        let text = "One is two.\n" + doubt + "The answer is 2.\n"
        let kept = try ScriptedRun(Script(text + end), options: none)
        #expect(kept.trace.reasoning == text && kept.decisions[0] == .kept)
        let silent = "One.\n[self-evaluation-start: Hm. self-evaluation-end]\nThe answer is 3.\n"
        let undecided = try ScriptedRun(Script(silent + end), options: options(.seat))
        #expect(undecided.decisions[0] == .uninformative && undecided.trace.answer?.text == "3")
    }

    @Test("the last verdict of an evaluation counts, in any case")
    func evaluations() {
        let markers = EvaluationMarkers()
        #expect(markers.outcome(in: "Evaluation: Accept … evaluation: REFINE.") == .refine)
        #expect(markers.outcome(in: "Evaluation: **Accept**") == .accept)
        #expect(markers.outcome(in: "Evaluation: maybe") == nil)
        #expect(markers.outcome(in: "Accept") == nil)
    }

    // MARK: Cas-SEAT

    @Test("a chain that passes stands; it costs one verdict")
    func cascadeAccepts() throws {
        var script = try Script("One.\nThe answer is 7.\n" + end)
        script.chainVerdict = { _ in 0.8 }
        let run = try ScriptedRun(script, options: options(.casSEAT))
        #expect(run.trace.answer?.text == "7" && run.trace.reflections.isEmpty)
        #expect(run.decisions.last == .accepted)
        #expect(run.counts.evaluation == run.trace.header.costs.chainEvaluation)
    }

    @Test(
        "a chain that does not pass is reflected on and written again, and the better one stands",
        arguments: [0.9, 0.1]
    )
    func cascadeRefines(second: Double) throws {
        var script = try Script("One.\nThe answer is 7.\n" + end)
        script.chainVerdict = { $0.hasPrefix("One.") ? 0.2 : second }
        var once = options(.casSEAT)
        once.maximumRevisions = 1
        let run = try ScriptedRun(script, options: once)
        #expect(run.trace.answer?.text == (second > 0.2 ? "8" : "7"))
        #expect(run.trace.reflections.map(\.text) == ["It is wrong."])
        let rewritten = run.trace.nodes.filter { $0.hint != nil }
        #expect(rewritten.map(\.text) == ["Once more.\n", "The answer is 8.\n"] && rewritten[0].parent == 0)
        #expect(run.counts.prompt == run.trace.header.prompt.count, "the question is processed once")
        #expect(run.counts.processed == run.model.processed)
        #expect(run.trace.answer?.confidence.map { abs($0 - max(0.2, second)) < 1e-3 } == true)
    }

    @Test("a verdict may be asked for after a reflection, on the branch behind it")
    func cascadeByReflection() throws {
        var script = try Script("One.\nThe answer is 7.\n" + end)
        script.chainVerdict = { _ in 0.9 }
        var reflecting = options(.casSEAT)
        reflecting.evaluation = .reflection
        let run = try ScriptedRun(script, options: reflecting)
        #expect(run.trace.reflections.count == 1 && run.trace.answer?.text == "7")
        #expect(run.counts.reflection > 0 && run.counts.evaluation == run.trace.header.costs.chainEvaluation)
    }

    // MARK: Adaptive

    @Test("one line while it is confident")
    func adaptiveNarrow() throws {
        var script = try twoOpinions()
        script.verdict = { _ in 0.9 }
        let run = try ScriptedRun(script, options: options(.adaptive))
        #expect(run.trace.nodes.count == 2 && run.trace.proposals.isEmpty)
        #expect(run.decisions == [.accepted, .accepted])
    }

    @Test("several from the first step in doubt, and the vote goes by verdicts")
    func adaptiveWide() throws {
        var script = try Script([
            ("Start.\nWrong.\nThe answer is 1.\n" + end, 0.6), ("Start.\nRight.\nThe answer is 2.\n" + end, 0.4),
        ])
        script.verdict = { $0.contains("Wrong.") ? 0.1 : 0.9 }
        let run = try ScriptedRun(script, options: options(.adaptive))
        #expect(run.trace.answer?.text == "2" && run.trace.proposals.count == 9)
        #expect(run.trace.path.map(\.text) == ["Start.\n", "Right.\n", "The answer is 2.\n"])
        #expect(run.trace.nodes.filter { $0.text == "Start.\n" }.count == 1, "what was certain is not written again")
    }

    // MARK: Scores

    @Test("an answer below the confidence asked for is given, and marked")
    func abstention() throws {
        var script = try Script("One.\nThe answer is 7.\n" + end)
        script.verdict = { _ in 0.6 }
        for (threshold, marked) in [(0.5, false), (0.7, true)] {
            var options = options(.verify)
            options.abstainBelow = threshold
            let answer = try #require(try ScriptedRun(script, options: options).trace.answer)
            #expect(answer.text == "7" && answer.isAbstention == marked)
        }
    }

    @Test("a calibration moves decisions, and is in the trace")
    func calibration() throws {
        var script = try Script("One.\nEnd." + end)
        script.verdict = { _ in 0.6 }
        var options = options(.verify)
        options.calibration = .platt(PlattScaling(slope: 1, intercept: -2))
        let run = try ScriptedRun(script, options: options)
        #expect(run.decisions[0] == .kept || run.decisions[0] == .restored)
        #expect((run.trace.path[0].evaluation?.score ?? 1) < 0.2)
        #expect(run.trace.path[0].evaluation.map { abs($0.verdict!.probability - 0.6) < 1e-3 } == true)
        #expect(try Trace(json: run.trace.json()).header.options.calibration == options.calibration)
    }

    @Test("the line's log-probability is that of all steps up to the end of the evaluated one, and costs nothing")
    func lineSignal() throws {
        var script = try Script([("One.\nTwo.\nEnd." + end, 1), ("Other.\nEnd." + end, 0.5)])
        script.verdict = { _ in 0.6 }
        let plain = try ScriptedRun(script, options: options(.verify))
        var options = options(.verify)
        options.weights = ScoreWeights([.verdict: 1, .line: 0.5], intercept: 3)
        let run = try ScriptedRun(script, options: options)
        #expect(run.counts.processed == plain.counts.processed)
        var line = 0.0
        for step in run.trace.path {
            line += step.meanLogProbability * Double(step.tokens.count)
            let evaluation = try #require(step.evaluation)
            let sum: Double = evaluation.verdict!.logit + 0.5 * line + 3
            let expected: Double = 1 / (1 + exp(-sum))
            #expect(abs((evaluation.score ?? 0) - expected) < 1e-9)
            #expect(abs(run.trace.logProbability(to: step.id) - line) < 1e-9)
        }
        #expect(line < 0)
    }

    @Test("evaluations that are written between the steps do not count as part of the line")
    func lineWithoutEvaluations() throws {
        var options = options(.seat)
        options.weights = [.line: 1]
        let run = try ScriptedRun(
            try Script("One.\n" + trust + "Two.\n" + trust + "The answer is 3.\n" + end),
            options: options
        )
        let steps = run.trace.path.filter { $0.kind == .step }
        #expect(run.trace.path.contains { $0.kind == .evaluation })
        let sum = steps.reduce(0) { $0 + $1.logProbability }
        #expect(abs(run.trace.logProbability(to: run.trace.path.last?.id ?? 0) - sum) < 1e-9)
    }

    @Test("an answer probe is asked for where it counts, and costs its tokens")
    func probe() throws {
        let script = try Script("One.\nEnd." + end)
        var options = options(.verify)
        options.weights[.probe] = 1
        let run = try ScriptedRun(script, options: options)
        #expect(run.trace.nodes.allSatisfy { $0.evaluation?.probe?.text == "forty-t" })
        #expect(run.counts.processed == run.model.processed)
    }

    @Test("aggregations")
    func aggregations() {
        let scores = [0.5, 0.8, 0.4]
        let expected: [ScoreAggregation: Double] = [.last: 0.4, .min: 0.4, .product: 0.16, .mean: 1.7 / 3]
        for (aggregation, value) in expected { #expect(abs((aggregation(scores) ?? -1) - value) < 1e-12) }
        #expect(ScoreAggregation.allCases.allSatisfy { $0([]) == nil })
    }
}
