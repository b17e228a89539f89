import Foundation

/// How samples between samples are made, with the names and the arithmetic of Pillow.
public enum ResamplingFilter: String, Sendable, Codable, CaseIterable {
    /// The mean of what a pixel covers.
    case box
    /// A triangle.
    case bilinear
    /// A Hamming-windowed sinc.
    case hamming
    /// Keys' cubic with a = −1/2 (doi 10.1109/TASSP.1981.1163711).
    case bicubic
    /// A sinc windowed by a wider one, three lobes.
    case lanczos

    /// How far the filter reaches at scale 1, in samples.
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

/// For every sample of the output, which samples of the input it is made of, and their weights in fixed point.
struct ResamplingKernel {
    /// Bits behind the point: 8 are for the samples, and 2 for weights beyond 1 and the sign.
    static let fractionBits = 32 - 8 - 2

    /// What one sample of the output is made of.
    struct Span {
        /// The first sample of the input that is present, and how many there are.
        var start: Int
        var count: Int
        /// Where the weights of those begin.
        var firstWeight: Int
        /// The sum of the weights of samples that are not present, and so have one value.
        var absent: Int32
        /// The sum of all weights.
        var total: Int32
    }

    /// `[outputs]`
    let spans: [Span]
    let weights: [Int32]
    /// All samples of the input that are present and wanted.
    let input: Range<Int>

    /// Computes the weights for a change of size; when it shrinks, the filter is widened, so that nothing is skipped.
    ///
    /// - Parameters:
    ///   - outputs: the samples of the output that are wanted; ``spans`` begins with the first of them.
    ///   - present: the samples of the input that are there; all others have one value.
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
            // One size is one size: the direction is left alone.
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
            // Truncation towards zero, then the limits: the order that Pillow has.
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

    /// The samples of the input that some samples of the output are made of.
    func input(of outputs: Range<Int>) -> Range<Int> { Self.input(of: spans[outputs], none: input.lowerBound) }

    private static func input(of spans: ArraySlice<Span>, none: Int) -> Range<Int> {
        // Spans follow one another; those without samples lie anywhere.
        let used = spans.lazy.filter { $0.count > 0 }
        guard let first = used.first, let last = used.last else { return none..<none }
        return first.start..<last.start + last.count
    }
}
