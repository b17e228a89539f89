import Foundation
import Testing

@testable import EMLLMCore

@Suite("Sampling")
struct SamplerTests {
    let logits = Logits([1, 3, 2, 3, -1])

    @Test("Philox gives the published test vectors of Random123")
    func philoxKnownAnswers() {
        let zero = CounterRandom.philox(counter: (0, 0, 0, 0), key: (0, 0))
        #expect(zero == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = CounterRandom.philox(counter: (.max, .max, .max, .max), key: (.max, .max))
        #expect(ones == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        let pi = CounterRandom.philox(
            counter: (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
            key: (0xa409_3822, 0x299f_31d0)
        )
        #expect(pi == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test("Random numbers depend on seed, branch and position alone, and fill [0, 1)")
    func counterRandom() {
        let random = CounterRandom(seed: 7)
        #expect(random.uniform(branch: 1, position: 2) == random.uniform(branch: 1, position: 2))
        #expect(random.uniform(branch: 1, position: 2) != random.uniform(branch: 2, position: 1))
        #expect(random.uniform(branch: 0, position: 0) != CounterRandom(seed: 8).uniform(branch: 0, position: 0))
        let draws = (0..<10_000).map { random.uniform(branch: 3, position: $0) }
        #expect(draws.allSatisfy { (0..<1).contains($0) })
        let mean = draws.reduce(0, +) / 10_000
        #expect(abs(mean - 0.5) < 0.015)  // five standard errors
    }

    @Test("Greedy takes the likeliest token, the lowest id among equals")
    func greedy() throws {
        #expect(try Sampler(GenerationOptions()).sample(logits, position: 0) == 1)
    }

    @Test("The repetition penalty divides positive logits and multiplies negative ones")
    func repetitionPenalty() throws {
        let sampler = try Sampler(GenerationOptions(repetitionPenalty: 2))
        #expect(try sampler.sample(logits, recent: [1, 1], position: 0) == 3)
        #expect(try sampler.sample(logits, recent: [1, 3], position: 0) == 2)
        #expect(try sampler.sample(Logits([-1, -1.5]), recent: [0], position: 0) == 1)
    }

    @Test("Top-k, top-p and min-p keep the tokens they should")
    func truncation() throws {
        func kept(_ options: GenerationOptions) throws -> [TokenID] {
            try logits.values.withUnsafeBufferPointer { values in
                let ranking = TokenRanking(values, maximum: 3, temperature: options.temperature)
                let count = try Sampler(options).restrict(ranking).count
                return (1...count).compactMap { ranking.token(ranked: $0) }
            }
        }
        #expect(try kept(.init(samplingMode: .random(seed: 0))) == [1, 3, 2, 0, 4])
        #expect(try kept(.init(samplingMode: .random(top: 3, seed: 0))) == [1, 3, 2])
        // Probabilities: 0.40, 0.40, 0.15, 0.05, 0.01.
        #expect(try kept(.init(samplingMode: .random(probabilityThreshold: 0.39, seed: 0))) == [1])
        #expect(try kept(.init(samplingMode: .random(probabilityThreshold: 0.9, seed: 0))) == [1, 3, 2])
        #expect(try kept(.init(samplingMode: .random(seed: 0), minimumProbability: 0.2)) == [1, 3, 2])
        // Dividing by a temperature of 0.5 squares the ratios: e⁻² is no longer 0.2 of the best.
        #expect(try kept(.init(samplingMode: .random(seed: 0), temperature: 0.5, minimumProbability: 0.2)) == [1, 3])
    }

    @Test("Draws follow the probabilities")
    func frequencies() throws {
        let sampler = try Sampler(GenerationOptions(samplingMode: .random(seed: 11)))
        var counts = [Int](repeating: 0, count: 5)
        for position in 0..<20_000 { counts[Int(try sampler.sample(logits, position: position))] += 1 }
        for (token, count) in counts.enumerated() {
            let probability = exp(logits.logProbability(of: TokenID(token)))
            let error = (20_000 * probability * (1 - probability)).squareRoot()
            #expect(abs(Double(count) - 20_000 * probability) < 5 * error)
        }
    }

    @Test("min-p looks at what top-p left, top-p at what top-k left")
    func order() throws {
        func count(_ top: Int?, _ threshold: Double, _ floor: Double) throws -> Int {
            let mode = GenerationOptions.SamplingMode.draw(top: top, probabilityThreshold: threshold, seed: 0)
            let sampler = try Sampler(GenerationOptions(samplingMode: mode, minimumProbability: floor))
            return logits.values.withUnsafeBufferPointer {
                sampler.restrict(TokenRanking($0, maximum: 3, temperature: 1)).count
            }
        }
        // Weights: 1, 1, 0.37, 0.14, 0.02, together 2.52. It takes three tokens to reach 0.84 of that. Had min-p dropped the
        // last two before, two tokens would reach 0.84 of what is left.
        #expect(try count(nil, 0.84, 0) == 3)
        #expect(try count(nil, 0.84, 0.2) == 3)
        // Of the likeliest three, two reach 0.84.
        #expect(try count(3, 0.84, 0) == 2)
    }

    @Test(
        "Logits that no token can be chosen from are an error that says so, drawn or greedy",
        arguments: [
            ([Float.nan, .nan], "NaN for token 0"), ([1, .nan], "NaN for token 1"),
            ([1, .infinity], "infinity for token 1"),
            ([-.infinity, -.infinity], "-infinity for every token"),
            ([Float](repeating: 0, count: 40) + [.nan] + [Float](repeating: 1, count: 40), "NaN for token 40"),
        ]
    )
    func notNumbers(values: [Float], found: String) throws {
        for mode in [GenerationOptions.SamplingMode.greedy, .random(seed: 1)] {
            let sampler = try Sampler(GenerationOptions(samplingMode: mode))
            #expect {
                try sampler.sample(Logits(values), position: 0)
            } throws: { error in
                (error as? EMLLMError)?.code == .invalidLogits && "\(error)".contains(found)
            }
        }
        let sampler = try Sampler(GenerationOptions(samplingMode: .random(seed: 1)))
        #expect(try sampler.sample(Logits([-.infinity, 1]), position: 0) == 1)
    }

    @Test(
        "Options outside their range are refused by name",
        arguments: [
            ("temperature", GenerationOptions(temperature: 0)),
            ("temperature", GenerationOptions(temperature: .nan)),
            ("min-p", GenerationOptions(minimumProbability: 1.5)),
            ("repetition penalty", GenerationOptions(repetitionPenalty: -1)),
            ("maximum tokens", GenerationOptions(maximumResponseTokens: 0)),
            ("top-k", GenerationOptions(samplingMode: .random(top: 0, seed: 0))),
            ("top-p", GenerationOptions(samplingMode: .random(probabilityThreshold: 0, seed: 0))),
        ]
    )
    func badOptions(name: String, options: GenerationOptions) {
        #expect {
            try Sampler(options)
        } throws: { error in
            (error as? EMLLMError)?.code == .invalidOption && (error as? EMLLMError)?.subject == name
        }
    }
}
