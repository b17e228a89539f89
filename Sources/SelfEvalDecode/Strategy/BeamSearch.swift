import EMLLMCore
import Foundation

/// Beam search over steps, with the lines that go on drawn by their values (self-evaluation guided beam search, arXiv
/// 2305.00633).
///
/// After each step a line is worth Π score^λ · P^(1−λ), P being the length-normalized probability of a step's tokens. Of
/// all candidates, B are drawn without replacement in proportion to value^(1/τ).
struct BeamSearch: Strategy {
    let name = StrategyName.beam
    let evaluatesSteps = true

    /// A line of the beam.
    private struct Line {
        var leaf: Int
        /// The logarithm of its value.
        var value = 0.0
        /// Why it can not go on; `nil` while it can.
        var stopReason: ReasoningStopReason?
    }

    func run(in search: SearchSession) throws -> Conclusion {
        var lines = [Line(leaf: 0)]
        var finished: [Line] = []
        var everyLeaf: [Int] = []
        for round in 0..<search.options.maximumSteps {
            try search.checkCancelled()
            guard let candidates = try expand(lines, in: search) else {
                finished += lines.filter { $0.leaf != 0 }.map {
                    Line(leaf: $0.leaf, value: $0.value, stopReason: .budget)
                }
                lines = []
                break
            }
            everyLeaf += candidates.map(\.leaf)
            guard !candidates.isEmpty else { break }
            let kept = draw(candidates, round: round, search.options)
            search.release(Set(candidates.map(\.leaf)).subtracting(kept.map(\.leaf)))
            finished += kept.filter { $0.stopReason != nil }
            lines = kept.filter { $0.stopReason == nil }
            if lines.isEmpty || finished.count >= search.options.beam.lines { break }
        }
        let ends =
            finished.isEmpty ? lines.map { Line(leaf: $0.leaf, value: $0.value, stopReason: .maximumSteps) } : finished
        // The value per step, so that a short line is not the better one for being short.
        func merit(_ line: Line) -> Double { line.value / Double(max(1, search.steps(to: line.leaf).count)) }
        guard let best = ends.max(by: { (merit($0), $1.leaf) < (merit($1), $0.leaf) }), best.leaf != 0 else {
            return Conclusion(leaf: 0, stopReason: .exhausted)
        }
        for node in search.steps(to: best.leaf) {
            search.decide(node.id, node.evaluation == nil ? .unevaluated : .accepted)
        }
        search.settle(on: best.leaf, among: everyLeaf)
        return Conclusion(leaf: best.leaf, stopReason: best.stopReason ?? .maximumSteps)
    }

    /// Goes on with every line, all candidates as one batch; `nil` where the budget allows none.
    private func expand(_ lines: [Line], in search: SearchSession) throws -> [Line]? {
        let beam = search.options.beam
        let length = search.options.prompts.step.maximumTokens
        // From the question alone, all places of the beam are to be filled.
        let wanted = lines.count == 1 && lines[0].leaf == 0 ? beam.lines * beam.candidates : beam.candidates
        let deepest = lines.map(\.leaf).max { search.steps(to: $0).count < search.steps(to: $1).count } ?? 0
        let width = search.width(upTo: wanted * lines.count, after: deepest, length: length, isEvaluated: true)
        guard width >= lines.count else { return nil }
        let parents = lines.flatMap { [Int](repeating: $0.leaf, count: min(wanted, width / lines.count)) }
        let nodes = try search.write(after: parents, .init(sampling: search.options.revisionSampling)).map { $0[0] }
        let standing = nodes.filter { search[$0].rejection == nil }
        search.release(Set(nodes).subtracting(standing))
        for node in nodes where search[node].rejection != nil { search.decide(node, .rejected) }
        try search.evaluate(standing)
        return standing.map { node in
            let before = lines.first { $0.leaf == search[node].parent }?.value ?? 0
            let score = max(search.score(of: node) ?? 0.5, 1e-9)
            let value = beam.mixing * log(score) + (1 - beam.mixing) * search[node].meanLogProbability
            return Line(leaf: node, value: before + value, stopReason: search.stopReason(after: node))
        }
    }

    /// Draws the lines that are kept, without replacement.
    private func draw(_ candidates: [Line], round: Int, _ options: SelfEvalOptions) -> [Line] {
        var rest = candidates
        var kept: [Line] = []
        let random = CounterRandom(seed: options.seed)
        while kept.count < options.beam.lines, !rest.isEmpty {
            let best = rest.map(\.value).max() ?? 0
            var index = rest.firstIndex { $0.value == best } ?? 0
            if options.beam.temperature > 0 {
                let weights = rest.map { exp(($0.value - best) / options.beam.temperature) }
                // A stream of its own, apart from those of texts.
                let drawn = random.uniform(branch: .max, position: round << 8 | kept.count)
                var remaining = drawn * weights.reduce(0, +)
                index =
                    weights.firstIndex { weight in
                        remaining -= weight
                        return remaining < 0
                    } ?? index
            }
            kept.append(rest.remove(at: index))
        }
        return kept
    }
}
