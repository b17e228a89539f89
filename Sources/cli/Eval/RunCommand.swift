import ArgumentParser
import CLIShared
import DecodeOptions
import EMLLMCore
import EMLLMEvaluation
import Foundation
import SelfEvalDecode

extension ProblemLayout: ExpressibleByArgument {}
extension ScoringRule.Variant: ExpressibleByArgument {}
extension StepLabelRule: ExpressibleByArgument {}

/// `emllm-eval run`: runs strategies over problems.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run strategies over a problem set.",
        discussion: """
            Problems are JSON lines with id, question, answer, and optionally image and options; or a file of PuzzleVQA, \
            MathVista (testmini.json), MATH-V (test.jsonl) or We-Math (testmini.json), recognized by its columns. A \
            problem that cannot be run is skipped, counted and reported.
            """
    )

    @Argument(help: "The file of problems.", completion: .file(extensions: ["jsonl", "json"]))
    var problems: String

    @Option(help: "The folder of the run; an interrupted run is continued.", completion: .directory)
    var out: String

    @Option(help: "The strategies, as cot,vote,verify.")
    var strategies: StrategyList = StrategyList([.cot, .vote, .verify])

    @Option(help: "The seeds, as 0,1,2 or 0-4.")
    var seeds: SeedList = SeedList([0])

    @Option(help: "Only this part of the problems: 1/4 is the first of four.")
    var shard: Shard?

    @Option(help: "The maximum number of problems, from the beginning.")
    var limit: Int?

    @Option(help: "The layout of the file (default: recognized by its columns).")
    var layout: ProblemLayout?

    @Option(help: "The folder that image paths are relative to (default: the file's own).", completion: .directory)
    var images: String?

    @Option(
        help: "How answers are scored: corrected, or published (as each benchmark's own script does, defects included)."
    )
    var rule = ScoringRule.Variant.corrected

    @Option(
        help: ArgumentHelp(
            "How steps are labelled: arithmetic (their equations are checked), reference (labels of the file) or puzzle (the "
                + "facts of a caption, explanation and deduction).",
            valueName: "labels"
        )
    )
    var labels: StepLabelRule?

    @Flag(help: "Do not write traces; sweeps and training records need them.")
    var noTraces = false

    @OptionGroup(title: "Model") var modelOptions: ModelOptions
    @OptionGroup(title: "Text") var text: TextOptions
    @OptionGroup(title: "Self-evaluation") var selfEvaluation: SelfEvaluationOptions

    func validate() throws {
        if selfEvaluation.strategy != nil {
            throw ValidationError("--strategy is for one question; name the strategies of a run with --strategies")
        }
        if text.seed != 0 { throw ValidationError("--seed is for one question; name the seeds of a run with --seeds") }
        if let limit, limit < 1 { throw ValidationError("--limit: expected at least 1, found \(limit)") }
    }

    func run() async throws {
        let file = try keptProblems()
        let current = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
        let imageFolder = images.map { URL(filePath: $0) } ?? (file.isKept ? current : nil)
        let set = try ProblemSet.read(from: file.url, layout: layout, imageFolder: imageFolder)
        let model = try modelOptions.load()
        try modelOptions.check(model, hasPictures: set.problems.contains { !$0.images.isEmpty })
        let identity = ModelIdentity(of: model, activations: modelOptions.activations)
        var options: [String: SelfEvalOptions] = [:]
        for strategy in strategies.values {
            var chosen = selfEvaluation
            chosen.strategy = strategy
            options[strategy.rawValue] = try chosen.options(
                text: text,
                for: model,
                activations: modelOptions.activations
            ) {
                try StandardStreams.note("\(strategy.rawValue): \($0)")
            }
        }
        let description = RunDescription(
            problems: file.url.standardizedFileURL.path,
            layout: set.layout,
            problemsDigest: try RunFolder.digest(of: file.url),
            rule: rule,
            labels: labels,
            model: identity,
            options: options,
            shard: shard.map { "\($0)" }
        )
        var chosen = shard?.part(of: set.problems) ?? set.problems
        if let limit { chosen = Array(chosen.prefix(limit)) }
        let folder = RunFolder(url: URL(filePath: out, directoryHint: .isDirectory))
        let run = try EvaluationRun(
            folder: folder,
            description: description,
            problems: chosen,
            skipped: set.skipped,
            seeds: seeds.values,
            writesTraces: !noTraces
        )
        let runtime = modelOptions.runtime
        let progress = AnswerProgress()
        let (completion, signal) = try await Interruption.handling {
            defer { progress.finish() }
            return try await run.work(on: model, runtime: runtime) { progress.show($0) }
        }
        try StandardStreams.write("\(folder.url.path): " + Self.summary(of: completion))
        // The table compares nothing, so the bootstrap of comparisons can be short.
        var quick = ReportOptions()
        quick.resamples = 1
        let table = ResultTable.text(of: try Summary(records: folder.readResults(), options: quick))
        if !table.isEmpty {
            try StandardStreams.write("\n\(table)\nemllm-eval report \(out) writes the whole report.\n")
        }
        if let signal { throw ExitCode(128 + signal) }
    }
}

