import EMLLMCore
import Foundation
import TextTable

/// The outcome of `emllm-bench llm`.
struct SpeedReport: BenchmarkReport {
    /// One test. As in llama-bench, every row names the model, so that rows of many runs can be combined in one table.
    struct Result: Encodable {
        var test: String
        /// The median over all repetitions.
        var tokensPerSecond: Double
        var tokensPerSecondMinimum: Double
        var tokensPerSecondMaximum: Double
        var tokensPerSecondMedianAbsoluteDeviation: Double
        var repetitions: Int
        /// The number of tokens of one repetition, over all branches.
        var tokens: Int
        var branches: Int
        /// How tokens were chosen: `none`, `greedy` or `sampled`; absent for prompts.
        var choice: SpeedTest.Choice?
        var weightBytesPerSecond: Double?
        /// ``weightBytesPerSecond`` as a share of the machine's memory bandwidth. A value above 1 means that caches
        /// hold weights.
        var memoryBandwidthShare: Double?
        var model: Subject?
        /// The peak resident memory of the process over all tests.
        var peakResidentBytes: Int?

        init(_ test: SpeedTest, _ sample: Sample, memoryBandwidth: Double) {
            self.test = test.name
            tokensPerSecond = sample.median
            tokensPerSecondMinimum = sample.minimum
            tokensPerSecondMaximum = sample.maximum
            tokensPerSecondMedianAbsoluteDeviation = sample.medianAbsoluteDeviation
            repetitions = sample.values.count
            tokens = test.tokenCount
            branches = test.branches
            choice = test.choice
            weightBytesPerSecond = test.weightBytesPerSecond(at: sample.median)
            memoryBandwidthShare = weightBytesPerSecond.map { $0 / memoryBandwidth }
        }
    }

    /// The machine that it ran on.
    struct Machine: Encodable {
        var cpu: String
        var cpus: Int
        var operatingSystem: String
        var isa: InstructionSet
        var openblasCore: String
        var threads: Int
        var memoryBandwidthBytesPerSecond: Double
    }

    var results: [Result]
    var machine: Machine

    init(
        context: InferenceContext,
        subject: Subject,
        results: [Result],
        peakResidentBytes: Int,
        memoryBandwidth: Double
    ) {
        self.results = results.map {
            var result = $0
            result.model = subject
            result.peakResidentBytes = peakResidentBytes
            return result
        }
        let description = MachineDescription.current()
        machine = Machine(
            cpu: description.processor,
            cpus: description.availableCPUs,
            operatingSystem: description.operatingSystem,
            isa: context.instructionSet,
            openblasCore: description.openBLASCore,
            threads: context.threads,
            memoryBandwidthBytesPerSecond: memoryBandwidth
        )
    }

    /// The report for people; the rows are a Markdown table, ready to paste.
    func table() -> String {
        var lines: [String] = []
        if let result = results.first, let model = result.model {
            lines.append(
                "model    \(model.name), \(model.quantization), \(megabytes(model.weightBytes)) of weights, "
                    + "\(model.activations.rawValue) activations"
            )
            lines.append("file     \(model.file), \(megabytes(model.fileBytes))")
            lines.append("memory   \(megabytes(result.peakResidentBytes ?? 0)) at most in RAM")
        }
        lines.append(
            "machine  \(machine.cpu), \(machine.threads) of \(machine.cpus) CPUs, \(machine.isa.rawValue) kernels, "
                + "OpenBLAS core \(machine.openblasCore), reads \(gigabytes(machine.memoryBandwidthBytesPerSecond))/s"
        )
        let table = TextTable<Result> { result in
            [
                Column("test" <- result.test),
                Column("tokens/s" <- decimal(result.tokensPerSecond), align: .right),
                Column("min" <- decimal(result.tokensPerSecondMinimum), align: .right),
                Column("max" <- decimal(result.tokensPerSecondMaximum), align: .right),
                Column(
                    "weights read" <- (result.weightBytesPerSecond.map { "\(gigabytes($0))/s" } ?? "–"),
                    align: .right
                ),
                Column("of bandwidth" <- (result.memoryBandwidthShare.map { percent($0) } ?? "–"), align: .right),
            ]
        }
        return lines.joined(separator: "\n") + "\n\n"
            + (table.string(for: results, style: Style.pipe) ?? "").trimmingCharacters(in: .newlines)
    }
}
