import ArgumentParser
import EMLLMCore

/// `emllm bench`: how fast the engine is on this machine.
package struct BenchCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure speed, load time and memory of models on this machine.",
        discussion: """
            The default subcommand is 'llm'. It measures like llama-bench: prompt processing (pp), and generation token by \
            token from an empty cache (tg). The fastest kernels of the processor run; EMLLM_ISA selects others.
            """,
        subcommands: [LanguageModelBenchmark.self, ImageBenchmark.self, LoadBenchmark.self],
        defaultSubcommand: LanguageModelBenchmark.self
    )

    package init() {}
}

/// `emllm-bench`: the same under its old name.
package struct EMLLMBench: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "emllm-bench",
        abstract: BenchCommand.configuration.abstract,
        discussion: BenchCommand.configuration.discussion,
        version: EMLLMVersion.current,
        subcommands: BenchCommand.configuration.subcommands,
        defaultSubcommand: LanguageModelBenchmark.self
    )

    package init() {}
}
