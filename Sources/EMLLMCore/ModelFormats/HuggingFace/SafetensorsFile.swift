/// A safetensors file: a JSON header and the bytes of tensors.
///
/// Layout (huggingface/safetensors, README): the header's length as a 64-bit little-endian integer, the header as JSON,
/// then the data; `data_offsets` count from the start of the data.
struct SafetensorsFile: Sendable {
    /// One tensor.
    struct Tensor: Sendable {
        let name: String
        let type: TensorType
        /// Rows before columns.
        let dimensions: [Int]
        /// The offset of the first byte from the start of the file.
        let offset: Int
        let byteCount: Int
    }

    private struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int]
    }

    /// An entry of the header, which may also be other software's metadata instead of a tensor.
    private enum Member: Decodable {
        case tensor(Entry)
        case remark

        init(from decoder: any Decoder) throws {
            if decoder.codingPath.last?.stringValue == "__metadata__" {
                self = .remark
            } else {
                self = .tensor(try Entry(from: decoder))
            }
        }
    }

    /// The maximum size of a header in bytes, as in the reference implementation.
    private static let mostHeaderBytes = 100_000_000

    let file: MappedFile
    /// The tensors, sorted by offset.
    let tensors: [Tensor]

    /// Reads and validates the header.
    ///
    /// - Throws: `EMLLMError`, one code for each defect.
    init(_ file: MappedFile) throws {
        self.file = file
        let path = file.path
        var reader = ByteReader(file.bytes, path: path)
        let headerBytes = try reader.integer(UInt64.self, "the header's length")
        guard headerBytes <= UInt64(Self.mostHeaderBytes) else {
            throw EMLLMError.absurdCount(
                path: path,
                what: "bytes of header",
                count: headerBytes,
                most: UInt64(Self.mostHeaderBytes)
            )
        }
        let header = try reader.take(headerBytes, "the header")
        let members = try JSONFile.decode([String: Member].self, header, path: path)
        let start = reader.offset
        let dataBytes = file.bytes.count - start
        tensors = try members.compactMap { name, member in
            guard case .tensor(let entry) = member else { return nil }
            return try Self.tensor(name, entry, start: start, dataBytes: dataBytes, path: path)
        }
        .sorted { ($0.offset, $0.name) < ($1.offset, $1.name) }
        try GGUFTensorTable.checkOverlap(tensors.map { ($0.name, $0.offset, $0.byteCount) }, path: path)
    }

    /// The bytes of a tensor.
    func bytes(of tensor: Tensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
    }

    private static let types: [String: TensorType] = ["F32": .f32, "F16": .f16, "BF16": .bf16]

    private static func tensor(
        _ name: String,
        _ entry: Entry,
        start: Int,
        dataBytes: Int,
        path: String
    ) throws -> Tensor {
        guard let type = types[entry.dtype] else {
            throw EMLLMError.unsupportedTensorType(path: path, name: name, type: entry.dtype)
        }
        var count = 1
        for size in entry.shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard size > 0, !overflow, product <= Int.max / 8 else {
                throw EMLLMError.invalidTensorShape(
                    path: path,
                    name: name,
                    expected: "sizes of at least 1, and fewer than 2^60 elements",
                    found: "\(entry.shape)"
                )
            }
            count = product
        }
        let offsets = entry.data_offsets
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= dataBytes else {
            throw EMLLMError.tensorOutsideFile(
                path: path,
                name: name,
                end: "\(offsets.last ?? 0) of its data",
                size: dataBytes
            )
        }
        guard offsets[1] - offsets[0] == count * type.blockBytes else {
            throw EMLLMError.invalidTensorShape(
                path: path,
                name: name,
                expected: "\(count * type.blockBytes) bytes for \(entry.shape) of \(type.name)",
                found: "\(offsets[1] - offsets[0])"
            )
        }
        return Tensor(
            name: name,
            type: type,
            dimensions: entry.shape,
            offset: start + offsets[0],
            byteCount: offsets[1] - offsets[0]
        )
    }
}
