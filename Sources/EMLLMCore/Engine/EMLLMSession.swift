import Foundation
import Synchronization

/// A conversation with a model, which remembers what was said and reuses what was computed.
///
/// ```swift
/// let session = try EMLLMSession(model: model, instructions: "Answer in one sentence.")
/// for try await piece in session.streamResponse(to: "Why is the sky blue?") { print(piece, terminator: "") }
/// ```
///
/// Each turn is rendered with the model's own chat template; keys and values of the part that has not changed since the
/// last turn stay in the cache. The computing happens on a thread that belongs to the session. Cancelling the task that
/// waits for a response stops it within one token, and leaves the conversation as it was before.
public final class EMLLMSession: Sendable {
    /// The model that answers.
    public let model: EMLLMModel
    private let thread: InferenceThread
    private let state: Mutex<State>

    private struct State {
        var transcript: [ChatMessage]
        /// The pictures that the transcript shows, in order.
        var pictures: [RGBImage] = []
        var isResponding = false
    }

    /// The main line of the conversation in the cache, touched by the inference thread alone.
    private final class Conversation: @unchecked Sendable { var branch: Branch? }
    private let conversation = Conversation()

    /// A finished answer.
    public struct Response: Sendable {
        /// The answer's text.
        public let content: String
        /// What it cost.
        public internal(set) var info: CompletionInfo
    }

    /// Starts a conversation.
    ///
    /// - Parameters:
    ///   - model: the model that answers.
    ///   - instructions: the system message; `nil` leaves it to the chat template.
    ///   - options: how the model is run.
    /// - Throws: ``EMLLMError`` when an option is out of range, or the model has no chat template.
    public init(model: EMLLMModel, instructions: String? = nil, options: RuntimeOptions = RuntimeOptions()) throws {
        guard model.chatTemplate != nil else { throw EMLLMError.noChatTemplate }
        self.model = model
        thread = try InferenceThread(model: model, options: options)
        let messages = instructions.map { [ChatMessage(role: .system, content: $0)] } ?? []
        state = Mutex(State(transcript: messages))
    }

    /// Everything said so far, the instructions first.
    public var transcript: [ChatMessage] { state.withLock(\.transcript) }

    /// Whether an answer is being written.
    public var isResponding: Bool { state.withLock(\.isResponding) }

    /// Computes the instructions, and pictures that the next question will show, ahead of it, so that its answer begins
    /// sooner.
    public func prewarm(images pictures: [RGBImage] = []) async throws {
        try await exclusively {
            let (transcript, shown) = state.withLock { ($0.transcript, $0.pictures) }
            guard !transcript.isEmpty || !pictures.isEmpty else { return }
            try await thread.run { [conversation, model] context in
                let (images, _) = try context.encode(shown + pictures)
                var messages = transcript
                if !pictures.isEmpty {
                    messages.append(ChatMessage(role: .user, content: "?", imageCount: pictures.count))
                }
                var prompt = try model.prompt(for: messages, images: images, addingGenerationPrompt: false)
                // What follows the last picture depends on the question.
                if !pictures.isEmpty, let last = images.last, let end = prompt.lastIndex(where: last.tokens.contains) {
                    prompt.removeLast(prompt.count - 1 - end)
                }
                _ = try withExtendedLifetime(images) { try Self.advance(conversation, to: prompt, in: context) }
            }
        }
    }

    /// Answers a message and adds both to the transcript.
    ///
    /// - Parameters:
    ///   - message: the user's text.
    ///   - images: pictures that the message shows, before its text. Each is encoded once; later turns reuse the keys and
    ///     values of the prompt that shows it.
    ///   - options: how tokens are chosen, and how many.
    /// - Throws: ``EMLLMError``: the session is already responding, the conversation outgrows the context, or the
    ///   surrounding task was cancelled. The transcript is unchanged then.
    public func respond(
        to message: String,
        images: [RGBImage] = [],
        options: GenerationOptions = GenerationOptions()
    ) async throws -> Response {
        try await answer(message, images, options: options) { _ in }
    }

