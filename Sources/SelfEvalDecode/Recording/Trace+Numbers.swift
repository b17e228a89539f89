import EMLLMCore

// Ids and counts come from files. They are limited to what a real run can reach, so that sums over a trace never
// overflow.

/// The largest count of tokens, bytes, nodes or anything else that a trace may have.
private let mostCount = 1 << 40

private func areCounts(_ numbers: Int?...) -> Bool { numbers.allSatisfy { (0...mostCount).contains($0 ?? 0) } }

/// Whether all are finite, and small enough that the sum of a few is finite too.
private func arePlausible(_ numbers: Double?...) -> Bool { numbers.allSatisfy { abs($0 ?? 0) <= 1e15 } }

extension Trace {
    /// Whether a real run can reach every number.
    var hasPlausibleNumbers: Bool {
        header.hasPlausibleNumbers && areCounts(promptTokens) && (prior?.hasPlausibleNumbers ?? true)
            && nodes.allSatisfy(\.hasPlausibleNumbers) && reflections.allSatisfy { areCounts($0.id, $0.node) }
            && backtracks.allSatisfy { areCounts($0.from, $0.to) && arePlausible($0.bestScore) }
            && proposals.allSatisfy(\.hasPlausibleNumbers) && (answer?.hasPlausibleNumbers ?? true)
            && (summary?.hasPlausibleNumbers ?? true)
    }
}

extension DecodeEvent {
    /// Whether a real run can reach every number.
    var hasPlausibleNumbers: Bool {
        switch self {
        case .info(.started(let header)): header.hasPlausibleNumbers
        case .info(.prompted(let tokens, let reused, let seconds)): areCounts(tokens, reused) && arePlausible(seconds)
        case .info(.prior(let verdict)): verdict.hasPlausibleNumbers
        case .info(.finished(let summary)): summary.hasPlausibleNumbers
        case .info(.reasoningStopped), .draft, .revision: true
        case .candidate(let node): node.hasPlausibleNumbers
        case .evaluation(let id, let evaluation): areCounts(id) && evaluation.hasPlausibleNumbers
        case .step(let id, _): areCounts(id)
        case .reflection(let reflection): areCounts(reflection.id, reflection.node)
        case .backtrack(let backtrack): areCounts(backtrack.from, backtrack.to) && arePlausible(backtrack.bestScore)
        case .proposal(let answer), .answer(let answer): answer.hasPlausibleNumbers
        }
    }
}

extension TraceHeader {
    /// Whether a real run can reach every number.
    var hasPlausibleNumbers: Bool {
        areCounts(costs.evaluation, costs.prior, costs.chainEvaluation, costs.answer)
            && areCounts(contextLength, model.vocabularySize, model.weightBytes)
            && (images ?? []).allSatisfy { areCounts($0.tokens, $0.patches) && arePlausible($0.encodeSeconds) }
    }
}

extension TraceSummary {
    fileprivate var hasPlausibleNumbers: Bool {
        let (c, s) = (counts, seconds)
        return path.allSatisfy { areCounts($0) } && areCounts(passes) && timeRefusals.allSatisfy { areCounts($0) }
            && areCounts(c.prompt, c.reusedPrompt, c.generated, c.accepted, c.recomputed, c.views)
            && areCounts(c.evaluation, c.reflection, c.contrast, c.answerPrompt, c.answer)
            && arePlausible(s.prompt, s.generation, s.views, s.evaluation, s.answer, s.total)
    }
}

extension StepNode {
    fileprivate var hasPlausibleNumbers: Bool {
        let hinted: Int? =
            switch hint {
            case .reflection(let id): id
            case .evaluation(let node): node
            case nil: nil
            }
        return areCounts(id, parent, ordinal, view, written, hinted, rollback?.node, rollback?.keptBytes)
            && arePlausible(temperature, meanLogProbability, windowConfidence, verifierLogOdds)
            && (evaluation?.hasPlausibleNumbers ?? true)
    }
}

extension StepEvaluation {
    fileprivate var hasPlausibleNumbers: Bool {
        arePlausible(imageFreeLogit, probe?.meanLogProbability, score) && (verdict?.hasPlausibleNumbers ?? true)
    }
}

extension Verdict {
    fileprivate var hasPlausibleNumbers: Bool {
        orderLogits.allSatisfy { arePlausible($0) } && arePlausible(logit, probability, mass)
    }
}

extension Answer {
    fileprivate var hasPlausibleNumbers: Bool { areCounts(node) && arePlausible(confidence) }
}
