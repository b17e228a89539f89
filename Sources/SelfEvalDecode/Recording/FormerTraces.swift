import EMLLMCore
import Foundation

/// Keys of traces of versions 2 and 3, which have the current structure but other names.
enum FormerTraceKeys {
    private static let names = [
        "look": "view", "looks": "views", "judgement": "evaluation", "blindLogit": "imageFreeLogit",
        "judgesChains": "evaluatesChains",
    ]

    /// Makes a decoder that translates former keys to the current ones.
    static func makeDecoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            guard let key = path.last else { return Key(stringValue: "") }
            if key.stringValue == "review" {
                let isCost = path.dropLast().last?.stringValue == "costs"
                return Key(stringValue: isCost ? "chainEvaluation" : "evaluateChain")
            }
            return names[key.stringValue].map(Key.init) ?? key
        }
        return decoder
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// A trace of version 1: attempts at the places of a chain, where later versions have a tree of nodes.
///
/// It has no digest of the weights, so it can be viewed but not repeated.
struct TraceVersion1: Decodable {
    private let model: Model
    private let question: String
    private let system: String?
    private let options: Options
    private let outcome: String
    private let stopReason: ReasoningStopReason?
    private let answer: FirstAnswer?
    private let images: [ImageUsage]?
    private let prompt: [TokenID]
    private let prior: Verdict?
    private let steps: [Attempt]
    private let backtracks: [PlaceBacktrack]
    private let counts: TokenCounts
    private let seconds: Seconds

    private struct Model: Decodable {
        let provenance: Provenance
        let family: String
        let vocabularySize: Int
        let weightBytes: Int
        let activations: ActivationPrecision
    }

    private struct Options: Decodable {
        let segmenter: Segmenter
        let sampling: GenerationOptions
        let revisionTemperature, revisionTopP: Double
        let seed: UInt64
        let acceptThreshold, rejectThreshold: Double
        let maximumRevisions, revisionWidth, maximumBacktracks, maximumSteps: Int
        let subtractsPrior, averagesOrders: Bool
        let minimumVerdictMass: Double
        let budget: Budget
        let prompts: Prompts

        struct Segmenter: Decodable {
            let boundaries: Set<StepBoundary>
            let minimumTokens, maximumTokens: Int
        }

        struct Prompts: Decodable {
            let system: String?
            let reason, evaluate, answer, answerPrefix, positive, negative, emptyStep: String
        }
    }

    private struct FirstAnswer: Decodable {
        let text: String
        let source: Answer.Source
        let tokens: [TokenID]
    }

    /// The candidates for one place of the chain, and what was decided.
    private struct Attempt: Decodable {
        let index: Int
        let candidates: [Candidate]
        let chosen: Int?
        let decision: String?
        let isTakenBack: Bool
    }

    fileprivate struct Candidate: Decodable {
        let id: Int
        let temperature: Double
        let text: String
        let tokens: [TokenID]
        let end: StepStopReason?
        let meanLogProbability: Double
        let verdict: Verdict?
        let rejection: StepNode.Rejection?
    }

    private struct PlaceBacktrack: Decodable {
        let from, to: Int
        let bestProbability: Double
    }

    /// The same run as a trace of the current version.
    ///
    /// - Returns: `nil` if places or candidates are inconsistent.
    func trace() -> Trace? {
        var trace = Trace(header)
        trace.apply(.info(.prompted(tokens: counts.prompt, reused: counts.reusedPrompt ?? 0, seconds: seconds.prompt)))
        if let prior { trace.apply(.info(.prior(prior))) }
        /// The accepted nodes, in order.
        var chain: [Int] = []
        /// The nodes of candidates; a restored candidate appears twice.
        var nodes: [Int: Int] = [:]
        var taken = backtracks[...]
        for attempt in steps {
            guard (0...chain.count).contains(attempt.index),
                attempt.chosen.map(attempt.candidates.indices.contains) ?? true
            else { return nil }
            let parent = attempt.index == 0 ? 0 : chain[attempt.index - 1]
            for candidate in attempt.candidates where nodes[candidate.id] == nil {
                nodes[candidate.id] = trace.nodes.count + 1
                trace.add(candidate.node(id: trace.nodes.count + 1, parent: parent, in: trace), candidate.verdict)
            }
            let ids = attempt.candidates.compactMap { nodes[$0.id] }
            let chosen = attempt.chosen.map { ids[$0] }
            for id in ids where id != chosen { trace.apply(.step(node: id, .rejected)) }
            if let chosen {
                let decision = attempt.decision == "unjudged" ? "unevaluated" : attempt.decision ?? ""
                let known = StepNode.Decision(rawValue: decision) ?? .kept
                trace.apply(.step(node: chosen, attempt.isTakenBack ? .abandoned : known))
                chain = chain[..<attempt.index] + [chosen]
            } else if attempt.decision == "backtracked", let backtrack = taken.popFirst() {
                guard chain.indices.contains(backtrack.to), backtrack.from > 0, backtrack.from <= chain.count else {
                    return nil
                }
                let (from, to) = (chain[backtrack.from - 1], chain[backtrack.to])
                trace.apply(.backtrack(Backtrack(from: from, to: to, bestScore: backtrack.bestProbability)))
                chain.removeSubrange(backtrack.to...)
            }
        }
        finish(&trace, chain)
        return trace
    }

