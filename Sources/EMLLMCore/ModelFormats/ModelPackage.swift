import Foundation
import Synchronization

/// Everything in a model file, validated, with the weights in the layout that the kernels read.
///
/// An `.emllm` file is mapped and used in place: nothing is copied. A GGUF file is repacked into memory, which takes
/// its size once more and a moment at each start; `emllm-convert` does that work once.
///
/// ```swift
/// let package = try ModelPackage.open(url)
/// let embedding = try package.matrix("token_embedding", rows: 49_152, columns: 576)
/// ```
public final class ModelPackage: Sendable {
    /// The model's family and shape.
    public let configuration: ModelConfiguration
    /// The tokenizer.
    public let tokenizer: TokenizerDefinition
    /// The chat template, in Jinja; nil for a model that was not trained to chat.
    public let chatTemplate: String?
    /// The origin of the model.
    public let provenance: Provenance
    /// How to reason with the model: JSON of the layers above the engine, which is not interpreted here; `nil` if the
    /// file has none.
    public let recipe: Data?
    /// The path of the file.
    public let path: String
    /// The file's format and version, such as "GGUF 3".
    public let format: String
    /// The size of all packed weights, in bytes.
    public let weightBytes: Int

    private let weights: [String: Weight]
    private let knownDigest = Mutex<Checksum?>(nil)

    struct Weight: @unchecked Sendable {  // the bytes are never written after loading
        let type: TensorType
        let shape: WeightShape
        let pointer: UnsafeRawPointer
        let owner: AnyObject
        /// The digest of the packed bytes, if the file states it.
        var checksum: Checksum?
    }

    /// A SHA-256 digest of the names, types and packed bytes of all weights. Packages with the same digest compute the
    /// same results, whatever format they come from.
    ///
    /// - Complexity: O(tensors) for an `.emllm` file, whose index holds digests (`emllm-convert verify` checks them against
    ///   the bytes); otherwise O(bytes), the first time.
    public var weightsDigest: Checksum {
        knownDigest.withLock { known in
            if let known { return known }
            var text = ""
            for (name, weight) in weights.sorted(by: { $0.key < $1.key }) {
                let size = PackedLayout.byteCount(weight.type, weight.shape) ?? 0
                let bytes = UnsafeRawBufferPointer(start: weight.pointer, count: size)
                text += "\(name) \(weight.type) \(weight.checksum ?? Checksum(of: bytes))\n"
            }
            let digest = Checksum(of: Array(text.utf8))
            known = digest
            return digest
        }
    }

    init(
        configuration: ModelConfiguration,
        tokenizer: TokenizerDefinition,
        provenance: Provenance,
        path: String,
        weights: [String: Weight],
        weightBytes: Int
    ) {
        self.configuration = configuration
        self.tokenizer = tokenizer
        self.provenance = provenance
        self.path = path
        self.weights = weights
        self.weightBytes = weightBytes
        chatTemplate = nil
        recipe = nil
        format = "memory"
    }

    /// Opens an `.emllm` or GGUF file, which are distinguished by content, or a folder in Hugging Face's layout.
    ///
    /// - Parameters:
    ///   - url: the file or folder.
    ///   - vision: for a GGUF file: the mmproj file with its vision tower.
    /// - Throws: `EMLLMError`, one code for each defect of the file.
    public static func open(_ url: URL, vision: URL? = nil) throws -> ModelPackage {
        try ModelPackage(ModelFile(url, vision: vision))
    }

    /// Opens an `.emllm` or GGUF file that has been mapped.
    ///
    /// - Throws: `EMLLMError`, one code for each defect of the file.
    package convenience init(_ file: MappedFile) throws { try self.init(ModelFile(file)) }

    /// Takes a model file that has been opened.
    ///
    /// - Throws: `EMLLMError` when this engine does not support the model.
    package init(_ file: ModelFile) throws {
        let source = try ModelSource(file)
        configuration = source.configuration
        tokenizer = source.tokenizer
        chatTemplate = source.chatTemplate
        provenance = source.provenance
        recipe = source.recipe
        path = source.path
        format = source.format
        switch source.arrangement {
        case .packed:
            var weights: [String: Weight] = [:]
            for weight in source.weights {
                guard let pointer = weight.pieces[0].baseAddress else { continue }
                weights[weight.name] = Weight(
                    type: weight.type,
                    shape: weight.shape,
                    pointer: pointer,
                    owner: weight.owner,
                    checksum: weight.checksum
                )
            }
            self.weights = weights
            weightBytes = source.weights.reduce(0) { $0 + $1.byteCount }
        case .rows:
            (weights, weightBytes) = try Self.repacked(source)
        }
    }

