import EMLLMCore

/// How a question is reasoned about: where steps end, when they stand, how often they are written again, what it may cost.
public struct SelfEvalOptions: Codable, Sendable, Equatable {
    /// Where one step ends and the next begins.
    public var segmenter: StepSegmenter
    /// How the first candidate of a step is written; greedy by default. Its `maximumResponseTokens` is not used: see
    /// ``budget``.
    public var sampling: GenerationOptions
    /// The temperature of further candidates, which have to differ.
    public var revisionTemperature: Double
    /// The nucleus that further candidates are drawn from, unless ``sampling`` names one.
    public var revisionTopP: Double
    /// Makes the run repeatable: same seed, same text.
    public var seed: UInt64
    /// A step with at least this probability is accepted at once.
    public var acceptThreshold: Double
    /// A step whose best candidate stays below this casts doubt on the step before it, which is then taken back.
    /// Between the two thresholds the best candidate is kept, so that a step near the edge is not thrown to and fro.
    public var rejectThreshold: Double
    /// The most further candidates for one step.
    public var maximumRevisions: Int
    /// How many of them are written together as one batch.
    public var revisionWidth: Int
    /// The most steps taken back in one question.
    public var maximumBacktracks: Int
    /// The most steps in a chain.
    public var maximumSteps: Int
    /// Whether the verdict on a step without content is subtracted from every verdict.
    public var subtractsPrior: Bool
    /// Whether the evaluation is asked with yes and no in either order, and the verdicts averaged.
    public var averagesOrders: Bool
    /// A verdict whose yes and no together have a lower probability is ignored.
    public var minimumVerdictMass: Double
    /// What the question may cost.
    public var budget: Budget
    /// The texts of the cascade.
    public var prompts: Prompts

    /// Makes options; the defaults suit a small model on a laptop.
    public init(
        segmenter: StepSegmenter = StepSegmenter(),
        sampling: GenerationOptions = GenerationOptions(),
        revisionTemperature: Double = 0.8,
        revisionTopP: Double = 0.95,
        seed: UInt64 = 0,
        acceptThreshold: Double = 0.5,
        rejectThreshold: Double = 0.3,
        maximumRevisions: Int = 4,
        revisionWidth: Int = 2,
        maximumBacktracks: Int = 2,
        maximumSteps: Int = 16,
        subtractsPrior: Bool = true,
        averagesOrders: Bool = false,
        minimumVerdictMass: Double = 0.1,
        budget: Budget = Budget(),
        prompts: Prompts = Prompts()
    ) {
        self.segmenter = segmenter
        self.sampling = sampling
        self.revisionTemperature = revisionTemperature
        self.revisionTopP = revisionTopP
        self.seed = seed
        self.acceptThreshold = acceptThreshold
        self.rejectThreshold = rejectThreshold
        self.maximumRevisions = maximumRevisions
        self.revisionWidth = revisionWidth
        self.maximumBacktracks = maximumBacktracks
        self.maximumSteps = maximumSteps
        self.subtractsPrior = subtractsPrior
        self.averagesOrders = averagesOrders
        self.minimumVerdictMass = minimumVerdictMass
        self.budget = budget
        self.prompts = prompts
    }

    /// Checks every value against its range.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` naming the option.
    public func validate() throws {
        func check(_ name: String, _ expected: String, _ value: some CustomStringConvertible, _ holds: Bool) throws {
            guard !holds else { return }
            throw EMLLMError.invalidSelfEvalOption(name, expected: expected, found: "\(value)")
        }
        try sampling.validate()
        try revisionSampling.validate()
        try prompts.validate()
        try check("acceptThreshold", "0...1", acceptThreshold, (0...1).contains(acceptThreshold))
        try check(
            "rejectThreshold",
            "0...\(acceptThreshold), at most acceptThreshold",
            rejectThreshold,
            rejectThreshold >= 0 && rejectThreshold <= acceptThreshold
        )
        try check("maximumRevisions", "0...64", maximumRevisions, (0...64).contains(maximumRevisions))
        try check("revisionWidth", "1...64", revisionWidth, (1...64).contains(revisionWidth))
        try check("maximumBacktracks", "0...1000", maximumBacktracks, (0...1000).contains(maximumBacktracks))
        try check("maximumSteps", "1...1000", maximumSteps, (1...1000).contains(maximumSteps))
        try check("minimumVerdictMass", "0...1", minimumVerdictMass, (0...1).contains(minimumVerdictMass))
        try check(
            "segmenter.maximumTokens",
            "\(StepSegmenter.leastMaximum)...100000",
            segmenter.maximumTokens,
            (StepSegmenter.leastMaximum...100_000).contains(segmenter.maximumTokens)
        )
        try check(
            "segmenter.minimumTokens",
            "1...\(segmenter.maximumTokens), at most maximumTokens",
            segmenter.minimumTokens,
            (1...segmenter.maximumTokens).contains(segmenter.minimumTokens)
        )
        try check("budget.tokens", "1...10000000", budget.tokens, (1...10_000_000).contains(budget.tokens))
        try check("budget.answerTokens", "1...100000", budget.answerTokens, (1...100_000).contains(budget.answerTokens))
        if let milliseconds = budget.milliseconds {
            try check("budget.milliseconds", "at least 1", milliseconds, milliseconds >= 1)
        }
    }

    /// The most probability that a draw is restricted to, where the caller asked for one.
    private var nucleus: (top: Int?, threshold: Double?) {
        guard case .draw(let top, let threshold, _) = sampling.samplingMode else { return (nil, nil) }
        return (top, threshold)
    }

    /// How the first candidate of a step is written, with this run's seed.
    var primarySampling: GenerationOptions {
        var options = sampling
        if case .draw(let top, let threshold, _) = sampling.samplingMode {
            options.samplingMode = .draw(top: top, probabilityThreshold: threshold, seed: seed)
        }
        return options
    }

    /// How further candidates are written: always a draw, since they have to differ.
    var revisionSampling: GenerationOptions {
        var options = sampling
        options.samplingMode = .draw(
            top: nucleus.top,
            probabilityThreshold: nucleus.threshold ?? revisionTopP,
            seed: seed
        )
        options.temperature = revisionTemperature
        return options
    }
}

extension EMLLMError.Code {
    /// An option of the decoder outside its range.
    public static let invalidSelfEvalOption = Self(rawValue: "invalid-self-evaluation-option")
}

extension EMLLMError {
    static func invalidSelfEvalOption(_ name: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidSelfEvalOption,
            subject: name,
            expected: expected,
            found: found,
            remedy: "choose a value in that range"
        )
    }

    static func budgetTooSmall(_ tokens: Int, needed: Int) -> EMLLMError {
        EMLLMError(
            code: .invalidSelfEvalOption,
            subject: "token budget",
            expected: "at least \(needed), which the answer alone takes",
            found: "\(tokens)",
            remedy: "raise the budget or shorten the answer"
        )
    }

    static func questionTooLong(tokens: Int, reserved: Int, contextLength: Int) -> EMLLMError {
        EMLLMError(
            code: .contextOverflow,
            subject: "context of \(contextLength) tokens",
            expected:
                "a question of at most \(max(0, contextLength - reserved)) tokens (\(reserved) are for the answer)",
            found: "\(tokens)",
            remedy: "shorten the question"
        )
    }
}
