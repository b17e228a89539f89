import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMEvaluation
import Foundation

/// `emllm-eval merge`: puts the parts of a run together.
struct MergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Put the parts of a run, made with --shard, together in one folder."
    )

    @Argument(help: "The folders of the parts.", completion: .directory)
    var parts: [String]

    @Option(help: "The folder of the whole; it must not exist yet.")
    var out: String

    func validate() throws {
        guard parts.count > 1 else { throw ValidationError("name at least two folders") }
    }

    func run() async throws {
        let folders = parts.map { RunFolder(url: URL(filePath: $0, directoryHint: .isDirectory)) }
        var whole = try folders[0].readDescription()
        whole.shard = nil
        var records: [ResultRecord] = []
        for folder in folders {
            var part = try folder.readDescription()
            part.shard = nil
            part.problems = whole.problems
            guard part == whole else {
                throw EMLLMError.otherRun(folder.url.path, what: "model, problem set or options")
            }
            records += try folder.readResults()
        }
        // Finds what two parts have both answered.
        _ = try Summary(records: records)
        let target = RunFolder(url: URL(filePath: out, directoryHint: .isDirectory))
        guard !FileManager.default.fileExists(atPath: target.url.path) else { throw EMLLMError.folderExists(out) }
        try StandardStreams.makeFolder(target.url.path)
        try target.write(whole)
        try target.write(folders[0].readSkipped())
        for record in records {
            let names = (record.problem, record.strategy, record.seed)
            let copy = target.trace(names.0, strategy: names.1, seed: names.2)
            for folder in folders {
                let file = folder.trace(names.0, strategy: names.1, seed: names.2)
                guard let data = FileManager.default.contents(atPath: file.path) else { continue }
                try StandardStreams.makeFolder(copy.deletingLastPathComponent().path)
                try StandardStreams.write(data, atomicallyTo: copy.path)
            }
        }
        let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
        try StandardStreams.write(lines, atomicallyTo: target.results.path)
        try StandardStreams.write("\(out): \(records.count) answers of \(parts.count) parts\n")
    }
}

extension EMLLMError {
    static func folderExists(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .otherRun,
            subject: path,
            expected: "a new folder",
            found: "one that exists",
            remedy: "choose another --out"
        )
    }
}
