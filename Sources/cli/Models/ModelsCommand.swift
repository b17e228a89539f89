import ArgumentParser
import CLIShared
import EMLLMModelStore
import Foundation

/// `emllm models`: the models that go by a name, and those that can be fetched.
package struct ModelsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models that --model takes by name, and fetch others.",
        discussion: """
            Models are in the folder 'models' of $EMLLM_HOME (else $XDG_CACHE_HOME/emllm, else ~/.cache/emllm), and one comes \
            with the tools. Any .emllm or .gguf file in that folder can be used by its name.
            """,
        subcommands: [ListCommand.self, PullCommand.self],
        defaultSubcommand: ListCommand.self
    )

    package init() {}
}

/// `emllm models list`, which is also what `emllm models` does.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the models that are there, and those that can be fetched."
    )

    @Flag(help: "Print JSON for programs.")
    var json = false

    func run() async throws {
        let list = ModelList(ModelStore())
        try StandardStreams.write(json ? list.json() : list.table())
    }
}
