import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// Real contexts instead of scripts: same bits in other batches, limits on memory, verdicts without the picture.
@Suite("On real models")
struct RealModelTests {
    private static let fixtures = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures")

    private static func context(_ path: String, threads: Int = 1) throws -> InferenceContext {
        let model = try EMLLMModel.load(from: fixtures.appending(path: path))
        return try InferenceContext(model: model, options: RuntimeOptions(threads: threads))
    }

    private static let stories = "stories260K/stories260K-f32.gguf"

    private func options(_ strategy: StrategyName, chains: Int = 4) -> SelfEvalOptions {
        var options = SelfEvalOptions(prompts: .lines())
        options.strategy = strategy
        options.chains = chains
        options.maximumSteps = 4
        options.evaluatesChains = true
        options.budget.tokens = 1500
        options.budget.answerTokens = 12
        return options
    }

    /// What a node is, whatever else was written: text, bits of its probabilities, and its evaluation.
    private func content(_ trace: Trace) -> [String: StepNode] {
        var found: [String: StepNode] = [:]
        for node in trace.nodes {
            let path = trace.line(to: node.id).map { $0.continues ? "+" : "\($0.ordinal)" }.joined(separator: "/")
            var plain = node
            // The order of writing, and what was made of it, are the batch's.
            (plain.id, plain.parent, plain.decision, plain.written) = (0, 0, nil, 0)
            found[path] = plain
        }
        return found
    }

    @Test("A chain has the same tokens and verdicts, bit for bit, in any batch and on any number of threads")
    func batches() throws {
        let runs = try [(2, 1), (5, 1), (3, 2)].map { chains, threads in
            let context = try Self.context(Self.stories, threads: threads)
            let trace = try SelfEvalDecoder.run(
                "A boy and his dog",
                options: options(.vote, chains: chains),
                in: context
            )
            return content(trace)
        }
        for other in runs.dropFirst() {
            let shared = Set(runs[0].keys).intersection(other.keys)
            #expect(shared.count == runs[0].count && shared.count > 4)
            for key in shared { #expect(runs[0][key] == other[key], "\(key)") }
        }
        #expect(runs[0].values.contains { $0.evaluation != nil })
    }

    @Test("Every strategy repeats on a real model", arguments: StrategyName.builtIn)
    func replay(strategy: StrategyName) throws {
        var options = options(strategy)
        options.usesHints = true
        let recorded = try SelfEvalDecoder.run(
            "A boy and his dog",
            options: options,
            in: Self.context(Self.stories, threads: 1)
        )
        let again = try SelfEvalDecoder.replay(recorded, in: Self.context(Self.stories, threads: 2))
        #expect(again.nodes == recorded.nodes && again.answer == recorded.answer)
        // The replay compares by itself: a record that says something else does not come out again.
        let text = String(decoding: try recorded.json(), as: UTF8.self)
        let changed = text.replacing(/"meanLogProbability" : -[0-9.e-]+/, maxReplacements: 1) { _ in
            "\"meanLogProbability\" : -7.25"
        }
        try #require(changed != text)
        let other = try Trace(json: Data(changed.utf8))
        #expect(throws: EMLLMError.self) {
            try SelfEvalDecoder.replay(other, in: Self.context(Self.stories, threads: 1))
        }
        let read = try Trace(json: recorded.json())
        #expect(try read.json() == recorded.json(), "the same trace is the same JSON")
    }

    @Test(
        "A limit on memory holds, and narrows what is written at once",
        arguments: [StrategyName.vote, .verify, .beam]
    )
    func memory(strategy: StrategyName) throws {
        let context = try Self.context(Self.stories)
        var options = options(strategy, chains: 12)
        let free = try SelfEvalDecoder.run("A boy and his dog", options: options, in: context)
        let limit = context.cacheBytes(positions: 400, branches: 6)
        options.budget.cacheBytes = limit
        var most = 0
        let tight = try SelfEvalDecoder.run("A boy and his dog", options: options, in: context) { _ in
            most = max(most, context.cacheBytes)
        }
        #expect(most <= limit && most > 0)
        #expect(tight.answer != nil && context.liveSegments == 0)
        if strategy == .vote { #expect(tight.children(of: 0).count < free.children(of: 0).count) }
        options.budget.cacheBytes = 1000
        #expect { try SelfEvalDecoder.run("A boy", options: options, in: context) } throws: {
            "\($0)".contains("cache budget")
        }
    }

    @Test("The same verdict without the picture: what it costs is counted, and the picture's prompt is left alone")
    func contrast() throws {
        let context = try Self.context("vision/qwen2-vl")
        let picture = try ImageDecoder().decode(
            contentsOf: Self.fixtures.appending(path: "vision/pictures/landscape.png")
        )
        var options = options(.verify)
        options.weights[.contrast] = 0.5
        options.minimumVerdictMass = 0
        options.maximumRevisions = 1
        options.budget.tokens = 4000
        let before = context.counters.processedTokens
        let trace = try SelfEvalDecoder.run("What?", images: [picture], options: options, in: context)
        let counts = try #require(trace.summary?.counts)
        #expect(counts.processed == context.counters.processedTokens - before)
        let evaluated = trace.nodes.compactMap(\.evaluation)
        #expect(!evaluated.isEmpty && evaluated.allSatisfy { $0.imageFreeLogit != nil && $0.score != nil })
        #expect(evaluated.contains { $0.imageFreeLogit != $0.verdict!.logit })
        #expect(counts.contrast > evaluated.count * trace.header.costs.evaluation)
        // Without a picture there is nothing to compare with, and nothing is processed for it.
        let plain = try SelfEvalDecoder.run("What?", options: options, in: context)
        #expect(plain.summary?.counts.contrast == 0)
        #expect(plain.nodes.allSatisfy { $0.evaluation?.imageFreeLogit == nil })
    }

    @Test("Weights have one digest, whatever file they come in")
    func digest() throws {
        let source = Self.fixtures.appending(path: Self.stories)
        let packed = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).emllm")
        defer { try? FileManager.default.removeItem(at: packed) }
        try ModelConverter.convert(source, to: packed)
        let digests = try [source, packed].map { try EMLLMModel.load(from: $0).package.weightsDigest }
        #expect(digests[0] == digests[1])
        let other = try EMLLMModel.load(from: Self.fixtures.appending(path: "vision/qwen2-vl")).package.weightsDigest
        #expect(other != digests[0])
    }
}
