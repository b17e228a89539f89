import Foundation

/// The rotary angles of a decoder: which frequency each pair of elements turns with.
///
/// The angle of pair i at position p is p · base^(−2i/R) (Su et al. 2021, arXiv 2104.09864, equation 15), computed in
/// double precision and rounded once.
struct RotaryEmbedding {
    /// Radians per position. `[rotaryDimension / 2]`
    private let frequencies: [Double]
    /// The coordinate that each pair turns with; `nil` when positions are numbers. `[rotaryDimension / 2]`
    private let axes: [Int]?
    /// R / 2.
    var pairs: Int { frequencies.count }

    init(_ rope: RopeConfiguration) {
        axes = rope.sections.map { Self.axes($0, pairs: rope.rotaryDimension / 2) }
        frequencies = (0..<(rope.rotaryDimension / 2)).map { pair in
            let frequency = pow(Double(rope.base), -2 * Double(pair) / Double(rope.rotaryDimension))
            switch rope.scaling {
            case .none: return frequency
            case .linear(let factor): return frequency / Double(factor)
            case .perFrequency(let factors): return frequency / Double(factors[pair])
            }
        }
    }

    /// The coordinate of each pair: runs of them, or time, row and column in turn until a section is used up.
    private static func axes(_ sections: RopeConfiguration.Sections, pairs: Int) -> [Int] {
        guard sections.areInterleaved else {
            return sections.counts.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
        }
        return (0..<pairs).map { pair in
            let axis = pair % 3
            return axis > 0 && pair < sections.counts[axis] * 3 ? axis : 0
        }
    }

    /// Writes the cosines and sines of one position. Both `[R / 2]`.
    func write(position: TokenPosition, cosine: UnsafeMutablePointer<Float>, sine: UnsafeMutablePointer<Float>) {
        for (pair, frequency) in frequencies.enumerated() {
            let angle = Double(axes.map { position.coordinate($0[pair]) } ?? Int(position.time)) * frequency
            cosine[pair] = Float(cos(angle))
            sine[pair] = Float(sin(angle))
        }
    }
}
