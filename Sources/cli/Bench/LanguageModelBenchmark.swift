import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMModelStore
import Foundation

/// `emllm-bench llm`: prompt processing and generation.
struct LanguageModelBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "llm",
        abstract: "Tokens per second of prompt processing and generation."
    )

    @OptionGroup var subject: SubjectOptions

    @Option(name: [.customShort("p"), .long], help: "Prompt tokens to process at once; 0 skips the test.")
    var prompt = 512

    @Option(name: [.customShort("n"), .long], help: "Tokens to generate one by one; 0 skips the test.")
    var generate = 128

    @Option(help: "Branches to decode as one batch, one token each per pass; 1 skips the test.")
    var branches = 4

    @Flag(
        help: "Also generate with each token chosen: the likeliest, and one drawn at temperature 0.8 with top-p 0.95."
    )
    var sampled = false

    @Option(name: [.customShort("r"), .long], help: "Repetitions of each test, after a warm-up.")
    var repetitions = 5

    @Option(help: "Worker threads (default: one for each CPU this process may run on).")
    var threads: Int?

    @Option(
        help: "Precision of activations: \(ActivationPrecision.allCases.map(\.rawValue).joined(separator: " or "))."
    )
    var activations = ActivationPrecision.q8

    func validate() throws {
        func check(_ name: String, _ value: Int, from least: Int) throws {
            guard value >= least else {
                throw ValidationError("\(name): expected at least \(least), found \(value); choose a larger number")
            }
        }
        try check("--prompt", prompt, from: 0)
        try check("--generate", generate, from: 0)
        try check("--branches", branches, from: 1)
        try check("--repetitions", repetitions, from: 1)
        guard !sampled || generate > 0 else {
            throw ValidationError("--sampled: expected tokens to generate, found --generate 0; raise --generate")
        }
        guard prompt > 0 || generate > 0 else {
            throw ValidationError("expected something to measure, found --prompt 0 and --generate 0; raise one of them")
        }
    }

    func run() throws {
        let file = try subject.modelURL()
        let model = try EMLLMModel.load(from: file)
        let options = RuntimeOptions(threads: threads, activations: activations)
        let context = try InferenceContext(model: model, options: options)
        var tests: [SpeedTest] = []
        if prompt > 0 { tests.append(try SpeedTest(.promptProcessing(tokens: prompt), model: model)) }
        if generate > 0 {
            let choices: [SpeedTest.Choice] = sampled ? [.none, .greedy, .sampled] : [.none]
            for width in branches > 1 ? [1, branches] : [1] {
                for choice in choices {
                    let kind = SpeedTest.Kind.generation(tokens: generate, branches: width, choice: choice)
                    tests.append(try SpeedTest(kind, model: model))
                }
            }
        }
        let samples = try tests.map { test in
            try Sample(repetitions: repetitions) { try test.tokensPerSecond(in: context) }
        }
        // Read it before the buffer of the bandwidth test adds to it.
        let peak = peakResidentBytes()
        let bandwidth = try MemoryBandwidth.measure(threads: context.threads, instructionSet: context.instructionSet)
        let report = SpeedReport(
            context: context,
            subject: try Subject(context, file: file),
            results: zip(tests, samples).map { SpeedReport.Result($0, $1, memoryBandwidth: bandwidth) },
            peakResidentBytes: peak,
            memoryBandwidth: bandwidth
        )
        try subject.write(report)
    }
}

/// The options of every benchmark: the model, and the output format.
struct SubjectOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: "The model: an .emllm or GGUF file, or a name in the cache.",
        completion: .models
    )
    var model = ModelStore.textModel

    @Flag(help: "Print JSON for programs instead of a table.")
    var json = false

    func modelURL() throws -> URL { try ModelStore().locate(model) }

    /// Prints a report in the requested format.
    func write(_ report: some BenchmarkReport) throws {
        try StandardStreams.write((json ? report.json() : report.table()) + "\n")
    }
}
