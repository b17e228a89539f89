import Foundation
import Testing

@testable import EMLLMCore

/// Pictures in prompts: what is computed, what is reused, what is refused.
@Suite("Pictures in conversations")
struct PictureSessionTests {
    static let families = ["qwen2-vl", "qwen3-vl", "llava"]

    private static func model(_ family: String) throws -> EMLLMModel {
        try EMLLMModel.load(from: VisionFamilyTests.folder.appending(path: family))
    }

    private static func bits(_ logits: Logits) -> [UInt32] { logits.values.map(\.bitPattern) }
    private let short = GenerationOptions(maximumResponseTokens: 8)

    @Test("A second question about a picture computes its own text alone", arguments: families)
    func secondQuestion(family: String) async throws {
        let model = try Self.model(family)
        let session = try EMLLMSession(model: model)
        let picture = try VisionFamilyTests.picture("landscape.png")
        let first = try await session.respond(to: "What is it?", images: [picture], options: short)
        let usage = try #require(first.info.images?.first)
        #expect(usage.tokens > 0 && usage.patches > 0 && !usage.wasReused && usage.encodeSeconds > 0)
        #expect(first.info.promptTokens > usage.tokens && first.info.cachedTokens == 0)
        let second = try await session.respond(to: "Which colour?", options: short)
        #expect(second.info.images?.map(\.wasReused) == [true])
        // All of the first prompt, and all but perhaps the last token of the answer, come from the cache.
        #expect(second.info.cachedTokens >= first.info.promptTokens)
        #expect(session.transcript.map(\.imageCount) == [1, 0, 0, 0])
    }

    @Test("Prewarmed pictures leave the question's text to be computed", arguments: families)
    func prewarm(family: String) async throws {
        let model = try Self.model(family)
        let session = try EMLLMSession(model: model)
        let picture = try VisionFamilyTests.picture("landscape.png")
        try await session.prewarm(images: [picture])
        let warm = try await session.respond(to: "What is it?", images: [picture], options: short)
        let usage = try #require(warm.info.images?.first)
        #expect(usage.wasReused && warm.info.cachedTokens >= usage.tokens)
        let cold = try await EMLLMSession(model: Self.model(family)).respond(
            to: "What is it?",
            images: [picture],
            options: short
        )
        #expect(cold.content == warm.content && cold.info.cachedTokens == 0)
    }

