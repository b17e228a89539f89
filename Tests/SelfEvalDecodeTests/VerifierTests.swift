import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Verifier")
struct VerifierTests {
    private static let fixtures = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures/families")

    /// A tiny model with quantized weights, whose states do not depend on how tokens are split into passes.
    private static let model: Result<EMLLMModel, any Error> = Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "verifier-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // The file is mapped: it may lose its name.
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "qwen2.emllm")
        try ModelConverter.convert(
            fixtures.appending(path: "qwen2.gguf"),
            to: file,
            options: .init(quantization: .q8_0)
        )
        return try EMLLMModel.load(from: file)
    }

    private static let question = "2 + 2?"

    private func context() throws -> InferenceContext {
        try InferenceContext(model: Self.model.get(), options: RuntimeOptions(threads: 1))
    }

    private func options(_ strategy: StrategyName, _ change: (inout SelfEvalOptions) -> Void = { _ in })
        -> SelfEvalOptions
    {
        var options = SelfEvalOptions(strategy: strategy, seed: 3)
        options.prompts.step = StepSegmenter(boundaries: [.line], minimumTokens: 2, maximumTokens: 12)
        options.chains = 3
        options.maximumSteps = 3
        options.budget = Budget(tokens: 600, answerTokens: 4)
        // A token is a byte, and the context has 256 of them.
        options.prompts.system = nil
        options.prompts.reason = "{question}"
        options.prompts.evaluate = "{options}?"
        (options.prompts.reflect, options.prompts.refine, options.prompts.answer) = ("Why?", "Again.", "So?")
        options.reflectionTokens = 6
        change(&options)
        return options
    }

    /// A head with weights of both signs.
    private func head(
        _ options: SelfEvalOptions,
        in context: InferenceContext,
        layers: [Int] = [1, 2],
        poolings: [StatePooling] = StatePooling.allCases
    ) throws -> VerifierHead {
        let width = context.model.configuration.decoder.hiddenSize
        let count = layers.count * poolings.count * width
        return try VerifierHead(
            model: context.identity,
            chainDigest: options.chainDigest,
            layers: layers,
            poolings: poolings,
            weights: (0..<count).map { Float(($0 * 37) % 101 - 50) / 1000 },
            bias: 0.25
        )
    }

    // MARK: While decoding

    @Test(
        "A step's log-odds are those of its hidden states computed afterwards, bit for bit",
        arguments: [
            StrategyName.cot, .vote, .verify, .bestOf,
        ]
    )
    func signal(strategy: StrategyName) throws {
        let context = try context()
        var options = options(strategy) { $0.usesHints = true }
        let head = try head(options, in: context)
        options.verifier = head
        let trace = try SelfEvalDecoder.run(Self.question, options: options, in: context)
        #expect(trace.nodes.count > 2)
        try expectOfflineValues(in: trace, of: head, context)
    }

    @Test("The same for a step that keeps the beginning of a refuted one", arguments: 3..<6 as Range<UInt64>)
    func rolledBack(seed: UInt64) throws {
        /// Refutes each text from its third byte on.
        struct Refuter: StepChecker {
            let name = "refuter"
            func check(_ step: CheckedStep) -> StepFinding? { StepFinding(outcome: .refuted, range: 2..<3) }
        }
        let context = try context()
        var options = options(.verify) { ($0.rollsBack, $0.seed) = (true, seed) }
        options.weights = [.verifier: 1]
        let head = try head(options, in: context)
        options.verifier = head
        let trace = try SelfEvalDecoder.run(Self.question, options: options, checkers: [Refuter()], in: context)
        #expect(trace.nodes.contains { $0.rollback != nil && $0.verifierLogOdds != nil })
        try expectOfflineValues(in: trace, of: head, context)
        #expect(trace.summary.map { $0.counts.processed - $0.counts.prompt <= options.budget.tokens } == true)
    }

    private func expectOfflineValues(in trace: Trace, of head: VerifierHead, _ context: InferenceContext) throws {
        for node in trace.nodes {
            let line = trace.line(to: node.id)
            guard !node.tokens.isEmpty else {
                #expect(node.verifierLogOdds == nil)
                continue
            }
            let branch = context.makeBranch()
            _ = try context.extend(branch, with: trace.header.prompt)
            let tokens = line.flatMap(\.tokens)
            var pool = StatePool()
            pool.append(try context.hiddenStates(of: tokens, after: branch, layers: head.layers))
            let pooled = line.compactMap { pool.endStep(tokens: $0.tokens.count, layers: head.layers.count) }
            #expect(node.verifierLogOdds == (try head.logOdds(#require(pooled.last))), "node \(node.id)")
        }
    }

    @Test("A verifier changes no token, and costs none")
    func free() throws {
        let context = try context()
        let plain = options(.vote) { $0.weighsVotes = false }
        let first = try SelfEvalDecoder.run(Self.question, options: plain, in: context)
        var watched = plain
        watched.verifier = try head(plain, in: context)
        watched.weights = [.verifier: 1]
        watched.evaluatesChains = true
        let second = try SelfEvalDecoder.run(Self.question, options: watched, in: context)
        #expect(second.nodes.map(\.tokens) == first.nodes.map(\.tokens))
        #expect(second.summary?.counts == first.summary?.counts)
        #expect(second.prior == nil && second.summary?.counts.evaluation == 0)
        for node in second.nodes where node.rejection == nil {
            let evaluation = try #require(node.evaluation)
            let logOdds = try #require(node.verifierLogOdds)
            #expect(evaluation.verdict == nil && evaluation.score == 1 / (1 + exp(-logOdds)))
        }
    }

    @Test("best-of takes the chain that the verifier prefers, verify accepts and rejects by it")
    func strategies() throws {
        let context = try context()
        var options = options(.bestOf) { $0.weights = [.verifier: 1] }
        options.verifier = try head(options, in: context)
        let trace = try SelfEvalDecoder.run(Self.question, options: options, in: context)
        #expect(trace.summary?.counts.evaluation == 0)
        let leaves = trace.nodes.filter { node in trace.children(of: node.id).isEmpty }
        let scores = leaves.compactMap { leaf in
            options.aggregation(trace.line(to: leaf.id).compactMap { $0.evaluation?.score })
        }
        let chosen = try #require(options.aggregation(trace.path.compactMap { $0.evaluation?.score }))
        #expect(scores.count > 1 && chosen == scores.max() && trace.answer?.confidence == chosen)

        for (bias, decision) in [(50.0, StepNode.Decision.accepted), (-50, .rejected)] {
            var options = self.options(.verify) { $0.weights = [.verifier: 1] }
            let sound = try head(options, in: context)
            options.verifier = try VerifierHead(
                model: context.identity,
                chainDigest: options.chainDigest,
                layers: sound.layers,
                poolings: sound.poolings,
                weights: sound.weights,
                bias: bias
            )
            let trace = try SelfEvalDecoder.run(Self.question, options: options, in: context)
            #expect(trace.nodes.contains { $0.decision == decision })
            #expect(trace.nodes.allSatisfy { $0.evaluation?.verdict == nil })
        }
    }

    @Test("A trace with a verifier repeats, is read back, and is decided anew without the model")
    func traces() throws {
        let context = try context()
        var options = options(.vote) {
            $0.weights = [.verifier: 1, .line: 0.1]
            $0.weighsVotes = true
        }
        options.verifier = try head(options, in: context)
        let trace = try SelfEvalDecoder.run(Self.question, options: options, in: context)
        let read = try Trace(json: trace.json(), path: "trace")
        #expect(read == trace && read.header.options.verifier == options.verifier)
        #expect(try SelfEvalDecoder.replay(read, in: context).nodes == trace.nodes)
        let again = try SelfEvalDecoder.redecide(read, options: options)
        #expect(again.nodes.map(\.evaluation) == trace.nodes.map(\.evaluation))
        #expect(again.answer?.text == trace.answer?.text)
    }

    @Test("The chains of a trace are those that came to an end, each text once, with their answers")
    func chains() throws {
        let script = try Script([
            ("One.\nThe answer is 8.\n<|im_end|>", 0.4), ("Two.\nThe answer is 9.\n<|im_end|>", 0.3),
            ("Three.\n<|im_end|>", 0.3),
        ])
        var options = SelfEvalOptions.test
        options.strategy = .vote
        options.chains = 12
        let vote = try ScriptedRun(script.makeModel(), options: options).trace
        let chains = vote.completeChains
        #expect(Set(chains.map(\.answer.text)) == ["8", "9", "forty-two"] && chains.count == 3)
        for chain in chains {
            #expect(chain.steps.map(\.text).joined().hasPrefix(chain.answer.text == "8" ? "One." : "T"))
            #expect(chain.answer.source == (chain.answer.text == "forty-two" ? .asked : .reasoning))
        }
        // Candidates that were set aside before their chain ended are none.
        options.strategy = .verify
        let verified = try ScriptedRun(script.makeModel(), options: options).trace
        #expect(!verified.completeChains.isEmpty)
        #expect(verified.completeChains.contains { $0.nodes.map(\.id) == verified.path.map(\.id) })
    }

    // MARK: Refusals

    @Test("Other weights, another precision and other prompts are refused, in a run as well")
    func refusals() throws {
        let context = try context()
        let options = options(.cot)
        let head = try head(options, in: context)
        let file = VerifierFile(head: head, training: training)
        func code(_ options: SelfEvalOptions, _ model: ModelIdentity) -> EMLLMError.Code? {
            do {
                _ = try file.applied(to: options, model: model)
                return nil
            } catch { return (error as? EMLLMError)?.code }
        }
        var other = context.identity
        #expect(code(options, other) == nil)
        other.weightsDigest = "f00d"
        #expect(code(options, other) == .otherModel)
        other = context.identity
        other.activations = .f32
        #expect(code(options, other) == .otherModel)
        var prompts = options
        prompts.prompts.reason += "!"
        #expect(code(prompts, context.identity) == .otherPrompts)
        prompts = options
        prompts.prompts.step.minimumTokens += 1
        #expect(code(prompts, context.identity) == .otherPrompts)

        prompts.verifier = head
        #expect(throws: EMLLMError.self) { try SelfEvalDecoder.run(Self.question, options: prompts, in: context) }
        var blind = options
        blind.weights = [.verifier: 1]
        let error = #expect(throws: EMLLMError.self) {
            try SelfEvalDecoder.run(Self.question, options: blind, in: context)
        }
        #expect(error?.code == .noVerifier)
        var narrow = options
        narrow.verifier = try VerifierHead(
            model: context.identity,
            chainDigest: options.chainDigest,
            layers: [1],
            poolings: [.lastToken],
            weights: [1, 2],
            bias: 0
        )
        let mismatch = #expect(throws: EMLLMError.self) {
            try SelfEvalDecoder.run(Self.question, options: narrow, in: context)
        }
        #expect(mismatch?.code == .invalidVerifier)
    }

    private var training: VerifierFile.Training {
        .init(problems: 40, chains: 160, rightChains: 70, steps: 900, penalty: 100, chainAUROC: 0.8)
    }

    @Test("The verifier replaces a verdict that stands alone, and nothing that was chosen")
    func applied() throws {
        let context = try context()
        let plain = options(.vote)
        let file = VerifierFile(head: try head(plain, in: context), aggregation: .last, training: training)
        let options = try file.applied(to: plain, model: context.identity)
        #expect(options.weights == [.verifier: 1] && options.verifier == file.head && options.aggregation == .last)
        var combined = file
        combined.weights = [.verifier: 0.8, .line: 0.1]
        #expect(try combined.applied(to: plain, model: context.identity).weights == combined.weights)
        var chosen = plain
        chosen.weights = [.line: 1]
        chosen.aggregation = .min
        let kept = try file.applied(to: chosen, model: context.identity)
        #expect(kept.weights == [.line: 1] && kept.aggregation == .min && kept.verifier == file.head)
    }

    @Test("A file is read as it was written")
    func file() throws {
        let context = try context()
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).verifier.json")
        defer { try? FileManager.default.removeItem(at: url) }
        let file = VerifierFile(head: try head(options(.cot), in: context), aggregation: .mean, training: training)
        try file.json().write(to: url)
        #expect(try VerifierFile(contentsOf: url) == file)
        #expect(VerifierFile.url(besides: URL(filePath: "/m/a.b.emllm")).path == "/m/a.b.verifier.json")

        let text = String(decoding: try file.json(), as: UTF8.self)
        let weights = try #require(text.firstMatch(of: /"weights" : "([^"]*)"/)?.output.1)
        let defects = [
            "", "{}", "[1]", text.replacing("\"version\" : 1", with: "\"version\" : 9"),
            // Three bytes, one float too few, a float that is no number, and no Base64.
            text.replacing(weights, with: "AAAA"), text.replacing(weights, with: "AACAPw=="),
            text.replacing(weights, with: "AADAfw=="), text.replacing(weights, with: "?"),
            text.replacing("step-mean", with: "last-token"),
            text.replacing("\"bias\" : 0.25", with: "\"bias\" : \"x\""),
        ]
        for defect in defects {
            try Data(defect.utf8).write(to: url)
            let error = #expect(throws: EMLLMError.self) { try VerifierFile(contentsOf: url) }
            #expect(error?.code == .invalidVerifier, "\(defect.prefix(300))")
        }
    }

    @Test("A model that shows no hidden states is one clear error")
    func withoutStates() throws {
        let model = try Script("One.\nTwo.\n<|im_end|>").makeModel()
        var options = SelfEvalOptions.test
        options.strategy = .cot
        options.verifier = try VerifierHead(
            model: model.identity,
            chainDigest: options.chainDigest,
            layers: [0],
            poolings: [.lastToken],
            weights: [1],
            bias: 0
        )
        let error = #expect(throws: EMLLMError.self) {
            try SelfEvalDecoder.run(.init(text: "Why?"), on: model, options: options)
        }
        #expect(error?.code == .noHiddenStates)
    }
}
