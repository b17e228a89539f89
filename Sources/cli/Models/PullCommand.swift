import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMModelStore
import Foundation

/// `emllm models pull`: fetches a model from a hub into the store.
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch a model from the publisher's hub.",
        discussion: """
            MODEL is a name that 'emllm models' lists, or a repository of the hub: org/repo, org/repo:file.gguf, or \
            org/repo:q8_0 for the file whose name ends so. The file is checked by the SHA-256 that the hub states. A fetch \
            that was interrupted goes on where it stopped when the same command is run again.

            HF_ENDPOINT names another server with the same interface, HF_TOKEN gives access to models that need it, and \
            HF_HUB_DOWNLOAD_TIMEOUT is the number of seconds after which a silent server is given up (30).
            """
    )

    @Argument(
        help: "The name of a model, or org/repo[:file].",
        completion: .list(KnownModel.all.filter { $0.hubFile != nil }.map(\.name))
    )
    var model: String

    @Option(help: "The name to keep it under (default: the model's name, or that of the file).")
    var name: String?

    func validate() throws {
        guard let name, name.isEmpty || name.hasPrefix(".") || name.contains("/") else { return }
        throw ValidationError("--name: expected a name without slashes, found '\(name)'; choose another")
    }

    func run() async throws {
        do {
            let line = try await Interruption.handling { [self] in try await pull() }.result
            try StandardStreams.write(line + "\n")
        } catch let stop as Interruption.Stop {
            try? StandardStreams.note("interrupted; the same command goes on where it stopped, if the server can")
            throw ExitCode(128 + stop.signal)
        }
    }

    /// Fetches the model.
    ///
    /// - Returns: a line that says where it is.
    private func pull() async throws -> String {
        let folder = try ModelStore().modelsFolder
        let known = KnownModel.all.first { $0.name == model && $0.hubFile != nil }
        let reference = try known?.hubFile ?? HubReference(model)
        if let line = present(known?.name ?? name, in: folder) { return line }
        let hub = try Hub()
        let file: String
        if let named = reference.file, HubReference.isModelFile(named) {
            file = named
        } else {
            file = try reference.choose(among: await hub.files(in: reference.repository))
        }
        let url = URL(filePath: file)
        let name = name ?? known?.name ?? url.deletingPathExtension().lastPathComponent
        if let line = present(name, in: folder) { return line }
        try OutputFile.makeFolder(folder)
        let destination = folder.appending(path: "\(name).\(url.pathExtension.lowercased())")
        let address = hub.address(of: file, in: reference.repository)
        let checksum = try await ModelDownload(address, from: hub, to: destination, checksum: known?.checksum).run()
        if checksum == nil {
            try StandardStreams.note("the server stated no SHA-256 for \(file), so only its form was checked")
        } else if let known, known.checksum != checksum {
            try StandardStreams.note(
                "the hub's \(file) is another version than the one that these tools were tried with"
            )
        }
        return "\(destination.path); use it with --model \(name)"
    }

    /// What to say when there is a model of this name.
    private func present(_ name: String?, in folder: URL) -> String? {
        guard let name else { return nil }
        let files = ModelStore.fileExtensions.map { folder.appending(path: "\(name).\($0)").path }
        return files.first { FileManager.default.fileExists(atPath: $0) }
            .map { "\($0) is there already; use it with --model \(name), or remove it to fetch it again" }
    }
}
