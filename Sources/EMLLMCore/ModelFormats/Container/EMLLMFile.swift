import Foundation

/// An `.emllm` file: header, sections and tensor index, validated.
///
/// Opening checks the checksums of everything but the tensors; ``verify(progress:)`` checks those too.
public struct EMLLMFile: Sendable {
    /// One tensor of the index.
    public struct Tensor: Sendable {
        /// The canonical name, such as `layers.0.attention.q`.
        public let name: String
        /// How the elements are stored.
        public let type: TensorType
        /// The offset of the first byte from the start of the file.
        package let offset: Int
        /// The size of all packed elements, in bytes.
        public let byteCount: Int
        /// SHA-256 of those bytes.
        public let checksum: Checksum
        let shape: WeightShape

        /// One size for a vector; rows and columns for a matrix.
        public var dimensions: [Int] { shape.dimensions }
    }

    /// The mapped bytes.
    package let file: MappedFile
    /// The format's version.
    public let version: Int
    /// The model's family and shape.
    public let configuration: ModelConfiguration
    /// The tokenizer.
    public let tokenizer: TokenizerDefinition
    /// The chat template, in Jinja.
    public let chatTemplate: String?
    /// The origin of the model.
    public let provenance: Provenance
    /// How to reason with the model: JSON of the layers above, which is not interpreted here; `nil` if the file has
    /// none.
    public let recipe: Data?
    /// All tensors, in the file's order.
    public let tensors: [Tensor]

    /// Reads and validates everything but the tensors' bytes.
    ///
    /// - Throws: `EMLLMError`, one code for each defect.
    package init(_ file: MappedFile) throws {
        let path = file.path
        let sections = try ContainerHeader.read(file)
        func section(_ kind: ContainerFormat.SectionKind) throws -> ContainerSection {
            guard let section = sections.first(where: { $0.kind == kind.rawValue }) else {
                throw EMLLMError.invalidSection(
                    path: path,
                    name: kind.name,
                    expected: "one such section",
                    found: "none"
                )
            }
            return section
        }
        func checkedBytes(_ kind: ContainerFormat.SectionKind) throws -> UnsafeRawBufferPointer {
            let section = try section(kind)
            let bytes = UnsafeRawBufferPointer(
                rebasing: file.bytes[section.offset..<section.offset + section.byteCount]
            )
            guard Checksum(of: bytes) == section.checksum else {
                throw EMLLMError.checksumMismatch(path: path, what: "the \(kind.name)")
            }
            return bytes
        }
        let metadata = try Self.metadata(try checkedBytes(.metadata), path: path)
        try metadata.configuration.validate(subject: path)
        self.file = file
        version = Int(ContainerFormat.version)
        configuration = metadata.configuration
        chatTemplate = metadata.chatTemplate
        provenance = metadata.provenance
        tokenizer = try ContainerTokenizer.read(try checkedBytes(.tokenizer), path: path)
        recipe =
            try sections.contains { $0.kind == ContainerFormat.SectionKind.recipe.rawValue }
            ? Self.recipe(try checkedBytes(.recipe), path: path) : nil
        let data = try section(.tensorData)
        let index = try checkedBytes(.tensorIndex)
        tensors = try ContainerTensorIndex.read(index, dataBytes: data.byteCount, path: path).map {
            Tensor(
                name: $0.name,
                type: $0.type,
                offset: data.offset + $0.offset,
                byteCount: $0.byteCount,
                checksum: $0.checksum,
                shape: $0.shape
            )
        }
    }

    /// The packed bytes of a tensor of this file.
    public func bytes(of tensor: Tensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
    }

    /// Checks the checksum of every tensor.
    ///
    /// - Parameter progress: Called with the bytes checked so far and the total; may throw to stop.
    /// - Throws: `EMLLMError.Code.checksumMismatch` naming the first damaged tensor.
    public func verify(progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }) throws {
        let total = tensors.reduce(0) { $0 + $1.byteCount }
        var done = 0
        for tensor in tensors {
            guard Checksum(of: bytes(of: tensor)) == tensor.checksum else {
                throw EMLLMError.checksumMismatch(path: file.path, what: "the tensor \(tensor.name)")
            }
            done += tensor.byteCount
            try progress(done, total)
        }
    }

    private static func metadata(_ bytes: UnsafeRawBufferPointer, path: String) throws -> ContainerMetadata {
        guard bytes.count <= ContainerFormat.mostMetadataBytes else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "bytes of metadata",
                count: UInt64(bytes.count),
                most: UInt64(ContainerFormat.mostMetadataBytes)
            )
        }
        do {
            return try JSONDecoder().decode(ContainerMetadata.self, from: Data(bytes))
        } catch let DecodingError.keyNotFound(key, context) {
            throw EMLLMError.missingMetadata(path: path, key: Self.path(context.codingPath + [key]))
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            throw EMLLMError.invalidMetadata(
                path: path,
                key: Self.path(context.codingPath),
                expected: "a value of its documented type",
                found: "another"
            )
        } catch let DecodingError.dataCorrupted(context) {
            let key = Self.path(context.codingPath)
            throw EMLLMError.invalidSection(
                path: path,
                name: key.isEmpty ? "metadata" : "\(key) of the metadata",
                expected: "JSON with the documented values",
                found: context.debugDescription
            )
        } catch {
            throw EMLLMError.invalidSection(path: path, name: "metadata", expected: "JSON", found: "\(error)")
        }
    }

    private static func recipe(_ bytes: UnsafeRawBufferPointer, path: String) throws -> Data {
        try ContainerFormat.checkRecipe(byteCount: bytes.count, path: path)
        return Data(bytes)
    }

    private static func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
}

extension EMLLMError.Code {
    /// Stored bytes do not match the checksum that was recorded when they were written.
    public static let checksumMismatch = Self(rawValue: "checksum-mismatch")
}

extension EMLLMError {
    static func checksumMismatch(path: String, what: String) -> EMLLMError {
        EMLLMError(
            code: .checksumMismatch,
            subject: path,
            expected: "the recorded SHA-256 for \(what)",
            found: "another",
            remedy: damagedFileRemedy
        )
    }
}
