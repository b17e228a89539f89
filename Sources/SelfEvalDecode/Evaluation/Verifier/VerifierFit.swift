import EMLLMCore
import Foundation
import SelfEvalDecode

/// A head fitted to labelled chains, with layer, pooling and penalty chosen by cross-validation over problems.
///
/// A chain is one sample: the features of its last step, labelled by its answer. What the head says of earlier steps is then
/// the same question about a shorter chain. Fitting it to all steps, each labelled by its chain's answer, ranks chains worse.
struct VerifierFit: Sendable {
    /// The features that a candidate looks at.
    struct Design: Sendable, Equatable {
        /// The layer's place among the samples' layers.
        var layer: Int
        var poolings: [StatePooling]
    }

    /// What cross-validation chooses from.
    struct Candidate: Sendable, Equatable {
        /// The place of the features among ``VerifierFit/designs``.
        var design: Int
        var penalty: Double
    }

    /// A candidate, and how well it ranks chains of problems that it was not fitted on.
    struct Trial: Sendable, Equatable {
        let candidate: Candidate
        let chainAUROC: Double
    }

    /// A head on the features' own scale.
    struct Weights: Sendable, Equatable {
        var factors: [Double]
        var bias: Double

        func logOdds(_ features: some Sequence<Float>) -> Double {
            zip(factors, features).reduce(bias) { $0 + $1.0 * Double($1.1) }
        }
    }

    /// What came of it.
    struct Result: Sendable, Equatable {
        let designs: [Design]
        let chosen: Candidate
        /// What the trials among all chains said.
        let trials: [Trial]
        /// The log-odds of each step by a head that was neither fitted nor chosen on its problem.
        let heldOut: [Double]
        let weights: Weights
    }

    let samples: VerifierSamples
    let designs: [Design]
    /// Folds of the estimate, and of the choice within each.
    static let folds = (outer: 5, inner: 3)
    /// From strong to weak, so that each fit begins near its optimum.
    static let penalties = [1000.0, 100, 10]
    /// How the scores of a chain's steps become its own: the last step has seen the whole chain.
    static let aggregation = ScoreAggregation.last

    /// - Parameters:
    ///   - samples: labelled chains.
    ///   - most: the most parameters of a head.
    init(_ samples: VerifierSamples, mostParameters most: Int) {
        self.samples = samples
        let poolings: [[StatePooling]] = [[.chainMean, .lastToken], [.stepMean, .lastToken], [.lastToken]]
        let affordable = poolings.filter { $0.count * samples.width + 1 <= most }.prefix(2)
        designs = samples.layers.indices.flatMap { layer in affordable.map { Design(layer: layer, poolings: $0) } }
    }

    /// Chooses, estimates and fits.
    ///
    /// - Parameter onProgress: is told how much is done, and of how much.
    /// - Throws: what `onProgress` throws.
    func run(onProgress: (Int, Int) throws -> Void = { _, _ in }) throws -> Result {
        let total = (Self.folds.outer + 1) * designs.count
        var done = 0
        try onProgress(0, total)
        func advance() throws {
            done += 1
            try onProgress(done, total)
        }
        let features = designs.map(features)
        var heldOut = [Double](repeating: 0, count: samples.stepCount)
        let folds = samples.folds(Self.folds.outer)
        for fold in 0..<Self.folds.outer {
            let known = samples.chains.indices.filter { folds[$0] != fold }
            let best = Self.best(of: try trials(among: known, features, advance))
            let weights = fit(features[best.design], best.penalty, on: known).onOwnScale(features[best.design])
            let steps = samples.features(layer: designs[best.design].layer, poolings: designs[best.design].poolings)
            for chain in samples.chains.indices where folds[chain] == fold {
                for row in samples.chains[chain].steps { heldOut[row] = weights.logOdds(steps[row]) }
            }
        }
        let all = Array(samples.chains.indices)
        let trials = try trials(among: all, features, advance)
        let chosen = Self.best(of: trials)
        var weights = fit(features[chosen.design], chosen.penalty, on: all).onOwnScale(features[chosen.design])
        // Fitted to more features than chains, a head is too sure of itself; what it says of problems that it has not seen puts
        // that right.
        let curve = calibration(of: heldOut)
        weights = Weights(
            factors: weights.factors.map { curve.slope * $0 },
            bias: curve.slope * weights.bias + curve.intercept
        )
        return Result(
            designs: designs,
            chosen: chosen,
            trials: trials,
            heldOut: heldOut.map { curve.slope * $0 + curve.intercept },
            weights: weights
        )
    }

