import CTensor
import Foundation
import Testing

/// Every instruction set against the scalar oracle, bit for bit, at sizes that fit no register.
@Suite("Kernels")
struct KernelTests {
    static let rowCounts = [1, 15, 16, 17, 33]
    static let tokenCounts = [1, 2, 3, 4, 5, 7, 8, 9, 17]

    func kernels(_ isa: ct_isa) -> ct_kernels { ct_kernels_for(isa)!.pointee }

    /// Quantized rows of activations, `ct_q8_bytes` apart.
    func quantized(_ x: [Float], columns: Int, isa: ct_isa = CT_ISA_SCALAR) -> Memory {
        let bytes = ct_q8_bytes(Int64(columns))
        let memory = Memory(x.count / columns * bytes)
        x.withUnsafeBufferPointer { x in
            for token in 0..<(x.count / columns) {
                kernels(isa).quantize_q8(x.baseAddress! + token * columns, Int64(columns), memory.base + token * bytes)
            }
        }
        return memory
    }

    @Test("8-bit activations: same bits, bounded error, odd inputs survive", arguments: supportedISAs)
    func quantizeActivations(isa: ct_isa) {
        var random = TestRandom(seed: 1)
        for scale: Float in [1, 1e-30, 1e30, .leastNonzeroMagnitude * 8] {
            var x = random.floats(256, scale: scale)
            x.replaceSubrange(32..<64, with: repeatElement(0, count: 32))
            let bytes = ct_q8_bytes(256)
            let expected = quantized(x, columns: 256), actual = quantized(x, columns: 256, isa: isa)
            #expect(memcmp(expected.base, actual.base, bytes) == 0)
        }
        // What NaN and infinity become is undefined, but they change nothing outside of their own blocks of 32.
        let plain = random.floats(128)
        let usual = bytes(quantized(plain, columns: 128, isa: isa))
        var own: Set<Int> = []
        for _ in 0..<20 {
            let others = random.floats(64, scale: .random(in: 0.1...100, using: &random)) + plain[64...]
            own.formUnion(zip(usual, bytes(quantized(others, columns: 128, isa: isa))).indices { $0.0 != $0.1 })
        }
        #expect(own.count > 32 && own.count <= usual.count / 2)
        for odd: Float in [.nan, .infinity, -.infinity, .greatestFiniteMagnitude] {
            var x = plain
            x[3] = odd
            x[40] = -odd
            let actual = bytes(quantized(x, columns: 128, isa: isa))
            #expect(zip(usual, actual).indices { $0.0 != $0.1 }.isSubset(of: own), "\(odd)")
            guard odd == .greatestFiniteMagnitude else { continue }
            #expect(actual == bytes(quantized(x, columns: 128)))
        }
    }

