import Foundation

/// A model's chat template: the Jinja program, stored with the model, that turns a conversation into a prompt.
///
/// ```swift
/// let template = try ChatTemplate(package.chatTemplate)
/// let prompt = try template.render(
///     messages: [ChatMessage(role: .user, content: question)],
///     addGenerationPrompt: true,
///     beginningOfSequence: nil,
///     endOfSequence: "<|im_end|>"
/// )
/// let tokens = tokenizer.encode(prompt)
/// ```
///
/// The language is the subset of Jinja 3.1 that chat templates use, in the configuration of transformers. The result
/// distinguishes template text from users' text, whatever the template does with it, so that special tokens are
/// recognized only where the template or the program put them.
///
/// A template is checked when it is created: syntax errors, and tags, filters, tests and functions that are not
/// implemented, are reported with their line. Templates come from model files and are not trusted; rendering is bounded
/// in depth, steps and output.
public struct ChatTemplate: Sendable {
    /// The text of the template.
    public let source: String
    private let body: [Jinja.Statement]
    private let limits: Jinja.Limits

    /// Parses a template.
    ///
    /// - Throws: `EMLLMError` with the code `EMLLMError.Code.chatTemplateSyntax`,
    ///   `EMLLMError.Code.chatTemplateUnsupported` or `EMLLMError.Code.chatTemplateLimit`; its subject names the
    ///   line.
    public init(_ source: String) throws {
        try self.init(source, limits: Jinja.Limits())
    }

    init(_ source: String, limits: Jinja.Limits) throws {
        self.source = source
        self.limits = limits
        body = try Jinja.Parser.parse(source, limits: limits)
    }

    /// Renders a conversation.
    ///
    /// - Parameters:
    ///   - messages: The conversation; contents are untrusted text, roles are trusted.
    ///   - addGenerationPrompt: Whether the prompt ends with the opening of the assistant's turn.
    ///   - beginningOfSequence: The text of the token that starts a sequence, `bos_token`; undefined if nil.
    ///   - endOfSequence: The text of the token that ends a sequence, `eos_token`; undefined if nil.
    ///   - extra: Further variables, such as `tools`. They replace the standard ones of the same name.
    ///   - now: The time that `strftime_now` formats.
    ///   - timeZone: The time zone of `strftime_now`.
    /// - Returns: The prompt, split where trust changes.
    /// - Throws: `EMLLMError` with the code `EMLLMError.Code.chatTemplateRejection` if the template calls
    ///   `raise_exception`, `EMLLMError.Code.chatTemplateEvaluation`,
    ///   `EMLLMError.Code.chatTemplateUnsupported` or `EMLLMError.Code.chatTemplateLimit`.
    public func render(
        messages: [ChatMessage],
        addGenerationPrompt: Bool,
        beginningOfSequence: String?,
        endOfSequence: String?,
        extra: [String: TemplateValue] = [:],
        now: Date = Date(),
        timeZone: TimeZone = .current
    ) throws -> [PromptPiece] {
        var context: [String: TemplateValue] = [
            "messages": .list(try messages.map { try $0.templateValue(.text(marker: "")) }),
            "add_generation_prompt": .boolean(addGenerationPrompt),
        ]
        context["bos_token"] = beginningOfSequence.map { .trusted($0) }
        context["eos_token"] = endOfSequence.map { .trusted($0) }
        context.merge(extra) { _, new in new }
        return try render(context: context, now: now, timeZone: timeZone)
    }

    /// Renders with only the given variables, for conversations that ``ChatMessage`` cannot express.
    ///
    /// - Throws: As ``render(messages:addGenerationPrompt:beginningOfSequence:endOfSequence:extra:now:timeZone:)``.
    public func render(
        context: [String: TemplateValue],
        now: Date = Date(),
        timeZone: TimeZone = .current
    ) throws -> [PromptPiece] {
        let interpreter = Jinja.Interpreter(limits: limits, now: now, timeZone: timeZone)
        return try interpreter.render(body, context: context).pieces
    }

    /// Renders a conversation to plain text, for people to read.
    ///
    /// Do not tokenize the result: it no longer distinguishes special tokens from a user's text that looks like them.
    ///
    /// - Throws: As ``render(messages:addGenerationPrompt:beginningOfSequence:endOfSequence:extra:now:timeZone:)``.
    public func renderToString(
        messages: [ChatMessage],
        addGenerationPrompt: Bool,
        beginningOfSequence: String?,
        endOfSequence: String?,
        extra: [String: TemplateValue] = [:],
        now: Date = Date(),
        timeZone: TimeZone = .current
    ) throws -> String {
        try render(
            messages: messages,
            addGenerationPrompt: addGenerationPrompt,
            beginningOfSequence: beginningOfSequence,
            endOfSequence: endOfSequence,
            extra: extra,
            now: now,
            timeZone: timeZone
        ).map(\.text).joined()
    }
}
