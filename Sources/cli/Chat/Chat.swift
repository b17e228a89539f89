import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation

/// A conversation on a terminal or in a pipe.
final class Chat {
    let model: EMLLMModel
    private let name: String
    private let runtime: RuntimeOptions
    private let generation: GenerationOptions
    private let isInteractive: Bool
    private let terminal: Terminal
    private let reader: LineReader

    private var session: EMLLMSession
    /// The files of the pictures that the transcript shows, in order.
    private var imageFiles: [String] = []
    /// Pictures for the next message.
    private var pending: [(file: String, picture: RGBImage)] = []
    /// What the last answer cost, and all of them.
    private var lastInfo: CompletionInfo?
    private var total = (answers: 0, tokens: 0, seconds: 0.0)

    /// - Throws: ``/EMLLMCore/EMLLMError`` when the model cannot chat, or an option is out of range.
    init(
        model: EMLLMModel,
        name: String,
        system: String?,
        runtime: RuntimeOptions,
        generation: GenerationOptions,
        isInteractive: Bool,
        terminal: Terminal
    ) throws {
        self.model = model
        self.name = name
        self.runtime = runtime
        self.generation = generation
        self.isInteractive = isInteractive
        self.terminal = terminal
        reader = LineReader(prompt: "> ", isInteractive: isInteractive)
        session = try EMLLMSession(model: model, instructions: system, options: runtime)
    }

    /// Reads lines and does what they say, until there are no more.
    func run() async throws {
        if isInteractive {
            let greeting = "\(model.package.provenance.name). /help lists the commands; Ctrl-D ends."
            try StandardStreams.write(terminal.styled(TerminalText.harmless(greeting), .dim) + "\n")
        }
        while let line = try nextLine() {
            do {
                if try await !perform(ChatInput(line)) { return }
            } catch let error as EMLLMError where isInteractive && error.code != .unwritableOutput {
                // The conversation is as it was; a person can mend the line, a pipe cannot.
                try StandardStreams.write(terminal.styled("\(error)", .red) + "\n")
            }
        }
        if isInteractive { try StandardStreams.write("\n") }
    }

    private func nextLine() throws -> String? {
        do {
            return try reader.next()
        } catch let error as EMLLMError where isInteractive && error.code != .unwritableOutput {
            try StandardStreams.write(terminal.styled("\(error)", .red) + "\n")
            return ""
        }
    }

    /// - Returns: whether to go on.
    private func perform(_ input: ChatInput) async throws -> Bool {
        switch input {
        case .nothing: break
        case .message(let text): try await answer(text)
        case .image(let file): try addImage(file)
        case .system(let text): try setSystem(text)
        case .save(let file): try save(to: required(file, of: "save"))
        case .load(let file): try load(from: required(file, of: "load"))
        case .help: try StandardStreams.write(ChatInput.commands)
        case .reset:
            try replaceSession(transcript: session.transcript.filter { $0.role == .system }, images: [], files: [])
            pending = []
            try note("The conversation is forgotten.")
        case .stats: try StandardStreams.write(statistics)
        case .quit: return false
        case .unknown(let name): throw EMLLMError.unknownCommand(name)
        }
        return true
    }

    // MARK: Answers

    private func answer(_ text: String) async throws {
        let (session, generation, isInteractive) = (session, generation, isInteractive)
        let pictures = pending.map(\.picture)
        let note = EncodingNote(
            pictures: pictures.count,
            on: isInteractive ? .standardError : Terminal(isInteractive: false)
        )
        defer { note.clear() }
        let (info, signal) = try await Interruption.handling { () -> CompletionInfo? in
            do {
                let stream = session.streamResponse(to: text, images: pictures, options: generation)
                for try await piece in stream {
                    note.clear()
                    try StandardStreams.write(isInteractive ? TerminalText.harmless(piece) : piece)
                }
                return try await stream.collect().info
            } catch is CancellationError {
                return nil
            }
        }
        note.clear()
        try StandardStreams.write("\n")
        if let info {
            imageFiles += pending.map(\.file)
            pending = []
            lastInfo = info
            total.answers += 1
            total.tokens += info.generatedTokens
            total.seconds += info.promptSeconds + info.generationSeconds
            if info.stopReason == .maximumTokens { try self.note("(cut off after \(info.generatedTokens) tokens)") }
        }
        guard let signal else { return }
        // On a terminal Ctrl-C is for the answer alone.
        guard isInteractive, signal == SIGINT else { throw ExitCode(128 + signal) }
        if info == nil { try self.note("(stopped; the message and its answer are forgotten)") }
    }

