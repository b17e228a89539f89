import EMLLMCore
import Foundation
import Synchronization
import Testing

@testable import EMLLMEvaluation
@testable import SelfEvalDecode

@Suite("Training a verifier")
struct VerifierTrainingTests {
    private static let width = 16

    /// Chains whose states tell right from wrong behind the second of two layers, as far as `signal` goes.
    private func samples(problems: Int = 60, signal: Float = 1.5, seed: UInt64 = 5) -> VerifierSamples {
        var generator = SplitMix64(state: seed)
        func noise() -> Float { Float(generator.next(below: 2001)) / 1000 - 1 }
        var samples = VerifierSamples(layers: [2, 4], width: Self.width)
        for problem in 0..<problems {
            for _ in 0..<3 {
                let isRight = generator.next(below: 2) == 0
                let count = 2 + generator.next(below: 3)
                let chain = chain(problem: problem, isRight: isRight, steps: count)
                let pooled = (0..<count).map { _ in
                    var values = (0..<(2 * 3 * Self.width)).map { _ in noise() }
                    for pooling in 0..<3 { values[(3 + pooling) * Self.width] += isRight ? signal : -signal }
                    return PooledStates(width: Self.width, values: values)
                }
                samples.append(chain, pooled)
            }
        }
        return samples
    }

    private func chain(problem: Int, isRight: Bool, steps: Int) -> LabelledChain {
        let nodes = (0..<steps).map { place in
            var node = StepNode(
                id: place + 1,
                parent: place,
                ordinal: 0,
                continues: place > 0,
                kind: .step,
                temperature: 0
            )
            node.tokens = [1, 2, 3]
            node.meanLogProbability = -0.5
            return node
        }
        return LabelledChain(
            group: "problem \(problem)",
            prompt: [1],
            images: [],
            view: 0,
            nodes: nodes,
            isRight: isRight,
            stepLabels: nodes.map { _ in nil }
        )
    }

    @Test("What tells right from wrong is found, on problems that were not fitted on")
    func learns() throws {
        let samples = samples()
        let result = try VerifierFit(samples, mostParameters: 10_000).run()
        #expect(result.designs[result.chosen.design].layers.contains(1))
        let report = VerifierReport(samples, result, missingTraces: 2)
        let area = try #require(report.verifier.chains)
        #expect(area.value > 0.95 && area.interval.lower > 0.9 && area.interval.upper <= 1 && area.count == 180)
        // The line says nothing here, and the combination loses nothing by it.
        #expect(abs(try #require(report.combined.chains).value - area.value) < 0.02 && report.combined.steps == nil)
        #expect(try #require(result.score)[.verifier] > 0.2)
        #expect(report.problems == 60 && report.chains == 180 && report.missingTraces == 2)
        #expect(report.verifier.labelledSteps == nil)
        // All log-probabilities are the same: they tell nothing.
        #expect(report.others.first { $0.name == "mean log-probability" }?.chains?.value == 0.5)
        #expect(!report.others.contains { $0.name == "verdict" })
        #expect(try #require(report.chainECE) < 0.15)
        #expect(report.text.contains { $0.hasPrefix("  verifier") })
        // The file's weights say of a step what the fit says.
        let identity = ModelIdentity.sample
        let head = try result.head(model: identity, chainDigest: "d", samples: samples)
        let steps = samples.features(result.designs[result.chosen.design])
        let expected = result.weights.logOdds(steps[7])
        let factors = head.weights.map(Double.init)
        #expect(abs(zip(factors, steps[7]).reduce(head.bias) { $0 + $1.0 * Double($1.1) } - expected) < 1e-4)
    }

    @Test("Noise teaches nothing, and the report says so")
    func noise() throws {
        let samples = samples(signal: 0)
        let report = VerifierReport(samples, try VerifierFit(samples, mostParameters: 10_000).run(), missingTraces: 0)
        let area = try #require(report.verifier.chains)
        #expect(abs(area.value - 0.5) < 0.15)
    }

    @Test("The same runs give the same head, and problems stay in one fold")
    func determinism() throws {
        let samples = samples(problems: 25)
        let fit = VerifierFit(samples, mostParameters: 10_000)
        #expect(try fit.run() == fit.run())
        let folds = samples.folds(5)
        for (group, chains) in Dictionary(grouping: samples.chains.indices, by: { samples.chains[$0].group }) {
            #expect(Set(chains.compactMap { folds[$0] }).count == 1, "\(group)")
        }
        #expect(Set(folds.values) == Set(0..<5))
    }

