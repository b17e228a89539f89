import EMLLMCore
import Foundation

/// One question as tokens: its prompt, and the turns that can follow a step.
///
/// A step is the model's own tokens, inside its own turn. To judge it, that turn must be closed, the evaluation asked as
/// the user's turn, and a new turn of the model's opened, all with **appended tokens only**, since what is in the cache
/// stays there. Those tokens differ from family to family, so they are taken from the model's chat template: it renders
/// the conversation "question, *mark*, evaluation" with an arbitrary word as the mark, and what comes after the mark is
/// what has to be appended.
public struct Conversation: Sendable {
    /// The question's prompt, up to where the model's reasoning begins.
    public let question: [TokenID]
    /// What asks for a verdict after a step: one sequence for each order of the two words.
    public let evaluations: [[TokenID]]
    /// What asks for the answer after the last step, with the answer's first words.
    public let answer: [TokenID]
    /// A step without content.
    public let emptyStep: [TokenID]

    /// Tokens to judge one step.
    public var evaluationCost: Int { evaluations.reduce(0) { $0 + $1.count } }

    /// How a model without a chat template is addressed.
    static let plainTemplate = """
        {% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}

        {% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}
        """

    /// Renders the turns.
    ///
    /// - Parameters:
    ///   - question: the user's text; whatever looks like a special token in it stays text.
    ///   - system: the system message; `nil` takes the one of `prompts`.
    ///   - prompts: the cascade.
    ///   - bothOrders: whether the evaluation is asked with the two words in either order.
    ///   - template: the model's chat template; `nil` for a model that has none.
    ///   - tokenizer: the model's tokenizer.
    ///   - imageFormat: how the model's prompts speak of pictures; `nil` for models of text.
    ///   - images: the pictures that the question shows.
    /// - Throws: ``EMLLMCore/EMLLMError`` when a prompt is incomplete, the question is empty, or the template cannot
    ///   render such a conversation.
    public init(
        question: String,
        system: String?,
        prompts: Prompts,
        bothOrders: Bool,
        template: ChatTemplate?,
        tokenizer: Tokenizer,
        imageFormat: ImagePromptFormat? = nil,
        images: [EncodedImage] = []
    ) throws {
        try prompts.validate()
        guard question.contains(where: { !$0.isWhitespace }) else { throw EMLLMError.emptyQuestion }
        let asked = ChatMessage(
            role: .user,
            content: prompts.reason.replacingOccurrences(of: "{question}", with: question),
            imageCount: images.count
        )
        var renderer = Renderer(
            prompts: PromptRenderer(
                template: try template ?? ChatTemplate(Self.plainTemplate),
                tokenizer: tokenizer,
                imageFormat: imageFormat
            ),
            images: images,
            opening: [(system ?? prompts.system).map { ChatMessage(role: .system, content: $0) }, asked].compactMap {
                $0
            },
            addsBeginning: template == nil || imageFormat != nil
        )
        do {
            self.question = try renderer.prompt()
        } catch let error as EMLLMError where error.code == .chatTemplateRejection && system == nil {
            // Some families have no system messages; ours is a suggestion, the caller's is not.
            renderer.opening = [asked]
            self.question = try renderer.prompt()
        }
        let words = [prompts.positive, prompts.negative]
        evaluations = try (bothOrders ? [words, words.reversed()] : [words]).map { order in
            let options = order.joined(separator: " or ")
            return try renderer.turn(
                after: prompts.evaluate.replacingOccurrences(of: "{options}", with: options),
                beginning: nil
            )
        }
        answer = try renderer.turn(after: prompts.answer, beginning: prompts.answerPrefix)
        emptyStep = tokenizer.encode(prompts.emptyStep, continuing: true)
    }

    private struct Renderer {
        let prompts: PromptRenderer
        let images: [EncodedImage]
        var opening: [ChatMessage]
        let addsBeginning: Bool

        func prompt() throws -> [TokenID] {
            try prompts.tokens(of: try prompts.pieces(for: opening), images: images, addSpecialTokens: addsBeginning)
        }

        /// The tokens that close the model's turn, ask `request` and open the model's next turn.
        func turn(after request: String, beginning: String?) throws -> [TokenID] {
            let mark = uniqueMark(in: opening.map(\.content) + [request])
            let pieces = try prompts.pieces(
                for: opening + [
                    ChatMessage(role: .assistant, content: mark), ChatMessage(role: .user, content: request),
                ]
            )
            guard let index = pieces.firstIndex(where: { $0.text.contains(mark) }),
                let place = pieces[index].text.range(of: mark)
            else { throw EMLLMError.templateDropsTurns }
            var rest = Array(pieces[(index + 1)...])
            let tail = String(pieces[index].text[place.upperBound...])
            if !tail.isEmpty { rest.insert(PromptPiece(text: tail, isTrusted: pieces[index].isTrusted), at: 0) }
            guard !rest.contains(where: { $0.text.contains(mark) }) else { throw EMLLMError.templateDropsTurns }
            if let beginning { rest.append(PromptPiece(text: beginning, isTrusted: false)) }
            return try prompts.tokens(of: rest, continuing: true)
        }

        /// A word that occurs in none of the texts, and that no template has a reason to change.
        private func uniqueMark(in texts: [String]) -> String {
            var number = 0
            while true {
                let mark = "stepmark\(number)end"
                if !texts.contains(where: { $0.contains(mark) }) { return mark }
                number += 1
            }
        }
    }
}

extension EMLLMError.Code {
    /// A question without text.
    public static let emptyQuestion = Self(rawValue: "empty-question")
    /// A chat template that does not show the model's earlier turns as they were.
    public static let templateDropsTurns = Self(rawValue: "template-drops-turns")
}

extension EMLLMError {
    static let emptyQuestion = EMLLMError(
        code: .emptyQuestion,
        subject: "question",
        expected: "some text",
        found: "none",
        remedy: "write a question"
    )
    static let templateDropsTurns = EMLLMError(
        code: .templateDropsTurns,
        subject: "chat template",
        expected: "the model's own turn once, as it was written, in a conversation with a second question",
        found: "another rendering",
        remedy: "use plain chat (--plain), or a model with an ordinary template"
    )
}
