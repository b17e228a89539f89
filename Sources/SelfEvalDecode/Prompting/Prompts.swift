import EMLLMCore

/// The texts of the cascade: short prompts, one for each task, each a real turn of the conversation.
///
/// The question is asked with ``reason``; a step is judged with ``evaluate``, a user turn after the step; the answer is
/// asked for with ``answer``, a user turn after the last step. Which tokens open and close a turn is the model's chat
/// template's business (see ``Conversation``).
public struct Prompts: Codable, Sendable, Equatable {
    /// The system message when the caller gives none; `nil` leaves it to the chat template.
    public var system: String?
    /// Asks the question. `{question}` stands for the user's text.
    public var reason: String
    /// Asks for a verdict on the last step. `{options}` stands for the two words, in either order.
    public var evaluate: String
    /// Asks for the answer alone.
    public var answer: String
    /// The beginning of the answer, written for the model; also how an answer inside the reasoning is recognized.
    public var answerPrefix: String
    /// The word for a step that stands.
    public var positive: String
    /// The word for a step that does not.
    public var negative: String
    /// A step without content, whose verdict shows which way the model leans before it has read anything.
    public var emptyStep: String

    /// Makes prompts; the defaults are the built-in cascade.
    public init(
        system: String? = "You are a helpful assistant that reasons step by step.",
        reason: String = "{question}",
        evaluate: String = "Is the last step correct? Answer {options}.",
        answer: String = "What is the final answer? Be brief.",
        answerPrefix: String = "The answer is",
        positive: String = "Yes",
        negative: String = "No",
        emptyStep: String = "N/A"
    ) {
        self.system = system
        self.reason = reason
        self.evaluate = evaluate
        self.answer = answer
        self.answerPrefix = answerPrefix
        self.positive = positive
        self.negative = negative
        self.emptyStep = emptyStep
    }

    /// Checks that nothing needed is missing.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` naming the prompt and what it lacks.
    public func validate() throws {
        func check(_ name: String, _ expected: String, _ text: String, _ holds: Bool) throws {
            guard !holds else { return }
            throw EMLLMError.invalidPrompt(name, expected: expected, found: text)
        }
        try check("reason", "the placeholder {question}", reason, reason.contains("{question}"))
        try check("evaluate", "the placeholder {options}", evaluate, evaluate.contains("{options}"))
        for (name, text) in [
            ("answer", answer), ("answerPrefix", answerPrefix), ("positive", positive), ("negative", negative),
            ("emptyStep", emptyStep),
        ] {
            try check(name, "some text", text, text.contains { !$0.isWhitespace })
        }
        try check(
            "negative",
            "another word than '\(positive)'",
            negative,
            positive.lowercased() != negative.lowercased()
        )
    }
}

extension EMLLMError.Code {
    /// A prompt of the cascade that lacks something.
    public static let invalidPrompt = Self(rawValue: "invalid-prompt")
}

extension EMLLMError {
    static func invalidPrompt(_ name: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidPrompt,
            subject: "prompt '\(name)'",
            expected: expected,
            found: "'\(found)'",
            remedy: "complete the prompt"
        )
    }
}
