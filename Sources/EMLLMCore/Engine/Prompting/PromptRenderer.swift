/// Turns conversations into tokens: the chat template, the tokenizer, and for vision models the places of pictures.
///
/// ```swift
/// let pieces = try renderer.pieces(for: [ChatMessage(role: .user, content: "What is this?", imageCount: 1)])
/// let tokens = try renderer.tokens(of: pieces, images: [context.encode(picture)])
/// ```
///
/// Templates of vision models take a message as a list of parts or as one text; which of the two shows all of it is
/// found out when the renderer is made.
public struct PromptRenderer: Sendable {
    /// The chat template.
    package let template: ChatTemplate
    /// The tokenizer.
    package let tokenizer: Tokenizer
    /// How a prompt speaks of a picture; `nil` for models of text.
    package let imageFormat: ImagePromptFormat?
    private let style: ChatMessage.Style

    /// Whether the tokenizer's beginning-of-sequence token goes before a whole conversation whose template does not write
    /// it. Processors of vision models add it, tokenizers of text models leave it to the template.
    package var addsBeginning: Bool { imageFormat != nil }

    /// Makes a renderer for a model of text, as another engine needs one.
    public init(template: ChatTemplate, tokenizer: Tokenizer) {
        self.init(template: template, tokenizer: tokenizer, imageFormat: nil)
    }

    /// Makes a renderer.
    package init(template: ChatTemplate, tokenizer: Tokenizer, imageFormat: ImagePromptFormat?) {
        self.template = template
        self.tokenizer = tokenizer
        self.imageFormat = imageFormat
        style = imageFormat.map { Self.style(of: template, marker: $0.marker, tokenizer) } ?? .text(marker: "")
    }

    /// Parts when the template shows a text and a picture's marker in them; else the marker goes before the text.
    private static func style(of template: ChatTemplate, marker: String, _ tokenizer: Tokenizer) -> ChatMessage.Style {
        let mark = "partmark"
        let message = ChatMessage(role: .user, content: mark, imageCount: 1)
        let pieces = try? render([message], template, tokenizer, style: .parts, addingGenerationPrompt: false)
        let trusted = (pieces ?? []).filter(\.isTrusted).map(\.text).joined()
        let shows = pieces?.contains { $0.text.contains(mark) } ?? false
        return shows && trusted.contains(marker) ? .parts : .text(marker: marker)
    }

    private static func render(
        _ messages: [ChatMessage],
        _ template: ChatTemplate,
        _ tokenizer: Tokenizer,
        style: ChatMessage.Style,
        addingGenerationPrompt: Bool
    ) throws -> [PromptPiece] {
        func spelling(_ special: TokenID) -> String { String(decoding: tokenizer.bytes(of: special), as: UTF8.self) }
        return try template.render(
            messages: messages,
            addGenerationPrompt: addingGenerationPrompt,
            beginningOfSequence: tokenizer.beginningOfSequence.map(spelling),
            endOfSequence: tokenizer.endOfSequence.map(spelling),
            extra: ["messages": .list(try messages.map { try $0.templateValue(style) })]
        )
    }

    /// A conversation in the model's chat format, pictures still as markers.
    ///
    /// - Throws: `EMLLMError` when the template fails on these messages.
    package func pieces(
        for messages: [ChatMessage],
        addingGenerationPrompt: Bool = true
    ) throws -> [PromptPiece] {
        try Self.render(
            messages,
            template,
            tokenizer,
            style: style,
            addingGenerationPrompt: addingGenerationPrompt
        )
    }

    /// The tokens of a prompt.
    ///
    /// Text inside messages that looks like a special token, or like a picture's marker, stays text.
    ///
    /// - Parameters:
    ///   - pieces: the prompt.
    ///   - images: the pictures whose markers stand in it, in order.
    ///   - addSpecialTokens: whether the tokenizer's beginning-of-sequence token is added where the model wants one.
    ///   - continuing: whether the text continues a sequence.
    /// - Throws: `EMLLMError` with the code `imageCountMismatch` when there are more markers than pictures or fewer, and
    ///   `emptyPrompt` when the pieces come to no token at all: a model has nothing to say after nothing.
    package func tokens(
        of pieces: [PromptPiece],
        images: [EncodedImage] = [],
        addSpecialTokens: Bool = false,
        continuing: Bool = false
    ) throws -> [TokenID] {
        let tokens = try encode(pieces, images, addSpecialTokens: addSpecialTokens, continuing: continuing)
        guard !tokens.isEmpty else { throw EMLLMError.emptyPrompt }
        return tokens
    }

    private func encode(
        _ pieces: [PromptPiece],
        _ images: [EncodedImage],
        addSpecialTokens: Bool,
        continuing: Bool
    ) throws -> [TokenID] {
        guard let imageFormat else {
            guard images.isEmpty else { throw EMLLMError.noVision }
            return tokenizer.encode(pieces, addSpecialTokens: addSpecialTokens, continuing: continuing)
        }
        let segments = split(pieces, at: imageFormat.marker)
        guard segments.count == images.count + 1 else {
            throw EMLLMError.imageCountMismatch(
                expected: images.count,
                found: segments.count - 1,
                marker: imageFormat.marker
            )
        }
        var tokens: [TokenID] = []
        var text = segments[0]
        var isFirst = true
        func flush() {
            tokens += tokenizer.encode(
                text,
                addSpecialTokens: isFirst && addSpecialTokens,
                continuing: isFirst && continuing
            )
            text = []
            isFirst = false
        }
        for (image, segment) in zip(images, segments.dropFirst()) {
            var used = 0
            for part in imageFormat.parts(tiles: image.tiles, features: image.featureCount) {
                switch part {
                case .text(let spelled): text.append(.trusted(spelled))
                case .features(let count):
                    flush()
                    let first = image.tokens.lowerBound + TokenID(used)
                    tokens += first..<(first + TokenID(count))
                    used += count
                }
            }
            text += segment
        }
        flush()
        return tokens
    }

    /// What stands between markers in trusted text.
    private func split(_ pieces: [PromptPiece], at marker: String) -> [[PromptPiece]] {
        var segments: [[PromptPiece]] = [[]]
        var index = 0
        while index < pieces.count {
            guard pieces[index].isTrusted else {
                segments[segments.count - 1].append(pieces[index])
                index += 1
                continue
            }
            // Neighbouring trusted pieces are one text: a template may write a marker in parts.
            var trusted = ""
            while index < pieces.count, pieces[index].isTrusted {
                trusted += pieces[index].text
                index += 1
            }
            for (number, text) in trusted.split(separator: marker, omittingEmptySubsequences: false).enumerated() {
                if number > 0 { segments.append([]) }
                if !text.isEmpty { segments[segments.count - 1].append(.trusted(String(text))) }
            }
        }
        return segments
    }
}

extension EMLLMError.Code {
    /// A chat template that renders a conversation, or what follows it, to nothing.
    public static let emptyPrompt = Self(rawValue: "empty-prompt")
}

extension EMLLMError {
    static let emptyPrompt = EMLLMError(
        code: .emptyPrompt,
        subject: "chat template",
        expected: "a prompt of at least one token",
        found: "an empty one",
        remedy: "convert the model from a source with a working template, or use raw prompts"
    )
}
