import EMLLMCore
import Foundation
import SelfEvalDecode

/// A verifier trained on recorded runs: reads their chains, computes the hidden states of each once, and fits a head.
///
/// Layer, pooling and penalty are chosen by cross-validation over problems. The numbers in ``report`` are from problems that
/// were used neither for the fit nor for that choice.
public struct VerifierTraining: Sendable {
    /// The file to write beside the model.
    public let file: VerifierFile
    /// The results on held-out problems.
    public let report: VerifierReport

    /// How much is done.
    public enum Progress: Sendable, Equatable {
        /// Chains whose hidden states are computed.
        case computing(done: Int, of: Int)
        /// Parts of the cross-validation that are done.
        case fitting(done: Int, of: Int)
    }

    /// How a verifier is trained.
    public struct Options: Sendable {
        /// The candidate layers; `nil` takes seven, from a third of the model's depth to five sixths, as probes for mistakes
        /// work best in the middle.
        public var layers: [Int]?
        /// The least number of problems with a right chain, and with a wrong one.
        public var minimumProblems: Int

        /// Makes options.
        public init(layers: [Int]? = nil, minimumProblems: Int = 20) {
            self.layers = layers
            self.minimumProblems = minimumProblems
        }

        /// The candidate layers of a model with so many blocks, ascending.
        func layers(of blocks: Int) -> [Int] {
            Set(layers ?? (4...10).map { max(1, (blocks * $0 + 6) / 12) }).sorted()
        }
    }

    /// Trains a verifier. Cancelling the task ends the work.
    ///
    /// - Parameters:
    ///   - folders: the folders of runs that wrote traces.
    ///   - model: the model that the runs were made with.
    ///   - runtime: how it is run.
    ///   - options: how it is trained.
    ///   - onProgress: is told how much is done.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when a folder is none of a run or has no traces, when model, precision or prompts of the
    ///   runs differ, or when there is too little to learn from.
    public init(
        on folders: [RunFolder],
        model: EMLLMModel,
        runtime: RuntimeOptions = RuntimeOptions(),
        options: Options = Options(),
        onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws {
        let identity = ModelIdentity(of: model, activations: runtime.activations)
        let found = try LabelledChains(of: folders, model: identity)
        try found.checkBothClasses(minimumProblems: options.minimumProblems)
        let configuration = model.configuration.decoder
        let thread = try InferenceThread(model: model, options: runtime)
        let samples = try await Self.samples(
            of: found.chains,
            layers: options.layers(of: configuration.layerCount),
            on: thread,
            width: configuration.hiddenSize,
            onProgress: onProgress
        )
        let most = configuration.parameterCount / 100
        let fit = VerifierFit(samples, mostParameters: most)
        guard !fit.designs.isEmpty else { throw EMLLMError.verifierTooLarge(most: most, width: samples.width) }
        let result = try await thread.run { context in
            try fit.run { done, total in
                try context.cancellation.check()
                onProgress(.fitting(done: done, of: total))
            }
        }
        let head = try result.head(model: identity, chainDigest: found.promptDigest, samples: samples)
        report = VerifierReport(samples, result, missingTraces: found.missingTraces)
        file = VerifierFile(
            head: head,
            weights: result.score,
            aggregation: VerifierFit.aggregation,
            training: VerifierFile.Training(
                problems: report.problems,
                chains: report.chains,
                rightChains: report.rightChains,
                steps: report.steps,
                penalty: result.chosen.penalty,
                chainAUROC: report.verifier.chains?.value,
                stepAUROC: report.verifier.steps?.value
            )
        )
    }

    /// Computes the hidden states of all chains.
    private static func samples(
        of chains: [LabelledChain],
        layers: [Int],
        on thread: InferenceThread,
        width: Int,
        onProgress: @Sendable (Progress) -> Void
    ) async throws -> VerifierSamples {
        var samples = VerifierSamples(layers: layers, width: width)
        var begin = 0
        onProgress(.computing(done: 0, of: chains.count))
        while begin < chains.count {
            let first = chains[begin]
            // The same prompt, in the same view of its pictures.
            let group = Array(chains[begin...].prefix { $0.group == first.group && $0.view == first.view })
            let states = try await thread.run { try $0.pooledStates(of: group, layers: layers) }
            for (chain, states) in zip(group, states) { samples.append(chain, states) }
            begin += group.count
            onProgress(.computing(done: begin, of: chains.count))
        }
        return samples
    }
}

extension LabelledChains {
    /// Checks that there is something to tell apart.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` with one class alone, or too few problems of either.
    func checkBothClasses(minimumProblems: Int) throws {
        let right = Set(chains.filter(\.isRight).map(\.group)).count
        let wrong = Set(chains.filter { !$0.isRight }.map(\.group)).count
        guard min(right, wrong) >= max(1, minimumProblems) else {
            throw EMLLMError.untrainable(
                "runs",
                expected: "at least \(minimumProblems) problems with a right chain and as many with a wrong one",
                found: "\(right) and \(wrong), in \(chains.count) chains",
                remedy: "run more problems, harder or easier ones where one kind is missing, or more chains of each"
            )
        }
    }
}

extension EMLLMError {
    static func verifierTooLarge(most: Int, width: Int) -> EMLLMError {
        untrainable(
            "verifier",
            expected: "at most 1 % of the model's parameters, \(most)",
            found: "\(width + 1) for a single layer",
            remedy: "use a larger model"
        )
    }
}
