/// One turn of a conversation.
public struct ChatMessage: Sendable, Codable, Equatable {
    /// Who speaks.
    public enum Role: String, Sendable, Codable, CaseIterable {
        /// Instructions that come before the conversation.
        case system
        /// The person who asks.
        case user
        /// The model.
        case assistant
    }

    /// Who speaks.
    public var role: Role
    /// What is said. Templates see it as untrusted text: special tokens in it stay text.
    public var content: String

    /// Makes a message.
    public init(role: Role, content: String) {
        self.role = role
        self.content = content
    }
}

extension ChatMessage {
    /// A part of a message for templates that take a list of parts, as those of vision models do.
    enum Part: Sendable, Equatable {
        case text(String)
        case image
    }

    /// The message as templates see it, `{"role": …, "content": "…"}`.
    var templateValue: TemplateValue { Self.templateValue(role: role, content: .untrusted(content)) }

    /// A message of several parts as templates see it, `{"role": …, "content": [{"type": "image"}, …]}`.
    static func templateValue(role: Role, parts: [Part]) -> TemplateValue {
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
