import EMLLMCore

/// How a question is reasoned about: by which strategy, where steps end, when they stand, what it may cost.
///
/// Everything that steers a run is here, and in the trace: the same options, seed, question and weights give the same
/// tokens and verdicts again.
public struct SelfEvalOptions: Codable, Sendable, Equatable {
    /// The procedure.
    public var strategy: StrategyName
    /// How the first candidate of a step, and a single chain, is written; greedy by default. Its `maximumResponseTokens`
    /// is not used: see ``budget``.
    public var sampling: GenerationOptions
    /// The temperature of further candidates and chains, which have to differ.
    public var revisionTemperature: Double
    /// The nucleus that further candidates and chains are drawn from, unless ``sampling`` names one.
    public var revisionTopP: Double
    /// Makes the run repeatable: same seed, same text.
    public var seed: UInt64
    /// A step with at least this score is accepted at once.
    public var acceptThreshold: Double
    /// ``acceptThreshold`` where nobody chose another.
    public static let usualAcceptThreshold = 0.5
    /// A step whose best candidate stays below this casts doubt on those before it, of which the weakest is then taken
    /// back. Between the two thresholds the best candidate is kept, so that a step near the edge is not thrown to and fro.
    public var rejectThreshold: Double
    /// The most further candidates for one step; for `cas-seat`, the most further chains.
    public var maximumRevisions: Int
    /// How many of them are written together as one batch.
    public var revisionWidth: Int
    /// The most times that steps are taken back in one question.
    public var maximumBacktracks: Int
    /// The most steps in a chain. More than a chain of any length has: the budget is what ends one.
    public var maximumSteps: Int
    /// Whether a step that no draw could mend is written once more behind a reflection on what is wrong with it.
    public var usesHints: Bool
    /// Whether `verify` and `adaptive` calculate the equations that steps state (``ArithmeticChecker``). What is right is then
    /// what a step is written again with, before it is drawn anew.
    public var checksArithmetic: Bool
    /// Whether `verify` and `adaptive` keep the beginning of a step that a checker refutes, up to the place that it names
    /// (``StepFinding/range``), and write it again from there. With ``usesHints`` the right value follows, if the checker knows it
    /// (``StepFinding/replacement``); otherwise the rest is drawn. Such texts count as revisions.
    public var rollsBack: Bool
    /// How `cas-seat` learns whether a chain stands.
    public var evaluation: EvaluationForm
    /// The chains of `vote` and `best-of`, and of `adaptive` where it widens.
    public var chains: Int
    /// How many views of the question's pictures are taken where texts have to differ (test-time augmentation): the pictures as
    /// they are, and moved a little in their frames. The chains of `vote`, `best-of` and `adaptive` take them in turn, and so
    /// does what `verify` writes in the place of a step that does not pass. A vision transformer's mistakes of reading often
    /// depend on where it cuts a picture into patches. 1 takes the pictures as they are, always.
    public var views: Int
    /// Whether `vote` and `best-of` draw as many chains as the budget has room for, at most ``chains``: one first, to learn how
    /// long chains are, then as many as fit, in batches. More chains are worth more than more verdicts (arXiv 2504.01005); the
    /// steps of `best-of` are evaluated all the same. Without it all chains are begun at once, and a budget that is too small for
    /// them cuts them all.
    public var dividesBudget: Bool
    /// Whether `vote` ends chains that can no longer change its result: neither the answer nor the chain that stands for it, nor
    /// whether the confidence reaches ``abstainBelow``. The confidence becomes a lower bound: votes that are not known count as
    /// votes for others. Votes that are weighted, or whose chains are evaluated for the record, are taken to their end.
    public var endsDecidedVotes: Bool
    /// `vote` draws one chain after the other until so many agree, at most ``chains``; `nil` draws all at once. With further
    /// views of the pictures each view is taken only when it is needed.
    public var untilAgree: Int?
    /// Whether `vote` ends chains, while they are written, that are less sure than those of the same question that are complete
    /// (DeepConf, arXiv 2508.15260). Half of the chains, and three, are always kept; and a chain is only ended while the answer
    /// that is ahead would stay ahead if all that were ended had voted for another one.
    public var prunesChains: Bool
    /// Whether votes count by their chains' scores; where no step's evaluation says anything, by how sure the model was of the
    /// least sure part of each (``SearchSession/lineConfidence(to:)``).
    public var weighsVotes: Bool
    /// Whether the steps of `cot` and `vote` are evaluated although nothing follows from it, for the record.
    public var evaluatesChains: Bool
    /// The lines of `beam`, and how they are chosen.
    public var beam: BeamOptions
    /// How the scores of a line's steps become one.
    public var aggregation: ScoreAggregation
    /// What a step's score is made of.
    public var weights: ScoreWeights
    /// Turns verdicts into probabilities, for one model and one pack of prompts; `nil` takes ℓ as it is.
    public var calibration: Calibration?
    /// Scores steps from the model's hidden states; `nil` for no verifier.
    public var verifier: VerifierHead?
    /// Whether the verdict on a step without content is subtracted from every verdict.
    public var subtractsPrior: Bool
    /// Whether the evaluation is asked with yes and no in either order, and the verdicts averaged.
    public var averagesOrders: Bool
    /// A verdict whose yes and no together have a lower probability is ignored.
    public var minimumVerdictMass: Double
    /// An answer with less confidence is marked as one not to rely on; `nil` marks none.
    public var abstainBelow: Double?
    /// Tokens of the window that ``StepNode/windowConfidence`` looks for the weakest of.
    public var confidenceWindow: Int
    /// The most tokens of a reflection.
    public var reflectionTokens: Int
    /// What the question may cost.
    public var budget: Budget
    /// The texts, and where steps end.
    public var prompts: PromptPack

