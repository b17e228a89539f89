import Foundation
import Synchronization

/// A conversation with a model. It keeps the transcript, and reuses cached computation.
///
/// ```swift
/// let session = try EMLLMSession(model: model, instructions: "Answer in one sentence.")
/// for try await piece in session.streamResponse(to: "Why is the sky blue?") { print(piece, terminator: "") }
/// ```
///
/// Each turn is rendered with the model's own chat template; keys and values of the part that has not changed since the
/// last turn stay in the cache. The session computes on its own thread.
///
/// ## One answer at a time
///
/// A second question while an answer is being written is refused with ``EMLLMError/Code/sessionBusy``. Sessions of one
/// model are independent of each other, and may answer at the same time.
///
/// ## Cancelling
///
/// Cancelling the task that awaits a response, or leaving the loop over a stream early, stops the generation within one
/// token. The session is free for the next question at once, and its transcript is unchanged: a partial answer
/// is not kept. Functions that were cancelled throw `CancellationError`.
public final class EMLLMSession: Sendable {
    /// The model that answers.
    public let model: EMLLMModel
    let state: Mutex<State>
    private let thread: InferenceThread

    /// The main line of the conversation in the cache, touched by the inference thread alone.
    private final class CachedPrefix: @unchecked Sendable { var branch: Branch? }
    private let cached = CachedPrefix()

    /// A finished answer.
    public struct Response: Sendable {
        /// The answer's text.
        public let content: String
        /// What it cost.
        public internal(set) var info: CompletionInfo
    }

    // MARK: Making a session

    /// Starts a conversation.
    ///
    /// - Parameters:
    ///   - model: the model that answers.
    ///   - instructions: the system message; `nil` leaves it to the chat template.
    ///   - options: how the model is run.
    /// - Throws: ``EMLLMError`` when an option is out of range, or the model has no chat template.
    public convenience init(
        model: EMLLMModel,
        instructions: String? = nil,
        options: RuntimeOptions = RuntimeOptions()
    ) throws {
        let messages = instructions.map { [ChatMessage(role: .system, content: $0)] } ?? []
        try self.init(model: model, transcript: messages, options: options)
    }

    /// Resumes a conversation.
    ///
    /// ```swift
    /// let saved = try JSONEncoder().encode(session.transcript)
    /// // Later, perhaps in another process:
    /// let transcript = try JSONDecoder().decode([ChatMessage].self, from: saved)
    /// let resumed = try EMLLMSession(model: model, transcript: transcript)
    /// print(try await resumed.respond(to: "Where were we?").content)
    /// ```
    ///
    /// Nothing is computed yet; ``prewarm(images:)`` computes the transcript ahead of the next question. A transcript that
    /// ends with the model's turn is the usual case. Whether two turns of one role may follow each other is for the chat
    /// template to say: some write them as they come, others refuse them, and the next response throws their error.
    ///
    /// - Parameters:
    ///   - model: the model that answers.
    ///   - transcript: the messages so far, the system message first if there is one.
    ///   - images: the pictures that the transcript shows, in order.
    ///   - options: how the model is run.
    /// - Throws: ``EMLLMError`` when an option is out of range, the model has no chat template, or the messages show
    ///   another number of pictures.
    public init(
        model: EMLLMModel,
        transcript: [ChatMessage],
        images: [RGBImage] = [],
        options: RuntimeOptions = RuntimeOptions()
    ) throws {
        guard model.chatTemplate != nil else { throw EMLLMError.noChatTemplate }
        try Self.checkImages(of: transcript, images)
        self.model = model
        thread = try InferenceThread(model: model, options: options)
        state = Mutex(State(transcript: transcript, pictures: images))
    }

    // MARK: What is known of it

    /// The messages so far, the instructions first.
    public var transcript: [ChatMessage] { state.withLock(\.transcript) }

    /// The pictures that ``transcript`` shows, in order.
    public var images: [RGBImage] { state.withLock(\.pictures) }

    /// Whether an answer is being written. A cancelled answer does not count, even while its last token is still computed.
    public var isResponding: Bool { state.withLock(\.isResponding) }

    // MARK: Asking

    /// Computes the instructions, and pictures that the next question will show, ahead of it, so that its answer begins
    /// sooner.
    ///
    /// - Throws: as ``respond(to:images:options:logitsProcessor:)-(String,_,_,_)``.
    public func prewarm(images pictures: [RGBImage] = []) async throws {
        try await exclusively { turn in
            let (transcript, shown) = try begin(turn)
            guard !transcript.isEmpty || !pictures.isEmpty else { return }
            try await thread.run { [cached, model] context in
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
                let branch = cached.branch ?? context.makeBranch()
                cached.branch = branch
                _ = try withExtendedLifetime(images) { try context.advance(branch, to: prompt) }
            }
            try turn.complete()
        }
    }

    /// Answers a message and adds both to the transcript.
    ///
    /// - Parameters:
    ///   - message: the user's text.
    ///   - images: pictures that the message shows, before its text. Each is encoded once; later turns reuse the keys and
    ///     values of the prompt that shows it.
    ///   - options: how tokens are chosen, and how many.
    ///   - logitsProcessor: changes logits before a token is chosen from them.
    /// - Throws: ``EMLLMError`` when the session is already responding, the chat template fails on the conversation, or
    ///   the conversation outgrows the context; `CancellationError` when the surrounding task was cancelled. The
    ///   transcript is unchanged then.
    public func respond(
        to message: String,
        images: [RGBImage] = [],
        options: GenerationOptions = GenerationOptions(),
        logitsProcessor: (any LogitsProcessor)? = nil
    ) async throws -> Response {
        try await exclusively { turn in
            let request = try self.request(message, images, turn)
            return try await answer(request, turn, options, logitsProcessor) { _ in }
        }
    }

