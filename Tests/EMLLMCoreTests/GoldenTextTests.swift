import EMLLMCore
import Testing

@Suite("Golden text")
struct GoldenTextTests {
    /// Published with the model: what greedy decoding prints, to the byte.
    @Test(
        "stories260K tells its published story, from GGUF and from .emllm",
        arguments: InstructionSet.supported,
        [1, 2]
    )
    func story(isa: InstructionSet, threads: Int) throws {
        let golden = try TestModels.stories260KGolden().trimmingSuffix { $0 == "\n" }
        for (format, model) in [("GGUF", TestModels.stories260K), (".emllm", TestModels.stories260KPacked)] {
            for activations in ActivationPrecision.allCases {
                let text = try Self.greedyText(
                    of: model.get(),
                    options: RuntimeOptions(threads: threads, instructionSet: isa, activations: activations)
                )
                #expect(text == golden, "\(format), \(activations)")
            }
        }
    }

    /// Greedy text from the beginning-of-sequence token alone, as long as the golden one.
    static func greedyText(of model: EMLLMModel, options: RuntimeOptions) throws -> String {
        let context = try InferenceContext(model: model, options: options)
        let branch = context.makeBranch()
        let start = try #require(model.tokenizer.beginningOfSequence)
        let logits = try context.extend(branch, with: [start])
        let (tokens, _) = try context.generate(
            branch,
            after: logits,
            options: GenerationOptions(maximumResponseTokens: 256)
        ) { _ in }
        return model.tokenizer.decode(tokens)
    }
}

extension StringProtocol {
    /// Without the characters at the end that satisfy `predicate`.
    func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var end = endIndex
        while end > startIndex, predicate(self[index(before: end)]) { end = index(before: end) }
        return String(self[..<end])
    }
}
