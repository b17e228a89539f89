import Foundation

/// A model of any format, opened and validated, with its weights still arranged as in the file.
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
        /// The bytes: usually one piece, but several if a file interleaves parts of different weights.
        let pieces: [UnsafeRawBufferPointer]
        let owner: MappedFile
        /// The digest of the bytes, if the file states it.
        var checksum: Checksum?

        /// The size of all pieces, in bytes.
        var byteCount: Int { pieces.reduce(0) { $0 + $1.count } }

        /// Lets the system drop the pages of the bytes until they are needed again.
        func releasePages() {
            guard let base = owner.bytes.baseAddress else { return }
            for piece in pieces {
                guard let start = piece.baseAddress.map({ $0 - base }) else { continue }
                owner.release(start..<(start + piece.count))
            }
        }

        /// The bytes in one piece, and the object that keeps them in memory.
        func gathered(path: String) throws -> (bytes: UnsafeRawBufferPointer, owner: AnyObject) {
            if pieces.count == 1 { return (pieces[0], owner) }
            let buffer = try AlignedBuffer(byteCount: byteCount, for: path)
            var target = buffer.bytes.baseAddress!
            for piece in pieces {
                guard let source = piece.baseAddress else { continue }
                target.copyMemory(from: source, byteCount: piece.count)
                target += piece.count
            }
            return (UnsafeRawBufferPointer(buffer.bytes), buffer)
        }
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
    /// The recipe of an `.emllm` file, unchanged; other formats have none.
    var recipe: Data?
    /// The weights, in the order of ``ModelConfiguration/weightShapes``.
    let weights: [Weight]

    /// Takes a file that has been opened.
    init(_ file: ModelFile) throws {
        switch file {
        case .emllm(let file): try self.init(container: file)
        case .gguf(let file, let vision): try self.init(gguf: file, vision: vision)
        case .huggingFace(let directory): try self.init(directory)
        }
    }

    private init(container: EMLLMFile) throws {
        path = container.file.path
        let configuration = container.configuration
        try ModelRegistry.checkFamily(named: configuration.family, hasVision: configuration.vision != nil, path: path)
        files = [container.file]
        format = ".emllm \(container.version)"
        arrangement = .packed
        self.configuration = configuration
        tokenizer = container.tokenizer
        chatTemplate = container.chatTemplate
        provenance = container.provenance
        recipe = container.recipe
        let found = container.tensors.map {
            Weight(
                name: $0.name,
                type: $0.type,
                shape: $0.shape,
                pieces: [container.bytes(of: $0)],
                owner: container.file,
                checksum: $0.checksum
            )
        }
        weights = try Self.matched(found, to: configuration, path: path)
        try Self.checkVocabulary(tokenizer, configuration.decoder, path: path)
    }

    private init(gguf: GGUFFile, vision: GGUFFile?) throws {
        path = gguf.file.path
        let metadata = gguf.metadata
        let key = "general.architecture"
        let architecture = try metadata.require(key, try metadata.string(key))
        guard architecture != "clip" else { throw EMLLMError.visionFileAlone(path: path) }
        let family = try ModelRegistry.family(ggufArchitecture: architecture, path: path)
        if let parts = try metadata.integer("split.count", in: 0...Int(UInt16.max)), parts > 1 {
            throw EMLLMError.unsupportedPart(
                path: path,
                part: "the file",
                supported: "the whole model",
                found: "one of \(parts) parts"
            )
        }
        files = [gguf.file] + (vision.map { [$0.file] } ?? [])
        format = "GGUF \(gguf.version)"
        arrangement = .rows
        let decoder = try family.gguf.configuration(of: gguf)
        let tower = try vision.map { try Self.tower(of: $0, decoder: decoder) }
        configuration = ModelConfiguration(
            family: tower?.family ?? family.name,
            decoder: decoder,
            vision: tower?.configuration
        )
        try configuration.validate(subject: vision?.file.path ?? path)
        tokenizer = try gguf.tokenizerDefinition()
        chatTemplate = try metadata.string("tokenizer.chat_template")
        let fileName = String(path.split(separator: "/").last ?? "")
        provenance = Provenance(
            name: try metadata.string("general.name") ?? fileName,
            organization: try metadata.string("general.organization"),
            license: try metadata.string("general.license"),
            url: try metadata.string("general.source.url") ?? metadata.string("general.url"),
            sourceFile: fileName,
            sourceFormat: format
        )
        var found = WeightCollector(configuration: configuration)
        for tensor in gguf.tensors { try found.add(tensor, of: gguf, role: family.gguf.role(of: tensor.name)) }
        if let vision, let configuration = tower?.configuration {
            let swaps = GGUFVision.swapsFeedForward(vision, width: configuration.tower.hiddenSize)
            let names = VisionTensorNames(vision: configuration, swapsFeedForward: swaps)
            try found.addVision(vision, names: names)
        }
        weights = try Self.matched(found.weights, to: configuration, path: path)
        try Self.checkVocabulary(tokenizer, configuration.decoder, path: path)
    }

    /// Reads a model's vision tower from an mmproj file.
    private static func tower(
        of file: GGUFFile,
        decoder: DecoderConfiguration
    ) throws -> (family: String, configuration: VisionConfiguration) {
        let projector = try GGUFVision.projector(of: file)
        let family = try ModelRegistry.visionFamily(projector: projector, path: file.file.path)
        guard let translate = family.gguf else {
            throw EMLLMError.unsupportedArchitecture(path: file.file.path, name: projector, supported: [])
        }
        return (family.name, try translate(GGUFVision(file: file, decoder: decoder)))
    }

    private init(_ directory: HuggingFaceDirectory) throws {
        path = directory.path
        let config = directory.configuration
        let type = try config.require("model_type", try config.string("model_type"))
        files = directory.shards.map(\.file)
        format = "Hugging Face"
        arrangement = .rows
        let text: ModelFamily
        if let family = ModelRegistry.visionFamily(modelType: type) {
            let (textConfig, textFamily) = try Self.textPart(of: config, type: type)
            text = textFamily
            let decoder = try text.huggingFace.configuration(of: textConfig)
            let source = HuggingFaceVision(
                config: config,
                vision: try config.require("vision_config", try config.fields("vision_config")),
                processor: directory.imageProcessor,
                decoder: decoder
            )
            let vision = try family.huggingFace(source)
            configuration = ModelConfiguration(family: family.name, decoder: decoder, vision: vision)
        } else {
            text = try ModelRegistry.family(modelType: type, path: config.path)
            let decoder = try text.huggingFace.configuration(of: config)
            configuration = ModelConfiguration(family: text.name, decoder: decoder)
        }
        try configuration.validate(subject: config.path)
        let decoder = configuration.decoder
        tokenizer = try directory.tokenizerDefinition(embeddingRows: decoder.vocabularySize)
        chatTemplate = try directory.chatTemplate()
        provenance = Provenance(name: directory.name, sourceFile: directory.sourceName, sourceFormat: format)
        var found = WeightCollector(configuration: configuration)
        let names = configuration.vision.map { VisionTensorNames(vision: $0) }
        for shard in directory.shards {
            for tensor in shard.tensors {
                func textRole() -> TensorRole {
                    let name = names == nil ? tensor.name : VisionTensorNames.textName(tensor.name)
                    return text.huggingFace.role(of: name, isTied: decoder.tiedOutputHead)
                }
                let role = names?.role(ofHuggingFace: tensor.name) ?? textRole()
                try found.add(tensor, of: shard, role: role)
            }
        }
        weights = try Self.matched(found.weights, to: configuration, path: path)
    }

    /// The decoder's configuration inside a vision-language model's, and its family.
    private static func textPart(
        of config: JSONFields,
        type: String
    ) throws -> (config: JSONFields, family: ModelFamily) {
        // Older Qwen files have the decoder's keys at the top level; InternVL's authors use another name for the part.
        guard let text = try config.fields("text_config") ?? config.fields("llm_config") else {
            return (config, try ModelRegistry.family(modelType: type, path: config.path))
        }
        let family = try ModelRegistry.family(
            modelType: try text.string("model_type") ?? "llama",
            path: config.path
        )
        var members = family.name == "llama" ? llamaDefaults : [:]
        // In some versions, keys that concern the whole model are at the top level.
        members["tie_word_embeddings"] = config.object["tie_word_embeddings"] ?? .bool(false)
        return (text.defaulting(to: members), family)
    }

    /// The reference implementation's defaults for keys that are absent from a nested Llama configuration.
    private static let llamaDefaults: [String: JSONValue] = [
        "hidden_size": .integer(4096), "intermediate_size": .integer(11_008), "num_hidden_layers": .integer(32),
        "num_attention_heads": .integer(32), "max_position_embeddings": .integer(2048),
        "rms_norm_eps": .number(1e-6), "vocab_size": .integer(32_000),
    ]

    /// Puts weights in the engine's order. Checks that each is present with the right shape, and that there are no
    /// others.
    private static func matched(
        _ found: [Weight],
        to configuration: ModelConfiguration,
        path: String
    ) throws -> [Weight] {
        var byName: [String: Weight] = [:]
        for weight in found {
            guard byName.updateValue(weight, forKey: weight.name) == nil else {
                throw EMLLMError.duplicateTensor(path: path, name: weight.name)
            }
        }
        let weights = try configuration.weightShapes.map { name, shape in
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
    /// A tensor's shape differs from that in the configuration.
    public static let wrongTensorShape = Self(rawValue: "wrong-tensor-shape")
    /// A vision tower without the model that it belongs to.
    public static let visionFileAlone = Self(rawValue: "vision-file-alone")
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
            expected: "only tensors of the \(family) model",
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

    static func visionFileAlone(path: String) -> EMLLMError {
        EMLLMError(
            code: .visionFileAlone,
            subject: path,
            expected: "a language model",
            found: "a vision tower (an mmproj file)",
            remedy: "load the language model's file, and this one as its vision file"
        )
    }
}
