import EMLLMCore
import SelfEvalDecode

/// The steps of labelled chains with their pooled hidden states: what a verifier is fitted to.
struct VerifierSamples: Sendable {
    /// A chain, and where its steps stand.
    struct Chain: Sendable {
        let group: String
        let isRight: Bool
        /// Its rows in the matrices; at least one.
        let steps: Range<Int>
        /// What the steps' own rule says of each.
        let stepLabels: [StepLabel?]
        /// Other signals of the whole chain.
        let signals: [ScoreSignal: Double]
        /// The same of each step.
        let stepSignals: [[ScoreSignal: Double]]
    }

    /// The candidate layers.
    let layers: [Int]
    /// The width of the residual stream.
    let width: Int
    private(set) var chains: [Chain] = []
    /// One matrix for each layer, one row for each step. `[steps, poolings · width]`
    private var states: [FeatureMatrix]

    init(layers: [Int], width: Int) {
        self.layers = layers
        self.width = width
        states = layers.map { _ in FeatureMatrix(columns: width * StatePooling.allCases.count) }
    }

    var stepCount: Int { states[0].rows }

    /// Takes a chain with the states of its steps.
    mutating func append(_ chain: LabelledChain, _ pooled: [PooledStates]) {
        // A step without tokens has no states.
        let steps = zip(chain.steps, chain.stepLabels).filter { !$0.0.tokens.isEmpty }
        precondition(steps.count == pooled.count, "each step has its states")
        guard !steps.isEmpty else { return }
        let first = stepCount
        for step in pooled {
            for layer in layers.indices {
                let columns = width * StatePooling.allCases.count
                states[layer].append(step.values[(layer * columns)..<((layer + 1) * columns)])
            }
        }
        var line = 0.0
        let stepSignals = steps.map { step, _ in
            line += step.logProbability
            var signals: [ScoreSignal: Double] = [
                .sequence: step.meanLogProbability, .window: step.windowConfidence, .line: line,
            ]
            signals[.verdict] = step.evaluation?.verdict?.logit
            return signals
        }
        let tokens = steps.reduce(0) { $0 + $1.0.tokens.count }
        let verdicts = stepSignals.compactMap { $0[.verdict] }
        var signals: [ScoreSignal: Double] = [
            .sequence: line / Double(tokens), .line: line,
            .window: stepSignals.compactMap { $0[.window] }.min() ?? 0,
        ]
        if verdicts.count == steps.count { signals[.verdict] = verdicts.reduce(0, +) / Double(verdicts.count) }
        chains.append(
            Chain(
                group: chain.group,
                isRight: chain.isRight,
                steps: first..<stepCount,
                stepLabels: steps.map(\.1),
                signals: signals,
                stepSignals: stepSignals
            )
        )
    }

    /// The features of all steps. `[steps, layers · poolings · width]`
    func features(_ design: VerifierFit.Design) -> FeatureMatrix {
        let all = StatePooling.allCases
        let places = design.poolings.compactMap { all.firstIndex(of: $0) }
        var matrix = FeatureMatrix(columns: design.layers.count * places.count * width)
        matrix.reserve(rows: stepCount)
        for row in 0..<stepCount {
            for layer in design.layers {
                let states = states[layer][row]
                for place in places {
                    let start = states.startIndex + place * width
                    matrix.append(states[start..<(start + width)])
                }
            }
        }
        return matrix
    }

    /// A fold for each chain; chains of one problem share theirs.
    ///
    /// Problems are dealt out in the order of their digests, which is as good as chance, and the same every time.
    func folds(_ count: Int, of chosen: [Int]? = nil) -> [Int: Int] {
        let chosen = chosen ?? Array(chains.indices)
        let groups = Set(chosen.map { chains[$0].group }).sorted()
        let places = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1, $0 % count) })
        return Dictionary(uniqueKeysWithValues: chosen.map { ($0, places[chains[$0].group] ?? 0) })
    }
}
