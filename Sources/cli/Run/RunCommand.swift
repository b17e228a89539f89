import ArgumentParser
import EMLLMCore

/// `emllm run`: answers a question.
package struct RunCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: RunHelp.abstract,
        discussion: RunHelp.discussion(program: "emllm run", verbs: "emllm")
    )

    @OptionGroup var options: RunOptions

    package init() {}

    package func run() async throws { try await options.run() }
}

/// `emllm-run`: the same under its old name, where two first words are verbs.
package struct EMLLMRun: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "emllm-run",
        abstract: RunHelp.abstract,
        usage: """
            emllm-run [<options>] [<question>]
            emllm-run trace view <trace> [--html <file>]
            emllm-run prompts [<name>]
            """,
        discussion: RunHelp.discussion(
            program: "emllm-run",
            verbs: "emllm-run",
            note: """


                'trace view' and 'prompts' at the beginning are verbs. Any other text is a question: 'emllm-run trace' asks \
                about the word, and so does 'emllm-run -- prompts'.
                """
        ),
        version: EMLLMVersion.current
    )

    @OptionGroup var options: RunOptions

    package init() {}

    package func run() async throws { try await options.run() }

    /// The command that some arguments mean, and the arguments that are left for it.
    ///
    /// A question is one argument, so a verb and what follows it cannot be one: `trace view`, `prompts cas-seat`. Alone,
    /// `prompts` is the verb and `trace`, which says nothing as a verb, the question.
    package static func command(
        for arguments: [String]
    ) -> (command: any AsyncParsableCommand.Type, arguments: [String]) {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case "trace" where ["view", "--help", "-h"].contains(rest.first): return (OldTraceCommand.self, rest)
        case "prompts" where rest.isEmpty || isPackName(rest): return (OldPromptsCommand.self, rest)
        default: return (EMLLMRun.self, arguments)
        }
    }

    private static func isPackName(_ rest: [String]) -> Bool {
        rest.count == 1 && (!rest[0].hasPrefix("-") || ["--help", "-h"].contains(rest[0]))
    }

    /// The program: does what its arguments say, and ends the process with a status.
    package static func runProgram() async {
        let (command, arguments) = command(for: Array(CommandLine.arguments.dropFirst()))
        await command.start(arguments)
    }
}

/// What both names say about themselves.
private enum RunHelp {
    static let abstract = "Answer a question with a small language model that checks its own steps."

    /// - Parameters:
    ///   - program: the command that answers.
    ///   - verbs: the program that `trace` and `prompts` are verbs of.
    ///   - note: what else there is to say.
    static func discussion(program: String, verbs: String, note: String = "") -> String {
        """
        The model reasons step by step and evaluates each step before it writes the next. On a terminal the steps are shown \
        with the probability that they are right; in a pipe only the answer is printed.\(note)

        EXAMPLES
          \(program) --image puzzle.png "What is the missing number?"
          \(program) --model smollm2-135m-instruct "How many legs do three spiders have?"
          \(program) --image puzzle.png --trace run.jsonl "What is the missing number?"
          \(verbs) trace view run.jsonl --html run.html
          \(program) --replay run.jsonl   (finds its pictures where they were; else name them with --image)
          \(program) --image puzzle.png --strategy vote --chains 8 "What is the missing color?"
          \(verbs) prompts cas-seat > mine.yaml; \(program) --prompts mine.yaml "…"
          \(program) --model m.gguf --plain --temperature 0.7 --seed 1 "Write a sentence about rain."
          echo "What is the capital of France?" | \(program) --model m.gguf
          \(program) --model m.gguf --raw "Once upon a time" --max-tokens 50
          \(program) --model m.gguf --top-logits 5 --raw "The capital of France is"

        ENVIRONMENT
          EMLLM_HOME   the folder of models (else $XDG_CACHE_HOME/emllm, else
                       ~/.cache/emllm)
          EMLLM_ISA    scalar, avx2 or avx512: the kernels to use (else the
                       fastest this processor has)
          NO_COLOR     set to anything for a terminal without colours

        Exit status: 0 with an answer, 1 on an error, 3 when the run abstained (--abstain-below), 64 for wrong usage, 130 when interrupted with Ctrl-C.
        """
    }
}
