/// One turn of a conversation.
public struct ChatMessage: Sendable, Codable, Equatable {
    /// Who speaks.
    public enum Role: String, Sendable, Codable, CaseIterable {
        /// Instructions that come before the conversation.
        case system
        /// The user.
        case user
        /// The model.
        case assistant
    }

    /// Who speaks.
    public var role: Role
    /// The text. Templates see it as untrusted: special tokens in it remain text.
    public var content: String
    /// The number of pictures before the text. The pictures themselves are passed separately from the messages, in
    /// order.
    public var imageCount: Int

    /// Makes a message.
    public init(role: Role, content: String, imageCount: Int = 0) {
        self.role = role
        self.content = content
        self.imageCount = imageCount
    }

    /// Decodes a message; the number of pictures defaults to 0.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            role: try values.decode(Role.self, forKey: .role),
            content: try values.decode(String.self, forKey: .content),
            imageCount: try values.decodeIfPresent(Int.self, forKey: .imageCount) ?? 0
        )
    }
}

extension ChatMessage {
    /// A part of a message, for templates that take a list of parts, such as those of vision models.
    package enum Part: Sendable, Equatable {
        case text(String)
        case image
    }

    /// The form in which a template expects the content of messages.
    package enum Style: Sendable, Equatable {
        /// One text, with a marker and a line break for each picture before it.
        case text(marker: String)
        /// A list of parts.
        case parts
    }

    /// The message as templates see it, `{"role": …, "content": …}`.
    ///
    /// - Throws: `EMLLMError.Code.invalidMessage` for an impossible number of pictures.
    package func templateValue(_ style: Style) throws -> TemplateValue {
        guard (0...Self.mostImages).contains(imageCount) else {
            throw EMLLMError(
                code: .invalidMessage,
                subject: "message of the \(role.rawValue)",
                expected: "0 to \(Self.mostImages) pictures",
                found: "\(imageCount)",
                remedy: "give the number of pictures that it shows"
            )
        }
        switch style {
        case .text(let marker):
            var text = TemplateString(String(repeating: marker + "\n", count: imageCount), isTrusted: true)
            text.append(content, isTrusted: false)
            return Self.templateValue(role: role, content: .string(text))
        case .parts:
            let pictures = [Part](repeating: .image, count: imageCount)
            return Self.templateValue(role: role, parts: pictures + [.text(content)])
        }
    }

    /// The maximum number of pictures in one message.
    static let mostImages = 1 << 16

    /// A message of several parts as templates see it, `{"role": …, "content": [{"type": "image"}, …]}`.
    package static func templateValue(role: Role, parts: [Part]) -> TemplateValue {
        let content = parts.map { part -> TemplateValue in
            switch part {
            case .text(let text):
                .dictionary([entry("type", .trusted("text")), entry("text", .untrusted(text))])
            case .image:
                .dictionary([entry("type", .trusted("image"))])
            }
        }
        return templateValue(role: role, content: .list(content))
    }

    private static func templateValue(role: Role, content: TemplateValue) -> TemplateValue {
        .dictionary([entry("role", .trusted(role.rawValue)), entry("content", content)])
    }

    private static func entry(_ key: String, _ value: TemplateValue) -> TemplateValue.Entry {
        TemplateValue.Entry(key: TemplateString(key, isTrusted: true), value: value)
    }
}

extension EMLLMError.Code {
    /// A message that shows an impossible number of pictures.
    public static let invalidMessage = Self(rawValue: "invalid-message")
}
