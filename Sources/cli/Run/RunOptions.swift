import ArgumentParser
import CLIShared
import DecodeOptions
import EMLLMCore
import Foundation
import SelfEvalDecode

/// A question, how it is answered, and what is printed: what `emllm run` and `emllm-run` have in common.
struct RunOptions: ParsableArguments {
    @Argument(help: "The question; if it is missing or '-', it is read from standard input.")
    var question: String?

    @OptionGroup(title: "Model") var modelOptions: ModelOptions
    @OptionGroup(title: "Pictures") var imageOptions: ImageOptions
    @OptionGroup(title: "Mode") var mode: ModeOptions
    @OptionGroup(title: "Run") var one: OneRunOptions
    @OptionGroup(title: "Text") var text: TextOptions
    @OptionGroup(title: "Self-evaluation") var selfEvaluation: SelfEvaluationOptions

    func validate() throws {
        try mode.validate(
            question: question,
            system: text.system,
            usesSelfEvaluation: selfEvaluation.isUsed || one.strategy != nil
        )
        try imageOptions.validate(question: question)
        if mode.raw != nil, !imageOptions.images.isEmpty {
            throw ValidationError("--raw and --image do not go together; leave one of them out")
        }
        try text.validate()
        try selfEvaluation.validate()
    }

    /// Answers the question, and prints the answer.
    func run() async throws {
        let recorded = try mode.replay.map { try TraceCommand.read($0) }
        let prompt = try recorded?.header.question ?? mode.raw ?? readQuestion()
        let pictures = try recorded.map { try imageOptions.load(for: $0) } ?? imageOptions.load()
        let model = try modelOptions.load()
        guard pictures.isEmpty || model.hasVision else { throw EMLLMError.noVision(modelOptions.model) }
        // A recorded run says itself what it saw.
        if mode.raw == nil, recorded == nil { try modelOptions.check(model, hasPictures: !pictures.isEmpty) }
        let runner = Runner(
            model: model,
            runtime: modelOptions.runtime,
            generation: text.generation(seed: one.seed),
            system: text.system,
            pictures: pictures,
            pictureNames: imageOptions.images,
            output: Terminal.standardOutput,
            notes: Terminal.standardError
        )
        switch mode.task {
        case .dump(let folder): try await runner.dump(prompt, isPlain: mode.plain, to: folder)
        case .tokens: try await runner.printTokens(of: prompt, isRaw: mode.raw != nil, isPlain: mode.plain)
        case .topLogits(let count):
            try await runner.printTopLogits(count, of: prompt, isRaw: mode.raw != nil, isPlain: mode.plain)
        case .raw: try await runner.continueText(prompt, json: mode.json)
        case .plain: try await runner.chat(prompt, json: mode.json)
        case .replay:
            if let recorded { try await runner.replay(recorded, mode: mode) }
        case .selfEvaluation:
            let activations = modelOptions.activations
            let options = try selfEvaluation.options(
                text: text,
                strategy: one.strategy,
                seed: one.seed,
                for: model,
                activations: activations
            ) {
                try StandardStreams.note($0)
            }
            try await runner.reason(prompt, options: options, mode: mode)
        }
    }

    private func readQuestion() throws -> String {
        let text = try question.flatMap { $0 == "-" ? nil : $0 } ?? StandardStreams.readText()
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty else { throw EMLLMError.emptyPrompt }
        return trimmed
    }
}

extension EMLLMError {
    static let emptyPrompt = EMLLMError(
        code: .emptyQuestion,
        subject: "question",
        expected: "some text",
        found: "none",
        remedy: "give it as an argument or on standard input"
    )

    static func noVision(_ model: String) -> EMLLMError {
        EMLLMError(
            code: .noVision,
            subject: model,
            expected: "a model with a vision tower for --image",
            found: "one of text alone",
            remedy: "name a vision-language model with --model (from GGUF: its tower with --mmproj)"
        )
    }
}
