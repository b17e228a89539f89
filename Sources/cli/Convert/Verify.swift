import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation

/// `emllm-convert verify`: whether a file is whole.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check every checksum of an .emllm file.",
        discussion: "GGUF and safetensors files have no checksums; only their structure is checked."
    )

    @Argument(help: "An .emllm or GGUF file, or a Hugging Face folder.", completion: .modelFiles)
    var file: String

    func run() throws {
        let model = try ModelFile(URL(filePath: file))
        let configuration = try model.modelConfiguration()
        switch model {
        case .gguf(let gguf, _):
            print(
                "\(file): \(gguf.tensors.count) tensors of family \(configuration.family), structure is sound; "
                    + "GGUF carries no checksums"
            )
        case .huggingFace(let directory):
            print(
                "\(file): \(directory.tensors.count) tensors of family \(configuration.family), structure is sound; "
                    + "safetensors carries no checksums"
            )
        case .emllm(let container):
            let bar = ProgressBar("Verifying")
            defer { bar.finish() }
            try container.verify { bar.update(done: $0, of: $1) }
            bar.finish()
            print("\(file): \(container.tensors.count) tensors, all checksums match")
        }
    }
}