    // MARK: Fitting

    /// The standardized features of each chain's last step.
    private struct Features {
        let standardization: Standardization
        let chains: FeatureMatrix
    }

    private func features(_ design: Design) -> Features {
        let steps = samples.features(layer: design.layer, poolings: design.poolings)
        let standardization = Standardization(steps)
        let last = steps.rows(samples.chains.map { $0.steps.upperBound - 1 })
        return Features(standardization: standardization, chains: standardization.applied(to: last))
    }

    /// A head on standardized features.
    private struct Fitted {
        let regression: PenalizedLogisticRegression

        func onOwnScale(_ features: Features) -> Weights {
            let factors = zip(regression.coefficients, features.standardization.scales).map { $0 * $1 }
            let shift = zip(factors, features.standardization.means).reduce(0) { $0 + $1.0 * $1.1 }
            return Weights(factors: factors, bias: regression.intercept - shift)
        }
    }

    private func fit(
        _ features: Features,
        _ penalty: Double,
        on chains: [Int],
        from start: PenalizedLogisticRegression? = nil
    ) -> Fitted {
        let regression = PenalizedLogisticRegression(
            features.chains.rows(chains),
            labels: chains.map { samples.chains[$0].isRight },
            weights: chains.map { _ in 1 },
            penalty: penalty,
            from: start,
            steps: 100
        )
        return Fitted(regression: regression)
    }

    /// Turns what the heads of the folds said of whole chains into probabilities.
    private func calibration(of heldOut: [Double]) -> PlattScaling {
        let logits = samples.chains.map { heldOut[$0.steps.upperBound - 1] }
        guard let curve = PlattScaling(fitting: logits, labels: samples.chains.map(\.isRight)), curve.slope > 0 else {
            return PlattScaling(slope: 1, intercept: 0)
        }
        return curve
    }

    // MARK: Choosing

    /// How well each candidate ranks held-out chains among some.
    private func trials(
        among chains: [Int],
        _ features: [Features],
        _ advance: () throws -> Void
    ) rethrows -> [Trial] {
        let folds = samples.folds(Self.folds.inner, of: chains)
        var trials: [Trial] = []
        for (design, features) in features.enumerated() {
            var outcomes = [[ScoredOutcome]](repeating: [], count: Self.penalties.count)
            for fold in 0..<Self.folds.inner {
                let (known, held) = (chains.filter { folds[$0] != fold }, chains.filter { folds[$0] == fold })
                guard !known.isEmpty, !held.isEmpty else { continue }
                var last: PenalizedLogisticRegression?
                for (place, penalty) in Self.penalties.enumerated() {
                    let found = fit(features, penalty, on: known, from: last).regression
                    outcomes[place] += held.map {
                        ScoredOutcome(score: found.logOdds(features.chains[$0]), isRight: samples.chains[$0].isRight)
                    }
                    last = found
                }
            }
            trials += zip(Self.penalties, outcomes).map { penalty, outcomes in
                Trial(
                    candidate: Candidate(design: design, penalty: penalty),
                    chainAUROC: Ranking.areaUnderROC(outcomes) ?? 0.5
                )
            }
            try advance()
        }
        return trials
    }

    /// The best of some trials; the first of equal ones, which has the stronger penalty.
    private static func best(of trials: [Trial]) -> Candidate {
        var best = trials[0]
        for trial in trials where trial.chainAUROC > best.chainAUROC { best = trial }
        return best.candidate
    }
}

extension VerifierFit.Result {
    /// The head.
    func head(model: ModelIdentity, chainDigest: String, samples: VerifierSamples) throws -> VerifierHead {
        let design = designs[chosen.design]
        return try VerifierHead(
            model: model,
            chainDigest: chainDigest,
            layers: [samples.layers[design.layer]],
            poolings: design.poolings,
            weights: weights.factors.map { Float($0) },
            bias: weights.bias
        )
    }
}
