import ArgumentParser

/// What to do with the question.
struct ModeOptions: ParsableArguments {
    @Flag(
        help: """
            Answer without self-evaluation; the answer is streamed. The system message is then the chat template's, and \
            --max-tokens limits the answer (default: 512).
            """
    )
    var plain = false

    @Option(
        help: ArgumentHelp(
            "Continue this text as it is, without a chat template, up to --max-tokens (default: the whole context). Special "
                + "tokens in it are recognized; '' is an empty text.",
            valueName: "text"
        )
    )
    var raw: String?

    @Flag(help: "Print the tokens of the prompt as JSON, and nothing else.")
    var tokens = false

    @Option(
        help: ArgumentHelp(
            "Print the most likely next tokens after the prompt as JSON, and nothing else.",
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
        ),
        completion: .directory
    )
    var dump: String?

    @Flag(help: "Print JSON: the whole trace, or, with --plain and --raw, the text and its cost.")
    var json = false

    @Flag(help: "Show the steps with their verdicts even if the output is not a terminal.")
    var showSteps = false

    @Option(
        help: ArgumentHelp(
            "Write every event to this file as it happens, one JSON object per line: steps, verdicts, tokens, seconds.",
            valueName: "file"
        ),
        completion: .file()
    )
    var trace: String?

    @Option(
        help: ArgumentHelp(
            "Repeat the run of this trace, and check that every token and verdict is the same. Question, options and seed "
                + "come from the trace.",
            valueName: "file"
        ),
        completion: .file(extensions: ["jsonl", "json"])
    )
    var replay: String?

    enum Task: Equatable {
        case tokens, topLogits(Int), dump(String), raw, plain, replay(String), selfEvaluation
    }

    var task: Task {
        if tokens { return .tokens }
        if let topLogits { return .topLogits(topLogits) }
        if let dump { return .dump(dump) }
        if raw != nil { return .raw }
        if let replay { return .replay(replay) }
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
        if let replay {
            try refuse("--replay", "a question", question != nil)
            try refuse("--replay", "--plain, --raw, --tokens, --top-logits, --dump or --trace", task != .replay(replay))
            try refuse("--replay", "--trace", trace != nil)
            try refuse("--replay", "--system", system != nil)
            if usesSelfEvaluation {
                throw ValidationError("--replay takes the options of the trace; leave out those of self-evaluation")
            }
        }
        if trace != nil, task != .selfEvaluation {
            throw ValidationError(
                "--trace records self-evaluation; leave out --plain, --raw, --tokens, --top-logits and --dump"
            )
        }
        try refuse("--show-steps", "--json", showSteps && json)
        if showSteps, task != .selfEvaluation, replay == nil {
            throw ValidationError("--show-steps is for self-evaluation; leave it out, or the other mode's option")
        }
        if usesSelfEvaluation, plain || raw != nil {
            throw ValidationError("options of self-evaluation do nothing with --plain and --raw; leave them out")
        }
    }
}
