extension EMLLMError.Code {
    /// A chat template is not well-formed.
    public static let chatTemplateSyntax = Self(rawValue: "chat-template-syntax")
    /// A chat template uses something that this library does not implement.
    public static let chatTemplateUnsupported = Self(rawValue: "chat-template-unsupported")
    /// A chat template applied an operation to a value that does not support it.
    public static let chatTemplateEvaluation = Self(rawValue: "chat-template-evaluation")
    /// A chat template rejected the conversation with `raise_exception`.
    public static let chatTemplateRejection = Self(rawValue: "chat-template-rejection")
    /// A chat template exceeds a limit of depth, steps or length.
    public static let chatTemplateLimit = Self(rawValue: "chat-template-limit")
}

extension EMLLMError {
    static func chatTemplateSyntax(line: Int, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .chatTemplateSyntax,
            subject: "chat template, line \(line)",
            expected: expected,
            found: found,
            remedy: "correct the template"
        )
    }

    static func chatTemplateUnsupported(line: Int, construct: String) -> EMLLMError {
        EMLLMError(
            code: .chatTemplateUnsupported,
            subject: "chat template, line \(line)",
            expected: "a construct that this library implements",
            found: construct,
            remedy: "rewrite that line or use another template"
        )
    }

    static func chatTemplateEvaluation(line: Int, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .chatTemplateEvaluation,
            subject: "chat template, line \(line)",
            expected: expected,
            found: found,
            remedy: "check that the messages and variables are those that the template expects"
        )
    }

    static func chatTemplateRejection(line: Int, message: String) -> EMLLMError {
        EMLLMError(
            code: .chatTemplateRejection,
            subject: "chat template, line \(line)",
            expected: "a conversation that the template accepts",
            found: message,
            remedy: "change the conversation"
        )
    }

    static func chatTemplateLimit(line: Int, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .chatTemplateLimit,
            subject: "chat template, line \(line)",
            expected: expected,
            found: found,
            remedy: "simplify the template or shorten the conversation"
        )
    }
}
