import Foundation
import Testing

@testable import EMLLMCore

/// Conversations that are handed over as a whole, and ones that are resumed.
@Suite("Whole conversations")
struct SessionConversationTests {
    private let model: EMLLMModel
    private let short = GenerationOptions(maximumResponseTokens: 24)

    init() throws { model = try ChatModels.stories.get() }

    @Test("The same answers as by single messages, from the same cached tokens")
    func sameAnswers() async throws {
        let single = try EMLLMSession(model: model, instructions: "Tell a story.")
        let whole = try EMLLMSession(model: model)
        var messages = [ChatMessage(role: .system, content: "Tell a story.")]
        for question in ["Lily had a ball.", "And then?", "Why?"] {
            messages.append(ChatMessage(role: .user, content: question))
            let expected = try await single.respond(to: question, options: short)
            let answer = try await whole.respond(to: messages, options: short)
            #expect(answer.content == expected.content)
            #expect(answer.info.cachedTokens == expected.info.cachedTokens)
            #expect(answer.info.promptTokens == expected.info.promptTokens)
            messages.append(ChatMessage(role: .assistant, content: answer.content))
            #expect(whole.transcript == messages)
        }
        // A single message goes on from there.
        let more = try await whole.respond(to: "More?", options: short)
        #expect(try await single.respond(to: "More?", options: short).content == more.content)
        #expect(more.info.cachedTokens > more.info.promptTokens / 2)
    }

    @Test("A message that shows an impossible number of pictures is an error", arguments: [-1, .min, .max])
    func pictureCounts(count: Int) {
        let message = ChatMessage(role: .user, content: "?", imageCount: count)
        let error = #expect(throws: EMLLMError.self) { try model.prompt(for: [message]) }
        #expect(error?.code == .invalidMessage)
    }

    @Test("A conversation that was edited is computed from the edit on")
    func edited() async throws {
        let session = try EMLLMSession(model: model)
        let first = [
            ChatMessage(role: .system, content: "You are a cat and tell stories to small children."),
            ChatMessage(role: .user, content: "Lily had a ball."),
        ]
        let before = try await session.respond(to: first, options: short)
        let edited = [first[0], ChatMessage(role: .user, content: "Tom had a hat.")]
        let after = try await session.respond(to: edited, options: short)
        #expect(after.info.cachedTokens > 20 && after.info.cachedTokens < before.info.promptTokens)
        #expect(try await EMLLMSession(model: model).respond(to: edited, options: short).content == after.content)
        // Nothing of the first conversation is left.
        #expect(session.transcript == edited + [ChatMessage(role: .assistant, content: after.content)])
    }

    @Test("A stream of a whole conversation is its answer")
    func streamed() async throws {
        let messages = [ChatMessage(role: .user, content: "Once upon a time")]
        let expected = try await EMLLMSession(model: model).respond(to: messages, options: short)
        let session = try EMLLMSession(model: model)
        let stream = session.streamResponse(to: messages, options: short)
        var text = ""
        for try await piece in stream { text += piece }
        #expect(text == expected.content)
        let response = try await stream.collect()
        #expect(response.content == text)
        #expect(response.info.generatedTokens == 24 && response.info.stopReason == .maximumTokens)
        #expect(response.info.promptTokens == expected.info.promptTokens)
        #expect(session.transcript.last == ChatMessage(role: .assistant, content: text))
    }

    @Test("A stream can be collected without reading it, and again")
    func collected() async throws {
        let session = try EMLLMSession(model: model)
        let stream = session.streamResponse(to: "Once", options: short)
        let first = try await stream.collect()
        #expect(try await stream.collect().content == first.content)
        #expect(try await EMLLMSession(model: model).respond(to: "Once", options: short).content == first.content)
        // The pieces wait for whoever reads them later.
        var text = ""
        for try await piece in stream { text += piece }
        #expect(text == first.content)
        #expect(session.transcript.count == 2)
    }

    @MainActor
    @Test("The session is free when the loop over a stream has ended")
    func freeAfterTheLoop() async throws {
        let session = try EMLLMSession(model: model)
        for round in 1...20 {
            for try await _ in session.streamResponse(to: "Hi", options: .init(maximumResponseTokens: 2)) {}
            #expect(session.transcript.count == 2 * round)
        }
    }

    @Test("Conversations without a message to answer are refused, and nothing changes")
    func nothingToAnswer() async throws {
        let session = try EMLLMSession(model: model, instructions: "Tell a story.")
        let endsWithModel = [ChatMessage(role: .user, content: "a"), ChatMessage(role: .assistant, content: "b")]
        for messages in [[], endsWithModel] {
            let error = await #expect(throws: EMLLMError.self) { try await session.respond(to: messages) }
            #expect(error?.code == .nothingToAnswer)
            let streamed = await #expect(throws: EMLLMError.self) {
                for try await _ in session.streamResponse(to: messages) {}
            }
            #expect(streamed == error)
        }
        #expect(session.transcript.count == 1 && !session.isResponding)
        _ = try await session.respond(to: "Hello", options: short)
    }

    @Test("Pictures that messages show are counted before anything is computed")
    func imageCounts() async throws {
        let session = try EMLLMSession(model: model)
        for counts in [[1], [-1], [-1, 1], [.max, .max], [.min]] {
            let messages = counts.map { ChatMessage(role: .user, content: "?", imageCount: $0) }
            let error = await #expect(throws: EMLLMError.self) { try await session.respond(to: messages) }
            #expect(error?.code == .imageCountMismatch)
            let resumed = #expect(throws: EMLLMError.self) { try EMLLMSession(model: model, transcript: messages) }
            #expect(resumed?.code == .imageCountMismatch)
        }
        let picture = RGBImage(width: 1, height: 1, pixels: [0, 0, 0])
        let error = #expect(throws: EMLLMError.self) {
            try EMLLMSession(model: model, transcript: [], images: [picture])
        }
        #expect(error?.code == .imageCountMismatch)
    }

    @Test("A resumed conversation goes on as the original does")
    func resumed() async throws {
        let original = try EMLLMSession(model: model, instructions: "Tell a story.")
        _ = try await original.respond(to: "Lily had a ball.", options: short)
        let saved = try JSONEncoder().encode(original.transcript)
        let transcript = try JSONDecoder().decode([ChatMessage].self, from: saved)
        #expect(transcript.last?.role == .assistant)
        let resumed = try EMLLMSession(model: model, transcript: transcript)
        #expect(resumed.transcript == transcript && !resumed.isResponding)
        try await resumed.prewarm()
        let expected = try await original.respond(to: "And then?", options: short)
        let answer = try await resumed.respond(to: "And then?", options: short)
        #expect(answer.content == expected.content && resumed.transcript == original.transcript)
        #expect(answer.info.cachedTokens > 20)
    }

    @Test("Whether roles may follow each other is for the template to say")
    func roles() async throws {
        let question = ChatMessage(role: .user, content: "Once")
        let session = try EMLLMSession(model: model, transcript: [question])
        _ = try await session.respond(to: "Twice", options: short)
        #expect(session.transcript.map(\.role) == [.user, .user, .assistant])
        let strict = try ChatModels.make(
            template: """
                {% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}\
                {{ raise_exception('roles must alternate') }}{% endif %}{{ m['content'] }}{% endfor %}
                """
        )
        let refusing = try EMLLMSession(model: strict, transcript: [question])
        let error = await #expect(throws: EMLLMError.self) { try await refusing.respond(to: "Twice") }
        #expect(error?.description.contains("roles must alternate") == true)
        #expect(refusing.transcript == [question] && !refusing.isResponding)
    }
}
