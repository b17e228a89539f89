import ArgumentParser
import EMLLMCore
import Foundation
import TextTable

/// `emllm-bench load`: how long a program waits for a model.
struct LoadBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Time from a file in the page cache to a model that is ready, and to its first token."
    )

    @OptionGroup var subject: SubjectOptions

    @Option(name: [.customShort("r"), .long], help: "Repetitions of the load, after the first.")
    var repetitions = 10

    @Option(help: "Worker threads (default: one for each CPU this process may run on).")
    var threads: Int?

    func validate() throws {
        guard repetitions >= 1 else {
            throw ValidationError("--repetitions: expected at least 1, found \(repetitions); choose a larger number")
        }
    }

    func run() throws {
        let url = try subject.modelURL()
        // The first load is reported separately: it runs code and touches pages for the first time in this process.
        let loads = try (0...repetitions).map { _ in try measure(url) }
        let report = LoadReport(
            results: LoadStage.allCases.map { stage in
                LoadReport.Result(
                    test: stage.rawValue,
                    file: url.lastPathComponent,
                    first: loads[0][stage.index],
                    sample: Sample(loads.dropFirst().map { $0[stage.index] })
                )
            }
        )
        try subject.write(report)
    }

    /// Seconds from the start to the end of each stage.
    private func measure(_ url: URL) throws -> [Double] {
        let clock = ContinuousClock()
        let started = clock.now
        func elapsed() -> Double { (clock.now - started) / .seconds(1) }
        let model = try EMLLMModel.load(from: url)
        let loaded = elapsed()
        let context = try InferenceContext(model: model, options: RuntimeOptions(threads: threads))
        let ready = elapsed()
        _ = try context.extend(context.makeBranch(), with: [model.tokenizer.beginningOfSequence ?? 0])
        return [loaded, ready, elapsed()]
    }
}

/// A stage of loading. All times count from the start.
enum LoadStage: String, CaseIterable {
    /// The file is mapped and checked; the tokenizer and the chat template are ready.
    case loaded
    /// Threads are running and scratch memory is allocated, so that the next call computes at once.
    case ready
    /// One token went through the model, which brings in every page of its weights.
    case firstToken = "first token"

    var index: Int {
        switch self {
        case .loaded: 0
        case .ready: 1
        case .firstToken: 2
        }
    }
}

/// The outcome of `emllm-bench load`.
struct LoadReport: BenchmarkReport {
    /// The times of one stage.
    struct Result: Encodable {
        var test: String
        var file: String
        /// The median over all repetitions.
        var milliseconds: Double
        var millisecondsMinimum: Double
        var millisecondsMaximum: Double
        /// In a process that had not loaded a model before.
        var millisecondsFirst: Double
        var repetitions: Int
        /// The peak resident memory of the process over all loads.
        var peakResidentBytes = BenchTool.peakResidentBytes()

        init(test: String, file: String, first: Double, sample: Sample) {
            self.test = test
            self.file = file
            milliseconds = sample.median * 1000
            millisecondsMinimum = sample.minimum * 1000
            millisecondsMaximum = sample.maximum * 1000
            millisecondsFirst = first * 1000
            repetitions = sample.values.count
        }
    }

    var results: [Result]
    var machine = MachineDescription.current()

    func table() -> String {
        let table = TextTable<Result> { result in
            [
                Column("until" <- result.test),
                Column("ms" <- decimal(result.milliseconds), align: .right),
                Column("min" <- decimal(result.millisecondsMinimum), align: .right),
                Column("max" <- decimal(result.millisecondsMaximum), align: .right),
                Column("first in process" <- decimal(result.millisecondsFirst), align: .right),
            ]
        }
        return "machine  \(machine.processor), \(machine.availableCPUs) CPUs\n"
            + "memory   \(megabytes(results.first?.peakResidentBytes ?? 0)) at most in RAM\n\n"
            + (table.string(for: results, style: Style.pipe) ?? "").trimmingCharacters(in: .newlines)
    }
}
