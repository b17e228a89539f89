import EMLLMCore
import Testing

@testable import SelfEvalDecode

@Suite("Further views of pictures")
struct ViewTests {
    private static let end = "<|im_end|>"

    private func options(_ strategy: StrategyName, views: Int, chains: Int = 3) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        options.strategy = strategy
        options.views = views
        options.chains = chains
        return options
    }

    /// A picture that is misread at the first view, and read at the others.
    private func misread(encodeSeconds: Double = 0) throws -> Pictures {
        var wrong = try Script("It has corners.\nThere are 7.\nThe answer is 7.\n" + Self.end)
        wrong.verdict = { $0.contains("7") ? 0.2 : 0.9 }
        var right = try Script("It has corners.\nThere are 8.\nThe answer is 8.\n" + Self.end)
        right.verdict = { $0.contains("7") ? 0.2 : 0.9 }
        return try Pictures([wrong, right, right, right], encodeSeconds: encodeSeconds)
    }

    @Test("each chain of a vote is the likeliest at its view")
    func vote() throws {
        let run = try misread().run(options(.vote, views: 3))
        let chains = run.trace.nodes.filter { !$0.continues }
        #expect(chains.map(\.view) == [nil, 1, 2] && chains.allSatisfy { $0.temperature == 0 })
        #expect(run.trace.answer?.text == "8")
        #expect(run.trace.nodes.filter { $0.view == 2 }.map(\.text).joined().contains("There are 8."))
        #expect(run.counts.views == 2 * run.trace.header.prompt.count, "the question once more for each further view")
        #expect(run.counts.processed == run.model.processed)
        #expect(run.counts.recomputed == 0)
        // All further views are read in one pass.
        #expect(run.model.passes.filter { $0.contains(run.trace.header.prompt.count) }.map(\.count) == [1, 2])
    }

    @Test("chains beyond the views are drawn at them in turn")
    func draws() throws {
        let run = try misread().run(options(.vote, views: 2, chains: 5))
        let chains = run.trace.nodes.filter { !$0.continues }
        #expect(chains.map(\.view) == [nil, 1, nil, 1, nil])
        #expect(chains.map(\.temperature) == [0, 0, 1, 1, 1])
        #expect(run.counts.views == run.trace.header.prompt.count)
    }

    @Test("adaptive goes on from the steps that stand, at views of its own")
    func adaptive() throws {
        let run = try misread().run(options(.adaptive, views: 3))
        #expect(run.trace.answer?.text == "8")
        let first = try #require(run.trace.nodes.first)
        #expect(first.text == "It has corners.\n" && first.decision == .accepted && first.view == nil)
        let others = run.trace.children(of: first.id)
        #expect(others.map(\.view) == [nil, 1, 2])
        #expect(others.map(\.text) == ["There are 7.\n", "There are 8.\n", "There are 8.\n"])
        // What stands is processed once more behind each view, and nothing else.
        #expect(run.counts.recomputed >= 2 * first.tokens.count && run.counts.processed == run.model.processed)
        #expect(run.trace.path.map(\.text).joined() == "It has corners.\nThere are 8.\nThe answer is 8.\n")
    }

    @Test("verify takes another view where a step does not pass, and goes on with the view of the step that stands")
    func verify() throws {
        let run = try misread().run(options(.verify, views: 4))
        #expect(run.trace.path.map(\.text) == ["It has corners.\n", "There are 8.\n", "The answer is 8.\n"])
        #expect(run.trace.path.map(\.view) == [nil, 1, 1])
        #expect(run.decisions == [.accepted, .accepted, .accepted])
        #expect(run.trace.nodes[1].decision == .rejected && run.trace.nodes[1].text == "There are 7.\n")
        // The same from another view says nothing new.
        #expect(run.trace.nodes.filter { $0.view == 2 }.allSatisfy { $0.rejection == .duplicate })
        #expect(run.counts.processed == run.model.processed)
    }

    @Test("a step can be written at the first view behind one of another", arguments: [3, 4])
    func back(views: Int) throws {
        // Good in view 1 up to the last step, which only the first view has right.
        var first = try Script("One.\nTwo.\nThree." + Self.end)
        var second = try Script("Eins.\nTwo.\nDrei." + Self.end)
        func verdict(_ text: String) -> Double { text.hasSuffix("One.") || text.hasSuffix("Drei.") ? 0.2 : 0.9 }
        first.verdict = verdict
        second.verdict = verdict
        // Behind the other's first step the first view would end its turn: it is asked for the mixture of both.
        first.reasonings.append(("Eins.\nTwo.\nThree." + Self.end, 0.4))
        first.reasonings[0].weight = 0.6
        let run = try Pictures([first] + Array(repeating: second, count: views - 1)).run(options(.verify, views: views))
        #expect(run.trace.path.map(\.text) == ["Eins.\n", "Two.\n", "Three."])
        #expect(run.trace.path.map(\.view) == [1, 1, nil])
        #expect(run.counts.processed == run.model.processed)
        #expect(run.counts.views == (views - 1) * run.trace.header.prompt.count)
    }

    @Test("a run with views is repeated, and decided anew at the same cost", arguments: StrategyName.builtIn)
    func replay(strategy: StrategyName) throws {
        let pictures = try misread()
        let options = options(strategy, views: 3)
        let recorded = try pictures.run(options).trace
        try ReplayCheck.check(try pictures.run(options, repeating: recorded).trace, repeats: recorded)
        // What is on record was said with these views, whatever is asked for now.
        var others = options
        others.views = 1
        let again = try SelfEvalDecoder.redecide(recorded, options: others)
        #expect(again.nodes == recorded.nodes && again.answer == recorded.answer)
        let (counts, known) = try (#require(again.summary).counts, #require(recorded.summary).counts)
        #expect(counts.views == known.views)
        #expect(counts.generated == known.generated)
        let read = try Trace(json: recorded.json())
        #expect(read == recorded)
    }

    @Test("a budget without room for another view draws behind the first")
    func budget() throws {
        var options = options(.vote, views: 3)
        let wide = try misread().run(options)
        options.budget.tokens = wide.trace.header.prompt.count + 300
        let run = try misread().run(options)
        #expect(run.counts.views == 0 && run.trace.nodes.allSatisfy { $0.view == nil })
        #expect(run.counts.processed <= options.budget.tokens && run.trace.answer != nil)
    }

    @Test("time for a further view is time to encode the picture, too", arguments: [0.0, 0.2, 2])
    func time(encodeSeconds: Double) throws {
        var options = options(.vote, views: 3)
        options.budget.milliseconds = Int((1 + encodeSeconds) * 1000)
        let seconds = try #require(misread().run(options).trace.summary?.seconds.total)
        #expect(seconds < 0.6, "so there is time for two views of 0.2 seconds and none of 2")
        let run = try misread(encodeSeconds: encodeSeconds).run(options)
        #expect(run.counts.views == (encodeSeconds < 1 ? 2 : 0) * run.trace.header.prompt.count)
        #expect(run.trace.answer?.text == (encodeSeconds < 1 ? "8" : "7"))
    }

    @Test("a view that was taken already is not waited for again")
    func known() throws {
        var options = options(.verify, views: 2)
        options.maximumBacktracks = 0
        var bad = try Script("One.\nTwo.\nThree.\nThe answer is 3." + Self.end)
        bad.verdict = { _ in 0.2 }
        let wide = try Pictures([bad, bad]).run(options).trace
        #expect(wide.nodes.count { $0.view == 1 } >= 3)
        // Encoded once for the question and once for the view, at the first step; at the last step there is no time for more.
        let seconds = try #require(wide.summary?.seconds.total)
        options.budget.milliseconds = Int((2 * 10 + 0.6 * seconds) * 1000)
        let run = try Pictures([bad, bad], encodeSeconds: 10).run(options).trace
        #expect(run.nodes.map(\.view) == wide.nodes.map(\.view))
    }

    @Test("questions without pictures are answered as if there were one view", arguments: StrategyName.builtIn)
    func noPictures(strategy: StrategyName) throws {
        var script = try Script([
            ("A.\nThe answer is 1.\n" + Self.end, 0.6), ("B.\nThe answer is 2.\n" + Self.end, 0.4),
        ])
        script.verdict = { $0.hasPrefix("A.") ? 0.4 : 0.9 }
        let plain = try ScriptedRun(script, options: options(strategy, views: 1)).trace
        let several = try ScriptedRun(script, options: options(strategy, views: 4)).trace
        #expect(plain.nodes == several.nodes && plain.answer == several.answer)
    }

    @Test("as many views as there are", arguments: [0, 10])
    func limits(views: Int) {
        #expect {
            try options(.vote, views: views).validate()
        } throws: { ($0 as? EMLLMError)?.code == .invalidSelfEvalOption && "\($0)".contains("views") }
    }

    @Test("views move a picture by parts of its sides, and differ from each other")
    func framing() {
        let side = 128
        // A white picture with a black pixel in the middle.
        var pixels = [UInt8](repeating: 255, count: side * side * 3)
        for sample in 0..<3 { pixels[(64 * side + 64) * 3 + sample] = 0 }
        let picture = RGBImage(width: side, height: side, pixels: pixels)
        let places = (0..<PictureViews.most).map { view in
            let black = picture.shown(inView: view).pixels.firstIndex(of: 0).map { $0 / 3 } ?? 0
            return [black % side - 64, black / side - 64]
        }
        #expect(places == [[0, 0], [2, 2], [-2, -2], [2, -2], [-2, 2], [4, 4], [-4, -4], [4, -4], [-4, 4]])
    }
}
