import ArgumentParser
import EMLLMCore

/// `emllm convert`: writes `.emllm` files, and looks into model files.
package struct ConvertCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Convert model files to .emllm, inspect them, and check them.",
        discussion: "The default subcommand is 'convert': emllm convert model.gguf model.emllm",
        subcommands: subcommands,
        defaultSubcommand: Convert.self
    )

    fileprivate static let subcommands: [any ParsableCommand.Type] = [
        Convert.self, Inspect.self, Verify.self, PrintRecipe.self,
    ]

    package init() {}
}

/// `emllm-convert`: the same under its old name.
package struct EMLLMConvert: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "emllm-convert",
        abstract: ConvertCommand.configuration.abstract,
        discussion: "The default subcommand is 'convert': emllm-convert model.gguf model.emllm",
        version: EMLLMVersion.current,
        subcommands: ConvertCommand.subcommands,
        defaultSubcommand: Convert.self
    )

    package init() {}
}
