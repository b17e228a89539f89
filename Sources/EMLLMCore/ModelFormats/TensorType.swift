import CTensor

/// How the elements of a weight are stored. The numbers are `ct_type`'s, and are written into `.emllm` files.
///
/// Formats and names are those of ggml; see `weights-format.md` for the bit layouts.
public enum TensorType: UInt32, Codable, Sendable, CaseIterable {
    /// 32-bit IEEE 754.
    case f32 = 0
    /// 16-bit IEEE 754.
    case f16
    /// The upper half of a 32-bit float.
    case bf16
    /// 8-bit integers, one scale for each 32.
    case q8_0
    /// 4-bit integers, one scale for each 32.
    case q4_0
    /// 4-bit integers, one scale and one minimum for each 32.
    case q4_1
    /// 5-bit integers, one scale for each 32.
    case q5_0
    /// 5-bit integers, one scale and one minimum for each 32.
    case q5_1
    /// 4-bit integers in super-blocks of 256 with 6-bit scales and minimums.
    case q4_K
    /// 5-bit integers in super-blocks of 256 with 6-bit scales and minimums.
    case q5_K
    /// 6-bit integers in super-blocks of 256 with 8-bit scales.
    case q6_K

    /// ggml's name, such as "Q4_1".
    public var name: String { "\(self)".uppercased() }

    /// The type with ggml's name, in either case; nil for any other name.
    public init?(name: String) {
        guard let type = Self.allCases.first(where: { $0.name == name.uppercased() }) else { return nil }
        self = type
    }

    /// The number that columns must be a multiple of: 1, 32 or 256.
    package var blockColumns: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1: 32
        case .q4_K, .q5_K, .q6_K: 256
        }
    }

    /// Bytes of one block in GGUF's layout.
    package var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q8_0: 34
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        }
    }

    /// Average bits for each weight.
    public var bitsPerWeight: Double { Double(blockBytes * 8) / Double(blockColumns) }

    /// Whether elements share scales in blocks.
    public var isQuantized: Bool { blockColumns > 1 }

    /// Whether ``ModelConverter`` can make this type from floats; K-quants can only be read.
    public var isWritable: Bool { blockColumns < 256 }

    package var cType: ct_type { ct_type(rawValue: rawValue) }

    /// The size of one row in GGUF's block layout, in bytes; nil when `columns` does not fit the type.
    package func rowBytes(columns: Int) -> Int? {
        guard columns > 0, columns % blockColumns == 0 else { return nil }
        let (bytes, overflow) = (columns / blockColumns).multipliedReportingOverflow(by: blockBytes)
        return overflow ? nil : bytes
    }

    /// The size of a packed matrix, in bytes; nil when the shape does not fit the type or the size overflows.
    package func packedBytes(rows: Int, columns: Int) -> Int? {
        guard rows > 0, columns > 0, rows <= Int(Int32.max), columns <= Int(Int32.max), columns % blockColumns == 0
        else { return nil }
        let bytes = ct_packed_bytes(cType, Int64(rows), Int64(columns))
        return bytes == 0 ? nil : Int(exactly: bytes)
    }
}
