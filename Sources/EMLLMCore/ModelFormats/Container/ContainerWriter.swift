import Foundation

/// Writes an `.emllm` file, tensor by tensor, in the order of its plan.
///
/// The head of the file is written last, because it holds the checksums of the tensors. Until then, the file has no
/// name.
struct ContainerWriter {
    private let file: AtomicFile
    private let metadata: [UInt8]
    private let tokenizer: [UInt8]
    private let recipe: [UInt8]?
    private var entries: [ContainerTensorIndex.Entry]
    private let metadataOffset: Int
    private let tokenizerOffset: Int
    private let recipeOffset: Int
    private let indexOffset: Int
    private let dataOffset: Int
    private let dataBytes: Int
    private var written = 0

    /// Plans the file and starts it.
    ///
    /// - Parameter tensors: The tensors that will be passed to ``append(_:)``, in that order.
    init(
        _ file: AtomicFile,
        metadata: ContainerMetadata,
        tokenizer: TokenizerDefinition,
        recipe: Data? = nil,
        tensors: [(name: String, type: TensorType, shape: WeightShape)],
        path: String
    ) throws {
        self.file = file
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            self.metadata = Array(try encoder.encode(metadata))
        } catch {
            throw EMLLMError.invalidSection(
                path: path,
                name: "metadata",
                expected: "values that JSON can hold",
                found: "\(error)"
            )
        }
        guard self.metadata.count <= ContainerFormat.mostMetadataBytes else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "bytes of metadata",
                count: UInt64(self.metadata.count),
                most: UInt64(ContainerFormat.mostMetadataBytes)
            )
        }
        self.tokenizer = try ContainerTokenizer.bytes(of: tokenizer, path: path)
        let recipe = recipe?.isEmpty == true ? nil : recipe
        if let recipe { try ContainerFormat.checkRecipe(byteCount: recipe.count, path: path) }
        self.recipe = recipe.map { Array($0) }
        let layout = try PackedLayout(tensors, path: path)
        entries = zip(tensors, layout.places).map { tensor, place in
            ContainerTensorIndex.Entry(
                name: tensor.name,
                type: tensor.type,
                shape: tensor.shape,
                offset: place.offset,
                byteCount: place.byteCount,
                checksum: .none
            )
        }
        func aligned(_ offset: Int) -> Int { (offset + weightAlignment - 1) / weightAlignment * weightAlignment }
        // A file without a recipe has no entry for one, so it is the same as before recipes existed.
        let sectionCount = ContainerFormat.SectionKind.allCases.count - (recipe == nil ? 1 : 0)
        metadataOffset = ContainerFormat.headerBytes + sectionCount * ContainerFormat.sectionEntryBytes
        tokenizerOffset = aligned(metadataOffset + self.metadata.count)
        recipeOffset = aligned(tokenizerOffset + self.tokenizer.count)
        indexOffset = aligned(recipeOffset + (self.recipe?.count ?? 0))
        dataOffset = aligned(indexOffset + ContainerTensorIndex.bytes(of: entries).count)
        dataBytes = layout.byteCount
    }

    /// Writes the next tensor of the plan.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(bytes.count == entries[written].byteCount, "a tensor of another size than planned")
        entries[written].checksum = Checksum(of: bytes)
        try file.write(bytes, at: dataOffset + entries[written].offset)
        written += 1
    }

    /// Writes the head and moves the file to its final name.
    ///
    /// - Returns: The size of the file.
    func finish() throws -> Int {
        precondition(written == entries.count, "fewer tensors than planned")
        let index = ContainerTensorIndex.bytes(of: entries)
        func section(_ kind: ContainerFormat.SectionKind, _ offset: Int, _ bytes: [UInt8]) -> ContainerSection {
            ContainerSection(
                kind: kind.rawValue,
                flags: ContainerFormat.requiredFlag,
                offset: offset,
                byteCount: bytes.count,
                checksum: Checksum(of: bytes)
            )
        }
        var data = section(.tensorData, dataOffset, [])
        data.byteCount = dataBytes
        data.checksum = .none
        var sections = [
            section(.metadata, metadataOffset, metadata), section(.tokenizer, tokenizerOffset, tokenizer),
            section(.tensorIndex, indexOffset, index), data,
        ]
        if let recipe {
            // A reader that does not support recipes runs the model without one.
            var optional = section(.recipe, recipeOffset, recipe)
            optional.flags = 0
            sections.append(optional)
        }
        let fileSize = dataOffset + dataBytes
        let parts = [
            (0, ContainerHeader.bytes(sections: sections, fileSize: fileSize)), (metadataOffset, metadata),
            (tokenizerOffset, tokenizer), (recipeOffset, recipe ?? []), (indexOffset, index),
        ]
        for (offset, bytes) in parts { try bytes.withUnsafeBytes { try file.write($0, at: offset) } }
        try file.commit()
        return fileSize
    }
}
