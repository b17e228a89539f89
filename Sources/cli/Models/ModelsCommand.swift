import ArgumentParser
import CLIShared
import EMLLMModelStore
import Foundation

/// `emllm models`: the models that go by a name.
package struct ModelsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models that --model takes by name.",
        discussion: """
            Models lie in the folder 'models' of $EMLLM_HOME (else $XDG_CACHE_HOME/emllm, else ~/.cache/emllm), and one comes \
            with the tools. Whatever .emllm file is put into that folder is there by its name.
            """
    )

    @Flag(help: "Print JSON for programs.")
    var json = false

    package init() {}

    package func run() async throws {
        let list = ModelList(ModelStore())
        try StandardStreams.write(json ? list.json() : list.table())
    }
}