extension RunCommand {
    /// The file of problems. Input from a pipe is saved in the folder of the run, since reports and resumed runs read
    /// it again; paths of pictures are then relative to the current directory.
    private func keptProblems() throws -> (url: URL, isKept: Bool) {
        let file = URL(filePath: problems)
        let isPipe = OutputFile.isSpecial(file)
        guard isPipe else { return (file, false) }
        let folder = URL(filePath: out, directoryHint: .isDirectory)
        let kept = folder.appending(path: "problems.jsonl")
        let data = try InputFile.read(file, what: "a file of problems", atMost: .max)
        if let former = try? Data(contentsOf: kept), former != data {
            throw EMLLMError.otherRun(folder.path, what: "file of problems")
        }
        try OutputFile.makeFolder(folder)
        try OutputFile.write(data, atomicallyTo: kept)
        return (kept, true)
    }

    fileprivate static func summary(of completion: EvaluationRun.Completion) -> String {
        var text = "\(completion.done) of \(completion.wanted) answers"
        if completion.skipped > 0 { text += "; \(completion.skipped) problems skipped (skipped.json says why)" }
        return text + (completion.done < completion.wanted ? "; the same command goes on\n" : "\n")
    }
}

/// Strategies, such as "cot,vote".
struct StrategyList: ExpressibleByArgument, CustomStringConvertible {
    let values: [StrategyName]

    init(_ values: [StrategyName]) { self.values = values }

    init?(argument: String) {
        if argument == "all" {
            values = StrategyName.builtIn
            return
        }
        let names = argument.split(separator: ",").map {
            StrategyName(argument: $0.trimmingCharacters(in: .whitespaces))
        }
        let found = names.compactMap { $0 }
        guard !found.isEmpty, found.count == names.count, Set(found).count == found.count else { return nil }
        values = found
    }

    var description: String { values.map(\.rawValue).joined(separator: ",") }
    var defaultValueDescription: String { description }
    static var allValueStrings: [String] { StrategyName.builtIn.map(\.rawValue) + ["all"] }
}

/// Seeds, such as "0,3" or "0-4".
struct SeedList: ExpressibleByArgument, CustomStringConvertible {
    let values: [UInt64]

    init(_ values: [UInt64]) { self.values = values }

    init?(argument: String) {
        var found: [UInt64] = []
        for part in argument.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
                last - first < 10_000
            else { return nil }
            found += first...last
        }
        guard !found.isEmpty, Set(found).count == found.count else { return nil }
        values = found
    }

    var description: String { values.map(String.init).joined(separator: ",") }
    var defaultValueDescription: String { description }
}

extension Shard: ExpressibleByArgument {
    /// Reads a part such as `2/4`.
    public init?(argument: String) { self.init(argument) }
}
