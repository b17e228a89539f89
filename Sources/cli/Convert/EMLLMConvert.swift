import ArgumentParser
import CLIShared

/// `emllm-convert`: writes `.emllm` files, and looks into model files.
struct EMLLMConvert: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emllm-convert",
        abstract: "Convert model files to .emllm, look into them, and check them.",
        discussion: "Without a subcommand this is 'convert': emllm-convert model.gguf model.emllm",
        version: version,
        subcommands: [Convert.self, Inspect.self, Verify.self],
        defaultSubcommand: Convert.self
    )

    /// The version of the converter, which it writes into files.
    static let version = "0.1.0"
}

@main
enum Main {
    static func main() async { await EMLLMConvert.start() }
}
