import EMLLMCore
import Foundation
import Testing

/// The published model against an independent implementation of it: the same weights and vocabulary in `transformers`
/// and `tokenizers`. `Tests/Scripts/smollm2_reference.py` made the fixture and says how.
@Suite("SmolLM2 against transformers", SmolLM2.isAvailable, .serialized)
struct SmolLM2ReferenceTests {
    /// How far float activations may differ, in logits: two orders of summation, no more. Float32 and float64 runs of
    /// the reference itself differ by up to 3e-5.
    static let floatTolerance: Float = 1e-3

    @Test("Token ids are the Hugging Face tokenizer's", arguments: Reference.shared.prompts)
    func tokens(prompt: Reference.Prompt) throws {
        let model = try SmolLM2.model.get()
        if let messages = prompt.messages {
            #expect(try model.prompt(for: messages) == prompt.tokens)
        } else if let text = prompt.text {
            #expect(model.tokenizer.encode(text) == prompt.tokens)
            #expect(model.tokenizer.decode(prompt.tokens) == text)
        } else {
            #expect(prompt.tokens == [try #require(model.tokenizer.beginningOfSequence)])
        }
    }

    @Test("Float activations give the reference's logits", arguments: Reference.shared.prompts)
    func floatLogits(prompt: Reference.Prompt) throws {
        let logits = try SmolLM2.logits(after: prompt.tokens, activations: .f32)
        #expect(logits.argmax == prompt.top[0])
        let differences = prompt.differences(of: logits)
        let largest = differences.map(abs).max() ?? .infinity
        #expect(largest < Self.floatTolerance, "largest difference among the top 20: \(largest)")
    }

    /// Rounding activations to 8 bits moves logits, in a way too chaotic to predict one by one; the reference simulated
    /// it. The engine must be no noisier than that simulation, and must choose the same token wherever the reference's
    /// choice stands clear of the noise.
    @Test("8-bit activations add the noise of 8-bit activations and nothing else")
    func eightBitNoise() throws {
        let prompts = Reference.shared.prompts
        let simulated = Noise(prompts.flatMap { zip($0.q8, $0.float).map { $0 - $1 } })
        let margin = 2 * simulated.rootMeanSquare
        var measured: [Float] = []
        for prompt in prompts {
            let logits = try SmolLM2.logits(after: prompt.tokens, activations: .q8)
            measured += prompt.differences(of: logits)
            let rank = try #require(
                prompt.top.firstIndex(of: logits.argmax),
                "\(prompt.name): argmax is not in the reference's top 20"
            )
            let deficit = prompt.float[0] - prompt.float[rank]
            #expect(deficit <= margin, "\(prompt.name): argmax trails the reference's by \(deficit)")
        }
        let noise = Noise(measured)
        #expect(noise.rootMeanSquare <= 1.25 * simulated.rootMeanSquare)
        #expect(noise.largest <= 2 * simulated.largest)
        // Less than half of it would mean that activations were not rounded at all.
        #expect(noise.rootMeanSquare >= 0.5 * simulated.rootMeanSquare)
        print("8-bit noise: \(noise), simulated by the reference: \(simulated)")
    }

    @Test("Greedy continuations are the reference's", arguments: Reference.shared.continuations)
    func greedy(continuation: Reference.Continuation) throws {
        let context = try SmolLM2.context(activations: .f32)
        let branch = context.makeBranch()
        var logits = try context.extend(branch, with: Reference.shared.tokens(of: continuation.prompt))
        var tokens: [TokenID] = []
        while tokens.count < continuation.tokens.count {
            tokens.append(logits.argmax)
            logits = try context.extend(branch, with: [logits.argmax])
        }
        #expect(tokens == continuation.tokens)
        #expect(context.model.tokenizer.decode(tokens, skippingSpecialTokens: false) == continuation.text)
    }

    @Test("Log-probabilities of given continuations are the reference's", arguments: Reference.shared.scores)
    func scores(score: Reference.Score) throws {
        let context = try SmolLM2.context(activations: .f32)
        let continuation = context.model.tokenizer.encode(score.text)
        #expect(continuation == score.tokens)
        let branch = context.makeBranch()
        let logits = try context.extend(branch, with: Reference.shared.tokens(of: score.prompt))
        let values = try context.logProbabilities(of: continuation, after: branch, logits: logits)
        #expect(values.count == score.logProbabilities.count)
        for (value, expected) in zip(values, score.logProbabilities) {
            #expect(abs(value - expected) < Double(Self.floatTolerance))
        }
    }
}

