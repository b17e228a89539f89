import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// A strategy that is a function.
private struct Custom: Strategy {
    var name = StrategyName(rawValue: "custom")
    var evaluatesSteps = false
    let body: @Sendable (SearchSession) throws -> Conclusion

    func run(in search: SearchSession) throws -> Conclusion { try body(search) }
}

@Suite("Strategies of a program's own")
struct CustomStrategyTests {
    private static let end = "<|im_end|>"

    private func script() throws -> Script {
        try Script([
            ("One.\nTwo.\nThree.\nFour.\nFive.\nSix.\nSeven.\n" + Self.end, 0.6),
            ("Other.\nWay.\nOut.\n" + Self.end, 0.4),
        ])
    }

    private func options(tokens: Int = 800) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        options.budget = Budget(tokens: tokens, answerTokens: 20)
        options.maximumSteps = 4
        return options
    }

    private func spent(_ run: ScriptedRun) -> Int { run.model.processed - run.counts.prompt }

    /// There is an answer, within the budget, and the strategy's name is in the trace.
    private func check(_ run: ScriptedRun, tokens: Int = 800) throws {
        #expect(spent(run) <= tokens)
        #expect(run.counts.processed == run.model.processed && run.model.live == 0)
        #expect(try #require(run.trace.answer).text.contains { !$0.isWhitespace })
        #expect(run.trace.path.filter { $0.kind == .step }.count <= 4)
        #expect(run.trace.header.options.strategy == StrategyName(rawValue: "custom"))
        let read = try Trace(json: run.trace.json())
        #expect(read == run.trace)
    }

    @Test("one that writes and accepts goes where it says, and is repeated bit for bit")
    func straight() throws {
        let strategy = Custom { search in
            var leaf = 0
            while search.steps(to: leaf).count < 3 {
                leaf = try search.write(after: [leaf], DraftOptions(sampling: search.options.primarySampling))[0][0]
                search.decide(leaf, .accepted)
            }
            return Conclusion(leaf: leaf, stopReason: .maximumSteps, confidence: 0.25)
        }
        let run = try ScriptedRun(script(), options: options(), strategy: strategy)
        try check(run)
        #expect(run.trace.reasoning == "One.\nTwo.\nThree.\n" && run.trace.answer?.confidence == 0.25)
        let again = try ScriptedRun(script().makeModel(), options: options(), strategy: strategy, repeating: run.trace)
        #expect(again.trace.nodes == run.trace.nodes)
        let decided = try SelfEvalDecoder.redecide(run.trace, options: options(), strategy: strategy)
        #expect(decided.nodes == run.trace.nodes && decided.answer == run.trace.answer)
    }

    @Test("one that never stops is ended at the most steps, and its last line stands", arguments: [200, 300, 800])
    func endless(tokens: Int) throws {
        let strategy = Custom { search in
            var leaf = 0
            while true {
                leaf = try search.write(after: [leaf], DraftOptions(sampling: search.options.primarySampling))[0][0]
                search.decide(leaf, .accepted)
            }
        }
        let run = try ScriptedRun(script(), options: options(tokens: tokens), strategy: strategy)
        try check(run, tokens: tokens)
        #expect(run.trace.stopReason == .maximumSteps || run.trace.stopReason == .budget)
        #expect(tokens < 800 || run.trace.reasoning == "One.\nTwo.\nThree.\nFour.\n")
    }

    @Test("one that accepts nothing, and ignores the budget, still gives an answer", arguments: [150, 300, 800])
    func refusing(tokens: Int) throws {
        let strategy = Custom(evaluatesSteps: true) { search in
            while true {
                let nodes = try search.write(
                    after: [0, 0, 0],
                    DraftOptions(sampling: search.options.revisionSampling, isEvaluated: false)
                )
                try search.evaluate(nodes.map { $0[0] })
                for node in nodes.joined() { search.decide(node, .rejected) }
            }
        }
        let run = try ScriptedRun(script(), options: options(tokens: tokens), strategy: strategy)
        try check(run, tokens: tokens)
        #expect(run.trace.path.isEmpty && run.trace.stopReason == .budget)
    }

    @Test("reflections, hints and views are kept within the budget as well", arguments: [200, 260, 400, 800])
    func hints(tokens: Int) throws {
        let strategy = Custom(evaluatesSteps: true) { search in
            let first = try search.write(after: [0], DraftOptions(sampling: search.options.primarySampling))[0][0]
            while true {
                guard let reflection = try search.reflect(on: first) else {
                    _ = try search.answers(after: [0, first])
                    continue
                }
                let hint = StepNode.Hint.reflection(id: reflection.id)
                var draft = DraftOptions(sampling: search.options.primarySampling, hint: hint, isEvaluated: false)
                for view in 0..<3 {
                    draft.view = view
                    _ = try search.write(after: [0, 0], draft)
                    draft.hint = nil
                }
            }
        }
        var options = options(tokens: tokens)
        options.views = 3
        try check(ScriptedRun(script(), options: options, strategy: strategy), tokens: tokens)
        let memory = try ScriptedRun(script(), options: options, strategy: strategy)
        options.budget.cacheBytes = memory.trace.header.prompt.count + 300
        let narrow = try ScriptedRun(script(), options: options, strategy: strategy)
        #expect(narrow.model.peakCacheBytes <= options.budget.cacheBytes ?? 0 && narrow.trace.answer != nil)
    }

    @Test("time holds for a strategy that does not look at the clock")
    func time() throws {
        let strategy = Custom { search in
            while true {
                _ = try search.write(
                    after: [0, 0],
                    DraftOptions(sampling: search.options.revisionSampling, isEvaluated: false)
                )
            }
        }
        var options = options(tokens: 100_000)
        options.budget.milliseconds = 700
        let run = try ScriptedRun(script(), options: options, strategy: strategy)
        #expect(try #require(run.trace.summary).seconds.total <= 0.7)
        #expect(run.trace.stopReason == .budget && run.trace.answer != nil)
    }

    @Test("one that only waits is ended")
    func waiting() throws {
        let run = try ScriptedRun(
            script(),
            options: options(),
            strategy: Custom { search in while true { try search.checkCancelled() } }
        )
        try check(run)
        #expect(run.trace.stopReason == .exhausted)
    }

    @Test("what is not there is an error that names it")
    func defects() throws {
        let bodies: [@Sendable (SearchSession) throws -> Conclusion] = [
            { search in
                let draft = DraftOptions(sampling: search.options.primarySampling)
                return Conclusion(leaf: try search.write(after: [7], draft)[0][0], stopReason: .answered)
            },
            { _ in Conclusion(leaf: 7, stopReason: .answered) },
            { search in
                let draft = DraftOptions(sampling: search.options.primarySampling)
                let node = try search.write(after: [0], draft)[0][0]
                search.release([node])
                try search.evaluate([node])
                return Conclusion(leaf: node, stopReason: .answered)
            },
            { search in
                let draft = DraftOptions(sampling: search.options.primarySampling, hint: .reflection(id: 3))
                return Conclusion(leaf: try search.write(after: [0], draft)[0][0], stopReason: .answered)
            },
            { search in
                let draft = DraftOptions(sampling: search.options.primarySampling, view: 5)
                return Conclusion(leaf: try search.write(after: [0], draft)[0][0], stopReason: .answered)
            },
        ]
        for body in bodies {
            #expect { try ScriptedRun(script(), options: options(), strategy: Custom(body: body)) } throws: {
                ($0 as? EMLLMError)?.code == .noSuchNode
            }
        }
    }

    @Test("a name that is no strategy's, in options and in a trace, is an error that lists the known ones")
    func names() throws {
        var unknown = options()
        unknown.strategy = StrategyName(rawValue: "guess")
        #expect { try ScriptedRun(script(), options: unknown) } throws: {
            ($0 as? EMLLMError)?.code == .unknownStrategy && "\($0)".contains("'guess'") && "\($0)".contains("best-of")
        }
        let strategy = Custom { _ in Conclusion(leaf: 0, stopReason: .exhausted) }
        let run = try ScriptedRun(script(), options: options(), strategy: strategy)
        #expect { try ScriptedRun(script().makeModel(), options: options(), repeating: run.trace) } throws: {
            ($0 as? EMLLMError)?.code == .unknownStrategy
        }
        #expect { try SelfEvalDecoder.redecide(run.trace, options: run.trace.header.options) } throws: {
            ($0 as? EMLLMError)?.code == .unknownStrategy
        }
        var taken = strategy
        taken.name = .verify
        #expect { try ScriptedRun(script(), options: options(), strategy: taken) } throws: {
            ($0 as? EMLLMError)?.code == .unknownStrategy && "\($0)".contains("built-in")
        }
    }
}
