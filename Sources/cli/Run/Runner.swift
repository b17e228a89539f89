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
    let pictures: [RGBImage]
    let pictureNames: [String]
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
        let record = try mode.trace.map { try TraceRecord(path: $0) }
        try await report(mode: mode, record: record) { [system, pictures, pictureNames] onEvent in
            try await decoder.run(
                question,
                images: pictures,
                imageNames: pictureNames,
                system: system,
                onEvent: onEvent
            )
        }
    }

    /// Repeats a recorded run.
    func replay(_ recorded: Trace, mode: ModeOptions) async throws {
        let thread = try InferenceThread(model: model, options: runtime)
        try await report(mode: mode, record: nil) { [pictures] onEvent in
            try await thread.run { context in
                try SelfEvalDecoder.replay(recorded, images: pictures, in: context, onEvent: onEvent)
            }
        }
        let verdicts = recorded.nodes.filter { $0.evaluation != nil }.count
        let tokens = recorded.nodes.reduce(0) { $0 + $1.tokens.count }
        try StandardStreams.write(
            "The same again: \(recorded.nodes.count) steps of \(tokens) tokens, \(verdicts) verdicts, and the answer.\n",
            to: .standardError
        )
    }

    /// Runs a decoder, shows what happens, and prints the answer.
    private func report(
        mode: ModeOptions,
        record: TraceRecord?,
        _ run: @escaping @Sendable (@escaping @Sendable (DecodeEvent) -> Void) async throws -> Trace
    ) async throws {
        let showsSteps = (output.isInteractive || mode.showSteps) && !mode.json
        let screen = Screen(StepRenderer(terminal: output))
        let note = EncodingNote(pictures: pictures.count, on: notes)
        defer { note.clear() }
        let (trace, signal) = try await interruptible {
            try await run { event in
                note.clear()
                if case .info(.started(let header)) = event, let warning = header.warning {
                    try? StandardStreams.note(warning)
                }
                record?.write(event)
                if showsSteps { screen.show(event) }
            }
        }
        if showsSteps { try screen.finish() }
        try record?.finish()
        if mode.json {
            try StandardStreams.write(String(decoding: trace.json(), as: UTF8.self))
        } else if !showsSteps, let answer = trace.answer {
            try StandardStreams.write(answer.text + "\n")
        }
        try leave(after: signal)
        if let answer = trace.answer, answer.isAbstention {
            let confidence = answer.confidence.map { " (\(Self.shown($0)))" } ?? ""
            let limit = trace.header.options.abstainBelow.map { " \(Self.shown($0))" } ?? " its threshold"
            try StandardStreams.note("abstained: the confidence\(confidence) is below\(limit)")
            throw ExitCode(Self.abstentionStatus)
        }
    }

    /// The status of a program whose answer is an abstention.
    static let abstentionStatus: Int32 = 3

    private static func shown(_ probability: Double) -> String {
        probability.formatted(.number.precision(.fractionLength(0...3)).locale(Locale(identifier: "en_US_POSIX")))
    }

    // MARK: Plain text

    /// Answers in ordinary chat.
    func chat(_ question: String, json: Bool) async throws {
        var options = generation
        options.maximumResponseTokens = options.maximumResponseTokens ?? 512
        try await write(continuing: false, options: options, json: json) { context in
            try prompt(question, isRaw: false, isPlain: true, in: context)
        }
    }

    /// Continues text as it stands.
    func continueText(_ text: String, json: Bool) async throws {
        // What follows text keeps the space that it may begin with.
        let prompt = try rawPrompt(text)
        try await write(continuing: !text.isEmpty, options: generation, json: json) { _ in Prompt(tokens: prompt) }
    }

    private func write(
        continuing: Bool,
        options: GenerationOptions,
        json: Bool,
        prompt: @escaping @Sendable (InferenceContext) throws -> Prompt
    ) async throws {
        let thread = try InferenceThread(model: model, options: runtime)
        let streams = !json
        let isInteractive = output.isInteractive
        let note = EncodingNote(pictures: pictures.count, on: notes)
        defer { note.clear() }
        let (completion, signal) = try await interruptible {
            try await thread.run { context in
                let prompt = try prompt(context)
                note.clear()
                var completion = try withExtendedLifetime(prompt) {
                    try context.complete(
                        prompt.tokens,
                        on: context.makeBranch(),
                        continuing: continuing,
                        options: options
                    ) { text in
                        guard streams else { return }
                        try StandardStreams.write(isInteractive ? TerminalText.harmless(text) : text)
                    }
                }
                if !prompt.usage.isEmpty { completion.info.images = prompt.usage }
                return completion
            }
        }
        try StandardStreams.write(json ? completion.json() : "\n")
        try leave(after: signal)
    }

    /// Runs work that Ctrl-C cancels. Where it is cancelled before there is anything to show, the program ends.
    private func interruptible<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> (result: Result, signal: Int32?) {
        do {
            return try await Interruption.handling(body)
        } catch let stop as Interruption.Stop {
            throw ExitCode(128 + stop.signal)
        }
    }

    private func leave(after signal: Int32?) throws {
        if let signal { throw ExitCode(128 + signal) }
    }

    // MARK: Looking inside

    /// Prints the prompt's tokens.
    func printTokens(of text: String, isRaw: Bool, isPlain: Bool) async throws {
        let tokens = try await onThread { context in
            try prompt(text, isRaw: isRaw, isPlain: isPlain, in: context).tokens
        }
        try StandardStreams.write(Inspection.tokens(tokens, model.tokenizer))
    }

    /// Prints the likeliest next tokens.
    func printTopLogits(_ count: Int, of text: String, isRaw: Bool, isPlain: Bool) async throws {
        let (logits, promptTokens) = try await onThread { context in
            let prompt = try prompt(text, isRaw: isRaw, isPlain: isPlain, in: context)
            return try withExtendedLifetime(prompt) {
                (try context.extend(context.makeBranch(), with: prompt.tokens), prompt.tokens.count)
            }
        }
        try StandardStreams.write(
            Inspection.topLogits(logits, count: count, promptTokens: promptTokens, model.tokenizer)
        )
    }

    /// Writes everything between a picture and its logits as .npy files.
    func dump(_ text: String, isPlain: Bool, to folder: String) async throws {
        let dump = try Dump(folder: folder)
        try await onThread { context in
            let prompt = try prompt(text, isRaw: false, isPlain: isPlain, in: context)
            try dump.write(pictures: pictures, images: prompt.images, tokens: prompt.tokens, in: context)
        }
        try StandardStreams.write(dump.summary)
    }

    private func onThread<Result: Sendable>(
        _ body: @escaping @Sendable (InferenceContext) throws -> Result
    ) async throws -> Result {
        let thread = try InferenceThread(model: model, options: runtime)
        let (result, signal) = try await interruptible { try await thread.run(body) }
        try leave(after: signal)
        return result
    }

    /// The prompt that the mode would use, and what its pictures cost.
    private func prompt(_ text: String, isRaw: Bool, isPlain: Bool, in context: InferenceContext) throws -> Prompt {
        if isRaw { return Prompt(tokens: try rawPrompt(text)) }
        let (images, usage) = try context.encode(pictures)
        if isPlain {
            let messages = [
                system.map { ChatMessage(role: .system, content: $0) },
                ChatMessage(role: .user, content: text, imageCount: images.count),
            ]
            let tokens = try model.prompt(for: messages.compactMap { $0 }, images: images)
            return Prompt(tokens: tokens, images: images, usage: usage)
        }
        let conversation = try QuestionPrompts(question: text, system: system, model: model, images: images)
        return Prompt(tokens: conversation.question, images: images, usage: usage)
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

/// A prompt's tokens, with the pictures that they show: their features stay in memory as long as this value.
struct Prompt: Sendable {
    let tokens: [TokenID]
    var images: [EncodedImage] = []
    var usage: [ImageUsage] = []
}

extension Completion {
    /// The text and what it cost, for programs.
    func json() throws -> String {
        struct Record: Encodable {
            let text: String
            let info: CompletionInfo
            let isInterrupted: Bool
        }
        return try Inspection.json(Record(text: text, info: info, isInterrupted: info.stopReason == .cancelled))
    }
}
