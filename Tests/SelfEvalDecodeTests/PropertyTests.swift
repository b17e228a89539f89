import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// Any model, any options: what holds always.
@Suite("Properties over random models and options")
struct PropertyTests {
    /// Logits that are a function of the tokens: letters mostly, with line breaks, full stops, ends of turns, verdict
    /// words and bytes of broken characters among them.
    private static func logits(seed: UInt64, tokenizer: Tokenizer, after tokens: [TokenID]) -> Logits {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
        for token in tokens.suffix(6) { hash = (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x100_0000_01B3 }
        var random = SplitMix64(state: hash ^ UInt64(tokens.count))
        var values = (0..<tokenizer.vocabularySize).map { _ in Float.random(in: -4...2, using: &random) }
        for text in ["\n", ".", " ", "a", "e", "<|im_end|>", "Yes", "No"] {
            values[Int(tokenizer.encode([.trusted(text)])[0])] += Float.random(in: 0...5, using: &random)
        }
        return Logits(values)
    }

    private static func options(_ random: inout SplitMix64) -> SelfEvalOptions {
        let accept = Double.random(in: 0...1, using: &random)
        var options = SelfEvalOptions(
            strategy: StrategyName.builtIn.randomElement(using: &random) ?? .verify,
            revisionTemperature: .random(in: 0.3...2, using: &random),
            seed: random.next(),
            acceptThreshold: accept,
            rejectThreshold: accept * .random(in: 0...1, using: &random),
            maximumRevisions: .random(in: 0...5, using: &random),
            revisionWidth: .random(in: 1...4, using: &random),
            maximumBacktracks: .random(in: 0...4, using: &random),
            maximumSteps: .random(in: 1...10, using: &random),
            usesHints: .random(using: &random),
            evaluation: EvaluationForm.allCases.randomElement(using: &random) ?? .logits,
            chains: .random(in: 1...6, using: &random),
            weighsVotes: .random(using: &random),
            evaluatesChains: .random(using: &random),
            beam: BeamOptions(
                lines: .random(in: 1...3, using: &random),
                candidates: .random(in: 1...3, using: &random),
                mixing: .random(in: 0...1, using: &random),
                temperature: Bool.random(using: &random) ? 0 : .random(in: 0.1...2, using: &random)
            ),
            aggregation: ScoreAggregation.allCases.randomElement(using: &random) ?? .mean,
            weights: ScoreWeights(
                [
                    .verdict: 1, .sequence: Bool.random(using: &random) ? 0 : 0.5,
                    .line: .random(in: 0...2, using: &random) == 0 ? 0.1 : 0,
                    .probe: .random(in: 0...5, using: &random) == 0 ? 0.5 : 0,
                ],
                intercept: .random(in: 0...2, using: &random) == 0 ? 0.5 : 0
            ),
            subtractsPrior: .random(using: &random),
            averagesOrders: .random(using: &random),
            minimumVerdictMass: .random(in: 0...0.3, using: &random),
            reflectionTokens: .random(in: 1...20, using: &random),
            budget: Budget(
                tokens: .random(in: 120...3000, using: &random),
                cacheBytes: .random(in: 0...2, using: &random) == 0 ? .random(in: 700...4000, using: &random) : nil,
                answerTokens: .random(in: 1...30, using: &random)
            ),
            prompts: PromptPack(
                step: StepSegmenter(
                    boundaries: Set(StepBoundary.allCases.filter { _ in Bool.random(using: &random) }),
                    delimiters: Bool.random(using: &random) ? ["e"] : [],
                    minimumTokens: .random(in: 1...8, using: &random),
                    maximumTokens: .random(in: 8...40, using: &random)
                ),
                markers: EvaluationMarkers(start: "a", verdict: "e", accept: "a", refine: "o", end: ".")
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
        arguments: 0..<400 as Range<UInt64>
    )
    func invariants(seed: UInt64) throws {
        let tokenizer = try TestVocabulary.makeTokenizer()
        var random = SplitMix64(state: seed)
        var options = Self.options(&random)
        let contextLength = Int.random(in: 300...2000, using: &random)
        // Every other run has a picture, which says something else in each view.
        let pictures = seed.isMultiple(of: 2) ? try Pictures(Array(repeating: Script(""), count: 5)) : nil
        if pictures != nil { options.views = .random(in: 1...5, using: &random) }
        func run() throws -> ScriptedRun {
            let model = ScriptedModel(tokenizer, contextLength: contextLength) { tokens in
                let view = pictures?.view(in: tokens) ?? 0
                return Self.logits(seed: seed ^ (UInt64(view) << 32), tokenizer: tokenizer, after: tokens)
            }
            let question = pictures == nil ? "What is it?" : Pictures.question
            return try ScriptedRun(model, options: options, question: question, pictures: pictures)
        }
        let result: ScriptedRun
        do {
            result = try run()
        } catch let error as EMLLMError where error.code == .invalidSelfEvalOption {
            #expect("\(error)".contains("token budget") || "\(error)".contains("cache budget"))
            return
        }
        let trace = result.trace
        let counts = result.counts

        #expect(result.model.processed - counts.prompt <= options.budget.tokens)
        #expect(result.model.longest <= contextLength)
        if let bytes = options.budget.cacheBytes { #expect(result.model.peakCacheBytes <= bytes) }
        #expect(counts.processed == result.model.processed)
        let answer = try #require(trace.answer)
        #expect(answer.text.contains { !$0.isWhitespace })
        #expect(answer.tokens.count <= options.budget.answerTokens)
        #expect(answer.confidence.map { (0...1).contains($0) } ?? true)
        #expect(result.model.live == 0, "nothing leaks")

        let path = trace.path
        #expect(path.filter { $0.kind == .step }.count <= options.maximumSteps)
        #expect(trace.backtracks.count <= options.maximumBacktracks)
        #expect(zip(path, [0] + path.map(\.id)).allSatisfy { $0.parent == $1 }, "the path is one line of the tree")
        #expect(tokenizer.decode(path.flatMap(\.tokens)) == trace.reasoning)
        #expect(path.allSatisfy { $0.decision?.stands == true })
        for node in trace.nodes {
            let limit = options.prompts.step.maximumTokens * (node.kind == .evaluation ? 3 : 1)
            #expect(node.tokens.count <= limit)
        }
        #expect(trace.nodes.reduce(0) { $0 + $1.written } == counts.generated)
        if [.verify, .beam].contains(options.strategy) {
            for siblings in Dictionary(grouping: trace.nodes, by: \.parent).values {
                let standing = siblings.filter { $0.rejection == nil }.map { AnswerText.key($0.text) }
                #expect(Set(standing).count == standing.count, "no candidate is evaluated twice")
            }
        }
        let lines = try result.events.compactMap { try $0.jsonLine() }
        #expect(try Trace(json: lines.reduce(Data(), +)) == trace, "the events come to the trace")
        #expect(try Trace(json: trace.json()) == trace)

        let again = try run()
        #expect(again.trace == trace, "same seed, same trace")
        #expect(again.events == result.events)
    }
}