    /// A matrix by canonical name.
    ///
    /// - Parameters:
    ///   - name: The name, such as `layers.0.attention.q`; see `weights-format.md`.
    ///   - rows: Outputs, M.
    ///   - columns: Inputs, K.
    /// - Throws: `EMLLMError.Code.missingTensor` or `EMLLMError.Code.wrongTensorShape`.
    package func matrix(_ name: String, rows: Int, columns: Int) throws -> WeightMatrix {
        let weight = try weight(name, .matrix(rows: rows, columns: columns))
        return WeightMatrix(
            type: weight.type,
            rows: rows,
            columns: columns,
            pointer: weight.pointer,
            owner: weight.owner
        )
    }

    /// A vector by canonical name.
    ///
    /// - Throws: `EMLLMError.Code.missingTensor` or `EMLLMError.Code.wrongTensorShape`.
    package func vector(_ name: String, count: Int) throws -> WeightVector {
        let weight = try weight(name, .vector(count: count))
        return WeightVector(
            count: count,
            pointer: weight.pointer.assumingMemoryBound(to: Float.self),
            owner: weight.owner
        )
    }

    private func weight(_ name: String, _ shape: WeightShape) throws -> Weight {
        guard let weight = weights[name] else { throw EMLLMError.missingTensor(path: path, name: name) }
        guard weight.shape == shape else {
            throw EMLLMError.wrongTensorShape(path: path, name: name, expected: "\(shape)", found: "\(weight.shape)")
        }
        return weight
    }

    /// Packs the weights of a GGUF file into one buffer.
    private static func repacked(_ source: ModelSource) throws -> ([String: Weight], Int) {
        let path = source.path
        let layout = try PackedLayout(source.weights, path: path)
        let buffer = try AlignedBuffer(byteCount: layout.byteCount, for: path)
        let base = buffer.bytes.baseAddress!
        var weights: [String: Weight] = [:]
        for (weight, place) in zip(source.weights, layout.places) {
            let gathered = try weight.gathered(path: path)
            defer { withExtendedLifetime(gathered.owner) {} }
            guard let bytes = gathered.bytes.baseAddress else { continue }
            let target = base + place.offset
            switch weight.shape {
            case .vector(let count):
                try TensorPacking.floats(
                    type: weight.type,
                    count: count,
                    source: bytes,
                    into: target.assumingMemoryBound(to: Float.self),
                    path: path
                )
                weights[weight.name] = Weight(type: .f32, shape: weight.shape, pointer: target, owner: buffer)
            case .matrix(let rows, let columns):
                TensorPacking.pack(type: weight.type, rows: rows, columns: columns, source: bytes, packed: target)
                weights[weight.name] = Weight(type: weight.type, shape: weight.shape, pointer: target, owner: buffer)
            }
        }
        return (weights, layout.places.reduce(0) { $0 + $1.byteCount })
    }
}

/// The layout of packed weights, one after the other, each aligned.
struct PackedLayout {
    /// The place of one weight.
    struct Place {
        var offset: Int
        var byteCount: Int
    }

    var places: [Place] = []
    /// The size of all weights in bytes, including the gaps between them.
    var byteCount = 0

    init(_ weights: [ModelSource.Weight], path: String) throws {
        try self.init(weights.map { ($0.name, $0.type, $0.shape) }, path: path)
    }

    init(_ weights: [(name: String, type: TensorType, shape: WeightShape)], path: String) throws {
        for (name, type, shape) in weights {
            guard let size = Self.byteCount(type, shape), let offset = byteCount.alignedUp(to: weightAlignment),
                !offset.addingReportingOverflow(size).overflow
            else {
                throw EMLLMError.invalidTensorShape(
                    path: path,
                    name: name,
                    expected: "a shape that fits into memory",
                    found: "\(shape)"
                )
            }
            places.append(Place(offset: offset, byteCount: size))
            byteCount = offset + size
        }
    }

    /// The size of a packed weight, in bytes.
    static func byteCount(_ type: TensorType, _ shape: WeightShape) -> Int? {
        switch shape {
        case .vector(let count): TensorType.f32.rowBytes(columns: count)
        case .matrix(let rows, let columns): type.packedBytes(rows: rows, columns: columns)
        }
    }
}
