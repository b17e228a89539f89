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
            Models are in the folder 'models' of $EMLLM_HOME (else $XDG_CACHE_HOME/emllm, else ~/.cache/emllm), and one comes \
            with the tools. Any .emllm file in that folder can be used by its name.
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
