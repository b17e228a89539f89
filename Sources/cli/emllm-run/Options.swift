import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode

/// Which model, and how it is run.
struct ModelOptions: ParsableArguments {
    @Option(help: "An .emllm or GGUF file, a Hugging Face folder, or the name of a model in the cache.")
    var model = ModelStore.defaultModel

    @Option(help: "The vision tower of a GGUF model, published beside it.")
    var mmproj: String?

    @Option(help: "Worker threads (default: one for each CPU this process may run on).")
    var threads: Int?

    @Option(help: "Precision of activations: q8 (fast), or f32 (slow, for checking).")
    var activations = ActivationPrecision.q8

    var runtime: RuntimeOptions { RuntimeOptions(threads: threads, activations: activations) }

    /// Loads the model, with a note on a terminal while that takes time.
    func load() throws -> EMLLMModel {
        let url = try ModelStore().locate(model)
        let terminal = Terminal.standardError
        // An .emllm file is there at once; a GGUF file is repacked first.
        let showsNote = terminal.isInteractive && url.pathExtension.lowercased() == "gguf"
        if showsNote {
            try? StandardStreams.write("Repacking \(url.lastPathComponent) …", to: .standardError)
        }
        defer { if showsNote { try? StandardStreams.write(Terminal.clearLine, to: .standardError) } }
        return try EMLLMModel.load(from: url, vision: mmproj.map { URL(filePath: $0) })
    }
}

/// What to do with the question.
struct ModeOptions: ParsableArguments {
    @Flag(help: "Chat without self-evaluation; the answer streams as it is written.")
    var plain = false

    @Option(
        help: ArgumentHelp(
            "Continue this text as it stands, without chat template; special tokens in it count. '' begins from nothing.",
            valueName: "text"
        )
    )
    var raw: String?

    @Flag(help: "Print the tokens of the prompt as JSON, and nothing else.")
    var tokens = false

    @Option(
        help: ArgumentHelp(
            "Print the likeliest next tokens after the prompt as JSON, and nothing else.",
            valueName: "k"
        )
    )
    var topLogits: Int?

    @Option(
        help: ArgumentHelp(
            """
            Write pixel values, features of pictures, the prompt's tokens and the logits after each of them to this \
            folder as .npy files, and nothing else.
            """,
            valueName: "folder"
        )
    )
    var dump: String?

    @Flag(help: "Print JSON: the whole trace, or with --plain and --raw the text and what it cost.")
    var json = false

    @Flag(help: "Show the steps with their verdicts where output is no terminal, too.")
    var showSteps = false

    @Option(
        help: ArgumentHelp(
            "Write the trace to this file: every step, candidate, verdict, token, second.",
            valueName: "file"
        )
    )
    var trace: String?

    enum Task: Equatable {
        case tokens, topLogits(Int), dump(String), raw, plain, selfEvaluation
    }

    var task: Task {
        if tokens { return .tokens }
        if let topLogits { return .topLogits(topLogits) }
        if let dump { return .dump(dump) }
        if raw != nil { return .raw }
        return plain ? .plain : .selfEvaluation
    }

    func validate(question: String?, system: String?, usesSelfEvaluation: Bool) throws {
        func refuse(_ first: String, _ second: String, _ holds: Bool) throws {
            if holds { throw ValidationError("\(first) and \(second) do not go together; leave one of them out") }
        }
        try refuse("--plain", "--raw", plain && raw != nil)
        try refuse("--raw", "a question", raw != nil && question != nil)
        try refuse("--raw", "--system", raw != nil && system != nil)
        try refuse("--tokens", "--top-logits", tokens && topLogits != nil)
        try refuse("--dump", "--tokens or --top-logits", dump != nil && (tokens || topLogits != nil))
        try refuse("--dump", "--raw", dump != nil && raw != nil)
        if let topLogits, topLogits < 1 {
            throw ValidationError("--top-logits: expected at least 1, found \(topLogits); choose a larger number")
        }
        if trace != nil, task != .selfEvaluation {
            throw ValidationError(
                "--trace records self-evaluation; leave out --plain, --raw, --tokens, --top-logits and --dump"
            )
        }
        try refuse("--show-steps", "--json", showSteps && json)
        if showSteps, task != .selfEvaluation {
            throw ValidationError("--show-steps is for self-evaluation; leave it out, or the other mode's option")
        }
        if usesSelfEvaluation, plain || raw != nil {
            throw ValidationError("options of self-evaluation do nothing with --plain and --raw; leave them out")
        }
    }
}

