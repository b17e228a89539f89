import ArgumentParser
import EMLLMCore

/// How text is written.
public struct TextOptions: ParsableArguments {
    /// The system message.
    @Option(help: "The system message (default: one that asks for steps; with --plain, the chat template's).")
    public var system: String?

    /// The most tokens.
    @Option(
        help: """
            The most tokens: with --plain and --raw, of the text; otherwise of everything after the question, verdicts \
            and the answer included (default: 2048; 512 with --plain; the whole context with --raw).
            """
    )
    public var maxTokens: Int?

    /// The seed.
    @Option(help: "Makes a run with --temperature, or with revised steps, repeatable: same seed, same text.")
    public var seed: UInt64 = 0

    /// The temperature; 0 is greedy.
    @Option(help: "0 takes the likeliest token, above 0 draws.")
    public var temperature = 0.0

    /// How many tokens a draw may choose from.
    @Option(help: "Draw among this many likeliest tokens.")
    public var topK: Int?

    /// The nucleus that a draw is restricted to.
    @Option(help: "Draw among the likeliest tokens that together have this probability.")
    public var topP: Double?

    /// The least probability of a drawn token, relative to the likeliest.
    @Option(help: "Draw among tokens at least this likely, as a share of the likeliest one's probability.")
    public var minP: Double?

    /// The repetition penalty.
    @Option(help: "Makes tokens that occurred already less likely; 1 changes nothing.")
    public var repetitionPenalty = 1.0

    /// Makes the options when none is given.
    public init() {}

    /// How tokens are chosen.
    public var generation: GenerationOptions {
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
        try usageError { try generation.validate() }
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
