import Foundation

/// The rotary angles of a decoder: which frequency each pair of elements turns with.
///
/// The angle of pair i at position p is p · base^(−2i/R) (Su et al. 2021, arXiv 2104.09864, equation 15), computed in
/// double precision and rounded once.
struct RotaryEmbedding {
    /// Radians per position. `[rotaryDimension / 2]`
    private let frequencies: [Double]
    /// R / 2.
    var pairs: Int { frequencies.count }

    init(_ rope: RopeConfiguration) {
        frequencies = (0..<(rope.rotaryDimension / 2)).map { pair in
            let frequency = pow(Double(rope.base), -2 * Double(pair) / Double(rope.rotaryDimension))
            switch rope.scaling {
            case .none: return frequency
            case .linear(let factor): return frequency / Double(factor)
            case .perFrequency(let factors): return frequency / Double(factors[pair])
            }
        }
    }

    /// Writes the cosines and sines of one position. Both `[R / 2]`.
    func write(position: Int, cosine: UnsafeMutablePointer<Float>, sine: UnsafeMutablePointer<Float>) {
        for (pair, frequency) in frequencies.enumerated() {
            let angle = Double(position) * frequency
            cosine[pair] = Float(cos(angle))
            sine[pair] = Float(sin(angle))
        }
    }
}
