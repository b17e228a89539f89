/// The numbers of the `.emllm` format, version 1. `weights-format.md` is the specification.
enum ContainerFormat {
    static let magic: [UInt8] = Array("EMLLM\0\r\n".utf8)
    static let version: UInt32 = 1
    static let headerBytes = 64
    static let sectionEntryBytes = 64
    static let tensorEntryBytes = 80
    static let tokenizerHeaderBytes = 48

    static let mostSections = 64
    static let mostMetadataBytes = 16 << 20
    static let mostRecipeBytes = 1 << 20
    static let mostTensors = 65_536
    static let mostTensorNameBytes = 255

    /// The content of a section.
    enum SectionKind: UInt32, CaseIterable {
        case metadata = 1
        case tokenizer = 2
        case tensorIndex = 3
        case tensorData = 4
        case recipe = 5

        var name: String {
            switch self {
            case .metadata: "metadata"
            case .tokenizer: "tokenizer"
            case .tensorIndex: "tensor index"
            case .tensorData: "tensor data"
            case .recipe: "recipe"
            }
        }
    }

    /// A section's flag: a reader that does not know the section's kind must reject the file.
    static let requiredFlag: UInt32 = 1

    enum TokenizerFlag {
        static let addsBeginningOfSequence: UInt32 = 1
        static let addsEndOfSequence: UInt32 = 2
        static let addsSpacePrefix: UInt32 = 4
        static let hasScores: UInt32 = 8
        static let all: UInt32 = 15
    }
}

extension ContainerFormat {
    /// Checks the size of a recipe when reading or writing.
    static func checkRecipe(byteCount: Int, path: String) throws {
        guard byteCount <= mostRecipeBytes else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "bytes of the recipe",
                count: UInt64(byteCount),
                most: UInt64(mostRecipeBytes)
            )
        }
    }
}

/// The JSON section of an `.emllm` file.
struct ContainerMetadata: Codable, Equatable {
    var configuration: ModelConfiguration
    var chatTemplate: String?
    var provenance: Provenance
}

/// An entry of the section table.
struct ContainerSection {
    var kind: UInt32
    var flags: UInt32
    var offset: Int
    var byteCount: Int
    var checksum: Checksum

    var name: String { ContainerFormat.SectionKind(rawValue: kind)?.name ?? "section of kind \(kind)" }
}

extension [UInt8] {
    /// Appends an integer in little-endian order.
    mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
