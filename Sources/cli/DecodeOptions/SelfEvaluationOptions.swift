import ArgumentParser
import EMLLMCore
import Foundation
import SelfEvalDecode

extension StrategyName: ExpressibleByArgument {
    /// Reads the name of a built-in strategy.
    public init?(argument: String) {
        guard Self.builtIn.contains(Self(rawValue: argument)) else { return nil }
        self.init(rawValue: argument)
    }

    /// The names of the built-in strategies.
    public static var allValueStrings: [String] { builtIn.map(\.rawValue) }
    /// Shells complete these names.
    public static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}
extension EvaluationForm: ExpressibleByArgument {}
extension ScoreAggregation: ExpressibleByArgument {}

/// How a question is reasoned about.
public struct SelfEvaluationOptions: ParsableArguments {
    /// The texts.
    @Option(
        help: ArgumentHelp(
            "The prompts: cas-seat, seat, or a YAML or JSON file (default: cas-seat, and seat with the strategy seat; the "
                + "model's own prompts replace them).",
            valueName: "prompts"
        ),
        completion: .file(extensions: ["yaml", "yml", "json"])
    )
    public var prompts: String?

    /// Accepts a step at once.
    @Option(help: "Accept a step at once if its score is at least this (default: the calibration's threshold, or 0.5).")
    public var accept: Double?

    /// Casts doubt on earlier steps.
    @Option(help: "Backtrack over the step before if no candidate has at least this probability (default: 0.3).")
    public var reject: Double?

    /// Further candidates.
    @Option(help: "The maximum number of further candidates for a step, or of further chains in cas-seat (default: 4).")
    public var revisions: Int?

    /// Steps taken back.
    @Option(help: "The maximum number of backtracks (default: 2).")
    public var backtracks: Int?

    /// Steps in a chain.
    @Option(help: "The maximum number of steps (default: what the model's recipe says, or 1000: the budget decides).")
    public var steps: Int?

    /// Hints.
    @Flag(help: "If no candidate is accepted, ask what is wrong, and write the step again with that hint in context.")
    public var hints = false

    /// Unchecked equations.
    @Flag(help: "Do not calculate the equations that steps state (verify and adaptive do).")
    public var noArithmetic = false

    /// Rolling back within a step.
    @Flag(
        help: ArgumentHelp(
            "Let verify and adaptive write a step with a wrong equation again from the wrong number on; with --hints the "
                + "calculated one stands there."
        )
    )
    public var rollBack = false

    /// How chains are evaluated.
    @Option(
        help:
            "How cas-seat evaluates a chain: logits (of yes and no), or reflection (the model first says what is wrong)."
    )
    public var evaluation: EvaluationForm?

    /// Chains.
    @Option(help: "The chains of vote, best-of and adaptive (default: 5).")
    public var chains: Int?

    /// Views of pictures.
    @Option(
        help: ArgumentHelp(
            "The number of views of the pictures, each shifted a little, for chains or candidates that have to differ: 1 to "
                + "9 (test-time augmentation; default: as in the model's calibration, or 1).",
            valueName: "views"
        )
    )
    public var views: Int?

    /// The name that ``views`` had before version 0.2.
    @Option(help: .hidden)
    public var looks: Int?

    /// Chains by the budget.
    @Flag(
        help: ArgumentHelp(
            "Let vote and best-of draw as many chains as --max-tokens or --seconds have room for, at most --chains (then 64 by "
                + "default)."
        )
    )
    public var divideBudget = false

    /// Agreement.
    @Option(
        help: ArgumentHelp(
            "Let vote draw one chain after the other until so many agree, at most --chains, instead of all at once.",
            valueName: "chains"
        )
    )
    public var untilAgree: Int?

    /// Pruning.
    @Flag(
        help:
            "Let vote end chains that are less sure than those that are complete (DeepConf), as far as the lead bears it."
    )
    public var prune = false

    /// Chains of decided votes.
    @Flag(help: "Write every chain of vote to its end, even after the result is decided.")
    public var wholeChains = false

    /// Weighted votes.
    @Flag(
        help:
            "Weight votes by the verdicts on their steps, or where these say nothing by how sure the model was of them."
    )
    public var weighVotes = false

