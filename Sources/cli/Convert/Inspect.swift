import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation

/// `emllm-convert inspect`: what a file holds.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what a model file holds.")

    @Argument(help: "An .emllm or GGUF file, or a Hugging Face folder.", completion: .modelFiles)
    var file: String

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Print JSON for programs.")
    var json = false

    func run() throws {
        let inspection = try Inspection(ModelFile(URL(filePath: file)), listsTensors: tensors)
        if json {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(inspection), as: UTF8.self))
        } else {
            print(inspection.text())
        }
    }
}