    private func finish(_ trace: inout Trace, _ chain: [Int]) {
        if let stopReason { trace.apply(.info(.reasoningStopped(stopReason))) }
        if let answer {
            let node = chain.last ?? 0
            trace.apply(.answer(Answer(text: answer.text, source: answer.source, node: node, tokens: answer.tokens)))
        }
        guard let outcome = TraceSummary.Outcome(rawValue: outcome) else { return }
        var summary = TraceSummary(outcome: outcome, path: chain)
        (summary.counts, summary.seconds) = (counts, seconds)
        trace.apply(.info(.finished(summary)))
    }

    private var header: TraceHeader {
        TraceHeader(
            model: ModelIdentity(
                provenance: model.provenance,
                family: model.family,
                vocabularySize: model.vocabularySize,
                weightBytes: model.weightBytes,
                weightsDigest: "",
                activations: model.activations
            ),
            question: question,
            system: system,
            options: currentOptions,
            images: images,
            prompt: prompt,
            // The costs of prompts were not recorded.
            costs: .init(evaluation: 0, prior: 0, chainEvaluation: 0, answer: 0),
            contextLength: 0
        )
    }

    private var currentOptions: SelfEvalOptions {
        SelfEvalOptions(
            strategy: .verify,
            sampling: options.sampling,
            revisionTemperature: options.revisionTemperature,
            revisionTopP: options.revisionTopP,
            seed: options.seed,
            acceptThreshold: options.acceptThreshold,
            rejectThreshold: options.rejectThreshold,
            maximumRevisions: options.maximumRevisions,
            revisionWidth: options.revisionWidth,
            maximumBacktracks: options.maximumBacktracks,
            maximumSteps: options.maximumSteps,
            checksArithmetic: false,
            subtractsPrior: options.subtractsPrior,
            averagesOrders: options.averagesOrders,
            minimumVerdictMass: options.minimumVerdictMass,
            budget: options.budget,
            prompts: PromptPack(
                system: options.prompts.system,
                reason: options.prompts.reason,
                evaluate: options.prompts.evaluate,
                answer: options.prompts.answer,
                answerPattern: options.prompts.answerPrefix + " {answer}",
                furtherAnswerPatterns: [],
                chainEnds: Set(PromptPack.ChainEnd.allCases),
                verdict: .init(positive: options.prompts.positive, negative: options.prompts.negative),
                emptyStep: options.prompts.emptyStep,
                step: StepSegmenter(
                    boundaries: options.segmenter.boundaries,
                    minimumTokens: options.segmenter.minimumTokens,
                    maximumTokens: options.segmenter.maximumTokens
                )
            )
        )
    }
}

extension TraceVersion1.Candidate {
    fileprivate func node(id: Int, parent: Int, in trace: Trace) -> StepNode {
        var node = StepNode(
            id: id,
            parent: parent,
            ordinal: trace.children(of: parent).count,
            continues: false,
            kind: .step,
            temperature: temperature
        )
        node.text = text
        node.tokens = tokens
        node.written = tokens.count
        node.end = end
        node.meanLogProbability = meanLogProbability
        node.windowConfidence = meanLogProbability
        node.rejection = rejection
        return node
    }
}

extension Trace {
    /// Adds a node, and the verdict on it.
    fileprivate mutating func add(_ node: StepNode, _ verdict: Verdict?) {
        apply(.candidate(node))
        guard let verdict else { return }
        let score = verdict.isInformative ? verdict.probability : nil
        apply(.evaluation(node: node.id, StepEvaluation(verdict: verdict, score: score)))
    }
}
