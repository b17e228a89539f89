import ArgumentParser
import EMLLMCore

/// How text is written.
public struct TextOptions: ParsableArguments {
    /// The system message.
    @Option(help: "The system message (default: one that asks for steps).")
    public var system: String?

    /// The most tokens.
    @Option(
        help: """
            The maximum number of tokens after the question, including verdicts and the answer (default: 2048).
            """
    )
    public var maxTokens: Int?

    /// The temperature; 0 is greedy.
    @Option(help: "0 takes the most likely token; a higher value samples.")
    public var temperature = 0.0

    /// How many tokens a draw may choose from.
    @Option(help: "Sample from this many most likely tokens.")
    public var topK: Int?

    /// The nucleus that a draw is restricted to.
    @Option(help: "Sample from the most likely tokens that together have this probability.")
    public var topP: Double?

    /// The least probability of a drawn token, relative to the likeliest.
    @Option(help: "Sample from tokens with at least this probability, as a share of the highest one.")
    public var minP: Double?

    /// The repetition penalty.
    @Option(help: "Makes tokens that have already occurred less likely; 1 changes nothing.")
    public var repetitionPenalty = 1.0

    /// Makes the options when none is given.
    public init() {}

    /// How tokens are chosen, with random numbers that begin with a seed.
    public func generation(seed: UInt64) -> GenerationOptions {
        GenerationOptions(
            samplingMode: temperature == 0
                ? .greedy : .draw(top: topK, probabilityThreshold: topP, seed: seed),
            temperature: temperature == 0 ? 1 : temperature,
            minimumProbability: minP ?? 0,
            repetitionPenalty: repetitionPenalty,
            maximumResponseTokens: maxTokens
        )
    }

    /// Checks the values against their ranges.
    public func validate() throws {
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature: expected 0 or more, found \(temperature); choose another value")
        }
        if temperature == 0, topK != nil || topP != nil || minP != nil {
            throw ValidationError("--top-k, --top-p and --min-p restrict a draw; add --temperature, for example 0.7")
        }
        try usageError { try generation(seed: 0).validate() }
    }
}

/// Runs a check of the library's, and reports its error as wrong usage.
public func usageError<Result>(_ check: () throws -> Result) throws -> Result {
    do {
        return try check()
    } catch let error as EMLLMError {
        throw ValidationError(error.description)
    }
}
