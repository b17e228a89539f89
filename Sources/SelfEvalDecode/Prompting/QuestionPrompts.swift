import EMLLMCore
import Foundation

/// One question as tokens: its prompt, and the turns that can follow a step.
///
/// A step is the model's own tokens, inside its own turn. To evaluate it, that turn must be closed, the evaluation
/// asked as the user's turn, and a new turn of the model's opened, all by **appending tokens only**, since the tokens
/// in the cache stay there. Those tokens differ from family to family, so they are taken from the model's chat
/// template: it renders the conversation "question, *mark*, evaluation" with an arbitrary word as the mark, and
/// everything after the mark has to be appended.
public struct QuestionPrompts: Sendable {
    /// The question's prompt, up to where the model's reasoning begins.
    public let question: [TokenID]
    /// The same prompt without its pictures; `nil` if there are none.
    public let imageFreeQuestion: [TokenID]?
    /// The request for a verdict after a step: one sequence for each order of the two words.
    public let evaluations: [[TokenID]]
    /// The request for a verdict on a whole chain: one sequence for each order.
    public let chainEvaluations: [[TokenID]]
    /// The question of what is wrong.
    public let reflect: [TokenID]
    /// The request for the last step once more, after a reflection.
    public let refine: [TokenID]
    /// The request for the whole reasoning once more, after a reflection.
    public let rework: [TokenID]
    /// The request for the answer after the last step, with the answer's first words.
    public let answer: [TokenID]
    /// A step without content; empty if the prompts have none.
    public let emptyStep: [TokenID]

    /// The number of tokens that it takes to evaluate one step.
    public var evaluationCost: Int { evaluations.reduce(0) { $0 + $1.count } }

    /// How a model without a chat template is addressed.
    static let plainTemplate = """
        {% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}

        {% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}
        """

    /// Renders the turns for a model.
    ///
    /// - Parameters:
    ///   - question: the user's text. Anything in it that looks like a special token stays text.
    ///   - system: the system message; `nil` takes the one of `prompts`.
    ///   - prompts: the texts.
    ///   - bothOrders: whether each verdict is requested twice, once for each order of the two words.
    ///   - model: the model that is asked.
    ///   - images: the pictures that the question shows.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when a prompt is incomplete, the question is empty, or the template cannot
    ///   render such a conversation.
    public init(
        question: String,
        system: String? = nil,
        prompts: PromptPack = .casSEAT,
        bothOrders: Bool = false,
        model: EMLLMModel,
        images: [EncodedImage] = []
    ) throws {
        try self.init(
            question: question,
            system: system,
            prompts: prompts,
            bothOrders: bothOrders,
            renderer: model.promptRenderer,
            tokenizer: model.tokenizer,
            images: images
        )
    }

    /// Renders the turns.
    ///
    /// - Parameter renderer: renders the model's chat template; `nil` for a model without one.
    init(
        question: String,
        system: String?,
        prompts: PromptPack,
        bothOrders: Bool,
        renderer: PromptRenderer?,
        tokenizer: Tokenizer,
        images: [EncodedImage] = []
    ) throws {
        try prompts.validate()
        guard question.contains(where: { !$0.isWhitespace }) else { throw EMLLMError.emptyQuestion }
        let asked = ChatMessage(
            role: .user,
            content: prompts.reason.replacingOccurrences(of: "{question}", with: question),
            imageCount: images.count
        )
        let system = (system ?? prompts.system, isOurs: system == nil)
        let plain = try renderer ?? PromptRenderer(template: ChatTemplate(Self.plainTemplate), tokenizer: tokenizer)
        var turns = Renderer(
            prompts: plain,
            images: images,
            opening: [system.0.map { ChatMessage(role: .system, content: $0) }, asked].compactMap { $0 },
            addsBeginning: renderer == nil || plain.addsBeginning
        )
        do {
            self.question = try turns.prompt()
        } catch let error as EMLLMError where error.code == .chatTemplateRejection && system.isOurs {
            // Some families have no system messages. The pack's own message is dropped then; the caller's must not be.
            turns.opening = [asked]
            self.question = try turns.prompt()
        }
        imageFreeQuestion = images.isEmpty ? nil : try turns.withoutImages().prompt()
        let words = [prompts.verdict.positive, prompts.verdict.negative]
        let orders = (bothOrders ? [words, words.reversed()] : [words]).map { $0.joined(separator: " or ") }
        evaluations = try orders.map { try turns.turn(after: Self.offering($0, in: prompts.evaluate)) }
        chainEvaluations = try orders.map { try turns.turn(after: Self.offering($0, in: prompts.evaluateChain)) }
        reflect = try turns.turn(after: prompts.reflect)
        refine = try turns.turn(after: prompts.refine)
        rework = try turns.turn(after: prompts.rework)
        answer = try turns.turn(after: prompts.answer, beginning: prompts.answerPrefix)
        emptyStep = prompts.emptyStep.map { tokenizer.encode($0, continuing: true) } ?? []
    }

    private static func offering(_ options: String, in text: String) -> String {
        text.replacingOccurrences(of: "{options}", with: options)
    }

    private struct Renderer {
        let prompts: PromptRenderer
        var images: [EncodedImage]
        var opening: [ChatMessage]
        let addsBeginning: Bool

        func prompt() throws -> [TokenID] {
            try prompts.tokens(of: try prompts.pieces(for: opening), images: images, addSpecialTokens: addsBeginning)
        }

        /// The same conversation without pictures.
        func withoutImages() -> Renderer {
            var copy = self
            copy.images = []
            for index in copy.opening.indices { copy.opening[index].imageCount = 0 }
            return copy
        }

        /// The tokens that close the model's turn, ask `request` and open the model's next turn.
        func turn(after request: String, beginning: String? = nil) throws -> [TokenID] {
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
    /// A chat template that does not render the model's earlier turns unchanged.
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
        expected: "the model's own turn once, as it was written, in a questionPrompts with a second question",
        found: "another rendering",
        remedy: "use ordinary chat without evaluation, or a model with an ordinary template"
    )
}