    /// Evaluations for the record.
    @Flag(
        name: .customLong("evaluate-chains"),
        help: "Evaluate the steps of cot and vote for the trace; this changes no answer."
    )
    public var evaluatesChains = false

    /// The name that `--evaluate-chains` had before version 0.2.
    @Flag(help: .hidden)
    public var judgeChains = false

    /// Lines of the beam.
    @Option(help: "The lines of beam (default: 3).")
    public var beamLines: Int?

    /// Candidates of the beam.
    @Option(help: "The candidates for the next step of each line of beam (default: 2).")
    public var beamCandidates: Int?

    /// Aggregation.
    @Option(help: "How the scores of a line's steps are combined: last, min, product or mean (default: mean).")
    public var aggregation: ScoreAggregation?

    /// Weights of signals.
    @Option(
        help: ArgumentHelp(
            "The signals in a step's score and their weights, for example verdict=1,line=0.3: verdict, sequence (its mean log-probability), "
                + "line (the log-probability of the text so far), window (its weakest part), probe (the answer that the "
                + "model would give now), contrast (does the picture matter?), verifier (what --verifier reads from the "
                + "hidden states), and intercept (a constant); default: the calibration's weights, the verifier alone, or "
                + "the verdict alone.",
            valueName: "name=weight,…"
        )
    )
    public var score: String?

