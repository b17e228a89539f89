extension EMLLMSession {
    /// What is to be answered: the whole conversation, and the pictures that it shows.
    struct Request: Sendable {
        let messages: [ChatMessage]
        let pictures: [RGBImage]
    }

    /// Begins a turn that answers one more message.
    func request(_ message: String, _ images: [RGBImage], _ turn: Turn) throws -> Request {
        let (transcript, pictures) = try begin(turn)
        let question = ChatMessage(role: .user, content: message, imageCount: images.count)
        return Request(messages: transcript + [question], pictures: pictures + images)
    }

    /// Begins a turn that answers a conversation.
    func request(_ messages: [ChatMessage], _ images: [RGBImage], _ turn: Turn) throws -> Request {
        guard let last = messages.last else { throw EMLLMError.nothingToAnswer(found: "no message") }
        guard last.role != .assistant else { throw EMLLMError.nothingToAnswer(found: "a turn of the model's") }
        try Self.checkImages(of: messages, images)
        _ = try begin(turn)
        return Request(messages: messages, pictures: images)
    }

    /// Checks that messages show as many pictures as there are.
    static func checkImages(of messages: [ChatMessage], _ images: [RGBImage]) throws {
        // Counts may come from a file: they are neither trusted to be positive nor to have a sum.
        var missing = images.count
        for message in messages {
            guard (0...missing).contains(message.imageCount) else {
                throw EMLLMError.imageCountMismatch(
                    expected: "messages that show the pictures given, \(images.count) in all",
                    found: "a message with \(message.imageCount) where \(missing) are left"
                )
            }
            missing -= message.imageCount
        }
        guard missing == 0 else {
            throw EMLLMError.imageCountMismatch(
                expected: "messages that show the pictures given, \(images.count) in all",
                found: "messages with \(images.count - missing)"
            )
        }
    }
}

extension EMLLMError.Code {
    /// A conversation with a model that has no chat template.
    public static let noChatTemplate = Self(rawValue: "no-chat-template")
    /// A question while the last one is being answered.
    public static let sessionBusy = Self(rawValue: "session-busy")
    /// A conversation without a last message that a model can answer.
    public static let nothingToAnswer = Self(rawValue: "nothing-to-answer")
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

    static func nothingToAnswer(found: String) -> EMLLMError {
        EMLLMError(
            code: .nothingToAnswer,
            subject: "end of the conversation",
            expected: "a message to answer, such as a user's",
            found: found,
            remedy: "append the next question"
        )
    }

    static func imageCountMismatch(expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .imageCountMismatch,
            subject: "conversation",
            expected: expected,
            found: found,
            remedy: "give every picture once, in the order of the messages"
        )
    }
}
