import ArgumentParser
import CLIShared
import DecodeOptions
import EMLLMCore
import Foundation
import SelfEvalDecode

/// The tool's entry: a first word names a task of its own, anything else is a question with its options.
@main
enum Main {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "trace": await TraceCommand.start(Array(arguments.dropFirst()))
        case "prompts": await PromptsCommand.start(Array(arguments.dropFirst()))
        default: await EMLLMRun.start(arguments)
        }
    }
}

/// `emllm-run`: answers a question.
struct EMLLMRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emllm-run",
        abstract: "Answer a question with a small language model that checks its own steps.",
        usage: """
            emllm-run [<options>] [<question>]
            emllm-run trace view <trace> [--html <file>]
            emllm-run prompts [<name>]
            """,
        discussion: """
            The model reasons step by step and judges each step before it writes the next. On a terminal the steps are shown \
            with the probability that they are right; in a pipe only the answer is printed.

            EXAMPLES
              emllm-run --image puzzle.png "What is the missing number?"
              emllm-run --model smollm2-135m-instruct "How many legs do three spiders have?"
              emllm-run --image puzzle.png --trace run.jsonl "What is the missing number?"
              emllm-run trace view run.jsonl --html run.html
              emllm-run --replay run.jsonl
              emllm-run --image puzzle.png --strategy vote --chains 8 "What is the missing color?"
              emllm-run prompts cas-seat > mine.yaml; emllm-run --prompts mine.yaml "…"
              emllm-run --model m.gguf --plain --temperature 0.7 --seed 1 "Write a sentence about rain."
              echo "What is the capital of France?" | emllm-run --model m.gguf
              emllm-run --model m.gguf --raw "Once upon a time" --max-tokens 50
              emllm-run --model m.gguf --top-logits 5 --raw "The capital of France is"

            ENVIRONMENT
              EMLLM_HOME   the folder of models (else $XDG_CACHE_HOME/emllm, else
                           ~/.cache/emllm)
              EMLLM_ISA    scalar, avx2 or avx512: the kernels to use (else the
                           fastest this processor has)
              NO_COLOR     set to anything for a terminal without colours

            Exit status: 0 with an answer, 1 on an error, 64 for wrong usage, 130 when interrupted with Ctrl-C.
            """
    )

    @Argument(help: "The question; without it, or with '-', it is read from standard input.")
    var question: String?

    @OptionGroup(title: "Model") var modelOptions: ModelOptions
    @OptionGroup(title: "Pictures") var imageOptions: ImageOptions
    @OptionGroup(title: "Mode") var mode: ModeOptions
    @OptionGroup(title: "Text") var text: TextOptions
    @OptionGroup(title: "Self-evaluation") var selfEvaluation: SelfEvaluationOptions

    func validate() throws {
        try mode.validate(question: question, system: text.system, usesSelfEvaluation: selfEvaluation.isUsed)
        try imageOptions.validate(question: question)
        if mode.raw != nil, !imageOptions.images.isEmpty {
            throw ValidationError("--raw and --image do not go together; leave one of them out")
        }
        try text.validate()
        try selfEvaluation.validate()
    }

    func run() async throws {
        let options = try selfEvaluation.options(text: text)
        let recorded = try mode.replay.map { try TraceCommand.read($0) }
        let prompt = try recorded?.header.question ?? mode.raw ?? readQuestion()
        let pictures = try imageOptions.load()
        let model = try modelOptions.load()
        guard pictures.isEmpty || model.hasVision else { throw EMLLMError.noEyes(modelOptions.model) }
        // A recorded run says itself what it saw.
        if mode.raw == nil, recorded == nil { try modelOptions.check(hasPictures: !pictures.isEmpty) }
        let runner = Runner(
            model: model,
            runtime: modelOptions.runtime,
            generation: text.generation,
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
            let fitted = try selfEvaluation.fitted(options, to: model, activations: activations) {
                try StandardStreams.write("emllm-run: \($0)\n", to: .standardError)
            }
            try await runner.reason(prompt, options: fitted, mode: mode)
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

    static func noEyes(_ model: String) -> EMLLMError {
        EMLLMError(
            code: .noVision,
            subject: model,
            expected: "a model with a vision tower for --image",
            found: "one of text alone",
            remedy: "name a vision-language model with --model (from GGUF: its tower with --mmproj)"
        )
    }
}
