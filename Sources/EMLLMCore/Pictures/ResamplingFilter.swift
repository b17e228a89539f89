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

    /// The first input sample of each output sample, and how many there are. `[outputs]`
    let spans: [(start: Int, count: Int)]
    /// Weights of each output sample. `[outputs, stride]`
    let weights: [Int32]
    let stride: Int

    /// Computes the weights for a change of size; when it shrinks, the filter is widened, so that nothing is skipped.
    ///
    /// - Parameter outputs: the samples of the output that are wanted; ``spans`` begins with the first of them.
    init(from inputSize: Int, to outputSize: Int, _ filter: ResamplingFilter, outputs: Range<Int>) {
        let scale = Double(inputSize) / Double(outputSize)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        stride = Int(support.rounded(.up)) * 2 + 1
        var spans: [(Int, Int)] = []
        var weights = [Int32](repeating: 0, count: outputs.count * stride)
        spans.reserveCapacity(outputs.count)
        var exact = [Double](repeating: 0, count: stride)
        for (slot, output) in outputs.enumerated() {
            let center = (Double(output) + 0.5) * scale
            // Truncation towards zero, then the limits: the order that Pillow has.
            let start = max(0, Int(center - support + 0.5))
            let count = min(inputSize, Int(center + support + 0.5)) - start
            var sum = 0.0
            for index in 0..<count {
                exact[index] = filter.weight(at: (Double(index + start) - center + 0.5) * (1 / filterScale))
                sum += exact[index]
            }
            for index in 0..<count {
                let weight = (sum == 0 ? exact[index] : exact[index] / sum) * Double(1 << Self.fractionBits)
                weights[slot * stride + index] = Int32(weight < 0 ? weight - 0.5 : weight + 0.5)
            }
            spans.append((start, count))
        }
        self.spans = spans
        self.weights = weights
    }
}
