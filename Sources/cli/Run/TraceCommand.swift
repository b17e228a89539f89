import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode
import TraceView

/// `emllm trace`: inspects recorded runs.
package struct TraceCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Inspect recorded runs.",
        subcommands: [View.self]
    )

    package init() {}

    /// Reads a trace from a file.
    static func read(_ path: String) throws -> Trace {
        guard let data = FileManager.default.contents(atPath: path) else { throw EMLLMError.noTrace(path) }
        return try Trace(json: data, path: path)
    }

    /// `emllm trace view`: draws the tree of a run.
    struct View: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Draw the tree of a recorded run.",
            discussion: """
                Shows every step, its evaluation by the model, and the accepted line. With --html the tree is a page that needs no \
                network, with the pictures, all prompts and the cost of each step.

                EXAMPLES
                  emllm run --trace run.jsonl "A shirt costs 20 dollars. And three?"
                  emllm trace view run.jsonl
                  emllm trace view run.jsonl --html run.html
                """
        )

        @Argument(
            help: "The trace: a file of --trace, or of --json.",
            completion: .file(extensions: ["jsonl", "json"])
        )
        var trace: String

        @Option(help: ArgumentHelp("Write a page for a browser instead.", valueName: "file"), completion: .file())
        var html: String?

        @Option(
            name: .customLong("image"),
            help: ArgumentHelp("A picture of the question, if its file was moved.", valueName: "file"),
            completion: .pictures
        )
        var images: [String] = []

        func validate() throws {
            if html == nil, !images.isEmpty { throw ValidationError("--image is for the page; add --html") }
        }

        func run() async throws {
            let trace = try TraceCommand.read(trace)
            guard let html else {
                let lines = TraceTree.lines(trace, terminal: Terminal.standardOutput)
                return try StandardStreams.write(lines.joined(separator: "\n") + "\n")
            }
            let page = TracePage.html(trace, images: try pictures(of: trace))
            try StandardStreams.write(Data(page.utf8), atomicallyTo: html)
            try StandardStreams.write("\(html)\n")
        }

        /// The pictures, as they lie in their files; those that are not there any more are left out, with a note.
        private func pictures(of trace: Trace) throws -> [(data: Data, type: String)] {
            let known = images.isEmpty ? trace.header.imageNames ?? [] : images
            return try known.compactMap { path in
                guard let data = FileManager.default.contents(atPath: path) else {
                    guard images.isEmpty else { throw EMLLMError.noPicture(path) }
                    try StandardStreams.write("\(path): not there any more; name it with --image\n", to: .standardError)
                    return nil
                }
                // JPEG files begin with FF D8 (ITU-T T.81), PNG files with 89 "PNG".
                return (data, data.starts(with: [0xFF, 0xD8]) ? "image/jpeg" : "image/png")
            }
        }
    }
}

/// `emllm-run trace`: the same under the old name.
struct OldTraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emllm-run trace",
        abstract: TraceCommand.configuration.abstract,
        version: EMLLMVersion.current,
        subcommands: [TraceCommand.View.self]
    )
}

/// `emllm prompts`: prints the prompts that come with the library.
package struct PromptsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "prompts",
        abstract: "Print a pack of prompts as YAML, as a start for your own.",
        discussion: "EXAMPLE\n  emllm prompts cas-seat > mine.yaml; emllm run --prompts mine.yaml \"…\""
    )

    @Argument(
        help: "The pack: cas-seat, seat, or a file to check; without it, the names are listed.",
        completion: .list(PromptPack.builtIn.map(\.name))
    )
    var name: String?

    package init() {}

    package func run() async throws {
        guard let name else {
            return try StandardStreams.write(PromptPack.builtIn.map(\.name).joined(separator: "\n") + "\n")
        }
        try StandardStreams.write(PromptPack.named(name).yaml())
    }
}

/// `emllm-run prompts`: the same under the old name.
struct OldPromptsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emllm-run prompts",
        abstract: PromptsCommand.configuration.abstract,
        discussion: PromptsCommand.configuration.discussion,
        version: EMLLMVersion.current
    )

    @OptionGroup var command: PromptsCommand

    func run() async throws { try await command.run() }
}

extension EMLLMError {
    static func noTrace(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .fileNotFound,
            subject: path,
            expected: "a trace that --trace or --json wrote",
            found: "no file that can be read",
            remedy: "check the path"
        )
    }

    static func noPicture(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .fileNotFound,
            subject: path,
            expected: "a PNG or JPEG picture",
            found: "no such file",
            remedy: "check the path of the picture"
        )
    }
}
