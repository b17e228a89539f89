import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// One chain of thought is what a plain chat says.
@Suite("A chain as in a plain chat")
struct PlainChatTests {
    private static let fixtures = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures")

    private static let question = "A boy has 3 bags with 4 apples each. How many apples is that?"

    /// Every text model at hand.
    private static var models: [URL] {
        let names = ["granite", "internlm2", "llama", "llama3", "qwen2", "qwen3"].map { "families/\($0).gguf" }
        let smol = ProcessInfo.processInfo.environment["EMLLM_TEST_SMOLLM2"].map { [URL(filePath: $0)] } ?? []
        return (["stories260K/stories260K-f32.gguf"] + names).map { fixtures.appending(path: $0) } + smol
    }

    private static let sampling: [GenerationOptions] = [
        GenerationOptions(samplingMode: .greedy),
        GenerationOptions(samplingMode: .draw(top: 40, probabilityThreshold: 0.95, seed: 7), temperature: 0.9),
    ]

    @Test("cot writes the tokens of a plain chat up to the end of its turn", arguments: models, sampling)
    func tokens(source: URL, sampling: GenerationOptions) throws {
        let model = try ChatModel.load(source)
        let context = try InferenceContext(model: model, options: RuntimeOptions(threads: 1))
        var options = SelfEvalOptions(strategy: .cot, sampling: sampling, seed: 7)
        options.budget = Budget(tokens: 400, answerTokens: 8)
        let message = options.prompts.reason.replacingOccurrences(of: "{question}", with: Self.question)
        let prompt = try model.prompt(for: [ChatMessage(role: .user, content: message)])
        let room = model.configuration.decoder.contextLength - prompt.count
        options.budget.tokens = min(400, room - 2)
        let trace = try SelfEvalDecoder.run(Self.question, options: options, in: context)
        #expect(trace.header.prompt == prompt)

        var plain = sampling
        plain.maximumResponseTokens = options.budget.tokens
        let branch = context.makeBranch()
        let logits = try context.extend(branch, with: prompt)
        let (chat, reason) = try context.generate(branch, after: logits, options: plain) { _ in }
        let chain = trace.nodes.flatMap(\.tokens)
        #expect(chain.count > 20 || trace.stopReason == .endOfTurn)
        #expect(chain == Array(chat.prefix(chain.count)))
        switch trace.nodes.last?.end {
        case .endOfTurn: #expect(chain.count == chat.count && reason == .endOfTurn)
        case .budget, .loop: #expect(chain.count <= chat.count)
        case let other: Issue.record("the chain ended for another reason: \(String(describing: other))")
        }
    }

    // MARK: Ends

    private let end = "<|im_end|>"

    private func options(_ change: (inout SelfEvalOptions) -> Void = { _ in }) -> SelfEvalOptions {
        var options = SelfEvalOptions.test
        options.strategy = .cot
        options.prompts = PromptPack(step: StepSegmenter(boundaries: [.block], minimumTokens: 8, maximumTokens: 200))
        change(&options)
        return options
    }

    @Test("a sentence that is said twice is no end, and neither is a stated answer")
    func repeated() throws {
        let text = """
            There are 12 months in a year.

            So 12 * 2 = 24 for the first.

            There are 12 months in a year.

            The answer is 24.

            No: with the other one, it is \\boxed{48}.

            I hope that this helps.
            """
        for strategy in [StrategyName.cot, .verify, .casSEAT, .adaptive] {
            let run = try ScriptedRun(Script(text + end), options: options { $0.strategy = strategy })
            #expect(run.trace.reasoning == text, "\(strategy)")
            #expect(run.trace.stopReason == .endOfTurn && run.trace.path.count == 6)
            #expect(run.trace.answer?.text == "48" && run.trace.answer?.source == .reasoning)
            #expect(
                run.trace.answer.map { run.trace[$0.node]?.text } == "No: with the other one, it is \\boxed{48}.\n\n"
            )
            #expect(run.counts.answerPrompt == 0)
        }
    }

    @Test("chains are as long as they are")
    func long() throws {
        let text = (1...60).map { "\($0). Take \($0) from \(2 * $0).\n" }.joined()
        let run = try ScriptedRun(Script(text + end), options: options())
        #expect(run.trace.reasoning == text && run.trace.path.count == 60)
        #expect(SelfEvalOptions().maximumSteps == 1000)
    }

    @Test("a loop ends a chain, and what repeats itself is no part of it")
    func loop() throws {
        let beginning = "First of all, this is so.\n\n"
        let circle = "Wait, let me think again.\n\n"
        let run = try ScriptedRun(
            Script(beginning + String(repeating: circle, count: 100) + end),
            options: options()
        )
        #expect(run.trace.stopReason == .loop && run.trace.nodes.last?.end == .loop)
        #expect(run.trace.reasoning == beginning + circle)
        #expect(run.trace.answer?.text == "forty-two" && run.counts.generated < 400)
        let stepwise = try ScriptedRun(
            Script(beginning + String(repeating: circle, count: 100) + end),
            options: options { $0.strategy = .verify }
        )
        #expect(stepwise.trace.stopReason == .loop && stepwise.trace.path.count < 14)
    }

    @Test("a loop is long, and goes round several times")
    func loops() {
        func isLoop(_ tokens: [TokenID]) -> Bool {
            var detector = LoopDetector()
            return tokens.map { detector.append($0) }.contains(true)
        }
        #expect(!isLoop(Array(0..<1000)))
        #expect(!isLoop(Array(repeating: 5, count: 200)))
        #expect(isLoop(Array(repeating: 5, count: 300)))
        // A passage of 90 tokens twice, and four times.
        let passage = (0..<90).map { TokenID($0) }
        #expect(!isLoop(passage + passage))
        #expect(isLoop(Array([passage, passage, passage, passage].joined())))
        #expect(!isLoop((0..<300).flatMap { [1, 2, TokenID($0 + 10)] }))
        let detector = LoopDetector(behind: [9, 9, 8] + (0..<300).map { TokenID($0 % 3) })
        #expect(detector.repetitionStart == 6)
    }

    @Test("prompts of earlier versions end a chain as they did")
    func earlier() throws {
        let pack = try PromptPack(yaml: "name: x\nextends: seat\nanswer_pattern: \"The answer is {answer}.\"\n")
        #expect(pack.chainEnds == [.answer, .repetition] && pack.furtherAnswerPatterns.isEmpty)
        let json = try JSONEncoder().encode(PromptPack.casSEAT)
        var object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(
            object.removeValue(forKey: "chainEnds") != nil && object.removeValue(forKey: "furtherAnswerPatterns") != nil
        )
        let old = try JSONDecoder().decode(PromptPack.self, from: JSONSerialization.data(withJSONObject: object))
        #expect(old.chainEnds == [.answer, .repetition] && old.furtherAnswerPatterns.isEmpty)
        #expect(try PromptPack(yaml: "name: x\nextends: cas-seat\nchain_ends: [answer]\n").chainEnds == [.answer])
        #expect { try PromptPack(yaml: "name: x\nextends: cas-seat\nchain_ends: [word]\n") } throws: {
            "\($0)".contains("line 3") && "\($0)".contains("repetition")
        }
    }
}
