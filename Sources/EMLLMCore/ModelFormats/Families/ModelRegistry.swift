/// The model families that this engine runs. To add one, write a file like that of ``ModelFamily`` `llama`, and add a
/// line here.
package enum ModelRegistry {
    /// Families of text decoders.
    package static let families: [ModelFamily] = [.llama, .qwen2, .qwen3, .granite, .internLM2]

    /// Families of vision-language models, each on top of one of the decoders.
    package static let visionFamilies: [VisionFamily] = [
        .qwen2VL, .qwen25VL, .qwen3VL, .llava, .internVL, .internVLOriginal, .idefics3,
    ]

    /// Checks a name, as stored in `.emllm` files.
    ///
    /// - Throws: `EMLLMError.Code.unsupportedArchitecture`.
    static func checkFamily(named name: String, hasVision: Bool, path: String) throws {
        let names = hasVision ? visionFamilies.map(\.name) : families.map(\.name)
        guard names.contains(name) else {
            throw EMLLMError.unsupportedArchitecture(path: path, name: name, supported: names)
        }
    }

    /// The family of a Hugging Face folder's `model_type`.
    ///
    /// - Throws: `EMLLMError.Code.unsupportedArchitecture`.
    static func family(modelType name: String, path: String) throws -> ModelFamily {
        guard let family = families.first(where: { $0.huggingFace.modelTypes.contains(name) }) else {
            throw EMLLMError.unsupportedArchitecture(
                path: path,
                name: name,
                supported: families.compactMap(\.huggingFace.modelTypes.first) + visionFamilies.flatMap(\.modelTypes)
            )
        }
        return family
    }

    /// The vision family of a Hugging Face folder's `model_type`; `nil` for a text model.
    static func visionFamily(modelType name: String) -> VisionFamily? {
        visionFamilies.first { $0.modelTypes.contains(name) }
    }

    /// The family of a GGUF file's `general.architecture`.
    ///
    /// - Throws: `EMLLMError.Code.unsupportedArchitecture`.
    static func family(ggufArchitecture name: String, path: String) throws -> ModelFamily {
        guard let family = families.first(where: { $0.gguf.architectures.contains(name) }) else {
            throw EMLLMError.unsupportedArchitecture(
                path: path,
                name: name,
                supported: families.flatMap(\.gguf.architectures)
            )
        }
        return family
    }

    /// The vision family of an mmproj file's projector.
    ///
    /// - Throws: `EMLLMError.Code.unsupportedArchitecture`.
    static func visionFamily(projector name: String, path: String) throws -> VisionFamily {
        guard let family = visionFamilies.first(where: { $0.projectors.contains(name) }) else {
            throw EMLLMError.unsupportedArchitecture(
                path: path,
                name: name,
                supported: visionFamilies.flatMap(\.projectors)
            )
        }
        return family
    }
}

/// A family of text decoders: how its published configuration and weight names map onto the engine's.
package struct ModelFamily: Sendable {
    /// The name in `.emllm` files.
    package let name: String
    /// How GGUF files describe it.
    let gguf: GGUFDecoder
    /// How Hugging Face's folders describe it.
    let huggingFace: HuggingFaceDecoder
}

/// A family of vision-language models: how its published configuration maps onto the engine's.
///
/// Weight names differ so little between families that one table serves all: `VisionTensorNames`.
package struct VisionFamily: Sendable {
    /// The name in `.emllm` files.
    package let name: String
    /// The values of `model_type` in Hugging Face's folders.
    let modelTypes: [String]
    /// The values of `clip.projector_type` in mmproj files.
    let projectors: [String]
    /// Translates a folder's configuration.
    let huggingFace: @Sendable (HuggingFaceVision) throws -> VisionConfiguration
    /// Translates an mmproj file's metadata; `nil` for families that llama.cpp does not define.
    var gguf: (@Sendable (GGUFVision) throws -> VisionConfiguration)?
}

/// The role of a tensor of a published file in the engine.
enum TensorRole: Equatable {
    /// A weight, by canonical name.
    case weight(String)
    /// Several weights of equal height, stacked vertically.
    case stacked([String])
    /// Queries, keys and values, grouped by key/value head (InternLM2), by the canonical name of the layer's attention.
    case groupedQueryKeyValue(String)
    /// Already represented in the configuration, or not needed by this model.
    case configuration
    /// A weight of a variant that the engine does not run; ignoring it would change the model's answers.
    case unknown
}

extension EMLLMError.Code {
    /// This build does not support the model's architecture, or a part of it.
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