    /// A calibration.
    @Option(
        help: ArgumentHelp(
            "The probabilities fitted by emllm-eval calibrate, or 'none' (default: the file beside the model, if it fits).",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    public var calibration: String?

    /// A verifier.
    @Option(
        help: ArgumentHelp(
            "A verifier of emllm-eval train-verifier: it scores steps from the model's hidden states, at no cost in tokens. "
                + "Without --score and without a calibration's weights it replaces the verdict.",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    public var verifier: String?

    /// Abstention.
    @Option(help: "Mark an answer with less confidence than this as unreliable.")
    public var abstainBelow: Double?

    /// Seconds.
    @Option(help: "The time limit in seconds; there is still an answer (default: no limit).")
    public var seconds: Double?

    /// Memory.
    @Option(help: "The limit of the KV cache in megabytes; strategies search less widely to fit (default: no limit).")
    public var cacheMegabytes: Int?

    /// Orders.
    @Flag(help: "Ask for each verdict twice, with yes and no in either order, and average.")
    public var bothOrders = false

    /// The prior.
    @Flag(help: "Do not subtract the verdict on an empty step.")
    public var noPrior = false

    /// Makes the options when none is given.
    public init() {}

    /// Whether any of these options was given.
    public var isUsed: Bool {
        let given: [Any?] = [
            prompts, accept, reject, revisions, backtracks, steps, evaluation, chains, untilAgree, views,
            looks,
            beamLines,
            beamCandidates,
            aggregation, score, calibration, verifier, abstainBelow, seconds, cacheMegabytes,
        ]
        return given.contains { $0 != nil } || hints || rollBack || divideBudget || prune || wholeChains || weighVotes
            || evaluatesChains
            || judgeChains || bothOrders
            || noPrior || noArithmetic
    }

    /// The options for a model: what its recipe says, and what was asked for here on top of that.
    ///
    /// - Parameters:
    ///   - text: how text is written.
    ///   - strategy: the procedure; `nil` takes the recipe's.
    ///   - seed: what random numbers begin with.
    ///   - model: the model that answers.
    ///   - activations: the precision that it runs with.
    ///   - warn: is told when the model's calibration does not fit and is left out.
    /// - Throws: `ValidationError` or ``/EMLLMCore/EMLLMError`` when a value is out of range, the prompts cannot be read, or the
    ///   requested calibration is for another model or other prompts.
    public func options(
        text: TextOptions,
        strategy: StrategyName?,
        seed: UInt64,
        for model: EMLLMModel,
        activations: ActivationPrecision,
        warn: (String) throws -> Void
    ) throws -> SelfEvalOptions {
        let choice: CalibrationChoice =
            switch calibration {
            case nil: .model
            case "none"?: .none
            case let path?: .given(try CalibrationFile(contentsOf: URL(filePath: path)))
            }
        let options = try SelfEvalOptions.recommended(
            for: model,
            startingFrom: base(text: text, seed: seed),
            strategy: strategy,
            prompts: prompts.map { try PromptPack.named($0) },
            calibration: choice,
            activations: activations,
            onNotice: warn
        )
        var base = options
        if let verifier {
            let file = try VerifierFile(contentsOf: URL(filePath: verifier))
            base = try file.applied(to: options, model: ModelIdentity(of: model, activations: activations))
        }
        var chosen = try chosen(on: base, text: text)
        if let strategy { chosen.strategy = strategy }
        return chosen
    }

    /// What a calibration is bound to, and what no recipe says.
    private func base(text: TextOptions, seed: UInt64) -> SelfEvalOptions {
        var options = SelfEvalOptions(sampling: text.generation(seed: seed), seed: seed)
        options.averagesOrders = bothOrders
        options.subtractsPrior = !noPrior
        return options
    }

    /// The options with those laid on top that were given.
    private func chosen(on options: SelfEvalOptions, text: TextOptions) throws -> SelfEvalOptions {
        var options = options
        if let accept {
            options.acceptThreshold = accept
            // Whoever lowers the one threshold need not name the other.
            options.rejectThreshold = min(options.rejectThreshold, accept)
        }
        if let reject { options.rejectThreshold = reject }
        if let revisions { options.maximumRevisions = revisions }
        if let backtracks { options.maximumBacktracks = backtracks }
        if let steps { options.maximumSteps = steps }
        if let evaluation { options.evaluation = evaluation }
        if let chains { options.chains = chains }
        if let views = views ?? looks { options.views = views }
        if let beamLines { options.beam.lines = beamLines }
        if let beamCandidates { options.beam.candidates = beamCandidates }
        if let aggregation { options.aggregation = aggregation }
        if let score { options.weights = try Self.weights(score) }
        if let seconds { options.budget.milliseconds = Int(seconds * 1000) }
        if let cacheMegabytes { options.budget.cacheBytes = cacheMegabytes << 20 }
        if let maxTokens = text.maxTokens { options.budget.tokens = maxTokens }
        if let abstainBelow { options.abstainBelow = abstainBelow }
        if rollBack { options.rollsBack = true }
        if hints { options.usesHints = true }
        if noArithmetic { options.checksArithmetic = false }
        if divideBudget {
            options.dividesBudget = true
            options.chains = chains ?? 64
        }
        if let untilAgree { options.untilAgree = untilAgree }
        if prune { options.prunesChains = true }
        if wholeChains { options.endsDecidedVotes = false }
        if weighVotes { options.weighsVotes = true }
        if evaluatesChains || judgeChains { options.evaluatesChains = true }
        return options
    }

    private static func weights(_ text: String) throws -> ScoreWeights {
        var weights: ScoreWeights = [:]
        let names = (ScoreSignal.allCases.map(\.rawValue) + ["intercept"]).sorted()
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard pair.count == 2, names.contains(pair[0]), let weight = Double(pair[1]), weight.isFinite else {
                throw ValidationError(
                    "--score: expected name=weight with a name out of \(names.joined(separator: ", ")), found "
                        + "'\(part)'; for example verdict=1,line=0.3"
                )
            }
            if let signal = ScoreSignal(rawValue: pair[0]) {
                weights[signal] = weight
            } else {
                weights.intercept = weight
            }
        }
        return weights
    }

    /// Checks the values against their ranges.
    public func validate() throws {
        if let seconds, !(0.001...1_000_000).contains(seconds) {
            throw ValidationError("--seconds: expected 0.001 to 1000000, found \(seconds); choose another value")
        }
        if let cacheMegabytes, !(1...1_000_000).contains(cacheMegabytes) {
            throw ValidationError(
                "--cache-megabytes: expected 1 to 1000000, found \(cacheMegabytes); choose another value"
            )
        }
        // Prompts, calibrations and verifiers come from files, which are errors of their own and not of usage.
        let text = try TextOptions.parse([])
        let options = try usageError {
            let options = try chosen(on: base(text: text, seed: 0), text: text)
            try options.validate()
            return options
        }
        if verifier == nil, options.weights[.verifier] != 0 {
            throw ValidationError("--score: verifier needs a verifier; name its file with --verifier")
        }
    }
}
