/// The model families that this engine runs. Adding one is a file beside ``ModelFamily`` `llama` and a line here.
public enum ModelRegistry {
    /// Every family.
    public static let families: [ModelFamily] = [.llama, .qwen2, .qwen3]

    /// The family with a name, as stored in `.emllm` files.
    ///
    /// - Throws: ``EMLLMError/Code/unsupportedArchitecture``.
    static func family(named name: String, path: String) throws -> ModelFamily {
        guard let family = families.first(where: { $0.name == name }) else {
            throw EMLLMError.unsupportedArchitecture(path: path, name: name, supported: families.map(\.name))
        }
        return family
    }

    /// The family of a Hugging Face folder's `model_type`.
    ///
    /// - Throws: ``EMLLMError/Code/unsupportedArchitecture``.
    static func family(modelType name: String, path: String) throws -> ModelFamily {
        guard let family = families.first(where: { $0.huggingFace.modelType == name }) else {
            throw EMLLMError.unsupportedArchitecture(
                path: path,
                name: name,
                supported: families.map(\.huggingFace.modelType)
            )
        }
        return family
    }

    /// The family of a GGUF file's `general.architecture`.
    ///
    /// - Throws: ``EMLLMError/Code/unsupportedArchitecture``.
    static func family(ggufArchitecture name: String, path: String) throws -> ModelFamily {
        guard let family = families.first(where: { $0.ggufArchitectures.contains(name) }) else {
            throw EMLLMError.unsupportedArchitecture(
                path: path,
                name: name,
                supported: families.flatMap(\.ggufArchitectures)
            )
        }
        return family
    }
}

/// A family of models: how its published configuration and weight names map onto the engine's.
public struct ModelFamily: Sendable {
    /// The name in `.emllm` files.
    public let name: String
    /// The values of `general.architecture` in GGUF files.
    public let ggufArchitectures: [String]
    /// Translates the metadata of a GGUF file.
    let decoderConfiguration: @Sendable (GGUFFile) throws -> DecoderConfiguration
    /// What a tensor of a GGUF file is to the engine.
    let role: @Sendable (_ ggufTensorName: String) -> TensorRole

    /// How Hugging Face's folders describe it.
    let huggingFace: HuggingFaceDecoder

    /// A family whose files have the keys and names that dense architectures share.
    init(name: String, gguf: GGUFDecoder, huggingFace: HuggingFaceDecoder) {
        self.name = name
        self.huggingFace = huggingFace
        ggufArchitectures = [gguf.architecture]
        decoderConfiguration = { try gguf.configuration(of: $0) }
        role = { gguf.role(of: $0) }
    }
}

/// What a tensor of a published file is to the engine.
enum TensorRole: Equatable {
    /// A weight, by canonical name.
    case weight(String)
    /// Already taken into the configuration.
    case configuration
    /// A weight of a variant that the engine does not run; ignoring it would change the model's answers.
    case unknown
}

extension EMLLMError.Code {
    /// The model's architecture, or a part of it, is not one that this build runs.
    public static let unsupportedArchitecture = Self(rawValue: "unsupported-architecture")
}

extension EMLLMError {
    static func unsupportedArchitecture(path: String, name: String, supported: [String]) -> EMLLMError {
        EMLLMError(
            code: .unsupportedArchitecture,
            subject: path,
            expected: "an architecture among \(supported.joined(separator: ", "))",
            found: name,
            remedy: "use a model of a supported family"
        )
    }

    static func unsupportedPart(path: String, part: String, supported: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .unsupportedArchitecture,
            subject: path,
            expected: "\(supported) for \(part)",
            found: found,
            remedy: "use a model without this feature"
        )
    }
}
