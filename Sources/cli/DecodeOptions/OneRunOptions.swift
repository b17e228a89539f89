import ArgumentParser
import SelfEvalDecode

/// What one run has and a series of runs varies: the strategy and the seed.
public struct OneRunOptions: ParsableArguments {
    /// The procedure.
    @Option(
        help: ArgumentHelp(
            "cot (one chain), vote (majority of several chains), seat (evaluations beside the steps), cas-seat (a cascade of "
                + "prompts over the whole chain), verify (step by step: accept, revise, backtrack), best-of, beam, or "
                + "adaptive (searches widely only where a step is in doubt); default: verify.",
            valueName: "strategy"
        )
    )
    public var strategy: StrategyName?

    /// The seed.
    @Option(help: "Makes a run with --temperature, or with revised steps, repeatable: same seed, same text.")
    public var seed: UInt64 = 0

    /// Makes the options when none is given.
    public init() {}
}
