import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Repeating a run, and deciding it anew")
struct ReplayTests {
    private let end = "<|im_end|>"

    private func script() throws -> Script {
        var script = try Script([
            ("Start.\nTrap.\nNonsense.\nThe answer is 1.\n" + end, 0.6),
            ("Start.\nWay.\nGood.\nThe answer is 2.\n" + end, 0.4),
        ])
        script.verdict = { $0.hasSuffix("Nonsense.") ? 0.05 : $0.hasSuffix("Trap.") ? 0.6 : 0.8 }
        return script
    }

    private func options(_ strategy: StrategyName) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        options.strategy = strategy
        options.maximumRevisions = 12
        return options
    }

    @Test("every strategy comes out the same again", arguments: StrategyName.builtIn)
    func same(strategy: StrategyName) throws {
        let script = try script()
        let first = try ScriptedRun(script, options: options(strategy)).trace
        let second = try ScriptedRun(
            script.makeModel(),
            options: options(strategy),
            repeating: first
        ).trace
        try ReplayCheck.check(second, repeats: first)
    }

    @Test(
        "a run that ran out of time is repeated by what it found too late, whatever the clock says",
        arguments: [400, 600]
    )
    func time(limit: Int) throws {
        var options = options(.verify)
        options.budget.milliseconds = limit
        let script = try script()
        let first = try ScriptedRun(script, options: options).trace
        try #require(first.summary?.timeRefusals.isEmpty == false)
        let model = script.makeModel()
        model.secondsPerToken = 0.000_01
        let again = try ScriptedRun(model, options: options, repeating: first).trace
        try ReplayCheck.check(again, repeats: first)
        let other = script.makeModel()
        other.secondsPerToken = 0.000_01
        let fast = try ScriptedRun(other, options: options).trace
        #expect(fast.nodes != first.nodes, "a faster machine would have gone on")
    }

    @Test("a cancelled run is repeated up to where it was cancelled")
    func cancelled() throws {
        let script = try script()
        for pass in stride(from: 1, to: 60, by: 7) {
            let model = script.makeModel()
            model.onPass = { [unowned model] _ in if model.passes.count == pass { model.cancellation.cancel() } }
            let options = options(.verify)
            let first = try ScriptedRun(model, options: options).trace
            try #require(first.summary?.outcome == .cancelled)
            let again = try ScriptedRun(
                script.makeModel(),
                options: options,
                repeating: first
            ).trace
            #expect(again.summary?.outcome == .cancelled)
            try ReplayCheck.check(again, repeats: first)
        }
    }

    @Test("what differs is named, with the place")
    func difference() throws {
        let first = try ScriptedRun(script(), options: options(.verify)).trace
        var other = try script()
        other.verdict = { _ in 0.81 }
        let second = try ScriptedRun(other, options: options(.verify)).trace
        #expect {
            try ReplayCheck.check(second, repeats: first)
        } throws: { ($0 as? EMLLMError)?.code == .replayDiffers && "\($0)".contains("replay at step 1") }
    }

    @Test("another model, and other pictures, are refused")
    func identity() throws {
        let tokenizer = try TestVocabulary.makeTokenizer()
        var other = ModelIdentity.scripted(tokenizer)
        other.weightsDigest = "1"
        #expect { try ReplayCheck.checkModel(other, is: .scripted(tokenizer)) } throws: {
            ($0 as? EMLLMError)?.code == .otherModel
        }
        let usage = try ImageUsage.picture()
        #expect { try ReplayCheck.checkPictures([], are: [usage]) } throws: {
            ($0 as? EMLLMError)?.code == .otherPictures
        }
    }

    // MARK: Deciding anew

    @Test("under the same options every strategy decides the same, without a model", arguments: StrategyName.builtIn)
    func redecide(strategy: StrategyName) throws {
        let recorded = try ScriptedRun(script(), options: options(strategy)).trace
        let again = try SelfEvalDecoder.redecide(recorded, options: options(strategy))
        #expect(again.path.map(\.text) == recorded.path.map(\.text))
        #expect(again.answer == recorded.answer)
        #expect(again.nodes == recorded.nodes)
        #expect(again.summary?.counts.generated == recorded.summary?.counts.generated)
        #expect(again.summary?.counts.evaluation == recorded.summary?.counts.evaluation)
    }

    @Test("what another threshold would have decided is what it decides when it is run")
    func otherThresholds() throws {
        // With nothing accepted at once, every revision is on record.
        var wide = options(.verify)
        wide.acceptThreshold = 1
        wide.rejectThreshold = 0
        let recorded = try ScriptedRun(script(), options: wide).trace
        var decided = 0
        for accept in [0.1, 0.3, 0.5, 0.7, 0.9] {
            for reject in [0, 0.02, 0.1] where reject <= accept {
                var options = options(.verify)
                options.acceptThreshold = accept
                options.rejectThreshold = reject
                let live = try ScriptedRun(script(), options: options).trace
                do {
                    let again = try SelfEvalDecoder.redecide(recorded, options: options)
                    #expect(again.path.map(\.text) == live.path.map(\.text))
                    #expect(again.answer?.text == live.answer?.text)
                    #expect(again.summary?.counts.processed == live.summary?.counts.processed)
                    decided += 1
                } catch let error as EMLLMError where error.code == .leftRecording {}
            }
        }
        #expect(decided >= 3)
    }

    @Test("votes are recounted with other weights, and by other strategies")
    func recount() throws {
        var vote = options(.vote)
        vote.chains = 9
        vote.evaluatesChains = true
        let recorded = try ScriptedRun(script(), options: vote).trace
        for strategy in [StrategyName.vote, .bestOf] {
            var options = vote
            options.strategy = strategy
            options.weighsVotes = true
            let live = try ScriptedRun(script(), options: options).trace
            let again = try SelfEvalDecoder.redecide(recorded, options: options)
            #expect(again.answer?.text == live.answer?.text && again.answer?.confidence == live.answer?.confidence)
        }
    }

    @Test("what was not recorded is not made up")
    func unrecorded() throws {
        let recorded = try ScriptedRun(script(), options: options(.cot)).trace
        #expect { try SelfEvalDecoder.redecide(recorded, options: options(.vote)) } throws: {
            ($0 as? EMLLMError)?.code == .leftRecording
        }
    }

    // MARK: Files

    @Test("lines of a trace are valid up to the last, wherever the file is cut")
    func cutFile() throws {
        let run = try ScriptedRun(script(), options: options(.verify))
        let lines = try run.events.compactMap { try $0.jsonLine() }
        let whole = lines.reduce(Data(), +)
        for count in stride(from: lines[0].count + 1, to: whole.count, by: 997) {
            let trace = try Trace(json: whole.prefix(count))
            #expect(trace.nodes.count <= run.trace.nodes.count && trace.summary == nil)
            #expect(zip(trace.nodes, run.trace.nodes).allSatisfy { $0.text == $1.text })
        }
    }

    @Test("a damaged trace names the line, and another version or another file says what it is")
    func defects() throws {
        let run = try ScriptedRun(script(), options: options(.verify))
        var lines = try run.events.compactMap { try $0.jsonLine() }
        let whole = try run.trace.json()
        func code(_ data: Data) -> EMLLMError.Code? {
            do {
                _ = try Trace(json: data, path: "t")
                return nil
            } catch {
                return (error as? EMLLMError)?.code
            }
        }
        #expect(code(Data()) == .notATrace && code(Data("{}".utf8)) == .notATrace && code(Data([0xFF])) == .notATrace)
        let old = String(decoding: whole, as: UTF8.self).replacingOccurrences(
            of: "\"version\" : \(Trace.currentVersion)",
            with: "\"version\" : \(Trace.currentVersion + 1)"
        )
        #expect(code(Data(old.utf8)) == .traceVersion)
        // Version 1 had another structure.
        let first = old.replacingOccurrences(of: "\"version\" : \(Trace.currentVersion + 1)", with: "\"version\" : 1")
        #expect(code(Data(first.utf8)) == .damagedTrace)
        lines[3] = Data("{\"event\": \"step\", \"node\": 99, \"decision\": \"accepted\"}\n".utf8)
        #expect { try Trace(json: lines.reduce(Data(), +), path: "t") } throws: {
            ($0 as? EMLLMError)?.code == .damagedTrace && "\($0)".contains("line 4")
        }
        let stray = String(decoding: whole, as: UTF8.self).replacingOccurrences(
            of: "\"parent\" : 0",
            with: "\"parent\" : 77"
        )
        #expect(code(Data(stray.utf8)) == .damagedTrace)
    }
}
