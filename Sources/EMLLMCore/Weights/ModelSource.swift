/// A model of any format, opened and validated, with its weights still as they lie in the file.
///
/// ``ModelPackage`` makes it ready for the kernels; ``ModelConverter`` writes it out.
struct ModelSource: Sendable {
    /// How the bytes of a weight are arranged.
    enum Arrangement {
        /// GGUF's and safetensors': rows of blocks, one row after the other.
        case rows
        /// `ct_pack`'s.
        case packed
    }

    /// One weight, under its canonical name.
    struct Weight: @unchecked Sendable {  // read-only bytes of the mapped file
        let name: String
        let type: TensorType
        let shape: WeightShape
        let bytes: UnsafeRawBufferPointer
        let owner: MappedFile
    }

    /// The path of the file or folder.
    let path: String
    /// The files that hold the weights.
    let files: [MappedFile]
    /// The format with its version, for people.
    let format: String
    let arrangement: Arrangement
    let configuration: ModelConfiguration
    let tokenizer: TokenizerDefinition
    let chatTemplate: String?
    let provenance: Provenance
    /// In the order of ``DecoderConfiguration/weightShapes``.
    let weights: [Weight]

    /// Takes a file that has been opened.
    init(_ file: ModelFile) throws {
        switch file {
        case .emllm(let file): try self.init(container: file)
        case .gguf(let file): try self.init(gguf: file)
        case .huggingFace(let directory): try self.init(directory)
        }
    }

    private init(container: EMLLMFile) throws {
        path = container.file.path
        _ = try ModelRegistry.family(named: container.configuration.family, path: path)
        files = [container.file]
        format = ".emllm \(container.version)"
        arrangement = .packed
        configuration = container.configuration
        tokenizer = container.tokenizer
        chatTemplate = container.chatTemplate
        provenance = container.provenance
        let found = container.tensors.map {
            Weight(
                name: $0.name,
                type: $0.type,
                shape: $0.shape,
                bytes: container.bytes(of: $0),
                owner: container.file
            )
        }
        weights = try Self.matched(found, to: configuration.decoder, path: path)
        try Self.checkVocabulary(tokenizer, configuration.decoder, path: path)
    }

