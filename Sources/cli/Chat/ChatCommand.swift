import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMModelStore
import Foundation

/// `emllm chat`: a conversation.
package struct ChatCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk with a model.",
        discussion: """
            Answers appear as they are written, and the model remembers the conversation. Ctrl-C stops an answer; at the \
            prompt it ends the program, as does Ctrl-D. In a pipe each line is a message, and only answers are printed.

            A line that begins with a slash is a command:

            """ + ChatInput.commands.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n") + """


                EXAMPLES
                  emllm chat
                  emllm chat --model m.gguf --system "Answer in one sentence." --temperature 0.7
                  printf '%s\\n' "My name is Ada." "What is my name?" | emllm chat

                Where the system has the library libedit, lines can be edited, and the program keeps a history while it runs. \
                Elsewhere 'rlwrap emllm chat' does the same.

                Exit status: 0 at the end of input, 1 on an error, 64 for wrong usage, 130 after Ctrl-C.
                """
    )

    @Option(
        help: "An .emllm or GGUF file, a Hugging Face folder, or the name of a model in the cache or beside the tools.",
        completion: .models
    )
    var model = ModelStore.textModel

    @Option(help: "The vision tower of a GGUF model, published beside it.", completion: .file(extensions: ["gguf"]))
    var mmproj: String?

    @Option(help: "The system message (default: the chat template's).")
    var system: String?

    @Option(help: "The maximum number of tokens in an answer.")
    var maxTokens = 512

    @Option(help: "0 takes the most likely token; a higher value samples.")
    var temperature = 0.0

    @Option(help: "Sample from the most likely tokens that together have this probability.")
    var topP: Double?

    @Option(help: "Makes a chat with --temperature repeatable: same seed, same answers.")
    var seed: UInt64?

    @Option(help: "Precision of activations: q8 (fast), or f32 (slow, for checking).")
    var activations = ActivationPrecision.q8

    @Option(help: "Worker threads (default: one for each CPU this process may run on).")
    var threads: Int?

    package init() {}

    private var generation: GenerationOptions {
        GenerationOptions(
            samplingMode: temperature == 0 ? .greedy : .draw(top: nil, probabilityThreshold: topP, seed: seed),
            temperature: temperature == 0 ? 1 : temperature,
            maximumResponseTokens: maxTokens
        )
    }

    package func validate() throws {
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature: expected 0 or more, found \(temperature); choose another value")
        }
        if temperature == 0, topP != nil || seed != nil {
            throw ValidationError("--top-p and --seed are for drawn tokens; add --temperature, for example 0.7")
        }
        do {
            try generation.validate()
        } catch let error as EMLLMError {
            throw ValidationError(error.description)
        }
    }

    package func run() async throws {
        let terminal = Terminal.standardOutput
        let isInteractive = terminal.isInteractive && isatty(STDIN_FILENO) == 1
        let chat = try Chat(
            model: load(),
            name: model,
            system: system,
            runtime: RuntimeOptions(threads: threads, activations: activations),
            generation: generation,
            isInteractive: isInteractive,
            terminal: terminal
        )
        try await chat.run()
    }

    private func load() throws -> EMLLMModel {
        try EMLLMModel.load(from: ModelStore().locate(model), vision: mmproj.map { URL(filePath: $0) })
    }
}