/// How text is written.
struct TextOptions: ParsableArguments {
    @Option(help: "The system message (default: one that asks for steps; with --plain, the chat template's).")
    var system: String?

    @Option(
        help: """
            The most tokens: with --plain and --raw, of the text; otherwise of everything after the question, verdicts \
            and the answer included (default: 2048; 512 with --plain; the whole context with --raw).
            """
    )
    var maxTokens: Int?

    @Option(help: "Makes a run with --temperature, or with revised steps, repeatable: same seed, same text.")
    var seed: UInt64 = 0

    @Option(help: "0 takes the likeliest token, above 0 draws.")
    var temperature = 0.0

    @Option(help: "Draw among this many likeliest tokens.")
    var topK: Int?

    @Option(help: "Draw among the likeliest tokens that together have this probability.")
    var topP: Double?

    @Option(help: "Draw among tokens at least this likely, as a share of the likeliest one's probability.")
    var minP: Double?

    @Option(help: "Makes tokens that occurred already less likely; 1 changes nothing.")
    var repetitionPenalty = 1.0

    var generation: GenerationOptions {
        GenerationOptions(
            samplingMode: temperature == 0
                ? .greedy : .draw(top: topK, probabilityThreshold: topP, seed: seed),
            temperature: temperature == 0 ? 1 : temperature,
            minimumProbability: minP ?? 0,
            repetitionPenalty: repetitionPenalty,
            maximumResponseTokens: maxTokens
        )
    }

    func validate() throws {
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature: expected 0 or more, found \(temperature); choose another value")
        }
        if temperature == 0, topK != nil || topP != nil || minP != nil {
            throw ValidationError("--top-k, --top-p and --min-p restrict a draw; add --temperature, for example 0.7")
        }
        try usageError { try generation.validate() }
    }
}

/// How steps are judged.
struct SelfEvaluationOptions: ParsableArguments {
    @Option(help: "Accept a step at once when its verdict has at least this probability (default: 0.5).")
    var accept: Double?

    @Option(help: "Take the step before back when no candidate has at least this probability (default: 0.3).")
    var reject: Double?

    @Option(help: "The most further candidates for a step (default: 4).")
    var revisions: Int?

    @Option(help: "The most steps to take back (default: 2).")
    var backtracks: Int?

    @Option(help: "The most steps (default: 16).")
    var steps: Int?

    @Option(help: "The most seconds; the answer still comes (default: no limit).")
    var seconds: Double?

    @Flag(help: "Ask for each verdict twice, with yes and no in either order, and average.")
    var bothOrders = false

    @Flag(help: "Do not subtract the verdict that an empty step gets.")
    var noPrior = false

    /// Whether any of these options was given.
    var isUsed: Bool {
        accept != nil || reject != nil || revisions != nil || backtracks != nil || steps != nil || seconds != nil
            || bothOrders || noPrior
    }

    func options(text: TextOptions) -> SelfEvalOptions {
        var options = SelfEvalOptions(sampling: text.generation, seed: text.seed)
        if let accept {
            options.acceptThreshold = accept
            // Whoever lowers the one threshold need not name the other.
            options.rejectThreshold = min(options.rejectThreshold, accept)
        }
        if let reject { options.rejectThreshold = reject }
        if let revisions { options.maximumRevisions = revisions }
        if let backtracks { options.maximumBacktracks = backtracks }
        if let steps { options.maximumSteps = steps }
        if let seconds { options.budget.milliseconds = Int(seconds * 1000) }
        if let maxTokens = text.maxTokens { options.budget.tokens = maxTokens }
        options.averagesOrders = bothOrders
        options.subtractsPrior = !noPrior
        return options
    }

    func validate() throws {
        if let seconds, !(0.001...1_000_000).contains(seconds) {
            throw ValidationError("--seconds: expected 0.001 to 1000000, found \(seconds); choose another value")
        }
        try usageError { try options(text: TextOptions.defaults).validate() }
    }
}

extension TextOptions {
    /// The options when none is given.
    static var defaults: TextOptions { get throws { try TextOptions.parse([]) } }
}

/// Runs a check of the library's, and reports its error as wrong usage.
func usageError(_ check: () throws -> Void) throws {
    do {
        try check()
    } catch let error as EMLLMError {
        throw ValidationError(error.description)
    }
}
