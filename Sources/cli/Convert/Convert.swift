import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode
import TextTable

/// `emllm-convert convert`: one model file into another.
struct Convert: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write an .emllm file from a GGUF or .emllm file, or from a Hugging Face folder.",
        discussion: """
            Without --quantize every weight keeps its bits. --quantize re-quantizes the matrices of the decoder, \
            --quantize-vision those of the vision tower, and both report the error of each. Norms stay floats. The embedding \
            and the output head stay at Q8_0 or at their own type, unless --pure is given. The output file is written \
            completely or not at all.
            """
    )

    @Argument(help: "The GGUF or .emllm file to read, or a Hugging Face folder.", completion: .modelFiles)
    var input: String

    @Argument(help: "The .emllm file to write.", completion: .file(extensions: ["emllm"]))
    var output: String

    @Option(
        help: ArgumentHelp("The GGUF file of the model's vision tower, published beside it.", valueName: "file"),
        completion: .file(extensions: ["gguf"])
    )
    var mmproj: String?

    @Option(
        help: ArgumentHelp(
            "Re-quantize matrices: \(QuantizationArgument.names.joined(separator: ", ")).",
            valueName: "type"
        )
    )
    var quantize: QuantizationArgument?

    @Option(
        help: ArgumentHelp(
            "Re-quantize matrices of the vision tower: f32, f16, bf16 or q8_0.",
            valueName: "type"
        )
    )
    var quantizeVision: QuantizationArgument?

    @Flag(help: "With --quantize: re-quantize the embedding and the output head as well.")
    var pure = false

    @Flag(help: "Replace the output file if it exists.")
    var force = false

    @Option(help: "The model's name, instead of the name in the file.")
    var name: String?

    @Option(help: "The model's licence, preferably an SPDX identifier, instead of the licence in the file.")
    var license: String?

    @Option(
        help: ArgumentHelp(
            "The recipe to write into the file (prompts, calibration, strategy; 'emllm-convert recipe' prints one), "
                + "instead of the recipe in the input.",
            valueName: "file"
        )
    )
    var recipe: String?

    func validate() throws {
        guard !pure || quantize != nil else {
            throw ValidationError("--pure: expected --quantize beside it, found none; name a type or leave --pure out")
        }
        for (role, path) in [("input", input), ("output", output)] where path.isEmpty {
            throw ValidationError("\(role): expected a path, found an empty one; name a file")
        }
    }

    func run() async throws {
        let recipe = try recipe.map { try Recipe(contentsOf: URL(filePath: $0)).json() }
        let bar = ProgressBar("Converting")
        defer { bar.finish() }
        let options = ModelConverter.Options(
            quantization: quantize?.type,
            visionQuantization: quantizeVision?.type,
            isPure: pure,
            overwrites: force,
            name: name,
            license: license,
            converter: "emllm-convert \(EMLLMVersion.current)",
            recipe: recipe
        )
        let report: ModelConverter.Report
        do {
            let (input, output) = (URL(filePath: input), URL(filePath: output))
            let vision = mmproj.map { URL(filePath: $0) }
            report = try await Interruption.handling {
                try ModelConverter.convert(input, vision: vision, to: output, options: options) {
                    try Task.checkCancellation()
                    bar.update(done: $0, of: $1)
                }
            }.result
        } catch let stop as Interruption.Stop {
            bar.finish()
            try? FileHandle.standardError.write(contentsOf: Data("Interrupted; \(output) was not written.\n".utf8))
            throw ExitCode(128 + stop.signal)
        }
        bar.finish()
        if quantize != nil || quantizeVision != nil { print(Self.table(report.tensors)) }
        print("\(output): \(report.tensors.count) tensors, \(megabytes(report.fileBytes))")
    }

    /// The effect of re-quantizing on each matrix.
    static func table(_ tensors: [ConvertedTensor]) -> String {
        let table = TextTable<ConvertedTensor> { tensor in
            [
                Column("tensor" <- tensor.name),
                Column("from" <- tensor.source.name),
                Column("to" <- tensor.target.name),
                Column("relative RMS error" <- tensor.error.map { scientific($0.relativeRMS) } ?? "0", align: .right),
                Column("largest error" <- tensor.error.map { scientific($0.largest) } ?? "0", align: .right),
                Column("note" <- tensor.note.map { "\($0) (see --pure)" } ?? ""),
            ]
        }
        let matrices = tensors.filter { $0.dimensions.count == 2 }
        return (table.string(for: matrices, style: Style.pipe) ?? "").trimmingCharacters(in: .newlines) + "\n"
    }
}

/// A type that `--quantize` accepts.
struct QuantizationArgument: ExpressibleByArgument {
    let type: TensorType

    init?(argument: String) {
        guard let type = TensorType(name: argument), type.isWritable else { return nil }
        self.type = type
    }

    static let names = TensorType.allCases.filter(\.isWritable).map { $0.name.lowercased() }
    static let allValueStrings = names
}

func megabytes(_ bytes: Int) -> String {
    bytes < 1_000_000 ? String(format: "%.1f kB", Double(bytes) / 1e3) : String(format: "%.1f MB", Double(bytes) / 1e6)
}

private func scientific(_ value: Double) -> String { String(format: "%.2e", value) }
