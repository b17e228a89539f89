import Foundation

/// A filter for interpolation, with the names and the arithmetic of Pillow.
public enum ResamplingFilter: String, Sendable, Codable, CaseIterable {
    /// The mean of the area that a pixel covers.
    case box
    /// A triangle.
    case bilinear
    /// A Hamming-windowed sinc.
    case hamming
    /// Keys' cubic with a = −1/2 (doi 10.1109/TASSP.1981.1163711).
    case bicubic
    /// A sinc windowed by a wider sinc, with three lobes.
    case lanczos

    /// The radius of the filter at scale 1, in samples.
    var support: Double {
        switch self {
        case .box: 0.5
        case .bilinear, .hamming: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The filter's weight at a distance.
    func weight(at distance: Double) -> Double {
        switch self {
        case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
        case .bilinear: return max(0, 1 - abs(distance))
        case .hamming:
            let x = abs(distance)
            if x == 0 { return 1 }
            if x >= 1 { return 0 }
            return sin(x * .pi) / (x * .pi) * (0.54 + 0.46 * cos(x * .pi))
        case .bicubic:
            let a = -0.5
            let x = abs(distance)
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        case .lanczos: return distance >= -3 && distance < 3 ? Self.sinc(distance) * Self.sinc(distance / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// For every output sample, the input samples that contribute to it, and their weights in fixed point.
struct ResamplingKernel {
    /// The number of fractional bits: 8 bits are needed for the samples, and 2 for weights beyond 1 and the sign.
    static let fractionBits = 32 - 8 - 2

    /// The contributions to one output sample.
    struct Span {
        /// The first input sample that is present, and the number of them.
        var start: Int
        var count: Int
        /// The index of the first of their weights.
        var firstWeight: Int
        /// The sum of the weights of samples that are not present, which all have the same value.
        var absent: Int32
        /// The sum of all weights.
        var total: Int32
    }

    /// `[outputs]`
    let spans: [Span]
    let weights: [Int32]
    /// All input samples that are present and needed.
    let input: Range<Int>

    /// Computes the weights for a change of size. For shrinking, the filter is widened, so that no sample is skipped.
    ///
    /// - Parameters:
    ///   - outputs: the requested output samples; ``spans`` begins with the first of them.
    ///   - present: the input samples that are present; all others have the same value.
    init(from inputSize: Int, to outputSize: Int, _ filter: ResamplingFilter, outputs: Range<Int>, present: Range<Int>)
    {
        let scale = Double(inputSize) / Double(outputSize)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        var spans: [Span] = []
        var weights: [Int32] = []
        spans.reserveCapacity(outputs.count)
        var exact: [Double] = []
        for output in outputs {
            // The size does not change, so nothing is resampled in this direction.
            guard inputSize != outputSize else {
                let one = Int32(1) << Self.fractionBits
                let isPresent = present.contains(output)
                spans.append(
                    Span(
                        start: isPresent ? output : present.lowerBound,
                        count: isPresent ? 1 : 0,
                        firstWeight: weights.count,
                        absent: isPresent ? 0 : one,
                        total: one
                    )
                )
                if isPresent { weights.append(one) }
                continue
            }
            let center = (Double(output) + 0.5) * scale
            // Truncation towards zero, then clamping, in the same order as Pillow.
            let start = max(0, Int(center - support + 0.5))
            let count = min(inputSize, Int(center + support + 0.5)) - start
            exact.removeAll(keepingCapacity: true)
            var sum = 0.0
            for index in 0..<count {
                let weight = filter.weight(at: (Double(index + start) - center + 0.5) * (1 / filterScale))
                exact.append(weight)
                sum += weight
            }
            let there = (start..<start + count).clamped(to: present)
            var span = Span(
                start: there.lowerBound,
                count: there.count,
                firstWeight: weights.count,
                absent: 0,
                total: 0
            )
            for index in 0..<count {
                let scaled = (sum == 0 ? exact[index] : exact[index] / sum) * Double(1 << Self.fractionBits)
                let weight = Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
                span.total &+= weight
                if there.contains(start + index) { weights.append(weight) } else { span.absent &+= weight }
            }
            spans.append(span)
        }
        self.spans = spans
        self.weights = weights
        input = Self.input(of: spans[...], none: present.lowerBound)
    }

    /// The input samples that contribute to some output samples.
    func input(of outputs: Range<Int>) -> Range<Int> { Self.input(of: spans[outputs], none: input.lowerBound) }

    private static func input(of spans: ArraySlice<Span>, none: Int) -> Range<Int> {
        // Spans are in order, except that those without samples may be anywhere.
        let used = spans.lazy.filter { $0.count > 0 }
        guard let first = used.first, let last = used.last else { return none..<none }
        return first.start..<last.start + last.count
    }
}