    @Test("A head has at most as many parameters as it may")
    func size() {
        let samples = samples(problems: 2)
        func poolings(_ most: Int) -> Set<[StatePooling]> {
            Set(VerifierFit(samples, mostParameters: most).designs.map(\.poolings))
        }
        #expect(poolings(33) == [[.chainMean, .lastToken], [.stepMean, .lastToken]])
        // Both layers together are one more candidate, where they may be.
        #expect(VerifierFit(samples, mostParameters: 64).designs.allSatisfy { $0.layers.count == 1 })
        #expect(VerifierFit(samples, mostParameters: 65).designs.map(\.layers) == [[0], [0], [1], [1], [0, 1]])
        #expect(poolings(32) == [[.lastToken]])
        #expect(poolings(16).isEmpty)
    }

    // MARK: Refusals

    private func code(_ body: () throws -> Void) -> EMLLMError.Code? {
        do {
            try body()
            return nil
        } catch { return (error as? EMLLMError)?.code }
    }

    private static let problems = (0..<30).map {
        #"{"id":"p\#($0)","question":"What is \#($0) + 1?","answer":"\#($0 + 1)"}"#
    }

    /// A folder with a run of `vote` whose two chains answer each problem; what they answer is `answer`.
    private func run(
        options: SelfEvalOptions = SelfEvalOptions(strategy: .vote),
        model: ModelIdentity = .sample,
        traces: Bool = true,
        answer: (_ problem: Int, _ chain: Int) -> Int
    ) throws -> RunFolder {
        let url = FileManager.default.temporaryDirectory.appending(path: "verifier-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let file = url.appending(path: "problems.jsonl")
        try Data(Self.problems.joined(separator: "\n").utf8).write(to: file)
        let set = try ProblemSet.read(from: file)
        let folder = RunFolder(url: url)
        let description = RunDescription(
            problems: file.path,
            layout: set.layout,
            problemsDigest: try RunFolder.digest(of: file),
            rule: .corrected,
            labels: .arithmetic,
            model: model,
            options: ["vote": options]
        )
        try folder.write(description)
        var lines = Data()
        for (index, problem) in set.problems.enumerated() {
            let trace = trace(problem, options, model, answers: [answer(index, 0), answer(index, 1)])
            let record = ResultRecord(trace, of: problem, in: description)
            lines += try record.line()
            guard traces else { continue }
            let target = folder.trace(problem.id, strategy: "vote", seed: 0)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try trace.json().write(to: target)
        }
        try lines.write(to: folder.results)
        return folder
    }

    private func trace(_ problem: Problem, _ options: SelfEvalOptions, _ model: ModelIdentity, answers: [Int]) -> Trace
    {
        let costs = TraceHeader.PromptCosts(evaluation: 1, prior: 1, chainEvaluation: 1, answer: 1)
        var trace = Trace(
            TraceHeader(
                model: model,
                question: problem.prompt,
                options: options,
                prompt: [1, 2],
                costs: costs,
                contextLength: 100
            )
        )
        for (chain, answer) in answers.enumerated() {
            for (place, text) in ["Let us add.\n", "The answer is \(answer).\n"].enumerated() {
                var node = StepNode(
                    id: 2 * chain + place + 1,
                    parent: place == 0 ? 0 : 2 * chain + place,
                    ordinal: place == 0 ? chain : 0,
                    continues: place > 0,
                    kind: .step,
                    temperature: 0.8
                )
                // What is right shows in a token.
                let mark: TokenID = "\(answer)" == problem.answer ? 50 : 60
                node.tokens = [TokenID(100 + answer), mark, TokenID(3 + chain)]
                (node.text, node.end) = (text, place == 1 ? .endOfTurn : .line)
                trace.apply(.candidate(node))
            }
        }
        trace.apply(.answer(Answer(text: "\(answers[0])", source: .reasoning, node: 2, tokens: [])))
        trace.apply(.info(.finished(TraceSummary(outcome: .answered, path: [1, 2]))))
        return trace
    }

    @Test("Each chain is labelled by its own answer; the same text counts once")
    func chains() throws {
        let folder = try run { problem, chain in chain == 0 ? problem + 1 : problem + 2 }
        defer { try? FileManager.default.removeItem(at: folder.url) }
        let found = try LabelledChains(of: [folder, folder], model: .sample)
        #expect(found.chains.count == 60 && found.chains.count(where: \.isRight) == 30)
        #expect(Set(found.chains.map(\.group)).count == 30)
        #expect(found.chains.allSatisfy { $0.steps.count == 2 && $0.prompt == [1, 2] })
        try found.checkBothClasses(minimumProblems: 20)
        #expect(code { try found.checkBothClasses(minimumProblems: 31) } == .untrainableVerifier)
    }

    @Test("A run of a real model is learnt from, the same way every time, and the file is of use")
    func wholeWay() async throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "EMLLMCoreTests/Fixtures/families/qwen2.gguf")
        let model = try EMLLMModel.load(from: file)
        let identity = ModelIdentity(of: model, activations: .q8)
        let folder = try run(model: identity) { problem, chain in chain == 0 ? problem + 1 : problem + 2 }
        defer { try? FileManager.default.removeItem(at: folder.url) }
        let progress = Mutex<[VerifierTraining.Progress]>([])
        let runtime = RuntimeOptions(threads: 1)
        let training = try await VerifierTraining(on: [folder], model: model, runtime: runtime) { step in
            progress.withLock { $0.append(step) }
        }
        #expect(try #require(training.report.verifier.chains).value > 0.95)
        #expect(training.file.training.chains == 60 && training.file.training.rightChains == 30)
        #expect(training.file.head.layers.allSatisfy((1...2).contains) && training.file.aggregation == .last)
        let told = progress.withLock { $0 }
        #expect(told.first == .computing(done: 0, of: 60) && told.contains(.computing(done: 60, of: 60)))
        guard case .fitting(let done, let total)? = told.last else {
            Issue.record("the cross-validation was not told of")
            return
        }
        #expect(done == total)
        let again = try await VerifierTraining(on: [folder], model: model, runtime: runtime)
        #expect(again.file == training.file && again.report == training.report)