    /// Makes options; the defaults suit a small model on a laptop.
    public init(
        strategy: StrategyName = .verify,
        sampling: GenerationOptions = GenerationOptions(),
        revisionTemperature: Double = 0.8,
        revisionTopP: Double = 0.95,
        seed: UInt64 = 0,
        acceptThreshold: Double = SelfEvalOptions.usualAcceptThreshold,
        rejectThreshold: Double = 0.3,
        maximumRevisions: Int = 4,
        revisionWidth: Int = 2,
        maximumBacktracks: Int = 2,
        maximumSteps: Int = 1000,
        usesHints: Bool = false,
        checksArithmetic: Bool = true,
        rollsBack: Bool = false,
        evaluation: EvaluationForm = .logits,
        chains: Int = 5,
        views: Int = 1,
        dividesBudget: Bool = false,
        endsDecidedVotes: Bool = true,
        untilAgree: Int? = nil,
        prunesChains: Bool = false,
        weighsVotes: Bool = false,
        evaluatesChains: Bool = false,
        beam: BeamOptions = BeamOptions(),
        aggregation: ScoreAggregation = .mean,
        weights: ScoreWeights = .verdictAlone,
        calibration: Calibration? = nil,
        verifier: VerifierHead? = nil,
        subtractsPrior: Bool = true,
        averagesOrders: Bool = false,
        minimumVerdictMass: Double = 0.1,
        abstainBelow: Double? = nil,
        confidenceWindow: Int = 8,
        reflectionTokens: Int = 48,
        budget: Budget = Budget(),
        prompts: PromptPack = .casSEAT
    ) {
        self.strategy = strategy
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
        self.usesHints = usesHints
        self.checksArithmetic = checksArithmetic
        self.rollsBack = rollsBack
        self.evaluation = evaluation
        self.chains = chains
        self.views = views
        self.dividesBudget = dividesBudget
        self.endsDecidedVotes = endsDecidedVotes
        self.untilAgree = untilAgree
        self.prunesChains = prunesChains
        self.weighsVotes = weighsVotes
        self.evaluatesChains = evaluatesChains
        self.beam = beam
        self.aggregation = aggregation
        self.weights = weights
        self.calibration = calibration
        self.verifier = verifier
        self.subtractsPrior = subtractsPrior
        self.averagesOrders = averagesOrders
        self.minimumVerdictMass = minimumVerdictMass
        self.abstainBelow = abstainBelow
        self.confidenceWindow = confidenceWindow
        self.reflectionTokens = reflectionTokens
        self.budget = budget
        self.prompts = prompts
    }

    enum CodingKeys: String, CodingKey {
        case strategy, sampling, revisionTemperature, revisionTopP, seed, acceptThreshold, rejectThreshold
        case maximumRevisions, revisionWidth, maximumBacktracks, maximumSteps, usesHints, evaluation, chains, views
        case checksArithmetic, rollsBack, dividesBudget, endsDecidedVotes, untilAgree, prunesChains
        case weighsVotes, evaluatesChains, beam, aggregation, weights, calibration, verifier, subtractsPrior
        case averagesOrders
        case minimumVerdictMass, abstainBelow, confidenceWindow, reflectionTokens, budget, prompts
    }

    /// The most probability that a draw is restricted to, where the caller asked for one.
    private var nucleus: (top: Int?, threshold: Double?) {
        guard case .draw(let top, let threshold, _) = sampling.samplingMode else { return (nil, nil) }
        return (top, threshold)
    }

