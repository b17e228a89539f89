import EMLLMCore
import Foundation
import SelfEvalDecode

/// The results of a verifier on held-out problems, beside those of the other recorded signals.
public struct VerifierReport: Codable, Sendable, Equatable {
    /// How well a signal separates right from wrong.
    public struct Row: Codable, Sendable, Equatable {
        /// The name of the signal.
        public var name: String
        /// For whole chains, labelled by their answers; `nil` if it was not recorded.
        public var chains: RankingEstimate?
        /// For steps, labelled by the answers of their chains.
        public var steps: RankingEstimate?
        /// For the steps that have labels of their own.
        public var labelledSteps: RankingEstimate?
    }

    /// A layer that was tried.
    public struct LayerTrial: Codable, Sendable, Equatable {
        /// The layers, of one head.
        public var layers: [Int]
        /// How its states were pooled.
        public var poolings: [StatePooling]
        /// The area under the ROC curve of whole chains in the cross-validation that the choice was made by, at its best
        /// penalty.
        public var chainAUROC: Double
    }

    /// The number of problems.
    public var problems: Int
    /// The number of chains.
    public var chains: Int
    /// The number of chains whose answer is right.
    public var rightChains: Int
    /// The number of steps.
    public var steps: Int
    /// The number of results without a trace, which were left out.
    public var missingTraces: Int
    /// The verifier.
    public var verifier: Row
    /// The verifier and the log-probability of the line together (`VerifierFile.weights`); chains only.
    public var combined: Row
    /// The other signals.
    public var others: [Row]
    /// The expected calibration error of whole chains, in ten bins of equal mass.
    public var chainECE: Double?
    /// The Brier score of whole chains.
    public var chainBrierScore: Double?
    /// Predictions for whole chains in bins of equal mass.
    public var reliability: [ReliabilityBin]
    /// The layers, in order.
    public var layers: [LayerTrial]

    init(_ samples: VerifierSamples, _ result: VerifierFit.Result, missingTraces: Int) {
        problems = Set(samples.chains.map(\.group)).count
        chains = samples.chains.count
        rightChains = samples.chains.count(where: \.isRight)
        steps = samples.stepCount
        self.missingTraces = missingTraces
        let scores = result.heldOut.map { 1 / (1 + exp(-$0)) }
        verifier = Row(
            "verifier",
            samples,
            chain: { VerifierFit.aggregation($0.steps.map { scores[$0] }) },
            step: { chain, place in result.heldOut[chain.steps.lowerBound + place] }
        )
        let combinations = Dictionary(
            uniqueKeysWithValues: zip(samples.chains.map(\.steps.lowerBound), result.combined)
        )
        combined = Row(
            "verifier + log-prob.",
            samples,
            chain: { combinations[$0.steps.lowerBound] },
            step: { _, _ in nil }
        )
        let names: [(ScoreSignal, String)] = [
            (.sequence, "mean log-probability"), (.line, "log-probability"), (.window, "weakest window"),
            (.verdict, "verdict"),
        ]
        others = names.map { signal, name in
            Row(name, samples, chain: { $0.signals[signal] }, step: { $0.stepSignals[$1][signal] })
        }.filter { $0.chains != nil || $0.steps != nil }
        let outcomes = samples.chains.compactMap { chain in
            VerifierFit.aggregation(chain.steps.map { scores[$0] }).map {
                ScoredOutcome(score: $0, isRight: chain.isRight)
            }
        }
        chainECE = Reliability.expectedCalibrationError(outcomes, by: .equalMass)
        chainBrierScore = Reliability.brierScore(outcomes)
        reliability = Reliability.bins(outcomes, by: .equalMass) ?? []
        layers = result.designs.enumerated().compactMap { place, design in
            let areas = result.trials.filter { $0.candidate.design == place }.map(\.chainAUROC)
            return areas.max().map {
                LayerTrial(
                    layers: design.layers.map { samples.layers[$0] },
                    poolings: design.poolings,
                    chainAUROC: $0
                )
            }
        }
    }

    /// The report as lines of text.
    public var text: [String] {
        var lines = [
            "\(problems) problems, \(chains) chains (\(rightChains) right), \(steps) steps"
                + (missingTraces > 0 ? "; \(missingTraces) results without a trace are left out" : ""),
            "AUROC on held-out problems, with 95 % intervals over problems:",
            Self.columns("", "chains", "steps", "steps by their own labels"),
        ]
        lines += ([verifier, combined] + others).map { row in
            Self.columns(
                row.name,
                Self.estimate(row.chains),
                Self.estimate(row.steps),
                Self.estimate(row.labelledSteps)
            )
        }
        lines.append(
            "chains: expected calibration error \(ScoreFit.short(chainECE)), Brier score \(ScoreFit.short(chainBrierScore))"
        )
        lines += reliability.map { bin in
            "  predicted \(ScoreFit.short(bin.meanProbability)): \(bin.rightCount) of \(bin.count) right"
        }
        lines.append("AUROC of chains by layer, in the cross-validation that the choice was made by:")
        lines += layers.map { trial in
            "  layer \(trial.layers.map(String.init).joined(separator: " + ")), \(trial.poolings.map(\.rawValue).joined(separator: " + ")): "
                + ScoreFit.short(trial.chainAUROC)
        }
        return lines
    }

    private static func columns(_ cells: String...) -> String {
        "  "
            + zip(cells, [22, 22, 22, 0]).map { cell, width in
                cell.padding(toLength: max(width, cell.count), withPad: " ", startingAt: 0)
            }.joined()
    }

    private static func estimate(_ estimate: RankingEstimate?) -> String {
        guard let estimate else { return "–" }
        let interval = estimate.interval
        return
            "\(ScoreFit.short(estimate.value)) [\(ScoreFit.short(interval.lower)), \(ScoreFit.short(interval.upper))]"
    }
}

extension VerifierReport.Row {
    fileprivate init(
        _ name: String,
        _ samples: VerifierSamples,
        chain: (VerifierSamples.Chain) -> Double?,
        step: (VerifierSamples.Chain, Int) -> Double?
    ) {
        var ofChains: [GroupedOutcome] = []
        var ofSteps: [GroupedOutcome] = []
        var ofLabelled: [GroupedOutcome] = []
        for sample in samples.chains {
            func outcome(_ score: Double, _ isRight: Bool) -> GroupedOutcome {
                GroupedOutcome(group: sample.group, outcome: ScoredOutcome(score: score, isRight: isRight))
            }
            if let score = chain(sample) { ofChains.append(outcome(score, sample.isRight)) }
            for (place, label) in sample.stepLabels.enumerated() {
                guard let score = step(sample, place) else { continue }
                ofSteps.append(outcome(score, sample.isRight))
                if let label { ofLabelled.append(outcome(score, label == .right)) }
            }
        }
        self.name = name
        // A signal of some chains alone is not compared.
        chains = ofChains.count == samples.chains.count ? RankingEstimate(ofChains) : nil
        steps = ofSteps.count == samples.stepCount ? RankingEstimate(ofSteps) : nil
        labelledSteps = steps == nil ? nil : RankingEstimate(ofLabelled)
    }
}
