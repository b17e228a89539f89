import CTensor
import Foundation
import Testing

@testable import EMLLMCore

/// Sampling as it is written down in papers: weigh all, sort all.
private struct SortedSampler {
    let options: GenerationOptions
    var ordered: [(token: Int, weight: Double)] = []

    init(_ logits: [Float], _ options: GenerationOptions) {
        self.options = options
        let maximum = logits.max() ?? 0
        let distances = logits.map { maximum - $0 }
        let order = logits.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
        for token in order {
            // Where the kernels' weights end: exp(-708) is 3e-308.
            let exponent = -Double(distances[token]) / options.temperature
            if exponent >= -708 { ordered.append((token, exp(exponent))) }
        }
        guard case .draw(let top, let threshold, _) = options.samplingMode else { return }
        if let top { ordered.removeLast(max(0, ordered.count - top)) }
        if let threshold {
            let wanted = threshold * ordered.reduce(0) { $0 + $1.weight }
            var sum = 0.0
            let end = ordered.firstIndex {
                sum += $0.weight
                return sum >= wanted
            }
            if let end { ordered.removeLast(ordered.count - end - 1) }
        }
        ordered.removeAll { $0.weight < options.minimumProbability }
    }

    func token(at share: Double) -> Int {
        var remaining = share * ordered.reduce(0) { $0 + $1.weight }
        for entry in ordered {
            remaining -= entry.weight
            if remaining < 0 { return entry.token }
        }
        return ordered.last?.token ?? 0
    }
}

