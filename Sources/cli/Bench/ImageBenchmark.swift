import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMModelStore
import Foundation
import TextTable

/// `emllm-bench image`: how long a vision tower takes for a picture.
struct ImageBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Milliseconds per picture and patches per second of vision towers.",
        discussion: """
            Without a model, the command measures towers of random weights, each with 8-bit, BF16 and F32 weights. The times \
            do not depend on the values of the weights. Memory is the peak in RAM for one tower and one type.
            """
    )

    @Option(
        name: [.short, .long],
        help: "A vision-language model to measure instead: a file, or a name in the cache.",
        completion: .models
    )
    var model: String?

    @Option(
        help: ArgumentHelp(
            "The towers of random weights: \(SyntheticTower.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"
        )
    )
    var synthetic: [SyntheticTower] = []

    @Option(
        help: "The types of weights to measure: q8_0, bf16, f16 or f32.",
        completion: .list(["q8_0", "bf16", "f16", "f32"])
    )
    var type: [String] = []

    @Option(name: [.customShort("r"), .long], help: "Repetitions of each test, after a warm-up.")
    var repetitions = 3

    @Option(help: "Worker threads (default: one for each CPU this process may run on).")
    var threads: Int?

    @Flag(help: "Print JSON for programs instead of a table.")
    var json = false

    func validate() throws {
        guard repetitions >= 1 else {
            throw ValidationError("--repetitions: expected at least 1, found \(repetitions); choose a larger number")
        }
        guard model == nil || (synthetic.isEmpty && type.isEmpty) else {
            throw ValidationError("--model and --synthetic or --type do not go together; leave one of them out")
        }
        for name in type where TensorType(name: name)?.isWritable != true {
            throw ValidationError("--type: expected q8_0, bf16, f16 or f32, found '\(name)'; choose one of those")
        }
    }

    func run() throws {
        var results: [ImageReport.Result] = []
        if let model {
            let loaded = try EMLLMModel.load(from: try ModelStore().locate(model))
            results.append(try measure(loaded, name: loaded.package.provenance.name, type: "as stored", size: nil))
        } else {
            let types = type.isEmpty ? [.q8_0, .bf16, .f32] : type.compactMap { TensorType(name: $0) }
            for tower in synthetic.isEmpty ? SyntheticTower.allCases : synthetic {
                for type in types {
                    resetPeakResidentBytes()
                    let package = try ModelPackage.random(configuration: tower.configuration, type: type)
                    let model = try EMLLMModel(package: package)
                    results.append(try measure(model, name: tower.rawValue, type: type.name, size: tower.pictureSize))
                }
            }
        }
        let report = try ImageReport(results: results, threads: threads)
        try StandardStreams.write((json ? report.json() : report.table()) + "\n")
    }

    private func measure(_ model: EMLLMModel, name: String, type: String, size: Int?) throws -> ImageReport.Result {
        let options = RuntimeOptions(threads: threads, imageCacheBytes: 0)
        let context = try InferenceContext(model: model, options: options)
        var picture = 0
        var (patches, tokens) = (0, 0)
        let sample = try Sample(repetitions: repetitions) {
            // A different picture each time, so that nothing is reused.
            picture += 1
            let image = Self.picture(number: picture, side: size ?? 448)
            let encoded = try context.encode(image)
            (patches, tokens) = (encoded.patches, encoded.featureCount)
            return encoded.seconds
        }
        return ImageReport.Result(
            tower: name,
            weights: type,
            patches: patches,
            tokens: tokens,
            sample,
            peakResidentBytes: peakResidentBytes()
        )
    }

    /// A square of soft colours, different for every number.
    private static func picture(number: Int, side: Int) -> RGBImage {
        let samples = (0..<(side * side * 3)).map { index in
            UInt8(truncatingIfNeeded: index / 3 % side + index / (3 * side) * 2 + index % 3 * 85 + number)
        }
        return RGBImage(width: side, height: side, pixels: samples)
    }
}

/// The outcome of `emllm-bench image`.
struct ImageReport: BenchmarkReport {
    struct Result: Encodable {
        var tower: String
        var weights: String
        var patches: Int
        var tokens: Int
        /// The median over all repetitions, preprocessing included.
        var milliseconds: Double
        var millisecondsMinimum: Double
        var millisecondsMaximum: Double
        var patchesPerSecond: Double
        var repetitions: Int
        var peakResidentBytes: Int

        init(
            tower: String,
            weights: String,
            patches: Int,
            tokens: Int,
            _ seconds: Sample,
            peakResidentBytes: Int
        ) {
            self.tower = tower
            self.weights = weights
            self.patches = patches
            self.tokens = tokens
            milliseconds = seconds.median * 1000
            millisecondsMinimum = seconds.minimum * 1000
            millisecondsMaximum = seconds.maximum * 1000
            patchesPerSecond = Double(patches) / seconds.median
            repetitions = seconds.values.count
            self.peakResidentBytes = peakResidentBytes
        }
    }

    var results: [Result]
    var cpu: String
    var threads: Int
    var isa: InstructionSet
    var openblasCore: String

    init(results: [Result], threads: Int?) throws {
        let machine = MachineDescription.current()
        self.results = results
        self.threads = threads ?? machine.availableCPUs
        cpu = machine.processor
        isa = try InstructionSet.resolve(nil)
        openblasCore = machine.openBLASCore
    }

    func table() -> String {
        let table = TextTable<Result> { result in
            [
                Column("tower" <- result.tower),
                Column("weights" <- result.weights),
                Column("patches" <- result.patches, align: .right),
                Column("tokens" <- result.tokens, align: .right),
                Column("ms/picture" <- decimal(result.milliseconds), align: .right),
                Column("min" <- decimal(result.millisecondsMinimum), align: .right),
                Column("max" <- decimal(result.millisecondsMaximum), align: .right),
                Column("patches/s" <- decimal(result.patchesPerSecond), align: .right),
                Column("peak RAM" <- megabytes(result.peakResidentBytes), align: .right),
            ]
        }
        return "machine  \(cpu), \(threads) threads, \(isa.rawValue) kernels, OpenBLAS core \(openblasCore)\n\n"
            + (table.string(for: results, style: Style.pipe) ?? "").trimmingCharacters(in: .newlines)
    }
}
