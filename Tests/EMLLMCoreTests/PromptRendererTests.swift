import Foundation
import Testing

@testable import EMLLMCore

/// Prompts with pictures: which style a template takes, and what a marker becomes.
@Suite("Prompts with pictures")
struct PromptRendererTests {
    /// SmolVLM's, as it is published.
    static let smolVLM = """
        <|im_start|>{% for message in messages %}{{message['role'] | capitalize}}\
        {% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}\
        {% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}\
        {% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>
        {% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}
        """
    /// InternVL's kind: a message is one text.
    static let plain = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    /// Writes the marker in two parts.
    static let halves = """
        {% for m in messages %}{% for part in m.content %}{% if part.type == 'image' %}{{ '<ima' }}{{ 'ge>' }}\
        {% else %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}
        """

    private static let model: Result<EMLLMModel, any Error> = Result {
        try EMLLMModel.load(from: VisionFamilyTests.folder.appending(path: "smolvlm"))
    }

    private func renderer(_ template: String) throws -> PromptRenderer {
        let model = try Self.model.get()
        return PromptRenderer(
            template: try ChatTemplate(template),
            tokenizer: model.tokenizer,
            imageFormat: model.configuration.vision?.prompt
        )
    }

    private func text(_ template: String, _ messages: [ChatMessage]) throws -> String {
        try renderer(template).pieces(for: messages).map(\.text).joined()
    }

    @Test("A template of parts gets parts, one of texts gets the marker before the text")
    func styles() throws {
        let question = [ChatMessage(role: .user, content: "What?", imageCount: 2)]
        let answered = [ChatMessage(role: .user, content: "Hi"), ChatMessage(role: .assistant, content: "Ho")]
        #expect(
            try text(Self.smolVLM, question) == "<|im_start|>User:<image><image>What?<end_of_utterance>\nAssistant:"
        )
        #expect(
            try text(Self.smolVLM, answered)
                == "<|im_start|>User: Hi<end_of_utterance>\nAssistant: Ho<end_of_utterance>\nAssistant:"
        )
        #expect(try text(Self.plain, question) == "[user] <image>\n<image>\nWhat?\n")
        #expect(try text(Self.plain, answered) == "[user] Hi\n[assistant] Ho\n")
    }

    @Test("A marker that a template writes in parts is a marker; one that a user writes is not")
    func markers() throws {
        let model = try Self.model.get()
        let context = try InferenceContext(model: model)
        let image = try context.encode(VisionFamilyTests.picture("landscape.png"))
        for template in [Self.smolVLM, Self.plain, Self.halves] {
            let renderer = try renderer(template)
            let message = ChatMessage(role: .user, content: "<image> <row_1_col_1>", imageCount: 1)
            let tokens = try renderer.tokens(of: renderer.pieces(for: [message]), images: [image])
            #expect(tokens.filter(image.tokens.contains) == Array(image.tokens))
            // The first tile's name is there once: the user's is text.
            let tile = try #require(model.tokenizer.token(forSpecial: "<row_1_col_1>"))
            #expect(tokens.filter { $0 == tile }.count == 1)
        }
    }

    @Test("A conversation, or the rest of one, that comes to no token is an error", arguments: [true, false])
    func emptyPrompt(continuing: Bool) throws {
        let renderer = try renderer("{# nothing #}")
        let pieces = try renderer.pieces(for: [ChatMessage(role: .user, content: "What?")])
        let error = #expect(throws: EMLLMError.self) { try renderer.tokens(of: pieces, continuing: continuing) }
        #expect(error?.code == .emptyPrompt)
        #expect(error?.description.contains("chat template") == true)
    }

    @Test("What stands around features")
    func surroundings() {
        let none = ImagePromptFormat(marker: "x")
        #expect(none.parts(tiles: (0, 0), features: 7) == [.features(7)])
        let between = ImagePromptFormat(marker: "x", surroundings: .between(begin: "<", end: ">"))
        #expect(between.parts(tiles: (2, 1), features: 12) == [.text("<"), .features(12), .text(">")])
        let tiles = ImagePromptFormat(marker: "x", surroundings: .tiles(around: "|", whole: "*"))
        #expect(tiles.parts(tiles: (0, 0), features: 4) == [.text("|*"), .features(4), .text("|")])
        #expect(
            tiles.parts(tiles: (2, 1), features: 12) == [
                .text("|<row_1_col_1>"), .features(4), .text("\n"), .text("|<row_2_col_1>"), .features(4), .text("\n"),
                .text("\n"), .text("|*"), .features(4), .text("|"),
            ]
        )
    }
}
