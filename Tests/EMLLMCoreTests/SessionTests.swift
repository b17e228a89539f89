import Foundation
import Testing

@testable import EMLLMCore
@testable import EMLLMFormats

/// Conversations with a real, tiny model in a format of two lines a message.
@Suite("Sessions")
struct SessionTests {
    private static let template = """
        {{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}
        {% endfor %}{% if add_generation_prompt %}assistant:{% endif %}
        """

    private static let chatting: Result<EMLLMModel, any Error> = Result { try storyteller(template) }

    /// The stories model with a chat template, written to an .emllm file and read again.
    private static func storyteller(_ template: String) throws -> EMLLMModel {
        let folder = try TemporaryFolder()
        let plain = try folder.file("plain.emllm")
        try ModelConverter.convert(WeightsFixtures.stories260K, to: plain)
        let source = try EMLLMFile(MappedFile(plain))
        let output = try folder.file("chat.emllm")
        var writer = try ContainerWriter(
            AtomicFile(output, overwrites: false),
            metadata: ContainerMetadata(
                configuration: source.configuration,
                chatTemplate: template,
                provenance: source.provenance
            ),
            tokenizer: source.tokenizer,
            tensors: source.tensors.map { ($0.name, $0.type, $0.shape) },
            path: output.path
        )
        for tensor in source.tensors { try writer.append(source.bytes(of: tensor)) }
        _ = try writer.finish()
        return try EMLLMModel.load(from: output)
    }

    private let model: EMLLMModel

    init() throws { model = try Self.chatting.get() }

    private let short = GenerationOptions(maximumResponseTokens: 24)

    @Test("The transcript grows by question and answer, and the next turn computes only what is new")
    func conversation() async throws {
        let session = try EMLLMSession(model: model, instructions: "Tell a story.")
        let first = try await session.respond(to: "Lily had a ball.", options: short)
        #expect(first.info.generatedTokens == 24 && first.info.stopReason == .maximumTokens)
        #expect(first.info.cachedTokens == 0)
        let second = try await session.respond(to: "And then?", options: short)
        #expect(second.info.cachedTokens >= first.info.promptTokens)
        let transcript = session.transcript
        #expect(transcript.map(\.role) == [.system, .user, .assistant, .user, .assistant])
        #expect(transcript[2].content == first.content && transcript[4].content == second.content)

        // What is reused has the bits of what would be computed.
        let context = try InferenceContext(model: model)
        let prompt = try model.prompt(for: Array(transcript.prefix(4)))
        let branch = context.makeBranch()
        let (tokens, _) = try context.generate(
            branch,
            after: try context.extend(branch, with: prompt),
            options: short
        ) { _ in }
        #expect(model.tokenizer.decode(tokens, continuing: true) == second.content)
    }

    @Test("A template that renders nothing is an error, and the session stays usable")
    func emptyPrompt() async throws {
        let model = try Self.storyteller("{% if messages | length > 1 %}{{ messages[1].content }}{% endif %}")
        let session = try EMLLMSession(model: model)
        let error = await #expect(throws: EMLLMError.self) { try await session.respond(to: "Hello?", options: short) }
        #expect(error?.code == .emptyPrompt)
        #expect(session.transcript.isEmpty && !session.isResponding)
        // The same template with something to render.
        let instructed = try EMLLMSession(model: model, instructions: "Tell a story.")
        #expect(try await instructed.respond(to: "Lily had a ball.", options: short).info.generatedTokens == 24)
    }

    @Test("A stream's pieces are the answer")
    func streaming() async throws {
        var text = ""
        let session = try EMLLMSession(model: model)
        for try await piece in session.streamResponse(to: "Once upon a time", options: short) { text += piece }
        let other = try EMLLMSession(model: model)
        #expect(try await other.respond(to: "Once upon a time", options: short).content == text)
        #expect(!session.isResponding)
    }

    @Test("Prewarming computes the instructions ahead")
    func prewarm() async throws {
        let session = try EMLLMSession(model: model, instructions: "You are a cat and tell stories to small children.")
        try await session.prewarm()
        let answer = try await session.respond(to: "Hello", options: short)
        #expect(answer.info.cachedTokens > 10)
        let cold = try EMLLMSession(model: model, instructions: "You are a cat and tell stories to small children.")
        #expect(try await cold.respond(to: "Hello", options: short).content == answer.content)
    }

    @Test("One answer at a time; a cancelled one leaves the conversation as it was")
    func busyAndCancelled() async throws {
        let session = try EMLLMSession(model: model)
        let (started, signal) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for try await _ in session.streamResponse(to: "Once", options: GenerationOptions()) { signal.yield() }
        }
        for await _ in started { break }
        await #expect { try await session.respond(to: "More") } throws: {
            ($0 as? EMLLMError)?.code == .sessionBusy
        }
        task.cancel()
        _ = await task.result
        while session.isResponding { await Task.yield() }
        #expect(session.transcript.isEmpty)
        #expect(try await session.respond(to: "Once", options: short).content.isEmpty == false)
    }

    @Test("A conversation that outgrows the context says how much fits, and can go on shorter")
    func overflow() async throws {
        let session = try EMLLMSession(model: model)
        await #expect {
            try await session.respond(to: String(repeating: "once upon a time ", count: 300), options: short)
        } throws: { error in
            (error as? EMLLMError)?.code == .contextOverflow && "\(error)".contains("512")
        }
        #expect(session.transcript.isEmpty)
        #expect(try await session.respond(to: "Once", options: short).content.isEmpty == false)
    }

    @Test("Markup in a message is text")
    func markup() throws {
        let prompt = try model.prompt(for: [ChatMessage(role: .user, content: "</s><s>")])
        #expect(prompt.filter { $0 == model.tokenizer.beginningOfSequence }.count == 1)
        #expect(!prompt.contains { model.tokenizer.isEndOfGeneration($0) })
    }

    @Test("A model without a chat template cannot hold a conversation")
    func noTemplate() throws {
        let plain = try TestModels.stories260K.get()
        #expect { try EMLLMSession(model: plain) } throws: { ($0 as? EMLLMError)?.code == .noChatTemplate }
    }

    @Test("The same seed gives the same answer, another seed another")
    func seeds() async throws {
        func answer(_ seed: UInt64) async throws -> String {
            let options = GenerationOptions(
                samplingMode: .random(top: 40, seed: seed),
                temperature: 1,
                maximumResponseTokens: 24
            )
            return try await EMLLMSession(model: model).respond(to: "Once", options: options).content
        }
        #expect(try await answer(1) == answer(1))
        #expect(try await answer(1) != answer(2))
    }
}
