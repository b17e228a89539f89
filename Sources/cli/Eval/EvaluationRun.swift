import CLIShared
import EMLLMCore
import Evaluation
import Foundation
import SelfEvalDecode

/// Works through problems, strategies and seeds, and writes each result when it is there.
struct EvaluationRun: Sendable {
    private let folder: RunFolder
    private let description: RunDescription
    private let problems: [Problem]
    private let skipped: [SkippedProblem]
    private let seeds: [UInt64]
    private let writesTraces: Bool
    /// Those that were asked for now; the folder may have others.
    private let strategies: [String]

    /// Prepares a folder, or takes up the one that is there.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` when the folder has the results of another run.
    init(
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
        try StandardStreams.makeFolder(folder.url.path)
        let isNew = !FileManager.default.fileExists(atPath: folder.description.path)
        let known = isNew ? description : try folder.readDescription()
        self.description = try Self.merge(description, into: known, path: folder.url.path)
        if isNew || self.description != known { try folder.write(self.description) }
    }

    /// The run that is there with strategies that it did not have; everything else has to be the same.
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

    /// One answer that is wanted.
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
    /// - Returns: what is there, for people.
    func work(on model: EMLLMModel, runtime: RuntimeOptions) async throws -> String {
        let log = try ResultLog(folder)
        try folder.write(skipped)
        let done = Set(try folder.readResults().map { Key(problem: $0.problem, strategy: $0.strategy, seed: $0.seed) })
        // Problem by problem: a picture is encoded once for all strategies, and an interrupted run compares like with like.
        let wanted = problems.flatMap { problem in
            seeds.flatMap { seed in strategies.map { Job(problem: problem, strategy: $0, seed: seed) } }
        }
        let open = wanted.filter { !done.contains(Key(problem: $0.problem.id, strategy: $0.strategy, seed: $0.seed)) }
        let thread = try InferenceThread(model: model, options: runtime)
        let bar = Progress(total: wanted.count, done: wanted.count - open.count)
        defer { bar.finish() }
        var finished = 0
        for job in open {
            guard !Task.isCancelled else { break }
            do {
                try log.append(try await result(of: job, on: thread))
            } catch let error as EMLLMError where error.code == .cancelled {
                break
            }
            finished += 1
            bar.advance()
        }
        return summary(done: wanted.count - open.count + finished, of: wanted.count)
    }

    private func summary(done: Int, of wanted: Int) -> String {
        var text = "\(folder.url.path): \(done) of \(wanted) answers"
        if !skipped.isEmpty { text += "; \(skipped.count) problems skipped (skipped.json says why)" }
        return text + (done < wanted ? "; the same command goes on\n" : "\n")
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
            guard trace.summary?.outcome == .answered else { throw EMLLMError.cancelled }
            if writesTraces {
                try StandardStreams.makeFolder(file.deletingLastPathComponent().path)
                try StandardStreams.write(trace.json(), atomicallyTo: file.path)
            }
            return ResultRecord(trace, of: job.problem, in: description)
        } catch let error as EMLLMError where error.code != .cancelled && error.code != .unwritableOutput {
            // A question that does not fit, or a picture that is none: counted as wrong, with the reason.
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

extension ResultRecord {
    /// The result of a run that came to its end.
    init(_ trace: Trace, of problem: Problem, in description: RunDescription) {
        let steps = trace.path.filter { $0.kind == .step }
        let texts = steps.map(\.text)
        let labels = description.labels?.labels(of: texts, for: problem) ?? texts.map { _ in nil }
        let response = trace.reasoning + (trace.answer.map { $0.source == .asked ? "\n\($0.text)" : "" } ?? "")
        let score = ScoringRule(description.rule).score(
            ModelOutput(answer: trace.answer?.text, response: response),
            for: problem
        )
        let counts = trace.summary?.counts
        let encoding = trace.header.images?.reduce(0) { $0 + $1.encodeSeconds } ?? 0
        self.init(
            problem: problem.id,
            strategy: trace.header.options.strategy.rawValue,
            model: description.model.provenance.name,
            seed: trace.header.options.seed,
            breakdown: problem.breakdown,
            response: response,
            answer: trace.answer?.text,
            extracted: score.extracted,
            isCorrect: score.isCorrect,
            confidence: trace.answer?.confidence,
            abstained: trace.answer?.isAbstention ?? false,
            promptTokens: trace.header.prompt.count,
            processedTokens: counts?.processed ?? 0,
            acceptedTokens: counts?.accepted ?? 0,
            evaluationTokens: counts.map { $0.evaluation + $0.reflection + $0.contrast } ?? 0,
            // Pictures are encoded once for all strategies; each is charged with what it would have taken.
            seconds: (trace.summary?.seconds.total ?? 0) + encoding,
            steps: zip(steps, labels).map { step, label in
                StepRecord(
                    text: step.text,
                    probability: step.evaluation?.score,
                    logit: step.evaluation?.verdict?.logit,
                    isInformative: step.evaluation?.verdict?.isInformative,
                    meanLogProbability: step.meanLogProbability,
                    lineLogProbability: trace.logProbability(to: step.id),
                    windowConfidence: step.windowConfidence,
                    label: label.map { $0 == .right }
                )
            }
        )
    }
}

/// A bar with an estimate of the time that is left.
final class Progress {
    private let bar = ProgressBar("Answering")
    private let total: Int
    private var done: Int
    private var before: Int
    private let started = ContinuousClock.now

    init(total: Int, done: Int) {
        (self.total, self.done, before) = (total, done, done)
        show()
    }

    func advance() {
        done += 1
        show()
    }

    func finish() { bar.finish() }

    private func show() {
        let worked = done - before
        guard worked > 0 else { return bar.update(done: done, of: total) }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        let left = Duration.seconds(seconds / Double(worked) * Double(total - done))
        let units: Set<Duration.UnitsFormatStyle.Unit> =
            left > .seconds(3600) ? [.hours, .minutes] : [.minutes, .seconds]
        let time = left.formatted(.units(allowed: units, width: .narrow, maximumUnitCount: 2))
        bar.update(done: done, of: total, note: "\(done)/\(total), \(time) left")
    }
}