    private init(gguf: GGUFFile) throws {
        path = gguf.file.path
        let metadata = gguf.metadata
        let key = "general.architecture"
        let architecture = try metadata.require(key, try metadata.string(key))
        let family = try ModelRegistry.family(ggufArchitecture: architecture, path: path)
        if let parts = try metadata.integer("split.count", in: 0...Int(UInt16.max)), parts > 1 {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "the file",
                supported: "the whole model",
                found: "one of \(parts) parts"
            )
        }
        files = [gguf.file]
        format = "GGUF \(gguf.version)"
        arrangement = .rows
        configuration = ModelConfiguration(family: family.name, decoder: try family.decoderConfiguration(gguf))
        tokenizer = try gguf.tokenizerDefinition()
        chatTemplate = try metadata.string("tokenizer.chat_template")
        let path = path
        let fileName = String(path.split(separator: "/").last ?? "")
        provenance = Provenance(
            name: try metadata.string("general.name") ?? fileName,
            organization: try metadata.string("general.organization"),
            license: try metadata.string("general.license"),
            url: try metadata.string("general.source.url") ?? metadata.string("general.url"),
            sourceFile: fileName,
            sourceFormat: format
        )
        let found = try gguf.tensors.compactMap { tensor -> Weight? in
            switch family.role(tensor.name) {
            case .configuration: return nil
            case .unknown: throw EMLLMError.unexpectedTensor(path: path, name: tensor.name, family: family.name)
            case .weight(let name):
                return Weight(
                    name: name,
                    type: tensor.type,
                    shape: try Self.shape(of: tensor, path: path),
                    bytes: gguf.bytes(of: tensor),
                    owner: gguf.file
                )
            }
        }
        weights = try Self.matched(found, to: configuration.decoder, path: path)
        try Self.checkVocabulary(tokenizer, configuration.decoder, path: path)
    }

    private init(_ directory: HuggingFaceDirectory) throws {
        path = directory.path
        let config = directory.configuration
        let type = try config.require("model_type", try config.string("model_type"))
        let family = try ModelRegistry.family(modelType: type, path: config.path)
        files = directory.shards.map(\.file)
        format = "Hugging Face"
        arrangement = .rows
        let decoder = try family.huggingFace.configuration(of: config)
        configuration = ModelConfiguration(family: family.name, decoder: decoder)
        tokenizer = try directory.tokenizerDefinition(embeddingRows: decoder.vocabularySize)
        chatTemplate = try directory.chatTemplate()
        provenance = Provenance(name: directory.name, sourceFile: directory.sourceName, sourceFormat: format)
        let found = try directory.shards.flatMap { shard in
            try shard.tensors.compactMap { tensor -> Weight? in
                let path = shard.file.path
                switch family.huggingFace.role(of: tensor.name, isTied: decoder.tiedOutputHead) {
                case .configuration: return nil
                case .unknown: throw EMLLMError.unexpectedTensor(path: path, name: tensor.name, family: family.name)
                case .weight(let name):
                    let sizes = Array(tensor.dimensions.reversed())
                    return Weight(
                        name: name,
                        type: tensor.type,
                        shape: try Self.shape(name: tensor.name, dimensions: sizes, path: path),
                        bytes: shard.bytes(of: tensor),
                        owner: shard.file
                    )
                }
            }
        }
        let names = found.map(\.name)
        if let twice = Dictionary(grouping: names, by: \.self).first(where: { $1.count > 1 })?.key {
            throw EMLLMError.duplicateTensor(path: path, name: twice)
        }
        weights = try Self.matched(found, to: decoder, path: path)
    }

    private static func shape(of tensor: GGUFFile.Tensor, path: String) throws -> WeightShape {
        try shape(name: tensor.name, dimensions: tensor.dimensions, path: path)
    }

    /// - Parameter dimensions: the fastest first.
    private static func shape(name: String, dimensions: [Int], path: String) throws -> WeightShape {
        switch dimensions.count {
        case 1: return .vector(count: dimensions[0])
        case 2: return .matrix(rows: dimensions[1], columns: dimensions[0])
        default:
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "1 or 2 dimensions",
                found: "\(dimensions.count)"
            )
        }
    }

    /// Puts weights in the engine's order, and checks that each is there with the right shape, and no other.
    private static func matched(
        _ found: [Weight],
        to decoder: DecoderConfiguration,
        path: String
    ) throws -> [Weight] {
        var byName: [String: Weight] = [:]
        for weight in found { byName[weight.name] = weight }
        let weights = try decoder.weightShapes.map { name, shape in
            guard let weight = byName.removeValue(forKey: name) else {
                throw EMLLMError.missingTensor(path: path, name: name)
            }
            guard weight.shape == shape else {
                throw EMLLMError.wrongTensorShape(
                    path: path,
                    name: name,
                    expected: "\(shape)",
                    found: "\(weight.shape)"
                )
            }
            return weight
        }
        if let extra = byName.keys.min() {
            throw EMLLMError.unexpectedTensor(path: path, name: extra, family: "configured")
        }
        return weights
    }

    private static func checkVocabulary(
        _ tokenizer: TokenizerDefinition,
        _ decoder: DecoderConfiguration,
        path: String
    ) throws {
        guard tokenizer.tokens.count == decoder.vocabularySize else {
            throw EMLLMError.invalidTokenizer(
                path: path,
                expected: "\(decoder.vocabularySize) tokens, one for each row of the embedding,",
                found: "\(tokenizer.tokens.count)"
            )
        }
    }
}

extension EMLLMError.Code {
    /// A tensor that the model needs is absent.
    public static let missingTensor = Self(rawValue: "missing-tensor")
    /// The file has a tensor that the model's family does not know.
    public static let unexpectedTensor = Self(rawValue: "unexpected-tensor")
    /// A tensor's shape is not the one that the configuration asks for.
    public static let wrongTensorShape = Self(rawValue: "wrong-tensor-shape")
}

extension EMLLMError {
    static func missingTensor(path: String, name: String) -> EMLLMError {
        EMLLMError(
            code: .missingTensor,
            subject: path,
            expected: "the tensor \(name)",
            found: "no such tensor",
            remedy: "fetch a complete model file"
        )
    }

    static func unexpectedTensor(path: String, name: String, family: String) -> EMLLMError {
        EMLLMError(
            code: .unexpectedTensor,
            subject: path,
            expected: "only tensors of the \(family) decoder",
            found: name,
            remedy: "use a model of a supported family without extra weights"
        )
    }

    static func wrongTensorShape(path: String, name: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .wrongTensorShape,
            subject: path,
            expected: "the shape \(expected) for \(name)",
            found: found,
            remedy: "fetch the model file again; its configuration and weights disagree"
        )
    }
}
