import ArgumentParser
import CLIShared
import DecodeOptions
import EMLLMCore
import EMLLMEvaluation
import EMLLMModelStore
import Foundation
import SelfEvalDecode

/// `emllm-eval train-verifier`: trains a head that scores steps from hidden states.
struct TrainVerifierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-verifier",
        abstract:
            "Train a verifier on recorded runs: a small head that reads from hidden states whether a chain is right.",
        discussion: """
            Uses the chains of runs that wrote traces, several of each problem if possible (run --strategies vote --chains 4 \
            --whole-chains), and scores the answer of each chain. The hidden states are computed once for each chain. Layer, \
            pooling and penalty are chosen by cross-validation over problems; the report is on problems that neither the head \
            nor that choice has seen. The file is valid only for the weights and prompts of the runs; name it with --verifier.
            """
    )

    @Argument(help: "The folders of the runs.", completion: .directory)
    var folders: [String]

    @Option(
        help: ArgumentHelp(
            "The candidate layers, as 9,12,15 (default: seven, from a third of the model's depth to five sixths).",
            valueName: "layers"
        )
    )
    var layers: LayerList?

    @Option(
        help: "Where to write (default: NAME.verifier.json beside the model).",
        completion: .file(extensions: ["json"])
    )
    var out: String?

    @Option(help: "Write the report as JSON, too.", completion: .file(extensions: ["json"]))
    var report: String?

    @OptionGroup(title: "Model") var modelOptions: ModelOptions

    func validate() throws {
        if folders.isEmpty { throw ValidationError("name the folder of a run") }
    }

    func run() async throws {
        let runs = folders.map { RunFolder(url: URL(filePath: $0, directoryHint: .isDirectory)) }
        // Before anything is computed for minutes.
        for run in runs { _ = try run.readDescription() }
        let target =
            try out.map { URL(filePath: $0) } ?? VerifierFile.url(besides: ModelStore().locate(modelOptions.model))
        let model = try modelOptions.load()
        let runtime = modelOptions.runtime
        let options = VerifierTraining.Options(layers: layers?.values)
        let progress = TrainingProgress()
        let (training, signal) = try await Interruption.handling {
            defer { progress.finish() }
            return try await VerifierTraining(on: runs, model: model, runtime: runtime, options: options) {
                progress.show($0)
            }
        }
        if let signal { throw ExitCode(128 + signal) }
        try StandardStreams.write(training.file.json(), atomicallyTo: target.path)
        if let report {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try StandardStreams.write(encoder.encode(training.report) + Data("\n".utf8), atomicallyTo: report)
        }
        let head = training.file.head
        let choice =
            "chosen: layer \(head.layers.map(String.init).joined(separator: ", ")), "
            + "\(head.poolings.map(\.rawValue).joined(separator: " + ")), \(head.parameterCount) parameters"
        try StandardStreams.write((training.report.text + [choice, target.path]).joined(separator: "\n") + "\n")
    }
}

/// Layers, as "9,12,15".
struct LayerList: ExpressibleByArgument {
    let values: [Int]

    init?(argument: String) {
        let parts = argument.split(separator: ",").map { Int($0.trimmingCharacters(in: .whitespaces)) }
        let found = parts.compactMap { $0 }
        guard !found.isEmpty, found.count == parts.count, found.allSatisfy({ $0 >= 0 }) else { return nil }
        values = found
    }
}

/// Bars for the two parts of the work.
private final class TrainingProgress: Sendable {
    private let computing = ProgressBar("Hidden states")
    private let fitting = ProgressBar("Cross-validation")

    func show(_ progress: VerifierTraining.Progress) {
        switch progress {
        case .computing(let done, let total): computing.update(done: done, of: total, note: "\(done)/\(total) chains")
        case .fitting(let done, let total):
            if done == 0 { computing.finish() }
            fitting.update(done: done, of: total)
        }
    }

    func finish() {
        computing.finish()
        fitting.finish()
    }
}
