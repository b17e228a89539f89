import ArgumentParser
import CLIShared
import EMLLMEvaluation
import Foundation

/// `emllm-eval merge`: merges the parts of a run.
struct MergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Merge the parts of a run, made with --shard, into one folder."
    )

    @Argument(help: "The folders of the parts.", completion: .directory)
    var parts: [String]

    @Option(help: "The folder of the merged run; it must not exist yet.")
    var out: String

    func validate() throws {
        guard parts.count > 1 else { throw ValidationError("name at least two folders") }
    }

    func run() async throws {
        func folder(_ path: String) -> RunFolder { RunFolder(url: URL(filePath: path, directoryHint: .isDirectory)) }
        let missing = try RunFolder.missingParts(among: parts.map(folder))
        let count = try folder(out).merge(parts.map(folder))
        if !missing.isEmpty {
            try StandardStreams.note("incomplete: the parts \(missing.joined(separator: ", ")) are missing")
        }
        try StandardStreams.write("\(out): \(count) answers of \(parts.count) parts\n")
    }
}