@Suite("Token ranking")
struct TokenRankingTests {
    /// Logits of many shapes: peaked, flat, in steps, with ties, with tokens ruled out.
    private static func logits(_ count: Int, shape: Int, using random: inout SeededRandom) -> [Float] {
        let scale: Float = [8, 0.02, 1e-6, 60, 3, 0.5][shape % 6]
        var values = (0..<count).map { _ in
            let sum = (0..<4).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &random) }
            return sum * scale
        }
        if shape % 4 == 1 { values = values.map { ($0 * 4).rounded() / 4 } }
        if shape % 5 == 2 { for index in stride(from: 0, to: count - 1, by: 3) { values[index] = -.infinity } }
        if shape % 7 == 3 { values[count / 2] = 200 }
        return values
    }

    private static func options(_ index: Int, using random: inout SeededRandom) -> GenerationOptions {
        GenerationOptions(
            samplingMode: .draw(
                top: index % 3 == 0 ? Int.random(in: 1...200, using: &random) : nil,
                probabilityThreshold: index % 2 == 0 ? Double.random(in: 0.05...0.999, using: &random) : nil,
                seed: UInt64(index)
            ),
            temperature: [1, 0.8, 0.3, 2.5, 0.01][index % 5],
            minimumProbability: index % 4 == 1 ? Double.random(in: 0...0.3, using: &random) : 0
        )
    }

    @Test("Draws are those of the slow way, on every shape", arguments: [(2, 300), (17, 600), (600, 800), (5000, 200)])
    func draws(vocabulary: Int, rounds: Int) throws {
        var random = SeededRandom(state: UInt64(vocabulary))
        for round in 0..<rounds {
            let logits = Self.logits(vocabulary, shape: round, using: &random)
            let options = Self.options(round / 3, using: &random)
            try compare(logits, options, "round \(round)")
        }
    }

    @Test("Large vocabularies, flat and peaked ones", arguments: 0..<6)
    func large(shape: Int) throws {
        var random = SeededRandom(state: UInt64(shape + 1))
        let logits = Self.logits(151_936, shape: shape, using: &random)
        let nucleus = GenerationOptions.SamplingMode.random(probabilityThreshold: 0.95, seed: 3)
        try compare(logits, GenerationOptions(samplingMode: nucleus, temperature: 0.8), "nucleus")
    }

    private func compare(_ logits: [Float], _ options: GenerationOptions, _ comment: Comment) throws {
        let oracle = SortedSampler(logits, options)
        let sampler = try Sampler(options)
        let kept = logits.withUnsafeBufferPointer {
            let maximum = $0.max() ?? 0
            return sampler.restrict(TokenRanking($0, maximum: maximum, temperature: options.temperature))
        }
        #expect(kept.count == oracle.ordered.count, comment)
        let mass = oracle.ordered.reduce(0) { $0 + $1.weight }
        #expect(abs(kept.mass - mass) <= 1e-12 * mass, comment)
        for position in 0..<3 {
            let share = CounterRandom(seed: sampler.seed).uniform(branch: 1, position: position)
            let token = try sampler.sample(Logits(logits), branch: 1, position: position)
            #expect(Int(token) == oracle.token(at: share), comment)
        }
    }

    @Test("Every instruction set gives the same bits", arguments: InstructionSet.supported)
    func bits(set: InstructionSet) throws {
        var random = SeededRandom(state: 5)
        let kernels = try set.kernels(), scalar = try InstructionSet.scalar.kernels()
        for count in [1, 7, 16, 33, 1000, 1029] {
            for shape in 0..<12 {
                let values = Self.logits(count, shape: shape, using: &random)
                let maximum = try #require(values.max())
                guard maximum.isFinite else { continue }
                #expect(kernels.pointee.maximum(values, Int64(count)) == maximum)
                for scale in [1.0, 1 / 0.8, 100] {
                    var expected = [Double](repeating: 0, count: count), actual = expected
                    scalar.pointee.exp_weights(values, Int64(count), maximum, scale, &expected)
                    kernels.pointee.exp_weights(values, Int64(count), maximum, scale, &actual)
                    #expect(expected.map(\.bitPattern) == actual.map(\.bitPattern))
                    for (value, weight) in zip(values, actual) {
                        let exact = exp(-Double(maximum - value) * scale)
                        #expect(abs(weight - exact) <= 1e-15 * exact || exact < 1e-300)
                    }
                    let sums = [scalar, kernels].map { ct_exp_sum($0, values, Int64(count), maximum, scale) }
                    #expect(sums[0].bitPattern == sums[1].bitPattern)
                }
                var ids = [[Int32]](repeating: [Int32](repeating: -1, count: count), count: 2)
                let found = [scalar, kernels].enumerated().map { index, kernels in
                    kernels.pointee.collect(values, Int64(count), maximum, 0.5, 4, &ids[index])
                }
                #expect(found[0] == found[1] && ids[0] == ids[1])
                var spoilt = values
                spoilt[Int.random(in: 0..<count, using: &random)] = .nan
                #expect(kernels.pointee.maximum(spoilt, Int64(count)).isNaN)
            }
        }
    }

    /// SplitMix64, so that every run tests the same numbers.
    struct SeededRandom: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}

@Suite("Sampling, against transformers' filters")
struct SamplingFixtureTests {
    private struct Case: Decodable {
        var logits: [Float]
        var temperature: Double
        var topK: Int?
        var topP: Double?
        var minP: Double
        var kept: [Int]
    }

    @Test("The same tokens are left, in the same order of filters")
    func kept() throws {
        let data = try Data(contentsOf: TestModels.fixtures.appending(path: "sampling.json"))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        #expect(cases.count > 50)
        for (index, item) in cases.enumerated() {
            let options = GenerationOptions(
                samplingMode: .draw(top: item.topK, probabilityThreshold: item.topP, seed: 0),
                temperature: item.temperature,
                minimumProbability: item.minP
            )
            let sampler = try Sampler(options)
            let kept = item.logits.withUnsafeBufferPointer { values in
                let maximum = values.max() ?? 0
                let ranking = TokenRanking(values, maximum: maximum, temperature: item.temperature)
                return (1...sampler.restrict(ranking).count).compactMap { ranking.token(ranked: $0) }
            }
            #expect(kept.map(Int.init).sorted() == item.kept, "case \(index)")
        }
    }
}