        var options = SelfEvalOptions(strategy: .cot, budget: Budget(tokens: 100, answerTokens: 4))
        options = try training.file.applied(to: options, model: identity)
        let trace = try SelfEvalDecoder.run(
            "1?",
            options: options,
            in: InferenceContext(model: model, options: runtime)
        )
        #expect(trace.path.contains { $0.verifierLogOdds != nil })
        #expect(throws: EMLLMError.self) {
            try training.file.applied(to: options, model: ModelIdentity(of: model, activations: .f32))
        }
        let unknown = VerifierTraining.Options(layers: [3])
        let error = await #expect(throws: EMLLMError.self) {
            try await VerifierTraining(on: [folder], model: model, runtime: runtime, options: unknown)
        }
        #expect(error?.code == .unknownLayer)
    }

    @Test("One class, other models, mixed prompts, missing traces and no runs are refused")
    func refusals() throws {
        let right = try run { problem, _ in problem + 1 }
        defer { try? FileManager.default.removeItem(at: right.url) }
        let found = try LabelledChains(of: [right], model: .sample)
        #expect(code { try found.checkBothClasses(minimumProblems: 20) } == .untrainableVerifier)

        var other = ModelIdentity.sample
        other.weightsDigest = "f00d"
        #expect(code { _ = try LabelledChains(of: [right], model: other) } == .otherModel)
        other = .sample
        other.activations = .f32
        #expect(code { _ = try LabelledChains(of: [right], model: other) } == .otherModel)

        var options = SelfEvalOptions(strategy: .vote)
        options.prompts.reason += "!"
        let asked = try run(options: options) { problem, _ in problem + 1 }
        defer { try? FileManager.default.removeItem(at: asked.url) }
        #expect(code { _ = try LabelledChains(of: [right, asked], model: .sample) } == .otherPrompts)

        let bare = try run(traces: false) { problem, _ in problem + 1 }
        defer { try? FileManager.default.removeItem(at: bare.url) }
        #expect(code { _ = try LabelledChains(of: [bare], model: .sample) } == .untrainableVerifier)
        // A few missing ones are counted.
        let some = try LabelledChains(of: [right, bare], model: .sample)
        #expect(some.missingTraces == 30 && !some.chains.isEmpty)

        let none = RunFolder(url: right.url.appending(path: "none"))
        #expect(code { _ = try LabelledChains(of: [none], model: .sample) } == .notARun)
        try Data().write(to: right.results)
        #expect(code { _ = try LabelledChains(of: [right], model: .sample) } == .untrainableVerifier)
    }
}

extension ModelIdentity {
    fileprivate static let sample = ModelIdentity(
        provenance: Provenance(name: "sample"),
        family: "llama",
        vocabularySize: 100,
        weightBytes: 10,
        weightsDigest: "0123456789abcdef",
        activations: .q8
    )
}
