import EMLLMCore
import Foundation
import SelfEvalDecode

/// A chain of a recorded run, with the truth about it.
struct LabelledChain: Sendable {
    /// What is the same for all chains of one problem: no problem may be learnt from and tested on.
    let group: String
    /// The question's prompt, as it was recorded.
    let prompt: [TokenID]
    /// The pictures of the problem, and the view of them that the chain was written with.
    let images: [URL]
    let view: Int
    /// The line from the first node to the last.
    let nodes: [StepNode]
    /// Whether its answer is right.
    let isRight: Bool
    /// The labels of its steps, by their own rule; `nil` where it says nothing.
    let stepLabels: [StepLabel?]

    var steps: [StepNode] { nodes.filter { $0.kind == .step } }
}

/// The labelled chains of some runs.
struct LabelledChains: Sendable {
    /// The chains, those of one problem side by side.
    private(set) var chains: [LabelledChain] = []
    /// The digest of the prompts that they were written behind (``SelfEvalOptions/chainDigest``).
    private(set) var promptDigest = ""
    /// Results whose trace is missing.
    private(set) var missingTraces = 0

    /// Reads the chains of runs.
    ///
    /// - Parameters:
    ///   - folders: the folders of the runs.
    ///   - model: the model that the verifier is for.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when a folder is none of a run, a run is of another model or other prompts, or there
    ///   are no traces or no answers.
    init(of folders: [RunFolder], model: ModelIdentity) throws {
        var texts: Set<[TokenID]> = []
        var results = 0
        for folder in folders {
            let description = try folder.readDescription()
            let found = description.model
            guard found.weightsDigest == model.weightsDigest, found.activations == model.activations else {
                throw EMLLMError.otherModel(of: folder.url.path, expected: model, found: found)
            }
            for options in description.options.sorted(by: { $0.key < $1.key }).map(\.value) {
                if promptDigest.isEmpty { promptDigest = options.chainDigest }
                guard options.chainDigest == promptDigest else {
                    throw EMLLMError.mixedPrompts(folder.url.path)
                }
            }
            let problems = try folder.problemsByID(description)
            for record in try folder.readResults() where record.failure == nil {
                results += 1
                guard let problem = problems[record.problem] else { continue }
                guard let trace = try folder.readTrace(of: record) else {
                    missingTraces += 1
                    continue
                }
                for chain in LabelledChain.chains(of: trace, problem, description)
                where texts.insert(chain.prompt + [chain.isRight ? -1 : -2] + chain.nodes.flatMap(\.tokens)).inserted {
                    chains.append(chain)
                }
            }
        }
        if results > 0, missingTraces == results { throw EMLLMError.missingTraces(folders.map(\.url.path)) }
        guard !chains.isEmpty else { throw EMLLMError.noLabelledChains(folders.map(\.url.path)) }
        // The prompt of a problem is then computed once.
        let order = Dictionary(chains.enumerated().map { ($1.group, $0) }) { first, _ in first }
        chains = chains.enumerated().sorted { one, other in
            let places = (order[one.element.group] ?? 0, order[other.element.group] ?? 0)
            return (places.0, one.element.view, one.offset) < (places.1, other.element.view, other.offset)
        }.map(\.element)
    }
}

extension LabelledChain {
    /// The chains of a trace whose answers can be scored.
    static func chains(of trace: Trace, _ problem: Problem, _ description: RunDescription) -> [LabelledChain] {
        guard !problem.answer.isEmpty else { return [] }
        let pictures = trace.header.images?.map(\.contentHash) ?? []
        // The text and the pictures, not the file's name for them: two files may hold the same problem.
        let group = "\(Checksum(of: Array(([trace.header.question] + pictures).joined(separator: "\n").utf8)))"
        return trace.completeChains.compactMap { chain in
            let texts = chain.steps.map(\.text)
            guard !texts.isEmpty else { return nil }
            let asked = chain.answer.source == .asked ? "\n\(chain.answer.text)" : ""
            let output = ModelOutput(answer: chain.answer.text, response: texts.joined() + asked)
            return LabelledChain(
                group: group,
                prompt: trace.header.prompt,
                images: problem.images,
                view: chain.nodes.last?.view ?? 0,
                nodes: chain.nodes,
                isRight: ScoringRule(description.rule).score(output, for: problem).isCorrect,
                stepLabels: description.labels?.labels(of: texts, for: problem) ?? texts.map { _ in nil }
            )
        }
    }
}
