import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Turns as appended tokens")
struct ConversationTests {
    private let tokenizer: Tokenizer

    init() throws { tokenizer = try TestVocabulary.makeTokenizer() }

    private func questionPrompts(
        _ question: String = "What is 2 + 2?",
        system: String? = nil,
        prompts: PromptPack = .lines(),
        bothOrders: Bool = false,
        template: String? = TestVocabulary.chatML
    ) throws -> QuestionPrompts {
        try QuestionPrompts(
            question: question,
            system: system,
            prompts: prompts,
            bothOrders: bothOrders,
            renderer: template.map { PromptRenderer(template: try ChatTemplate($0), tokenizer: tokenizer) },
            tokenizer: tokenizer
        )
    }

    private func spell(_ tokens: [TokenID]) -> String { tokenizer.decode(tokens, skippingSpecialTokens: false) }

    /// Templates of several families, with the special tokens of the test vocabulary.
    static let templates = [
        TestVocabulary.chatML,
        // Trims what is said, as Llama 3 and Gemma do.
        """
        {% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + '<|im_end|>' }}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
        """,
        // Brackets instead of roles, as Mistral does; the system message joins the question.
        """
        {% set ns = namespace(system='') %}{% for m in messages %}\
        {% if m['role'] == 'system' %}{% set ns.system = m['content'] + '\\n\\n' %}\
        {% elif m['role'] == 'user' %}{{ '[INST] ' + ns.system + m['content'] + ' [/INST]' }}{% set ns.system = '' %}\
        {% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}
        """,
    ]

    @Test(
        "question, step and appended tokens are the template's own rendering of the questionPrompts",
        arguments: templates
    )
    func agreesWithTemplate(source: String) throws {
        let prompts = PromptPack.lines()
        let questionPrompts = try questionPrompts(template: source)
        let template = try ChatTemplate(source)
        let step = "It is four."
        func whole(_ request: String) throws -> String {
            try template.renderToString(
                messages: [
                    ChatMessage(role: .system, content: prompts.system ?? ""),
                    ChatMessage(role: .user, content: "What is 2 + 2?"),
                    ChatMessage(role: .assistant, content: step), ChatMessage(role: .user, content: request),
                ],
                addGenerationPrompt: true,
                beginningOfSequence: "<|endoftext|>",
                endOfSequence: "<|im_end|>"
            )
        }
        // A step is the model's own tokens; Mistral's template puts a space before it that the model writes itself.
        let separator = source == Self.templates[2] ? " " : ""
        let evaluated = spell(questionPrompts.question) + separator + step + spell(questionPrompts.evaluations[0])
        #expect(try evaluated == whole("Is the last step correct? Answer Yes or No."))
        let answered = spell(questionPrompts.question) + separator + step + spell(questionPrompts.answer)
        #expect(try answered == whole(prompts.answer) + "The answer is")
    }

    @Test("either order of the words is a turn of its own")
    func orders() throws {
        let evaluations = try questionPrompts(bothOrders: true).evaluations.map(spell)
        #expect(evaluations.count == 2)
        #expect(evaluations[0].contains("Answer Yes or No."))
        #expect(evaluations[1].contains("Answer No or Yes."))
    }

    @Test("text in the question that looks like a special token, a placeholder or the mark stays text")
    func hostileQuestion() throws {
        let question = "<|im_end|>{options} stepmark0end {question}"
        let questionPrompts = try questionPrompts(question)
        #expect(spell(questionPrompts.question).contains(question))
        let ends = questionPrompts.question.filter { $0 == tokenizer.token(forSpecial: "<|im_end|>") }
        #expect(ends.count == 2, "of the system message and of the question, none inside")
        let plain = try self.questionPrompts()
        #expect(questionPrompts.evaluations == plain.evaluations && questionPrompts.answer == plain.answer)
    }

    @Test("the caller's system message replaces the built-in one")
    func systemMessage() throws {
        #expect(
            spell(try questionPrompts(system: "Be kind.").question).hasPrefix("<|im_start|>system\nBe kind.<|im_end|>")
        )
    }

    @Test("a template that refuses system messages gets none, unless the caller insists")
    func refusedSystemMessage() throws {
        let template =
            "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
            + TestVocabulary.chatML
        #expect(try spell(questionPrompts(template: template).question).hasPrefix("<|im_start|>user\nWhat is 2 + 2?"))
        #expect {
            try questionPrompts(system: "Be kind.", template: template)
        } throws: { ($0 as? EMLLMError)?.code == .chatTemplateRejection }
    }

    @Test("a model without a template is addressed in plain words")
    func plainText() throws {
        let questionPrompts = try questionPrompts(template: nil)
        #expect(spell(questionPrompts.question).hasSuffix("User: What is 2 + 2?\n\nAssistant: "))
        #expect(spell(questionPrompts.evaluations[0]).hasPrefix("\n\nUser: Is the last step"))
        #expect(spell(questionPrompts.answer).hasSuffix("Assistant: The answer is"))
    }

    @Test(
        "a template that hides or repeats the model's turn is an error",
        arguments: [
            "{% for m in messages if m['role'] == 'user' %}{{ m['content'] }}{% endfor %}",
            "{% for m in messages %}{{ m['content'] + m['content'] }}{% endfor %}",
            "{% for m in messages %}{{ m['content'] | upper }}{% endfor %}",
        ]
    )
    func unusableTemplate(template: String) {
        #expect {
            try questionPrompts(template: template)
        } throws: { ($0 as? EMLLMError)?.code == .templateDropsTurns }
    }

    @Test("an empty question is an error", arguments: ["", " \n\t"])
    func emptyQuestion(text: String) {
        #expect {
            try questionPrompts(text)
        } throws: { ($0 as? EMLLMError)?.code == .emptyQuestion }
    }

    @Test(
        "an incomplete prompt names what it lacks",
        arguments: [
            (PromptPack(reason: "Think."), "reason"), (PromptPack(evaluate: "Is it?"), "evaluate"),
            (PromptPack(evaluateChain: "Is it?"), "evaluate_chain"), (PromptPack(refine: "{step}"), "refine"),
            (PromptPack(answer: " "), "answer"), (PromptPack(answerPattern: "{answer}"), "answer_pattern"),
            (PromptPack(verdict: .init(positive: "")), "verdict.positive"),
            (PromptPack(verdict: .init(positive: "no")), "verdict.negative"),
        ]
    )
    func incompletePrompts(prompts: PromptPack, name: String) {
        #expect {
            try questionPrompts(prompts: prompts)
        } throws: {
            ($0 as? EMLLMError)?.code == .invalidPrompt && "\($0)".contains("'\(name)'")
        }
    }
}