    /// Answers the last message of a whole conversation, for programs that keep the messages themselves.
    ///
    /// ```swift
    /// var messages = [ChatMessage(role: .system, content: "You are terse.")]
    /// while let line = readLine() {
    ///     messages.append(ChatMessage(role: .user, content: line))
    ///     let answer = try await session.respond(to: messages)
    ///     messages.append(ChatMessage(role: .assistant, content: answer.content))
    ///     print(answer.content)
    /// }
    /// ```
    ///
    /// The prefix that the conversation shares with the last one, pictures included, is not computed
    /// again. Nothing is added to the messages: the instructions that the session was made with count only if they are
    /// among them. The ``transcript`` is replaced by the conversation and its answer, so that
    /// ``respond(to:images:options:logitsProcessor:)-(String,_,_,_)`` continues from there.
    ///
    /// - Parameters:
    ///   - messages: the whole conversation. Its last message is one that the model can answer: continuing a turn of
    ///     the model's is not supported. Whether roles may follow each other in another order than user, assistant,
    ///     user is for the chat template to say.
    ///   - images: the pictures that the messages show, in order.
    ///   - options: how tokens are chosen, and how many.
    ///   - logitsProcessor: changes logits before a token is chosen from them.
    /// - Throws: ``EMLLMError/Code/nothingToAnswer`` when there is no message or the last one is the model's;
    ///   ``EMLLMError/Code/imageCountMismatch`` when the messages show another number of pictures; and as for a single
    ///   message. The transcript is unchanged then.
    public func respond(
        to messages: [ChatMessage],
        images: [RGBImage] = [],
        options: GenerationOptions = GenerationOptions(),
        logitsProcessor: (any LogitsProcessor)? = nil
    ) async throws -> Response {
        try await exclusively { turn in
            let request = try self.request(messages, images, turn)
            return try await answer(request, turn, options, logitsProcessor) { _ in }
        }
    }

    /// Answers a message piece by piece; pieces are whole characters.
    ///
    /// The answer starts at once. Leaving the loop early stops it; see ``ResponseStream`` for that, and for what the
    /// answer cost.
    ///
    /// The parameters are those of ``respond(to:images:options:logitsProcessor:)-(String,_,_,_)``; its errors are thrown
    /// by the iteration.
    public func streamResponse(
        to message: String,
        images: [RGBImage] = [],
        options: GenerationOptions = GenerationOptions(),
        logitsProcessor: (any LogitsProcessor)? = nil
    ) -> ResponseStream {
        stream(options, logitsProcessor) { try self.request(message, images, $0) }
    }

    /// Answers the last message of a whole conversation piece by piece; pieces are whole characters.
    ///
    /// The parameters are those of ``respond(to:images:options:logitsProcessor:)-([ChatMessage],_,_,_)``; its errors are
    /// thrown by the iteration.
    public func streamResponse(
        to messages: [ChatMessage],
        images: [RGBImage] = [],
        options: GenerationOptions = GenerationOptions(),
        logitsProcessor: (any LogitsProcessor)? = nil
    ) -> ResponseStream {
        stream(options, logitsProcessor) { try self.request(messages, images, $0) }
    }

    private func stream(
        _ options: GenerationOptions,
        _ logitsProcessor: (any LogitsProcessor)?,
        _ request: (Turn) throws -> Request
    ) -> ResponseStream {
        let turn = Turn()
        // The turn begins here, not when its task does: what is cancelled before that is free as well.
        let request = Result { try request(turn) }
        return ResponseStream(turn: turn) { onText in
            defer { turn.close() }
            return try await self.answer(request.get(), turn, options, logitsProcessor, onText: onText)
        }
    }

    /// Writes an answer, and the transcript if the turn was not cancelled meanwhile.
    private func answer(
        _ request: Request,
        _ turn: Turn,
        _ options: GenerationOptions,
        _ logitsProcessor: (any LogitsProcessor)?,
        onText: @escaping @Sendable (String) -> Void
    ) async throws -> Response {
        let response = try await thread.run { [cached, model] context in
            let (images, usage) = try context.encode(request.pictures)
            let prompt = try model.prompt(for: request.messages, images: images)
            let branch = cached.branch ?? context.makeBranch()
            cached.branch = branch
            // The features stay in memory until the prompt is computed.
            var completion = try withExtendedLifetime(images) {
                try context.complete(
                    prompt,
                    on: branch,
                    options: options,
                    logitsProcessor: logitsProcessor,
                    onText: onText
                )
            }
            guard completion.info.stopReason != .cancelled else { throw EMLLMError.cancelled }
            if !usage.isEmpty { completion.info.images = usage }
            return Response(content: completion.text, info: completion.info)
        }
        try state.withLock { state in
            try turn.complete()
            state.transcript = request.messages + [ChatMessage(role: .assistant, content: response.content)]
            state.pictures = request.pictures
        }
        return response
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