    @Test(
        "Whole conversations reuse the prompts of their pictures; another picture is computed from there on",
        arguments: families
    )
    func wholeConversations(family: String) async throws {
        let model = try Self.model(family)
        let session = try EMLLMSession(model: model)
        let pictures = [
            try VisionFamilyTests.picture("landscape.png"), try VisionFamilyTests.picture("portrait.png"),
        ]
        var messages = [ChatMessage(role: .user, content: "What is it?", imageCount: 1)]
        let first = try await session.respond(to: messages, images: [pictures[0]], options: short)
        #expect(first.info.cachedTokens == 0)
        messages.append(ChatMessage(role: .assistant, content: first.content))
        messages.append(ChatMessage(role: .user, content: "And this?", imageCount: 1))
        let second = try await session.respond(to: messages, images: pictures, options: short)
        #expect(second.info.images?.map(\.wasReused) == [true, false])
        #expect(second.info.cachedTokens >= first.info.promptTokens)
        #expect(session.images == pictures)
        // The same words about another picture share nothing from the picture on.
        let other = try await session.respond(to: messages, images: pictures.reversed(), options: short)
        #expect(other.info.cachedTokens < first.info.promptTokens)
        let fresh = try EMLLMSession(model: model)
        let expected = try await fresh.respond(to: messages, images: pictures.reversed(), options: short)
        #expect(other.content == expected.content && session.images == pictures.reversed())
        // Fewer pictures than the messages show.
        let error = await #expect(throws: EMLLMError.self) {
            try await session.respond(to: messages, images: [pictures[0]], options: short)
        }
        #expect(error?.code == .imageCountMismatch && session.images == pictures.reversed())
    }

    @Test("A conversation about pictures is resumed with them", arguments: families)
    func resumed(family: String) async throws {
        let model = try Self.model(family)
        let original = try EMLLMSession(model: model)
        let picture = try VisionFamilyTests.picture("landscape.png")
        _ = try await original.respond(to: "What is it?", images: [picture], options: short)
        let resumed = try EMLLMSession(model: model, transcript: original.transcript, images: original.images)
        try await resumed.prewarm()
        let answer = try await resumed.respond(to: "Which colour?", options: short)
        #expect(answer.info.images?.count == 1)
        #expect(answer.info.cachedTokens >= answer.info.images?.first?.tokens ?? .max)
        #expect(try await original.respond(to: "Which colour?", options: short).content == answer.content)
        let error = #expect(throws: EMLLMError.self) {
            try EMLLMSession(model: model, transcript: original.transcript)
        }
        #expect(error?.code == .imageCountMismatch)
    }

    @Test("Features of a picture have no probability: scoring them is refused", arguments: families)
    func scoringFeatures(family: String) throws {
        let context = try InferenceContext(model: Self.model(family))
        let image = try context.encode(VisionFamilyTests.picture("landscape.png"))
        let branch = context.makeBranch()
        let logits = try context.extend(branch, with: [1])
        for continuation in [[image.tokens.lowerBound], [2, image.tokens.lowerBound]] {
            let error = #expect(throws: EMLLMError.self) {
                try context.logProbabilities(of: continuation, after: branch, logits: logits)
            }
            #expect(error?.code == .unknownTokenID)
        }
        #expect(branch.count == 1)
    }

    @Test("Fork and rollback behind a picture give the bits of a fresh prompt", arguments: families)
    func branches(family: String) throws {
        let model = try Self.model(family)
        let context = try InferenceContext(model: model, options: RuntimeOptions(activations: .q8))
        let images = try context.encode([
            VisionFamilyTests.picture("landscape.png"), VisionFamilyTests.picture("portrait.png"),
        ]).images
        let question = try model.prompt(
            for: [ChatMessage(role: .user, content: "Compare.", imageCount: 2)],
            images: images
        )
        let more = model.tokenizer.encode("And now?")
        let branch = context.makeBranch()
        _ = try context.extend(branch, with: question)
        let expected = Self.bits(try context.extend(branch.fork(), with: more))
        // A fork taken back to the question.
        let fork = branch.fork()
        _ = try context.extend(fork, with: model.tokenizer.encode("Something else altogether"))
        fork.rollback(to: question.count)
        #expect(Self.bits(try context.extend(fork, with: more)) == expected)
        // Taken back into the middle of the second picture, and continued from there.
        let middle = try #require(question.firstIndex(of: images[1].tokens.lowerBound)) + 2
        branch.rollback(to: middle)
        let rest = Array(question[middle...]) + more
        let again = try context.extend(branch, with: rest)
        // In another context, all at once; runs of other lengths may order float sums otherwise.
        let fresh = try InferenceContext(model: model)
        _ = try fresh.encode([VisionFamilyTests.picture("landscape.png"), VisionFamilyTests.picture("portrait.png")])
        let whole = try fresh.extend(fresh.makeBranch(), with: question + more)
        #expect(zip(again.values, whole.values).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("A prompt in pieces is the prompt as a whole", arguments: families)
    func pieces(family: String) throws {
        let model = try Self.model(family)
        let context = try InferenceContext(model: model, options: RuntimeOptions(activations: .f32))
        let image = try context.encode(VisionFamilyTests.picture("wide.png"))
        let prompt = try model.prompt(for: [ChatMessage(role: .user, content: "?", imageCount: 1)], images: [image])
        let whole = try context.extend(context.makeBranch(), with: prompt)
        let branch = context.makeBranch()
        var last = whole
        for begin in stride(from: 0, to: prompt.count, by: 3) {
            last = try context.extend(branch, with: Array(prompt[begin..<min(begin + 3, prompt.count)]))
        }
        #expect(zip(last.values, whole.values).allSatisfy { abs($0 - $1) < 1e-4 })
        var rows: [Logits] = []
        try context.extend(context.makeBranch(), with: prompt) { rows.append($0) }
        #expect(rows.count == prompt.count)
        #expect(zip(rows[rows.count - 1].values, whole.values).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("A picture is known by its samples; what the budget cannot keep is encoded again under the same tokens")
    func budget() throws {
        let model = try Self.model("qwen2-vl")
        let context = try InferenceContext(model: model, options: RuntimeOptions(imageCacheBytes: 0))
        let picture = try VisionFamilyTests.picture("landscape.png")
        let copy = RGBImage(width: picture.width, height: picture.height, pixels: picture.pixels)
        let first = try context.encode(picture)
        #expect(try context.encode(copy) === first)
        #expect(context.counters.encodedImages == 1 && context.counters.reusedImages == 1)
        let tokens = first.tokens
        let features = first.features
        func encodeAndDrop(_ name: String) throws -> Range<TokenID> {
            try context.encode(VisionFamilyTests.picture(name)).tokens
        }
        let dropped = try encodeAndDrop("portrait.png")
        #expect(context.imageCacheBytes == 0 && !dropped.overlaps(tokens))
        let error = #expect(throws: EMLLMError.self) {
            try context.extend(context.makeBranch(), with: [dropped.lowerBound])
        }
        #expect(error?.code == .imageNotInMemory)
        #expect(try encodeAndDrop("portrait.png") == dropped && context.counters.encodedImages == 3)
        #expect(first.features == features)
    }

    @Test("Contexts of one model share the features that one of them has")
    func shared() throws {
        let model = try Self.model("qwen2-vl")
        let picture = try VisionFamilyTests.picture("landscape.png")
        let first = try InferenceContext(model: model)
        let encoded = try first.encode(picture)
        let second = try InferenceContext(model: model)
        #expect(try second.encode(picture).features == encoded.features)
        #expect(second.counters.encodedImages == 0 && second.counters.reusedImages == 1)
        // Other activations may see otherwise.
        let exact = try InferenceContext(model: model, options: RuntimeOptions(activations: .f32))
        _ = try exact.encode(picture)
        #expect(exact.counters.encodedImages == 1)
    }

    @Test("Another number of pictures than the prompt shows is an error that says both")
    func counts() throws {
        let model = try Self.model("llava")
        let context = try InferenceContext(model: model)
        let image = try context.encode(VisionFamilyTests.picture("landscape.png"))
        for (shown, given) in [(0, 1), (1, 0), (2, 1), (1, 2)] {
            let message = ChatMessage(role: .user, content: "?", imageCount: shown)
            let error = #expect(throws: EMLLMError.self) {
                try model.prompt(for: [message], images: Array(repeating: image, count: given))
            }
            #expect(error?.code == .imageCountMismatch)
            #expect(error?.expected.contains("\(given)") == true && error?.found == "\(shown)")
        }
    }

    @Test("A marker that a user types is text", arguments: families)
    func typedMarker(family: String) throws {
        let model = try Self.model(family)
        let marker = try #require(model.configuration.vision?.prompt.marker)
        let context = try InferenceContext(model: model)
        let image = try context.encode(VisionFamilyTests.picture("landscape.png"))
        let message = ChatMessage(role: .user, content: "\(marker) is a word", imageCount: 1)
        let prompt = try model.prompt(for: [message], images: [image])
        #expect(prompt.filter { image.tokens.contains($0) }.count == image.featureCount)
        if let special = model.tokenizer.token(forSpecial: marker) { #expect(!prompt.contains(special)) }
        _ = try model.prompt(for: [ChatMessage(role: .user, content: marker)])
    }

    @Test("A model of text refuses pictures")
    func textModel() async throws {
        let url = TestModels.fixtures.appending(path: "families/llama")
        let model = try EMLLMModel.load(from: url)
        #expect(!model.hasVision)
        let picture = try VisionFamilyTests.picture("1x1.png")
        let session = try EMLLMSession(model: model)
        let error = await #expect(throws: EMLLMError.self) {
            try await session.respond(to: "?", images: [picture])
        }
        #expect(error?.code == .noVision && session.transcript.isEmpty)
    }

    @Test("Encoding can be cancelled, and the context goes on")
    func cancelling() throws {
        let flag = CancellationFlag()
        let context = try InferenceContext(model: try Self.model("qwen2-vl"), cancellation: flag)
        let picture = try VisionFamilyTests.picture("landscape.png")
        flag.cancel()
        let error = #expect(throws: EMLLMError.self) { try context.encode(picture) }
        #expect(error?.code == .cancelled)
        flag.reset()
        #expect(try context.encode(picture).featureCount > 0)
    }

    @Test("Weights of 8 bits and of 16 see nearly the same", arguments: [TensorType.q8_0, .bf16, .f16])
    func precision(type: TensorType) throws {
        let scratch = try TemporaryFolder()
        let source = VisionFamilyTests.folder.appending(path: "smolvlm")
        let exact = try EMLLMModel.load(from: source)
        let output = try scratch.file("x.emllm")
        try ModelConverter.convert(source, to: output, options: .init(visionQuantization: type))
        let coarse = try EMLLMModel.load(from: output)
        let picture = try VisionFamilyTests.picture("landscape.png")
        let expected = try InferenceContext(model: exact).encode(picture).features
        let found = try InferenceContext(model: coarse).encode(picture).features
        let scale = expected.map(abs).max() ?? 1
        let largest = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest > 0 && largest < 0.15 * scale, "\(largest) of \(scale)")
    }
}
