import CTensor
import Foundation
import Testing

/// A small generator with a fixed seed (xorshift64*), so that every run tests the same numbers.
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
    mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
        (0..<count).map { _ in Float.random(in: -scale...scale, using: &self) }
    }
}

/// All storage types.
let allTypes = (0..<UInt32(CT_TYPE_COUNT)).map { ct_type(rawValue: $0) }
let quantizedTypes = allTypes.filter { $0.rawValue >= CT_Q8_0.rawValue }

/// Instruction sets that this processor has, the scalar oracle first.
let supportedISAs = [CT_ISA_SCALAR, CT_ISA_AVX2, CT_ISA_AVX512].filter(ct_isa_supported)
let fastISAs = supportedISAs.filter { $0 != CT_ISA_SCALAR }

/// Aligned memory, zeroed.
final class Memory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    init(_ bytes: Int) {
        base = .allocate(byteCount: max(bytes, 1), alignment: Int(CT_ALIGNMENT))
        base.initializeMemory(as: UInt8.self, repeating: 0, count: max(bytes, 1))
    }
    deinit { base.deallocate() }
}

/// A packed matrix of random contents, with the GGUF blocks it was made of.
final class TestMatrix {
    let matrix: ct_matrix
    let blocks: [UInt8]
    private let packed: Memory

    init(type: ct_type, rows: Int, columns: Int, random: inout TestRandom) {
        let rowBytes = ct_type_row_bytes(type, Int64(columns))
        var blocks = [UInt8](repeating: 0, count: rows * rowBytes)
        if type.rawValue < CT_Q8_0.rawValue {
            for row in 0..<rows {
                let values = random.floats(columns)
                blocks.withUnsafeMutableBytes {
                    _ = ct_quantize_row(type, values, Int64(columns), $0.baseAddress! + row * rowBytes)
                }
            }
        } else {
            for index in blocks.indices { blocks[index] = UInt8.random(in: 0...255, using: &random) }
            let unit = Int(ct_type_block_columns(type))
            let unitBytes = rowBytes / (columns / unit)
            let halves = type == CT_Q6_K ? [208] : Self.hasMinimum(type) ? [0, 2] : [0]
            for start in stride(from: 0, to: blocks.count, by: unitBytes) {
                for offset in halves {
                    let bits = Float16(Float.random(in: -0.02...0.02, using: &random)).bitPattern
                    blocks[start + offset] = UInt8(truncatingIfNeeded: bits)
                    blocks[start + offset + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                }
            }
        }
        packed = Memory(ct_packed_bytes(type, Int64(rows), Int64(columns)))
        ct_pack(type, Int64(rows), Int64(columns), blocks, packed.base, 0, Int64(rows))
        self.blocks = blocks
        matrix = ct_matrix(type: type, rows: Int32(rows), columns: Int32(columns), data: packed.base)
    }

    private static func hasMinimum(_ type: ct_type) -> Bool {
        [CT_Q4_1, CT_Q5_1, CT_Q4_K, CT_Q5_K].contains(type)
    }

    func dequantized(row: Int) -> [Float] {
        var values = [Float](repeating: 0, count: Int(matrix.columns))
        ct_dequantize_row(matrix.type, Int64(matrix.rows), Int64(matrix.columns), matrix.data, Int64(row), &values)
        return values
    }
}

extension ct_type: @retroactive CustomTestStringConvertible {
    /// The type's name.
    public var testDescription: String {
        ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_K", "q5_K", "q6_K"][Int(rawValue)]
    }
}

extension ct_isa: @retroactive CustomTestStringConvertible {
    /// The instruction set's name.
    public var testDescription: String { String(cString: ct_kernels_for(self)!.pointee.name) }
}
