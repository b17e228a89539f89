/// One chain of thought to its end, greedy or sampled; nothing follows from any verdict.
struct ChainOfThought: Strategy {
    let name = StrategyName.cot
    /// Whether its steps are evaluated for the record.
    let evaluatesSteps: Bool

    func run(in search: SearchSession) throws -> Conclusion {
        let sampling = search.options.primarySampling
        let chain = try search.writeChains(after: [0], sampling: sampling, isEvaluated: evaluatesSteps)[0]
        if evaluatesSteps { try search.evaluateLines(to: [chain.leaf]) }
        return Conclusion(leaf: chain.leaf, stopReason: chain.stopReason)
    }
}
