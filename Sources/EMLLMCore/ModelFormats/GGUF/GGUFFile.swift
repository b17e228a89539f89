/// Limits that this reader sets in addition to GGUF's own.
enum GGUFLimits {
    static let keyBytes = 65_535
    static let tensorNameBytes = 255
    static let arrayDepth = 4
    static let arrayElements = 1 << 24
    static let tensors = 65_536
    static let largestDimension = Int(Int32.max)
}

/// A GGUF file, version 2 or 3, little-endian: its metadata and its table of tensors, validated.
///
/// The format is specified in ggml's `docs/gguf.md`. Opening reads the header only; tensor bytes stay in the mapping.
///
/// ```swift
/// let file = try GGUFFile(MappedFile(url))
/// print(try file.metadata.string("general.name") ?? "unnamed", file.tensors.count)
/// ```
public struct GGUFFile: Sendable {
    /// One tensor of the table.
    public struct Tensor: Sendable {
        /// The name in the file, such as `blk.0.attn_q.weight`.
        public let name: String
        /// One to four sizes, the fastest-varying first: a matrix is [columns, rows].
        public let dimensions: [Int]
        /// How the elements are stored.
        public let type: TensorType
        /// The offset of the first byte from the start of the file.
        package let offset: Int
        /// The size of all elements, in bytes.
        public let byteCount: Int
    }

    /// The mapped bytes.
    package let file: MappedFile
    /// The format's version: 2 or 3.
    public let version: Int
    /// Tensors start at multiples of this many bytes.
    package let alignment: Int
    /// The key-value section.
    package let metadata: GGUFMetadata
    /// The table of tensors, in the file's order.
    public let tensors: [Tensor]

    /// The first four bytes of every GGUF file.
    static let magic = Array("GGUF".utf8)

    /// Reads and validates the header.
    ///
    /// - Throws: `EMLLMError`, one code for each defect.
    package init(_ file: MappedFile) throws {
        var reader = ByteReader(file.bytes, path: file.path)
        let magic = try reader.take(4, "the magic number")
        guard magic.elementsEqual(Self.magic) else { throw EMLLMError.wrongMagic(path: file.path) }
        let version = try reader.integer(UInt32.self, "the version")
        guard version & 0xFFFF != 0 else { throw EMLLMError.bigEndianFile(path: file.path) }
        guard version == 2 || version == 3 else {
            throw EMLLMError.unsupportedVersion(path: file.path, format: "GGUF", expected: "2 or 3", found: version)
        }
        let declaredTensors = try reader.integer(UInt64.self, "the tensor count")
        let declaredKeys = try reader.integer(UInt64.self, "the metadata count")
        // A key takes at least a length, a type and one byte. A tensor takes a length, a rank, a size, a type and an
        // offset.
        let keyCount = try reader.checkedCount(declaredKeys, minimumSize: 13, "metadata keys")
        let tensorCount = try reader.checkedCount(declaredTensors, minimumSize: 32, "tensors")
        guard tensorCount <= GGUFLimits.tensors else {
            throw EMLLMError.absurdCount(
                path: file.path,
                what: "tensors",
                count: declaredTensors,
                most: UInt64(GGUFLimits.tensors)
            )
        }

        var metadata = GGUFMetadata(path: file.path)
        for _ in 0..<keyCount {
            let key = try reader.ggufString("a metadata key", most: GGUFLimits.keyBytes)
            try metadata.append(key, try reader.ggufValue(try reader.ggufValueType(key), key))
        }
        let alignment = try metadata.integer("general.alignment", in: 8...(1 << 20)) ?? 32
        guard alignment.nonzeroBitCount == 1 else {
            throw EMLLMError.invalidMetadata(
                path: file.path,
                key: "general.alignment",
                expected: "a power of two",
                found: "\(alignment)"
            )
        }
        self.file = file
        self.version = Int(version)
        self.alignment = alignment
        self.metadata = metadata
        self.tensors = try GGUFTensorTable.read(&reader, count: tensorCount, alignment: alignment)
    }

    /// The bytes of a tensor of this file: rows of blocks, one row after the other.
    public func bytes(of tensor: Tensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
    }
}

extension EMLLMError.Code {
    /// The file starts with something other than a known format's magic number.
    public static let wrongMagic = Self(rawValue: "wrong-magic")
    /// The file was written for big-endian machines.
    public static let bigEndianFile = Self(rawValue: "big-endian-file")
    /// This build does not read the file's format version.
    public static let unsupportedVersion = Self(rawValue: "unsupported-version")
}

extension EMLLMError {
    static func wrongMagic(path: String) -> EMLLMError {
        EMLLMError(
            code: .wrongMagic,
            subject: path,
            expected: "an .emllm or GGUF model file",
            found: "other content",
            remedy: "convert the model to GGUF or .emllm first"
        )
    }

    static func bigEndianFile(path: String) -> EMLLMError {
        EMLLMError(
            code: .bigEndianFile,
            subject: path,
            expected: "a little-endian GGUF file",
            found: "a big-endian one",
            remedy: "convert it with ggml's gguf_convert_endian"
        )
    }

    static func unsupportedVersion(path: String, format: String, expected: String, found: UInt32) -> EMLLMError {
        EMLLMError(
            code: .unsupportedVersion,
            subject: path,
            expected: "\(format) version \(expected)",
            found: "version \(found)",
            remedy: "convert the model again, or update EMLLM"
        )
    }
}
