import Foundation
import Testing

@testable import EMLLMCore

/// Conversations with a real, tiny model in a format of two lines a message.
@Suite("Sessions")
struct SessionTests {
    private let model: EMLLMModel

    init() throws { model = try ChatModels.stories.get() }

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
        let model = try ChatModels.make(template: "{% if messages | length > 1 %}{{ messages[1].content }}{% endif %}")
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

    @Test("Without a seed every answer is drawn anew")
    func openSeed() async throws {
        let options = GenerationOptions(samplingMode: .random(), temperature: 2, maximumResponseTokens: 24)
        var answers: Set<String> = []
        for _ in 0..<3 {
            answers.insert(try await EMLLMSession(model: model).respond(to: "Once", options: options).content)
        }
        #expect(answers.count == 3)
    }

    @Test("Two sessions of one model, used in turn by one task")
    func alternating() async throws {
        let first = try EMLLMSession(model: model, instructions: "Tell a story.")
        let second = try EMLLMSession(model: model)
        var texts: [[String]] = [[], []]
        for question in ["Lily had a ball.", "And then?", "Why?"] {
            texts[0].append(try await first.respond(to: question, options: short).content)
            texts[1].append(try await second.respond(to: question, options: short).content)
        }
        #expect(try await texts[0] == answers(instructions: "Tell a story."))
        #expect(try await texts[1] == answers(instructions: nil))
    }

    @Test("Two sessions of one model, used by two tasks at once")
    func parallel() async throws {
        async let first = answers(instructions: "Tell a story.")
        async let second = answers(instructions: nil)
        let texts = try await (first, second)
        #expect(try await texts.0 == answers(instructions: "Tell a story."))
        #expect(try await texts.1 == answers(instructions: nil))
        #expect(texts.0 != texts.1)
    }

    private func answers(instructions: String?) async throws -> [String] {
        let session = try EMLLMSession(model: model, instructions: instructions)
        var texts: [String] = []
        for question in ["Lily had a ball.", "And then?", "Why?"] {
            texts.append(try await session.respond(to: question, options: short).content)
        }
        return texts
    }
}
