import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// Questions about pictures, with tiny random models of real vision families: what is computed, by their own counters.
@Suite("Self-evaluation with pictures")
struct PictureTests {
    static let families = ["qwen2-vl", "qwen3-vl", "smolvlm"]

    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures/vision")

    private static func picture(_ name: String = "landscape.png") throws -> RGBImage {
        try ImageDecoder().decode(contentsOf: folder.appending(path: "pictures/\(name)"))
    }

    private static func context(_ family: String) throws -> InferenceContext {
        try InferenceContext(model: EMLLMModel.load(from: folder.appending(path: family)))
    }

    private static var options: SelfEvalOptions {
        var options = SelfEvalOptions(prompts: .lines())
        options.maximumSteps = 3
        options.budget.tokens = 1400
        return options
    }

    @Test("Verdicts process their own tokens alone, whatever the picture's size", arguments: families)
    func verdicts(family: String) throws {
        let context = try Self.context(family)
        let plain = try SelfEvalDecoder.run("What?", options: Self.options, in: context)
        let before = context.counters
        let trace = try SelfEvalDecoder.run("What?", images: [Self.picture()], options: Self.options, in: context)
        let image = try #require(trace.header.images?.first)
        #expect(trace.summary?.outcome == .answered && image.tokens > 0 && !image.wasReused)
        #expect(trace.summary!.counts.processed == context.counters.processedTokens - before.processedTokens)
        #expect(context.counters.encodedImages == 1)
        #expect(
            trace.summary!.counts.prompt == trace.header.prompt.count
                && trace.header.prompt.count > plain.header.prompt.count
        )
        // Each verdict costs the evaluation's tokens, the same as without a picture.
        let questionPrompts = try QuestionPrompts(question: "What?", model: context.model)
        for run in [plain, trace] {
            let evaluated = run.nodes.filter { $0.evaluation != nil }.count
            let prior = run.prior == nil ? 0 : questionPrompts.evaluationCost + questionPrompts.emptyStep.count
            #expect(
                evaluated > 0 && run.summary!.counts.evaluation == evaluated * questionPrompts.evaluationCost + prior
            )
        }
    }

    @Test("A second question about the same picture processes its own text alone", arguments: families)
    func secondQuestion(family: String) throws {
        let context = try Self.context(family)
        let memory = PromptCache()
        func ask(_ question: String, in context: InferenceContext, _ memory: PromptCache) throws -> Trace {
            try SelfEvalDecoder.run(
                question,
                images: [Self.picture()],
                options: Self.options,
                in: context,
                reusing: memory
            )
        }
        let first = try ask("What is it?", in: context, memory)
        #expect(first.summary!.counts.reusedPrompt == nil)
        let before = context.counters.processedTokens
        let second = try ask("How many are there?", in: context, memory)
        let image = try #require(second.header.images?.first)
        #expect(image.wasReused && context.counters.encodedImages == 1)
        let reused = try #require(second.summary!.counts.reusedPrompt)
        #expect(reused >= image.tokens && second.summary!.counts.prompt == second.header.prompt.count - reused)
        #expect(second.summary!.counts.prompt < 60)
        #expect(second.summary!.counts.processed == context.counters.processedTokens - before)
        // And it says what it would have said in a fresh context.
        let fresh = try ask("How many are there?", in: try Self.context(family), PromptCache())
        #expect(
            fresh.answer?.tokens == second.answer?.tokens
                && fresh.nodes.map(\.tokens) == second.nodes.map(\.tokens)
        )
    }

    @Test(
        "Further views are as long as the first, are encoded once each, and come out the same again",
        arguments: families
    )
    func views(family: String) throws {
        let context = try Self.context(family)
        var options = Self.options
        (options.strategy, options.chains, options.views) = (.vote, 3, 3)
        let before = context.counters
        let trace = try SelfEvalDecoder.run("What?", images: [Self.picture()], options: options, in: context)
        let counts = try #require(trace.summary).counts
        #expect(counts.views == 2 * trace.header.prompt.count)
        #expect(counts.processed == context.counters.processedTokens - before.processedTokens)
        #expect(context.counters.encodedImages == 3)
        #expect(trace.nodes.filter { !$0.continues }.map(\.view) == [nil, 1, 2])
        let fresh = try Self.context(family)
        #expect(try SelfEvalDecoder.replay(trace, images: [Self.picture()], in: fresh).nodes == trace.nodes)
        // What is said in a view is what is said to the picture moved.
        let moved = try SelfEvalDecoder.run(
            "What?",
            images: [Self.picture().shown(inView: 2)],
            options: {
                options.strategy = .cot
                return options
            }(),
            in: Self.context(family)
        )
        #expect(moved.nodes.map(\.tokens) == trace.nodes.filter { $0.view == 2 }.map(\.tokens))
    }

    @Test("The decoder keeps the picture from question to question")
    func decoder() async throws {
        let model = try EMLLMModel.load(from: Self.folder.appending(path: "qwen2-vl"))
        let decoder = try SelfEvalDecoder(model: model, options: Self.options)
        let picture = try Self.picture()
        _ = try await decoder.run("What is it?", images: [picture])
        let trace = try await decoder.run("And why?", images: [picture])
        #expect((trace.summary!.counts.reusedPrompt ?? 0) >= trace.header.images?.first?.tokens ?? .max)
        let read = try Trace(json: trace.json())
        #expect(read == trace)
    }
}
