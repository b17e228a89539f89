import ArgumentParser
import BenchTool
import CLIShared
import ChatTool
import ConvertTool
import EMLLMCore
import EvalTool
import ModelsTool
import RunTool

@main
enum Program {
    static func main() async { await EMLLM.runProgram() }
}

/// `emllm`: all tools as one program, each a verb.
struct EMLLM: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emllm",
        abstract: "Run small multimodal language models that check their own steps.",
        discussion: """
            'emllm help run' shows the options of a verb. The separate programs emllm-run, emllm-convert, emllm-bench and \
            emllm-eval do the same.

            EXAMPLES
              emllm run --image puzzle.png "What is the missing number?"
              emllm run --model smollm2-135m-instruct "How many legs has a spider?"
              emllm chat
              emllm trace view run.jsonl --html run.html
              emllm convert model.gguf model.emllm
              emllm eval run problems.jsonl --out runs/a --strategies cot,vote,verify

            'emllm --generate-completion-script bash' (or zsh, or fish) prints a script that completes these \
            commands in a shell.
            """,
        version: EMLLMVersion.current,
        subcommands: [
            RunCommand.self, ChatCommand.self, ModelsCommand.self, ConvertCommand.self, BenchCommand.self,
            EvalCommand.self, TraceCommand.self, PromptsCommand.self,
        ]
    )

    /// The program: does what its arguments say, and ends the process with a status.
    static func runProgram() async {
        let verbs = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        if let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), !verbs.contains(word) {
            exit(withError: unknownVerb(word, among: verbs))
        }
        await start()
    }

    /// An error of usage that says which verb may have been meant.
    private static func unknownVerb(_ word: String, among verbs: [String]) -> ValidationError {
        let suggestion = Spelling.nearest(to: word, in: verbs).map { "did you mean '\($0)'?" }
        return ValidationError(
            "unknown verb: expected one of \(verbs.joined(separator: ", ")), found '\(word)'; "
                + (suggestion ?? "to ask it as a question, write: emllm run '…'")
        )
    }
}
