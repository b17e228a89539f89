import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode

/// Does what was asked with a loaded model, and prints it.
struct Runner: Sendable {
    let model: EMLLMModel
    let runtime: RuntimeOptions
    let generation: GenerationOptions
    let system: String?
    let output: Terminal
    let notes: Terminal

    // MARK: Step by step

    /// Reasons step by step.
    ///
    /// - Parameters:
    ///   - question: the user's text.
    ///   - options: how it is reasoned about.
    ///   - mode: what is printed, and whether a trace is written.
    func reason(_ question: String, options: SelfEvalOptions, mode: ModeOptions) async throws {
        let decoder = try SelfEvalDecoder(model: model, options: options, runtime: runtime)
        let showsSteps = (output.isInteractive || mode.showSteps) && !mode.json
        let screen = Screen(StepRenderer(terminal: output, options: options))
        let (trace, signal) = try await Interruption.handling { [system] in
            try await decoder.run(question, system: system) { event in
                if showsSteps { screen.show(event) }
            }
        }
        if showsSteps { try screen.finish() }
        if let traceFile = mode.trace { try StandardStreams.write(trace.json(), atomicallyTo: traceFile) }
        if mode.json {
            try StandardStreams.write(String(decoding: trace.json(), as: UTF8.self))
        } else if !showsSteps, let answer = trace.answer {
            try StandardStreams.write(answer.text + "\n")
        }
        try leave(after: signal)
    }

    // MARK: Plain text

    /// Answers in ordinary chat.
    func chat(_ question: String, json: Bool) async throws {
        var messages = [ChatMessage(role: .user, content: question)]
        if let system { messages.insert(ChatMessage(role: .system, content: system), at: 0) }
        var options = generation
        options.maximumResponseTokens = options.maximumResponseTokens ?? 512
        try await write(after: try model.prompt(for: messages), continuing: false, options: options, json: json)
    }

    /// Continues text as it stands.
    func continueText(_ text: String, json: Bool) async throws {
        // What follows text keeps the space that it may begin with.
        try await write(after: try rawPrompt(text), continuing: !text.isEmpty, options: generation, json: json)
    }

    private func write(after prompt: [TokenID], continuing: Bool, options: GenerationOptions, json: Bool) async throws {
        let thread = try InferenceThread(model: model, options: runtime)
        let streams = !json
        let isInteractive = output.isInteractive
        let (completion, signal) = try await Interruption.handling {
            try await thread.run { context in
                try Completion(of: prompt, continuing: continuing, options: options, in: context) { text in
                    guard streams else { return }
                    try StandardStreams.write(isInteractive ? TerminalText.harmless(text) : text)
                }
            }
        }
        try StandardStreams.write(json ? completion.json() : "\n")
        try leave(after: signal)
    }

    private func leave(after signal: Int32?) throws {
        if let signal { throw ExitCode(128 + signal) }
    }

    // MARK: Looking inside

    /// Prints the prompt's tokens.
    func printTokens(of text: String, isRaw: Bool, isPlain: Bool) throws {
        let tokens = try prompt(text, isRaw: isRaw, isPlain: isPlain)
        try StandardStreams.write(Inspection.tokens(tokens, model.tokenizer))
    }

    /// Prints the likeliest next tokens.
    func printTopLogits(_ count: Int, of text: String, isRaw: Bool, isPlain: Bool) async throws {
        let tokens = try prompt(text, isRaw: isRaw, isPlain: isPlain)
        let thread = try InferenceThread(model: model, options: runtime)
        let (logits, signal) = try await Interruption.handling {
            try await thread.run { context in try context.extend(context.makeBranch(), with: tokens) }
        }
        try leave(after: signal)
        try StandardStreams.write(
            Inspection.topLogits(logits, count: count, promptTokens: tokens.count, model.tokenizer)
        )
    }

    /// The prompt that the mode would use.
    private func prompt(_ text: String, isRaw: Bool, isPlain: Bool) throws -> [TokenID] {
        if isRaw { return try rawPrompt(text) }
        if isPlain {
            let messages = [
                system.map { ChatMessage(role: .system, content: $0) }, ChatMessage(role: .user, content: text),
            ]
            return try model.prompt(for: messages.compactMap { $0 })
        }
        return try Conversation(
            question: text,
            system: system,
            prompts: Prompts(),
            bothOrders: false,
            template: model.chatTemplate,
            tokenizer: model.tokenizer
        ).question
    }

    /// The text as it stands; the person at the keyboard may write special tokens, and an empty text begins with the
    /// beginning-of-sequence token.
    private func rawPrompt(_ text: String) throws -> [TokenID] {
        let tokens = model.tokenizer.encode([.trusted(text)])
        if !tokens.isEmpty { return tokens }
        guard let start = model.tokenizer.beginningOfSequence else { throw EMLLMError.nothingToContinue }
        return [start]
    }
}

extension EMLLMError {
    static let nothingToContinue = EMLLMError(
        code: .emptyQuestion,
        subject: "--raw ''",
        expected: "a model with a beginning-of-sequence token",
        found: "one without",
        remedy: "give some text to continue"
    )
}

/// Text that a model wrote after a prompt.
struct Completion: Sendable {
    let text: String
    let info: CompletionInfo
    /// Whether it was cut short by a signal.
    let isInterrupted: Bool

    /// Writes the text, piece by piece in whole characters. Cancelling ends it.
    init(
        of prompt: [TokenID],
        continuing: Bool,
        options: GenerationOptions,
        in context: InferenceContext,
        onText: (String) throws -> Void
    ) throws {
        let clock = ContinuousClock()
        let started = clock.now
        let branch = context.makeBranch()
        var detokenizer = context.model.tokenizer.makeDetokenizer(continuing: continuing)
        var text = ""
        var count = 0
        var prefilled = started
        var reason = StopReason.maximumTokens
        var isInterrupted = false
        do {
            let logits = try context.extend(branch, with: prompt)
            prefilled = clock.now
            (_, reason) = try context.generate(branch, after: logits, options: options) { token in
                let piece = detokenizer.append(token)
                text += piece
                count += 1
                if !piece.isEmpty { try onText(piece) }
            }
        } catch let error as EMLLMError where error.code == .cancelled {
            isInterrupted = true
        }
        let rest = detokenizer.finish()
        if !rest.isEmpty { try onText(rest) }
        self.text = text + rest
        self.isInterrupted = isInterrupted
        info = CompletionInfo(
            promptTokens: prompt.count,
            cachedTokens: 0,
            generatedTokens: count,
            promptSeconds: (prefilled - started) / .seconds(1),
            generationSeconds: (clock.now - prefilled) / .seconds(1),
            stopReason: reason
        )
    }

    func json() throws -> String {
        struct Record: Encodable {
            let text: String
            let info: CompletionInfo
            let isInterrupted: Bool
        }
        return try Inspection.json(Record(text: text, info: info, isInterrupted: isInterrupted))
    }
}
