import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation

/// `emllm-convert verify`: checks that a file is undamaged.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that a model is whole: every checksum, and that every weight is a number.",
        discussion: "GGUF and safetensors files have no checksums; their structure and their weights are checked."
    )

    @Argument(help: "An .emllm or GGUF file, or a Hugging Face folder.", completion: .modelFiles)
    var file: String

    func run() throws {
        let model = try ModelFile(URL(filePath: file))
        let configuration = try model.modelConfiguration()
        let bar = ProgressBar("Verifying")
        defer { bar.finish() }
        if case .emllm(let container) = model { try container.verify { bar.update(done: $0, of: $1) } }
        try ModelConverter.checkWeights(of: model) { bar.update(done: $0, of: $1) }
        bar.finish()
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
            print("\(file): \(container.tensors.count) tensors, all checksums match")
        }
    }
}
