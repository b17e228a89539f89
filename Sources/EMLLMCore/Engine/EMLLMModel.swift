import Foundation

/// A language model, loaded: weights, tokenizer, chat template and configuration. Immutable and shareable.
///
/// ```swift
/// let model = try EMLLMModel.load(from: URL(filePath: "smollm2.emllm"))
/// let session = EMLLMSession(model: model)
/// print(try await session.respond(to: "What is the capital of France?").content)
/// ```
///
/// Loading an `.emllm` file maps it into memory and copies nothing; loading a GGUF file repacks its weights. The memory
/// is freed with the last reference to the model and to every context made from it.
public final class EMLLMModel: Sendable {
    /// The file's contents.
    public let package: ModelPackage
    /// Text to tokens and back.
    public let tokenizer: Tokenizer
    /// The template that turns messages into a prompt; `nil` when the file carries none.
    public let chatTemplate: ChatTemplate?
    /// The shape of the model.
    public var configuration: ModelConfiguration { package.configuration }

    /// Whether the model takes pictures.
    public var hasVision: Bool { visionWeights != nil }

    /// Turns conversations into tokens; `nil` when the file carries no chat template.
    public let promptRenderer: PromptRenderer?

    let weights: DecoderWeights
    let visionWeights: VisionWeights?
    /// Features of pictures that contexts of this model have in memory.
    let imageFeatures = SharedImageFeatures()

    /// Makes a model of an opened package.
    ///
    /// - Throws: `EMLLMError` when a tensor is missing or has the wrong shape, the tokenizer cannot work, or the chat
    ///   template uses something that is not supported.
    public init(package: ModelPackage) throws {
        self.package = package
        weights = try DecoderWeights(package: package, configuration: package.configuration.decoder)
        tokenizer = try Tokenizer(package.tokenizer)
        chatTemplate = try package.chatTemplate.map { try ChatTemplate($0) }
        let vision = package.configuration.vision
        let width = package.configuration.decoder.hiddenSize
        visionWeights = try vision.map { try VisionWeights(package: package, vision: $0, decoderWidth: width) }
        promptRenderer = chatTemplate.map { [tokenizer] in
            PromptRenderer(template: $0, tokenizer: tokenizer, imageFormat: vision?.prompt)
        }
        guard tokenizer.vocabularySize <= package.configuration.decoder.vocabularySize else {
            throw EMLLMError.vocabularyMismatch(
                tokenizer: tokenizer.vocabularySize,
                embedding: package.configuration.decoder.vocabularySize
            )
        }
    }

    /// Loads an `.emllm` or a GGUF file, told apart by content, or a folder as Hugging Face publishes it.
    ///
    /// - Parameters:
    ///   - url: the file or folder.
    ///   - vision: for a GGUF file: the mmproj file with its vision tower.
    public static func load(from url: URL, vision: URL? = nil) throws -> EMLLMModel {
        try EMLLMModel(package: ModelPackage.open(url, vision: vision))
    }
}

extension EMLLMError.Code {
    /// A tokenizer with more tokens than the embedding has rows.
    public static let vocabularyMismatch = Self(rawValue: "vocabulary-mismatch")
}

extension EMLLMError {
    static func vocabularyMismatch(tokenizer: Int, embedding: Int) -> EMLLMError {
        EMLLMError(
            code: .vocabularyMismatch,
            subject: "tokenizer",
            expected: "at most \(embedding) tokens (embedding rows)",
            found: "\(tokenizer)",
            remedy: "convert the model again from its original files"
        )
    }
}