    private func bytes(_ memory: Memory) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: memory.base, count: ct_q8_bytes(128)))
    }

    @Test("Products with 8-bit activations equal the oracle's", arguments: fastISAs, quantizedTypes)
    func matmulQ8(isa: ct_isa, type: ct_type) {
        var random = TestRandom(seed: 2)
        let unit = Int(ct_type_block_columns(type))
        for rows in Self.rowCounts {
            for columns in Set([1, 2, 3, 18].map { unit * $0 }) where columns <= 1024 {
                let weights = TestMatrix(type: type, rows: rows, columns: columns, random: &random)
                for tokens in Self.tokenCounts {
                    let x = quantized(random.floats(tokens * columns, scale: 3), columns: columns)
                    var matrix = weights.matrix
                    let start = random.floats(tokens * rows)
                    for accumulate in [false, true] {
                        var expected = start, actual = start
                        let n = Int32(tokens), stride = Int64(rows), end = Int32(rows)
                        kernels(CT_ISA_SCALAR).matmul_q8(&matrix, x.base, n, &expected, stride, 0, end, accumulate)
                        kernels(isa).matmul_q8(&matrix, x.base, n, &actual, stride, 0, end, accumulate)
                        #expect(expected.map(\.bitPattern) == actual.map(\.bitPattern), "\(rows)×\(columns), \(tokens)")
                    }
                }
            }
        }
    }

    @Test("Products with float activations equal the oracle's", arguments: fastISAs, allTypes)
    func matmulF32(isa: ct_isa, type: ct_type) {
        var random = TestRandom(seed: 3)
        let unit = Int(ct_type_block_columns(type))
        for rows in Self.rowCounts {
            for columns in unit == 1 ? [1, 15, 16, 17, 172, 300] : [unit, 3 * unit] {
                let weights = TestMatrix(type: type, rows: rows, columns: columns, random: &random)
                for tokens in Self.tokenCounts {
                    let x = random.floats(tokens * columns)
                    var matrix = weights.matrix
                    var expected = random.floats(tokens * rows)
                    var actual = expected
                    let n = Int32(tokens), stride = Int64(rows), end = Int32(rows)
                    kernels(CT_ISA_SCALAR).matmul_f32(&matrix, x, Int64(columns), n, &expected, stride, 0, end, true)
                    kernels(isa).matmul_f32(&matrix, x, Int64(columns), n, &actual, stride, 0, end, true)
                    #expect(expected.map(\.bitPattern) == actual.map(\.bitPattern), "\(rows)×\(columns), \(tokens)")
                }
            }
        }
    }

    @Test("The oracle is right: products against double precision", arguments: allTypes)
    func oracle(type: ct_type) {
        var random = TestRandom(seed: 4)
        let rows = 17, columns = 512, tokens = 3
        let weights = TestMatrix(type: type, rows: rows, columns: columns, random: &random)
        let x = random.floats(tokens * columns)
        let q = quantized(x, columns: columns)
        var matrix = weights.matrix
        var exact = [Float](repeating: 0, count: tokens * rows), coarse = exact
        let scalar = kernels(CT_ISA_SCALAR)
        scalar.matmul_f32(&matrix, x, Int64(columns), Int32(tokens), &exact, Int64(rows), 0, Int32(rows), false)
        if type.rawValue >= CT_Q8_0.rawValue {
            scalar.matmul_q8(&matrix, q.base, Int32(tokens), &coarse, Int64(rows), 0, Int32(rows), false)
        }
        for row in 0..<rows {
            let w = weights.dequantized(row: row).map(Double.init)
            for token in 0..<tokens {
                let products = (0..<columns).map { w[$0] * Double(x[token * columns + $0]) }
                let sum = products.reduce(0, +), magnitude = products.reduce(0) { $0 + abs($1) }
                #expect(abs(Double(exact[token * rows + row]) - sum) <= 1e-6 * magnitude)
                if type.rawValue >= CT_Q8_0.rawValue {
                    // Rounding an activation moves it by at most half a step, 1/254 of the greatest of its block.
                    let bound = w.reduce(0) { $0 + abs($1) } / 254 + 1e-6 * magnitude
                    #expect(abs(Double(coarse[token * rows + row]) - sum) <= bound)
                }
            }
        }
    }

    @Test(
        "A product depends neither on its neighbours nor on how rows are shared out",
        arguments: supportedISAs,
        allTypes
    )
    func invariance(isa: ct_isa, type: ct_type) {
        var random = TestRandom(seed: 6)
        let rows = 40, columns = 256, tokens = 11
        let weights = TestMatrix(type: type, rows: rows, columns: columns, random: &random)
        let x = random.floats(tokens * columns)
        let q = quantized(x, columns: columns)
        var matrix = weights.matrix
        let isQuantized = type.rawValue >= CT_Q8_0.rawValue
        func product(token: Int, count: Int, rows range: Range<Int>, into y: inout [Float]) {
            let k = kernels(isa)
            if isQuantized {
                k.matmul_q8(
                    &matrix,
                    q.base + token * ct_q8_bytes(Int64(columns)),
                    Int32(count),
                    &y,
                    Int64(rows),
                    Int32(range.lowerBound),
                    Int32(range.upperBound),
                    false
                )
            } else {
                x.withUnsafeBufferPointer {
                    k.matmul_f32(
                        &matrix,
                        $0.baseAddress! + token * columns,
                        Int64(columns),
                        Int32(count),
                        &y,
                        Int64(rows),
                        Int32(range.lowerBound),
                        Int32(range.upperBound),
                        false
                    )
                }
            }
        }
        var together = [Float](repeating: 0, count: tokens * rows)
        product(token: 0, count: tokens, rows: 0..<rows, into: &together)
        for token in 0..<tokens {
            var alone = [Float](repeating: 0, count: rows)
            product(token: token, count: 1, rows: 0..<16, into: &alone)
            product(token: token, count: 1, rows: 16..<32, into: &alone)
            product(token: token, count: 1, rows: 32..<rows, into: &alone)
            #expect(alone == Array(together[(token * rows)..<((token + 1) * rows)]))
        }
    }

    @Test("BLAS agrees with the float kernel")
    func blas() {
        var random = TestRandom(seed: 7)
        ct_blas_initialize()
        let rows = 33, columns = 172, tokens = 40
        let weights = TestMatrix(type: CT_F32, rows: rows, columns: columns, random: &random)
        let x = random.floats(tokens * columns)
        var matrix = weights.matrix
        let start = random.floats(tokens * rows)
        for accumulate in [false, true] {
            var expected = start, actual = start
            kernels(CT_ISA_SCALAR).matmul_f32(
                &matrix,
                x,
                Int64(columns),
                Int32(tokens),
                &expected,
                Int64(rows),
                0,
                Int32(rows),
                accumulate
            )
            ct_gemm_f32(
                matrix.data.assumingMemoryBound(to: Float.self),
                Int32(rows),
                Int32(columns),
                x,
                Int64(columns),
                Int32(tokens),
                &actual,
                Int64(rows),
                accumulate
            )
            #expect(zip(expected, actual).allSatisfy { abs($0 - $1) < 1e-4 })
        }
    }

    @Test("RMSNorm and SwiGLU equal the oracle's and the formula", arguments: supportedISAs)
    func elementwise(isa: ct_isa) {
        var random = TestRandom(seed: 8)
        for count in [1, 7, 8, 15, 16, 17, 64, 172, 576] {
            let x = random.floats(count, scale: 20), w = random.floats(count)
            var expected = [Float](repeating: 0, count: count), actual = expected
            kernels(CT_ISA_SCALAR).rms_norm(x, w, Int64(count), 1e-5, &expected)
            kernels(isa).rms_norm(x, w, Int64(count), 1e-5, &actual)
            #expect(expected == actual)
            let square = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
            for index in 0..<count {
                let reference = Double(x[index]) / (square + 1e-5).squareRoot() * Double(w[index])
                #expect(abs(Double(actual[index]) - reference) <= 1e-6 * abs(reference) + 1e-12)
            }
            kernels(CT_ISA_SCALAR).swiglu(x, w, Int64(count), &expected)
            kernels(isa).swiglu(x, w, Int64(count), &actual)
            #expect(expected == actual)
            for index in 0..<count {
                let gate = Double(x[index])
                let reference = gate / (1 + exp(-gate)) * Double(w[index])
                #expect(abs(Double(actual[index]) - reference) <= 4e-7 * abs(reference) + 1e-30)
            }
        }
    }

    @Test("SwiGLU of any bits at all equals the oracle's", arguments: fastISAs)
    func swigluBits(isa: ct_isa) {
        var random = TestRandom(seed: 9)
        for _ in 0..<2_000 {
            let gate = (0..<32).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) }
            let up = [Float](repeating: 1, count: 32)
            var expected = [Float](repeating: 0, count: 32), actual = expected
            kernels(CT_ISA_SCALAR).swiglu(gate, up, 32, &expected)
            kernels(isa).swiglu(gate, up, 32, &actual)
            #expect(zip(expected, actual).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) })
        }
    }

    @Test("Rotary embedding turns pairs as complex numbers do", arguments: supportedISAs)
    func rope(isa: ct_isa) {
        var random = TestRandom(seed: 10)
        for (dimension, rotary) in [(4, 4), (8, 8), (12, 12), (64, 64), (80, 80), (64, 32), (20, 10)] {
            for layout in [CT_ROPE_INTERLEAVED, CT_ROPE_HALF] {
                let heads = 3
                let angles = (0..<(rotary / 2)).map { _ in Double.random(in: 0...100, using: &random) }
                let cosines = angles.map { Float(cos($0)) }, sines = angles.map { Float(sin($0)) }
                let start = random.floats(heads * dimension)
                var actual = start, expected = start
                let h = Int32(heads), d = Int32(dimension), r = Int32(rotary)
                kernels(isa).rope(&actual, h, d, r, layout, cosines, sines)
                kernels(CT_ISA_SCALAR).rope(&expected, h, d, r, layout, cosines, sines)
                #expect(actual == expected)
                for head in 0..<heads {
                    for pair in 0..<(rotary / 2) {
                        let i = head * dimension + (layout == CT_ROPE_HALF ? pair : 2 * pair)
                        let j = i + (layout == CT_ROPE_HALF ? rotary / 2 : 1)
                        let a = Double(start[i]), b = Double(start[j])
                        #expect(abs(Double(actual[i]) - (a * cos(angles[pair]) - b * sin(angles[pair]))) < 1e-6)
                        #expect(abs(Double(actual[j]) - (a * sin(angles[pair]) + b * cos(angles[pair]))) < 1e-6)
                    }
                    let rest = (head * dimension + rotary)..<((head + 1) * dimension)
                    #expect(actual[rest] == start[rest])
                }
            }
        }
    }
}

/// Says which kernels the comparisons above ran with, so that a run on a processor without them does not look like one
/// that compared them.
@Suite("Kernels that this processor can run")
struct AvailableKernelTests {
    @Test("AVX2 is compared", .enabled(if: ct_isa_supported(CT_ISA_AVX2), "not run: this processor has no AVX2"))
    func avx2() { #expect(fastISAs.contains(CT_ISA_AVX2)) }

    @Test(
        "AVX-512 is compared",
        .enabled(if: ct_isa_supported(CT_ISA_AVX512), "not run: this processor has no AVX-512")
    )
    func avx512() { #expect(fastISAs.contains(CT_ISA_AVX512)) }
}

extension Sequence {
    /// The places of the elements that satisfy a condition.
    fileprivate func indices(where condition: (Element) -> Bool) -> Set<Int> {
        Set(enumerated().filter { condition($0.element) }.map(\.offset))
    }
}
