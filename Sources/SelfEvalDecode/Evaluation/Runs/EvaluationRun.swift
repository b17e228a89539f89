import EMLLMCore
import Foundation
import SelfEvalDecode

/// Runs all strategies and seeds on all problems, and writes each result as soon as it is known.
///
/// An interrupted run continues where it stopped: questions that already have an answer in the folder are not asked
/// again.
public struct EvaluationRun: Sendable {
    private let folder: RunFolder
    private let description: RunDescription
    private let problems: [Problem]
    private let skipped: [SkippedProblem]
    private let seeds: [UInt64]
    private let writesTraces: Bool
    /// The strategies of this call; the folder may have others.
    private let strategies: [String]

    /// Prepares a folder, or continues with an existing one.
    ///
    /// - Parameters:
    ///   - folder: where everything is written.
    ///   - description: what is asked, and of which model; the strategies in it are run.
    ///   - problems: the problems to ask.
    ///   - skipped: the problems of the file that cannot be asked; they are recorded in the folder.
    ///   - seeds: the seeds; every strategy answers each problem once with each seed.
    ///   - writesTraces: whether the trace of each answer is saved.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder has the results of another run.
    public init(
        folder: RunFolder,
        description: RunDescription,
        problems: [Problem],
        skipped: [SkippedProblem],
        seeds: [UInt64],
        writesTraces: Bool
    ) throws {
        self.folder = folder
        self.problems = problems
        self.skipped = skipped
        self.seeds = seeds
        self.writesTraces = writesTraces
        strategies = description.options.keys.sorted()
        try OutputFile.makeFolder(folder.url)
        let isNew = !FileManager.default.fileExists(atPath: folder.description.path)
        let known = isNew ? description : try folder.readDescription()
        self.description = try Self.merge(description, into: known, path: folder.url.path)
        if isNew || self.description != known { try folder.write(self.description) }
    }

    /// Adds new strategies to the run in the folder; everything else must be the same.
    private static func merge(
        _ new: RunDescription,
        into known: RunDescription,
        path: String
    ) throws -> RunDescription {
        for (what, isSame) in [
            ("problem set", known.problemsDigest == new.problemsDigest && known.layout == new.layout),
            ("scoring rule", known.rule == new.rule), ("rule for step labels", known.labels == new.labels),
            ("model", known.model.weightsDigest == new.model.weightsDigest),
            ("precision of activations", known.model.activations == new.model.activations),
            ("shard", known.shard == new.shard),
        ] where !isSame {
            throw EMLLMError.otherRun(path, what: what)
        }
        for (strategy, options) in new.options where known.options[strategy].map({ $0 != options }) ?? false {
            throw EMLLMError.otherRun(path, what: "set of options for \(strategy)")
        }
        var merged = known
        merged.options.merge(new.options) { old, _ in old }
        return merged
    }

    /// How much of a run is done.
    public struct Completion: Sendable, Equatable {
        /// Answers so far, including those of earlier runs.
        public internal(set) var done: Int
        /// Answers that were requested.
        public let wanted: Int
        /// Problems of the file that cannot be asked.
        public let skipped: Int
    }

    /// One requested answer.
    private struct Job {
        let problem: Problem
        let strategy: String
        let seed: UInt64
    }

    private struct Key: Hashable {
        let problem: String
        let strategy: String
        let seed: UInt64
    }

    /// Works until everything is done or the task is cancelled.
    ///
    /// - Parameters:
    ///   - model: the model that answers.
    ///   - runtime: how the model is run.
    ///   - onProgress: called with the progress, before the first answer and after each one.
    /// - Returns: how much is done in the end: not everything if the task was cancelled.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when a result cannot be written, or another process works on the folder.
    public func work(
        on model: EMLLMModel,
        runtime: RuntimeOptions = RuntimeOptions(),
        onProgress: @Sendable (Completion) -> Void = { _ in }
    ) async throws -> Completion {
        let log = try ResultLog(folder)
        try folder.write(skipped)
        let done = Set(try folder.readResults().map { Key(problem: $0.problem, strategy: $0.strategy, seed: $0.seed) })
        // Going problem by problem, a picture is encoded once for all strategies, and an interrupted run has the same
        // problems for each.
        let wanted = problems.flatMap { problem in
            seeds.flatMap { seed in strategies.map { Job(problem: problem, strategy: $0, seed: seed) } }
        }
        let open = wanted.filter { !done.contains(Key(problem: $0.problem.id, strategy: $0.strategy, seed: $0.seed)) }
        if !open.isEmpty { try addOrigin() }
        let thread = try InferenceThread(model: model, options: runtime)
        var completion = Completion(done: wanted.count - open.count, wanted: wanted.count, skipped: skipped.count)
        onProgress(completion)
        var unwritten: (any Error)?
        for job in open {
            guard !Task.isCancelled else { break }
            do {
                try log.append(try await result(of: job, on: thread))
            } catch is CancellationError {
                break
            } catch let error as EMLLMError where error.code == .unwritableTrace {
                // Go on with the others; running the same command again retries this one.
                unwritten = unwritten ?? error
                continue
            }
            completion.done += 1
            onProgress(completion)
        }
        if let unwritten { throw unwritten }
        return completion
    }

    /// Records in the folder where the answers to come are computed.
    private func addOrigin() throws {
        let known = try folder.readDescription()
        var described = known
        described.add([.current()])
        if described != known { try folder.write(described) }
    }

    private func result(of job: Job, on thread: InferenceThread) async throws -> ResultRecord {
        guard var options = description.options[job.strategy] else { throw EMLLMError.notARun(folder.url.path) }
        options.seed = job.seed
        do {
            let pictures = try job.problem.images.map { try ImageDecoder().decode(contentsOf: $0) }
            let file = folder.trace(job.problem.id, strategy: job.strategy, seed: job.seed)
            let names = job.problem.images.map(\.path)
            let trace = try await thread.run { [options] context in
                try SelfEvalDecoder.run(
                    job.problem.prompt,
                    images: pictures,
                    imageNames: names,
                    options: options,
                    in: context
                )
            }
            guard trace.summary?.outcome == .answered else { throw CancellationError() }
            if writesTraces {
                try OutputFile.makeFolder(file.deletingLastPathComponent())
                let json = try trace.json()
                do {
                    try OutputFile.write(json, atomicallyTo: file)
                } catch let error as EMLLMError where error.found == String(cString: strerror(ENAMETOOLONG)) {
                    throw EMLLMError.unwritableTrace(error, problem: job.problem.id)
                }
            }
            return ResultRecord(trace, of: job.problem, in: description)
        } catch let error as EMLLMError where ![.unwritableOutput, .unwritableTrace].contains(error.code) {
            // A question that does not fit, or an invalid picture: it counts as wrong, and the reason is recorded.
            return ResultRecord(
                problem: job.problem.id,
                strategy: job.strategy,
                model: description.model.provenance.name,
                seed: job.seed,
                breakdown: job.problem.breakdown,
                isCorrect: false,
                failure: error.code.rawValue
            )
        }
    }
}

extension EMLLMError.Code {
    /// A problem whose trace cannot be written, though others can.
    public static let unwritableTrace = Self(rawValue: "unwritable-trace")
}

extension EMLLMError {
    static func unwritableTrace(_ error: EMLLMError, problem: String) -> EMLLMError {
        EMLLMError(
            code: .unwritableTrace,
            subject: "trace of problem '\(problem)'",
            expected: "to write \(error.subject)",
            found: error.found,
            remedy: "give the problem another id; all others are done"
        )
    }
}
