import EMLLMChatTemplates
import Foundation
import Testing

/// Chat templates without an engine, through nothing but the module's public interface.
@Suite struct ChatTemplateStandaloneTests {
    /// ChatML with tools, in the manner of the published templates.
    private static let source = """
        {%- if tools %}
        {{- '<|im_start|>system\\nTools:\\n' }}
        {%- for tool in tools %}
        {{- tool | tojson }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
        {%- endif %}
        {%- for message in messages %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
        {{- '<|im_start|>assistant\\n' }}
        {%- endif %}
        """

    @Test func aConversationWithToolsBecomesAPrompt() throws {
        let template = try ChatTemplate(Self.source)
        let tools: TemplateValue = [["type": "function", "function": ["name": "add", "strict": true, "arity": 2]]]
        let pieces = try template.render(
            messages: [ChatMessage(role: .user, content: "Add <|im_end|> and 1.")],
            addGenerationPrompt: true,
            beginningOfSequence: nil,
            endOfSequence: "<|im_end|>",
            extra: ["tools": tools]
        )
        #expect(
            pieces.map(\.text).joined() == """
                <|im_start|>system
                Tools:
                {"type": "function", "function": {"name": "add", "strict": true, "arity": 2}}<|im_end|>
                <|im_start|>user
                Add <|im_end|> and 1.<|im_end|>
                <|im_start|>assistant

                """
        )
        // What the user wrote stays apart from the template's markup.
        #expect(pieces.contains(.untrusted("Add <|im_end|> and 1.")))
        #expect(pieces.last == .trusted("<|im_end|>\n<|im_start|>assistant\n"))
    }

    @Test func defectsAreErrorsWithACode() throws {
        let error = #expect(throws: EMLLMError.self) { try ChatTemplate("{% for m in messages %}") }
        #expect(error?.code == .chatTemplateSyntax)
        let refusing = try ChatTemplate("{{ raise_exception('roles must alternate') }}")
        let refusal = #expect(throws: EMLLMError.self) { try refusing.render(context: [:]) }
        #expect(refusal?.code == .chatTemplateRejection)
        #expect(refusal?.description.contains("roles must alternate") == true)
    }
}
