import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// Any model, any options: what holds always.
@Suite("Properties over random models and options")
struct PropertyTests {
    /// SplitMix64 (Steele et al. 2014), so that a failure can be repeated.
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// Logits that are a function of the tokens: letters mostly, with line breaks, full stops, ends of turns, verdict
    /// words and bytes of broken characters among them.
    private static func logits(seed: UInt64, tokenizer: Tokenizer, after tokens: [TokenID]) -> Logits {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
        for token in tokens.suffix(6) { hash = (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x100_0000_01B3 }
        var random = Random(state: hash ^ UInt64(tokens.count))
        var values = (0..<tokenizer.vocabularySize).map { _ in Float.random(in: -4...2, using: &random) }
        for text in ["\n", ".", " ", "a", "e", "<|im_end|>", "Yes", "No"] {
            values[Int(tokenizer.encode([.trusted(text)])[0])] += Float.random(in: 0...5, using: &random)
        }
        return Logits(values)
    }

    private static func options(_ random: inout Random) -> SelfEvalOptions {
        let accept = Double.random(in: 0...1, using: &random)
        var options = SelfEvalOptions(
            segmenter: StepSegmenter(
                boundaries: Set(StepBoundary.allCases.filter { _ in Bool.random(using: &random) }),
                minimumTokens: .random(in: 1...8, using: &random),
                maximumTokens: .random(in: 8...40, using: &random)
            ),
            revisionTemperature: .random(in: 0.3...2, using: &random),
            seed: random.next(),
            acceptThreshold: accept,
            rejectThreshold: accept * .random(in: 0...1, using: &random),
            maximumRevisions: .random(in: 0...5, using: &random),
            revisionWidth: .random(in: 1...4, using: &random),
            maximumBacktracks: .random(in: 0...4, using: &random),
            maximumSteps: .random(in: 1...10, using: &random),
            subtractsPrior: .random(using: &random),
            averagesOrders: .random(using: &random),
            minimumVerdictMass: .random(in: 0...0.3, using: &random),
            budget: Budget(
                tokens: .random(in: 120...3000, using: &random),
                answerTokens: .random(in: 1...30, using: &random)
            )
        )
        if Bool.random(using: &random) {
            options.sampling = GenerationOptions(
                samplingMode: .random(top: 40, seed: 0),
                temperature: .random(in: 0.2...2, using: &random),
                repetitionPenalty: Bool.random(using: &random) ? 1 : 1.2
            )
        }
        return options
    }

    @Test(
        "limits hold, an answer comes, the chain is what was accepted, nothing leaks",
        arguments: 0..<150 as Range<UInt64>
    )
    func invariants(seed: UInt64) throws {
        let tokenizer = try TestVocabulary.makeTokenizer()
        var random = Random(state: seed)
        let options = Self.options(&random)
        let contextLength = Int.random(in: 300...2000, using: &random)
        func run() throws -> ScriptedRun {
            let model = ScriptedModel(contextLength: contextLength) {
                Self.logits(seed: seed, tokenizer: tokenizer, after: $0)
            }
            return try ScriptedRun(model, tokenizer: tokenizer, options: options)
        }
        let result: ScriptedRun
        do {
            result = try run()
        } catch let error as EMLLMError where error.code == .invalidSelfEvalOption {
            #expect("\(error)".contains("token budget"))
            return
        }
        let trace = result.trace

        #expect(result.model.processed - trace.counts.prompt <= options.budget.tokens)
        #expect(result.model.longest <= contextLength)
        #expect(trace.counts.processed == result.model.processed)
        let answer = try #require(trace.answer)
        #expect(answer.text.contains { !$0.isWhitespace })
        #expect(answer.tokens.count <= options.budget.answerTokens)
        #expect(result.model.live == 0)

        let accepted = trace.acceptedSteps
        #expect(accepted.map(\.index) == Array(0..<accepted.count))
        #expect(accepted.count <= options.maximumSteps)
        #expect(trace.backtracks.count <= options.maximumBacktracks)
        let tokens = accepted.flatMap { $0.chosenCandidate?.tokens ?? [] }
        #expect(tokenizer.decode(tokens) == trace.reasoning)
        for step in trace.steps {
            #expect(step.decision != nil)
            let fresh = step.decision == .restored ? step.candidates.count - 1 : step.candidates.count
            #expect(fresh <= 1 + options.maximumRevisions)
            for candidate in step.candidates {
                #expect(candidate.tokens.count <= options.segmenter.maximumTokens)
                #expect(candidate.rejection == nil || candidate.verdict == nil)
            }
            let standing = step.candidates.filter { $0.rejection == nil }.map { AnswerText.key($0.text) }
            #expect(Set(standing).count == standing.count, "no candidate is judged twice")
        }

        let again = try run()
        #expect(again.trace == trace, "same seed, same trace")
        #expect(again.events == result.events)
    }
}