    /// Answers a message piece by piece; pieces are whole characters.
    ///
    /// Ending the iteration early stops the generation.
    public func streamResponse(
        to message: String,
        images: [RGBImage] = [],
        options: GenerationOptions = GenerationOptions()
    ) -> AsyncThrowingStream<String, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    _ = try await self.answer(message, images, options: options) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func answer(
        _ message: String,
        _ pictures: [RGBImage],
        options: GenerationOptions,
        onText: @escaping @Sendable (String) -> Void
    ) async throws -> Response {
        try await exclusively {
            let question = ChatMessage(role: .user, content: message, imageCount: pictures.count)
            let (messages, shown) = state.withLock { ($0.transcript + [question], $0.pictures + pictures) }
            let response = try await thread.run { [conversation, model] context in
                let (images, usage) = try context.encode(shown)
                let prompt = try model.prompt(for: messages, images: images)
                // The features stay in memory until the prompt is computed.
                var response = try withExtendedLifetime(images) {
                    try Self.respond(conversation, to: prompt, options: options, in: context, onText: onText)
                }
                if !usage.isEmpty { response.info.images = usage }
                return response
            }
            state.withLock {
                $0.transcript += [question, ChatMessage(role: .assistant, content: response.content)]
                $0.pictures += pictures
            }
            return response
        }
    }

    /// Refuses a second answer while one is being written.
    private func exclusively<Result>(_ body: () async throws -> Result) async throws -> Result {
        let isFree = state.withLock { state in
            defer { state.isResponding = true }
            return !state.isResponding
        }
        guard isFree else { throw EMLLMError.sessionBusy }
        defer { state.withLock { $0.isResponding = false } }
        return try await body()
    }

    // MARK: On the inference thread

    private static func respond(
        _ conversation: Conversation,
        to prompt: [TokenID],
        options: GenerationOptions,
        in context: InferenceContext,
        onText: (String) -> Void
    ) throws -> Response {
        let clock = ContinuousClock()
        let started = clock.now
        let (branch, logits, cached) = try advance(conversation, to: prompt, in: context)
        let prefilled = clock.now
        var detokenizer = context.model.tokenizer.makeDetokenizer()
        var content = ""
        func emit(_ text: String) {
            guard !text.isEmpty else { return }
            content += text
            onText(text)
        }
        let (tokens, reason) = try context.generate(branch, after: logits, options: options) { token in
            emit(detokenizer.append(token))
        }
        emit(detokenizer.finish())
        return Response(
            content: content,
            info: CompletionInfo(
                promptTokens: prompt.count,
                cachedTokens: cached,
                generatedTokens: tokens.count,
                promptSeconds: (prefilled - started).seconds,
                generationSeconds: (clock.now - prefilled).seconds,
                stopReason: reason
            )
        )
    }

    /// Brings the conversation's branch to `prompt`, computing only what it does not share with it.
    private static func advance(
        _ conversation: Conversation,
        to prompt: [TokenID],
        in context: InferenceContext
    ) throws -> (branch: Branch, logits: Logits, cached: Int) {
        let branch = conversation.branch ?? context.makeBranch()
        conversation.branch = branch
        // The last token is always computed, for its logits.
        let shared = zip(branch.tokens, prompt.dropLast()).prefix { $0 == $1 }.count
        branch.rollback(to: shared)
        return (branch, try context.extend(branch, with: Array(prompt[shared...])), shared)
    }
}

extension EMLLMModel {
    /// The tokens of a conversation in the model's own chat format.
    ///
    /// Text inside messages that looks like a special token stays text.
    ///
    /// - Parameters:
    ///   - messages: the conversation.
    ///   - images: the pictures that its messages show, in order.
    ///   - addingGenerationPrompt: whether the prompt ends with the opening of the model's turn.
    /// - Throws: ``EMLLMError`` when the model has no chat template, the template fails on these messages, or the
    ///   messages show another number of pictures.
    public func prompt(
        for messages: [ChatMessage],
        images: [EncodedImage] = [],
        addingGenerationPrompt: Bool = true
    ) throws -> [TokenID] {
        guard let promptRenderer else { throw EMLLMError.noChatTemplate }
        return try promptRenderer.tokens(
            of: try promptRenderer.pieces(for: messages, addingGenerationPrompt: addingGenerationPrompt),
            images: images,
            addSpecialTokens: promptRenderer.addsBeginning
        )
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double { self / .seconds(1) }
}

extension EMLLMError.Code {
    /// A conversation with a model that has no chat template.
    public static let noChatTemplate = Self(rawValue: "no-chat-template")
    /// A question while the last one is being answered.
    public static let sessionBusy = Self(rawValue: "session-busy")
}

extension EMLLMError {
    static let noChatTemplate = EMLLMError(
        code: .noChatTemplate,
        subject: "model",
        expected: "a chat template in the file",
        found: "none",
        remedy: "use raw prompts, or convert the model from a source that carries its template"
    )
    static let sessionBusy = EMLLMError(
        code: .sessionBusy,
        subject: "session",
        expected: "to be idle",
        found: "an answer being written",
        remedy: "wait for it, cancel it, or use a second session"
    )
}
