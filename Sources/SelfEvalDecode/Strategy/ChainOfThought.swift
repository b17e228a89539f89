/// One chain of thought to its end, greedy or sampled; nothing follows from any verdict.
struct ChainOfThought: Strategy {
    /// Whether its steps are judged for the record.
    let judges: Bool

    func run(on bench: Workbench) throws -> Conclusion {
        let sampling = bench.options.primarySampling
        let chain = try bench.writeChains(after: [0], sampling: sampling, isJudged: judges)[0]
        if judges { try bench.judgeLines(to: [chain.leaf]) }
        return Conclusion(leaf: chain.leaf, stop: chain.stop)
    }
}