/// The model under test, named by `EMLLM_TEST_SMOLLM2`: SmolLM2-135M-Instruct Q4_1, as GGUF or `.emllm`.
enum SmolLM2 {
    static let environmentVariable = "EMLLM_TEST_SMOLLM2"

    private static let environment = ProcessInfo.processInfo.environment
    private static let path = environment[environmentVariable].flatMap { $0.isEmpty ? nil : $0 }
    /// On a build machine a missing model is a failure, not a reason to skip.
    private static let isRequired = environment["CI"] == "true" || environment["EMLLM_REQUIRE_MODELS"] == "1"

    static let isAvailable: ConditionTrait = .enabled(
        if: path != nil || isRequired,
        "\(environmentVariable) names no model file; `make test` fetches one, sets it"
    )

    static let model: Result<EMLLMModel, any Error> = Result {
        // Not #require: its error counts as recorded, so that only the first test of many would fail.
        guard let path else { throw Missing() }
        return try EMLLMModel.load(from: URL(filePath: path))
    }

    private struct Missing: Error, CustomStringConvertible {
        let description = "\(environmentVariable) must name SmolLM2-135M-Instruct Q4_1 (GGUF or .emllm)"
    }

    static func context(activations: ActivationPrecision) throws -> InferenceContext {
        try InferenceContext(model: model.get(), options: RuntimeOptions(activations: activations))
    }

    static func logits(after tokens: [TokenID], activations: ActivationPrecision) throws -> Logits {
        let context = try context(activations: activations)
        return try context.extend(context.makeBranch(), with: tokens)
    }
}

/// `Fixtures/smollm2/reference.json`.
struct Reference: Codable, Sendable {
    var prompts: [Prompt]
    var continuations: [Continuation]
    var scores: [Score]

    /// A prompt, as messages or as text, and the reference's likeliest next tokens.
    struct Prompt: Codable, Sendable, CustomTestStringConvertible {
        var name: String
        var messages: [ChatMessage]?
        var text: String?
        var tokens: [TokenID]
        /// The 20 likeliest tokens, best first.
        var top: [TokenID]
        /// Their logits.
        var float: [Float]
        /// Their logits when every linear layer's input is rounded to 8 bits.
        var q8: [Float]

        var testDescription: String { name }

        /// The engine's logits less the reference's, over the reference's top 20.
        func differences(of logits: Logits) -> [Float] {
            zip(top, float).map { logits.values[Int($0)] - $1 }
        }
    }

    /// What greedy decoding appends to a prompt.
    struct Continuation: Codable, Sendable, CustomTestStringConvertible {
        var prompt: String
        var tokens: [TokenID]
        var text: String

        var testDescription: String { prompt }
    }

    /// The log-probability of each token of a text after a prompt.
    struct Score: Codable, Sendable, CustomTestStringConvertible {
        var prompt: String
        var text: String
        var tokens: [TokenID]
        var logProbabilities: [Double]

        var testDescription: String { "\(prompt): \(text)" }
    }

    /// The fixture. Committed beside the tests, so a failure to read it is a programmer's error.
    static let shared: Reference = {
        do {
            let file = TestModels.fixtures.appending(path: "smollm2/reference.json")
            return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file))
        } catch {
            fatalError("Fixtures/smollm2/reference.json: \(error)")
        }
    }()

    func tokens(of prompt: String) throws -> [TokenID] {
        try #require(prompts.first { $0.name == prompt }, "no prompt named \(prompt)").tokens
    }
}

/// The size of a set of differences.
struct Noise: CustomStringConvertible {
    let rootMeanSquare: Float
    let largest: Float

    init(_ differences: [Float]) {
        let squares = differences.reduce(into: Float(0)) { $0 += $1 * $1 }
        rootMeanSquare = (squares / Float(max(differences.count, 1))).squareRoot()
        largest = differences.map(abs).max() ?? 0
    }

    var description: String { "root mean square \(rootMeanSquare), largest \(largest)" }
}