    /// How the first candidate of a step is written, with this run's seed.
    public var primarySampling: GenerationOptions {
        var options = sampling
        if case .draw(let top, let threshold, _) = sampling.samplingMode {
            options.samplingMode = .draw(top: top, probabilityThreshold: threshold, seed: seed)
        }
        return options
    }

    /// How further candidates are written: always a draw, since they have to differ.
    public var revisionSampling: GenerationOptions {
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

/// How it is learnt whether a chain stands.
public enum EvaluationForm: String, Codable, Sendable, CaseIterable {
    /// From the probability of yes against no after a question: nothing is generated.
    case logits
    /// From a reflection that the model writes, which then helps to mend the chain.
    case reflection
}

/// The lines of a beam search over steps.
public struct BeamOptions: Codable, Sendable, Equatable {
    /// Lines that are kept after each step, B.
    public var lines: Int
    /// Candidates for the next step of each, K.
    public var candidates: Int
    /// λ in score^λ · P^(1−λ), P being the length-normalized probability of a step's tokens.
    public var mixing: Double
    /// τ: lines are drawn in proportion to their value to the power of 1/τ; 0 takes the best.
    public var temperature: Double

    /// Makes options.
    public init(lines: Int = 3, candidates: Int = 2, mixing: Double = 0.5, temperature: Double = 0.2) {
        self.lines = lines
        self.candidates = candidates
        self.mixing = mixing
        self.temperature = temperature
    }
}

extension SelfEvalOptions {
    /// Checks every value against its range.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` naming the option.
    public func validate() throws {
        func check(_ name: String, _ expected: String, _ value: some CustomStringConvertible, _ holds: Bool) throws {
            guard !holds else { return }
            throw EMLLMError.invalidSelfEvalOption(name, expected: expected, found: "\(value)")
        }
        func check(_ name: String, _ range: ClosedRange<Int>, _ value: Int) throws {
            try check(name, "\(range.lowerBound)...\(range.upperBound)", value, range.contains(value))
        }
        try sampling.validate()
        try check(
            "sampling.stopStrings",
            "none: the prompts say where a step ends",
            "\(sampling.stopStrings)",
            sampling.stopStrings.isEmpty
        )
        try revisionSampling.validate()
        try prompts.validate()
        try weights.validate()
        try check("acceptThreshold", "0...1", acceptThreshold, (0...1).contains(acceptThreshold))
        try check(
            "rejectThreshold",
            "0...\(acceptThreshold), at most acceptThreshold",
            rejectThreshold,
            rejectThreshold >= 0 && rejectThreshold <= acceptThreshold
        )
        try check("maximumRevisions", 0...64, maximumRevisions)
        try check("revisionWidth", 1...64, revisionWidth)
        try check("maximumBacktracks", 0...1000, maximumBacktracks)
        try check("maximumSteps", 1...1000, maximumSteps)
        try check("chains", 1...256, chains)
        if let untilAgree {
            try check(
                "untilAgree",
                "2...\(max(2, chains)), at most chains",
                untilAgree,
                (2...max(2, chains)).contains(untilAgree)
            )
            try check("untilAgree", "votes that count alike, without weighsVotes", untilAgree, !weighsVotes)
        }
        try check("views", 1...PictureViews.most, views)
        try check("beam.lines", 1...64, beam.lines)
        try check("beam.candidates", 1...64, beam.candidates)
        try check("beam.mixing", "0...1", beam.mixing, (0...1).contains(beam.mixing))
        try check("beam.temperature", "0...100", beam.temperature, (0...100).contains(beam.temperature))
        try check("minimumVerdictMass", "0...1", minimumVerdictMass, (0...1).contains(minimumVerdictMass))
        if let abstainBelow { try check("abstainBelow", "0...1", abstainBelow, (0...1).contains(abstainBelow)) }
        try check("confidenceWindow", 1...100_000, confidenceWindow)
        try check("reflectionTokens", 1...100_000, reflectionTokens)
        try check("budget.tokens", 1...10_000_000, budget.tokens)
        try check("budget.answerTokens", 1...100_000, budget.answerTokens)
        if let milliseconds = budget.milliseconds {
            try check("budget.milliseconds", "at least 1", milliseconds, milliseconds >= 1)
        }
        if let bytes = budget.cacheBytes { try check("budget.cacheBytes", "at least 1", bytes, bytes >= 1) }
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

    static func cacheBudgetTooSmall(_ bytes: Int, needed: Int) -> EMLLMError {
        EMLLMError(
            code: .invalidSelfEvalOption,
            subject: "cache budget",
            expected: "at least \(needed) bytes, which the question and its answer take",
            found: "\(bytes)",
            remedy: "raise the budget or shorten the question"
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
