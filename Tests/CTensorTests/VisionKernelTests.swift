import CTensor
import Foundation
import Testing

/// LayerNorm and the activations of vision towers: the oracle against double precision, and every instruction set
/// against the oracle.
@Suite("Kernels of vision towers")
struct VisionKernelTests {
    static let activations = [CT_GELU, CT_GELU_TANH, CT_GELU_QUICK, CT_SILU]
    static let counts = [1, 15, 16, 17, 384, 1031]

    func kernels(_ isa: ct_isa) -> ct_kernels { ct_kernels_for(isa)!.pointee }

    @Test("LayerNorm: the formula, and the same bits everywhere", arguments: supportedISAs)
    func layerNorm(isa: ct_isa) {
        var random = TestRandom(seed: 11)
        for count in Self.counts {
            let x = random.floats(count, scale: 3).map { $0 + 5 }
            let (weight, bias) = (random.floats(count), random.floats(count))
            var expected = [Float](repeating: 0, count: count), actual = expected
            kernels(CT_ISA_SCALAR).layer_norm(x, weight, bias, Int64(count), 1e-6, &expected)
            kernels(isa).layer_norm(x, weight, bias, Int64(count), 1e-6, &actual)
            #expect(expected.map(\.bitPattern) == actual.map(\.bitPattern), "\(count)")
            let mean = x.reduce(0) { $0 + Double($1) } / Double(count)
            let variance = x.reduce(0) { $0 + pow(Double($1) - mean, 2) } / Double(count)
            for i in 0..<count {
                let exact = (Double(x[i]) - mean) / (variance + 1e-6).squareRoot() * Double(weight[i]) + Double(bias[i])
                #expect(abs(exact - Double(actual[i])) < 2e-5 * max(1, abs(exact)))
            }
        }
    }

    @Test("Activations: the formulas", arguments: activations)
    func formula(f: ct_activation) {
        let x = stride(from: Float(-12), through: 12, by: 0.01).map { $0 } + [-1e4, 1e4, -88.5, 0, -0.0]
        var out = [Float](repeating: 0, count: x.count)
        kernels(CT_ISA_SCALAR).activate(f, x, nil, Int64(x.count), &out)
        for (value, result) in zip(x.map(Double.init), out) {
            let exact =
                switch f {
                case CT_GELU: value * 0.5 * erfc(-value / 2.0.squareRoot())
                case CT_GELU_TANH:
                    0.5 * value * (1 + tanh((2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)))
                case CT_GELU_QUICK: value / (1 + exp(-1.702 * value))
                default: value / (1 + exp(-value))
                }
            #expect(abs(exact - Double(result)) <= 4e-7 * max(1, abs(exact)), "\(value): \(result), not \(exact)")
        }
    }

    @Test("Activations: the same bits everywhere", arguments: fastISAs, activations)
    func bits(isa: ct_isa, f: ct_activation) {
        var random = TestRandom(seed: 12)
        for count in Self.counts {
            var x = random.floats(count, scale: 20)
            x[0] = [.infinity, -.infinity, 0, -0.0, 1e30, -1e30][count % 6]
            let bias = random.floats(count)
            for hasBias in [false, true] {
                var expected = x, actual = x
                bias.withUnsafeBufferPointer { bias in
                    let bias = hasBias ? bias.baseAddress : nil
                    kernels(CT_ISA_SCALAR).activate(f, x, bias, Int64(count), &expected)
                    kernels(isa).activate(f, x, bias, Int64(count), &actual)
                }
                // What is not a number has no bits to agree on.
                for (one, other) in zip(expected, actual) where !(one.isNaN && other.isNaN) {
                    #expect(one.bitPattern == other.bitPattern)
                }
            }
        }
    }
}
