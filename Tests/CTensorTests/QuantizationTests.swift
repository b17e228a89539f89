import CTensor
import Foundation
import Testing

@Suite("Packed weights")
struct QuantizationTests {
    /// One file of the fixture: see Tests/Scripts/quants_fixture.py.
    struct Fixture {
        let blocks: [UInt8]
        let values: [Float]
        let source: [Float]
        let quantized: [UInt8]

        init(_ type: ct_type) throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
            let data = [UInt8](try Data(contentsOf: folder.appending(path: "\(type.testDescription.lowercased()).bin")))
            let count = data.withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
            let blockBytes = ct_type_row_bytes(type, Int64(count))
            func floats(at offset: Int) -> [Float] {
                data.withUnsafeBytes { bytes in
                    (0..<count).map { bytes.loadUnaligned(fromByteOffset: offset + 4 * $0, as: Float.self) }
                }
            }
            blocks = Array(data[4..<(4 + blockBytes)])
            values = floats(at: 4 + blockBytes)
            source = floats(at: 4 + blockBytes + 4 * count)
            quantized = Array(data[(4 + blockBytes + 8 * count)...])
        }
    }

    @Test("Blocks dequantize to what the reference says, bit for bit", arguments: quantizedTypes)
    func dequantize(type: ct_type) throws {
        let fixture = try Fixture(type)
        let columns = Int64(fixture.values.count)
        let packed = Memory(ct_packed_bytes(type, 1, columns))
        ct_pack(type, 1, columns, fixture.blocks, packed.base, 0, 1)
        var values = [Float](repeating: .nan, count: fixture.values.count)
        ct_dequantize_row(type, 1, columns, packed.base, 0, &values)
        #expect(values.map(\.bitPattern) == fixture.values.map(\.bitPattern))
    }

    @Test("Floats quantize to the reference's bytes", arguments: [CT_Q8_0, CT_Q4_0, CT_Q4_1, CT_Q5_0, CT_Q5_1])
    func quantize(type: ct_type) throws {
        let fixture = try Fixture(type)
        var blocks = [UInt8](repeating: 0, count: fixture.quantized.count)
        #expect(ct_quantize_row(type, fixture.source, Int64(fixture.source.count), &blocks))
        #expect(blocks == fixture.quantized)
    }

    @Test("K-quants can be read but not written", arguments: [CT_Q4_K, CT_Q5_K, CT_Q6_K])
    func notWritten(type: ct_type) {
        var blocks = [UInt8](repeating: 0, count: 256)
        #expect(!ct_quantize_row(type, [Float](repeating: 0, count: 256), 256, &blocks))
    }

    @Test("Packing loses nothing", arguments: allTypes)
    func lossless(type: ct_type) {
        var random = TestRandom(seed: UInt64(type.rawValue))
        for rows in [1, 15, 16, 17, 33] {
            for units in [1, 2, 3, 7] {
                let columns = units * max(Int(ct_type_block_columns(type)), 5)
                let matrix = TestMatrix(type: type, rows: rows, columns: columns, random: &random)
                let rowBytes = ct_type_row_bytes(type, Int64(columns))
                var unpacked = [UInt8](repeating: 0, count: rows * rowBytes)
                for row in 0..<rows {
                    unpacked.withUnsafeMutableBytes {
                        ct_unpack_row(
                            type,
                            Int64(rows),
                            Int64(columns),
                            matrix.matrix.data,
                            Int64(row),
                            $0.baseAddress! + row * rowBytes
                        )
                    }
                }
                #expect(unpacked == matrix.blocks)
            }
        }
    }

    @Test("Half precision: every number survives, and rounding is to nearest even")
    func halves() {
        for bits in UInt16.min...UInt16.max {
            let half = Float16(bitPattern: bits)
            var widened: Float = 0
            var narrowed: UInt16 = 0
            ct_dequantize_row(CT_F16, 1, 1, [bits], 0, &widened)
            #expect(half.isNaN ? widened.isNaN : widened.bitPattern == Float(half).bitPattern)
            _ = ct_quantize_row(CT_F16, [widened], 1, &narrowed)
            #expect(half.isNaN ? Float16(bitPattern: narrowed).isNaN : narrowed == bits)
        }
        var random = TestRandom(seed: 5)
        for _ in 0..<20_000 {
            let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
            guard !value.isNaN else { continue }
            var narrowed: UInt16 = 0
            _ = ct_quantize_row(CT_F16, [value], 1, &narrowed)
            #expect(narrowed == Float16(value).bitPattern, "\(value)")
        }
    }

    @Test("Sizes that cannot be are zero")
    func invalidSizes() {
        #expect(ct_packed_bytes(CT_Q4_0, 16, 33) == 0)
        #expect(ct_packed_bytes(CT_Q4_K, 16, 128) == 0)
        #expect(ct_packed_bytes(CT_F32, 0, 16) == 0)
        #expect(ct_packed_bytes(CT_F32, -1, 16) == 0)
        #expect(ct_packed_bytes(CT_F32, .max, .max) == 0)
        #expect(ct_packed_bytes(CT_F32, Int64(Int32.max), Int64(Int32.max)) == 0)
        #expect(ct_packed_bytes(ct_type(rawValue: 99), 16, 32) == 0)
        #expect(ct_type_block_columns(ct_type(rawValue: 99)) == 0)
    }
}
