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
        /// The places of the layers among the samples' layers.
        var layers: [Int]
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
        /// The log-odds of each chain among those tried, by a head that was not fitted on its problem.
        let logOdds: [Int: Double]
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
        /// The same combined with the log-probability of the line (``score``), for each chain.
        let combined: [Double]
        let weights: Weights
        /// The weights of a score of the verifier and the log-probability of the line; `nil` if they cannot be fitted.
        let score: ScoreWeights?
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
        var designs = samples.layers.indices.flatMap { layer in
            affordable.map { Design(layers: [layer], poolings: $0) }
        }
        // Heads on neighbouring layers err in part independently.
        let count = samples.layers.count
        let middle = Array((max(0, count / 2 - 1)..<min(count, count / 2 + 2)))
        if middle.count > 1, let poolings = affordable.first,
            middle.count * poolings.count * samples.width + 1 <= most
        {
            designs.append(Design(layers: middle, poolings: poolings))
        }
        self.designs = designs
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
        var combined = [Double](repeating: 0, count: samples.chains.count)
        let folds = samples.folds(Self.folds.outer)
        for fold in 0..<Self.folds.outer {
            let known = samples.chains.indices.filter { folds[$0] != fold }
            let best = Self.best(of: try trials(among: known, features, advance))
            let head = head(best, features, on: known)
            let score = combination(of: head.calibrated(best.logOdds))
            let steps = samples.features(designs[best.candidate.design])
            for (index, chain) in samples.chains.enumerated() where folds[index] == fold {
                for row in chain.steps { heldOut[row] = head.weights.logOdds(steps[row]) }
                combined[index] = Self.combine(score, heldOut[chain.steps.upperBound - 1], chain)
            }
        }
        let all = Array(samples.chains.indices)
        let trials = try trials(among: all, features, advance)
        let best = Self.best(of: trials)
        let head = head(best, features, on: all)
        return Result(
            designs: designs,
            chosen: best.candidate,
            trials: trials,
            heldOut: heldOut,
            combined: combined,
            weights: head.weights,
            score: combination(of: head.calibrated(best.logOdds)).map {
                ScoreWeights([.verifier: $0.coefficients[0], .line: $0.coefficients[1]], intercept: $0.intercept)
            }
        )
    }

    // MARK: Fitting

    /// The standardized features of each chain's last step.
    private struct Features {
        let standardization: Standardization
        let chains: FeatureMatrix
    }

    private func features(_ design: Design) -> Features {
        let steps = samples.features(design)
        let standardization = Standardization(steps)
        let last = steps.rows(samples.chains.map { $0.steps.upperBound - 1 })
        return Features(standardization: standardization, chains: standardization.applied(to: last))
    }

    private func fit(
        _ features: Features,
        _ penalty: Double,
        on chains: [Int],
        from start: PenalizedLogisticRegression? = nil
    ) -> PenalizedLogisticRegression {
        PenalizedLogisticRegression(
            features.chains.rows(chains),
            labels: chains.map { samples.chains[$0].isRight },
            weights: chains.map { _ in 1 },
            penalty: penalty,
            from: start,
            steps: 100
        )
    }

    /// A head whose log-odds are calibrated.
    private struct CalibratedHead {
        let weights: Weights
        let curve: PlattScaling

        func calibrated(_ logOdds: [Int: Double]) -> [Int: Double] {
            logOdds.mapValues { curve.slope * $0 + curve.intercept }
        }
    }

    /// The head of a trial, fitted on some chains.
    ///
    /// Fitted to more features than chains, a head is too sure of itself. Its log-odds are calibrated on those of the trial, which
    /// are of chains that the heads of the trial were not fitted on.
    private func head(_ trial: Trial, _ features: [Features], on chains: [Int]) -> CalibratedHead {
        let features = features[trial.candidate.design]
        let regression = fit(features, trial.candidate.penalty, on: chains)
        let known = trial.logOdds.sorted { $0.key < $1.key }
        let fitted = PlattScaling(fitting: known.map(\.value), labels: known.map { samples.chains[$0.key].isRight })
        let curve = fitted.flatMap { $0.slope > 0 ? $0 : nil } ?? PlattScaling(slope: 1, intercept: 0)
        let factors = zip(regression.coefficients, features.standardization.scales).map { curve.slope * $0 * $1 }
        let shift = zip(factors, features.standardization.means).reduce(0) { $0 + $1.0 * $1.1 }
        let weights = Weights(factors: factors, bias: curve.slope * regression.intercept + curve.intercept - shift)
        return CalibratedHead(weights: weights, curve: curve)
    }

    // MARK: Combining

    /// The verifier and the log-probability of the line, which doubts long and unlikely chains.
    private func combination(of logOdds: [Int: Double]) -> LogisticRegression? {
        let known = logOdds.sorted { $0.key < $1.key }
        return LogisticRegression(
            fitting: known.map { [$0.value, samples.chains[$0.key].signals[.line] ?? 0] },
            labels: known.map { samples.chains[$0.key].isRight }
        )
    }

    private static func combine(
        _ score: LogisticRegression?,
        _ logOdds: Double,
        _ chain: VerifierSamples.Chain
    ) -> Double {
        guard let score else { return logOdds }
        return score.intercept + score.coefficients[0] * logOdds
            + score.coefficients[1] * (chain.signals[.line] ?? 0)
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
            var logOdds = [[Int: Double]](repeating: [:], count: Self.penalties.count)
            for fold in 0..<Self.folds.inner {
                let (known, held) = (chains.filter { folds[$0] != fold }, chains.filter { folds[$0] == fold })
                guard !known.isEmpty, !held.isEmpty else { continue }
                var last: PenalizedLogisticRegression?
                for (place, penalty) in Self.penalties.enumerated() {
                    let found = fit(features, penalty, on: known, from: last)
                    for chain in held { logOdds[place][chain] = found.logOdds(features.chains[chain]) }
                    last = found
                }
            }
            trials += zip(Self.penalties, logOdds).map { penalty, logOdds in
                let outcomes = logOdds.map { ScoredOutcome(score: $1, isRight: samples.chains[$0].isRight) }
                return Trial(
                    candidate: Candidate(design: design, penalty: penalty),
                    chainAUROC: Ranking.areaUnderROC(outcomes) ?? 0.5,
                    logOdds: logOdds
                )
            }
            try advance()
        }
        return trials
    }

    /// The best of some trials; the first of equal ones, which has the stronger penalty.
    private static func best(of trials: [Trial]) -> Trial {
        trials.dropFirst().reduce(trials[0]) { $1.chainAUROC > $0.chainAUROC ? $1 : $0 }
    }
}

extension VerifierFit.Result {
    /// The head.
    func head(model: ModelIdentity, chainDigest: String, samples: VerifierSamples) throws -> VerifierHead {
        let design = designs[chosen.design]
        return try VerifierHead(
            model: model,
            chainDigest: chainDigest,
            layers: design.layers.map { samples.layers[$0] },
            poolings: design.poolings,
            weights: weights.factors.map { Float($0) },
            bias: weights.bias
        )
    }
}