    // MARK: Commands

    private func addImage(_ file: String?) throws {
        guard let file else {
            return try note(pending.isEmpty ? "No picture is waiting." : pending.map(\.file).joined(separator: "\n"))
        }
        guard model.hasVision else { throw EMLLMError.noVision(name) }
        let url = URL(filePath: (file as NSString).expandingTildeInPath).standardizedFileURL
        pending.append((url.path, try ImageDecoder().decode(contentsOf: url)))
        try note("\(file) is shown with the next message.")
    }

    private func setSystem(_ text: String?) throws {
        guard let text else {
            let current = session.transcript.first { $0.role == .system }?.content
            return try note(current ?? "The chat template's own system message, where it has one.")
        }
        let rest = session.transcript.drop { $0.role == .system }
        try replaceSession(
            transcript: [ChatMessage(role: .system, content: text)] + rest,
            images: session.images,
            files: imageFiles
        )
    }

    private func save(to file: String) throws {
        let saved = SavedChat(model: name, transcript: session.transcript, images: imageFiles)
        try StandardStreams.write(saved.json(), atomicallyTo: file)
        try note("\(file): \(saved.transcript.count) messages")
    }

    private func load(from file: String) throws {
        let saved = try SavedChat(contentsOf: file)
        guard saved.images.isEmpty || model.hasVision else { throw EMLLMError.noVision(name) }
        let images = try saved.images.map { try ImageDecoder().decode(contentsOf: URL(filePath: $0)) }
        try replaceSession(transcript: saved.transcript, images: images, files: saved.images)
        pending = []
        try note("\(file): \(saved.transcript.count) messages")
    }

    private func replaceSession(transcript: [ChatMessage], images: [RGBImage], files: [String]) throws {
        session = try EMLLMSession(model: model, transcript: transcript, images: images, options: runtime)
        imageFiles = files
    }

    private var statistics: String {
        guard let info = lastInfo else { return "No answer yet.\n" }
        func rate(_ value: Double) -> String { String(format: "%.1f tokens/s", value) }
        return """
            last answer   \(info.promptTokens) tokens of prompt, \(info.cachedTokens) of them from the cache, \
            \(rate(info.promptTokensPerSecond)); \(info.generatedTokens) written, \(rate(info.tokensPerSecond))
            conversation  \(session.transcript.count) messages, \(total.answers) answers of \(total.tokens) tokens in \
            \(String(format: "%.1f", total.seconds)) s; the context holds \(model.configuration.decoder.contextLength) tokens

            """
    }

    private func required(_ file: String?, of command: String) throws -> String {
        guard let file else { throw EMLLMError.noFileNamed(command) }
        return (file as NSString).expandingTildeInPath
    }

    /// Tells a person something; in a pipe only answers are printed.
    private func note(_ text: String) throws {
        guard isInteractive else { return }
        try StandardStreams.write(terminal.styled(TerminalText.harmless(text), .dim) + "\n")
    }
}

extension EMLLMError.Code {
    /// A command that there is not.
    static let unknownCommand = Self(rawValue: "unknown-command")
    /// A command without the file that it needs.
    static let noFileNamed = Self(rawValue: "no-file-named")
}

extension EMLLMError {
    static func unknownCommand(_ name: String) -> EMLLMError {
        let suggestion = Spelling.nearest(to: name, in: ChatInput.names).map { "did you mean /\($0)? Or " } ?? ""
        return EMLLMError(
            code: .unknownCommand,
            subject: "/\(name)",
            expected: "a command: " + ChatInput.names.map { "/" + $0 }.joined(separator: ", "),
            found: "none of them, or more than it takes",
            remedy: suggestion + "write two slashes for a message that begins with one"
        )
    }

    static func noFileNamed(_ command: String) -> EMLLMError {
        EMLLMError(
            code: .noFileNamed,
            subject: "/\(command)",
            expected: "a file",
            found: "none",
            remedy: "write /\(command) and its path"
        )
    }

    static func noVision(_ model: String) -> EMLLMError {
        EMLLMError(
            code: .noVision,
            subject: model,
            expected: "a model with a vision tower for /image",
            found: "one of text alone",
            remedy: "start the chat with a vision-language model (from GGUF: its tower with --mmproj)"
        )
    }
}
