import Foundation
import Testing

@testable import CLIShared
@testable import ChatTool

/// `emllm chat` in a pipe and on a terminal, on a tiny random model: its answers are nonsense, its memory is not.
@Suite("emllm chat")
struct ChatTests {
    private static let vision = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures/vision")
    private static let picture = vision.appending(path: "pictures/landscape.png").path
    private static let model = ["--model", vision.appending(path: "qwen2-vl").path, "--activations", "f32"]

    private static func chat(_ lines: [String], _ options: [String] = []) throws -> ProgramRun {
        let input = Data(lines.map { $0 + "\n" }.joined().utf8)
        return try Program.run(Program.url("emllm"), ["chat"] + model + ["--max-tokens", "8"] + options, input: input)
    }

    /// What is printed for the last lines, after what is printed for those before.
    private static func answer(to lines: [String], after before: [String] = [], _ options: [String] = []) throws
        -> String
    {
        let (all, first) = (try chat(before + lines, options), try chat(before, options))
        try #require(all.status == 0 && all.errors.isEmpty && all.output.hasPrefix(first.output), "\(all.errors)")
        return String(all.output.dropFirst(first.output.count))
    }

    // MARK: In a pipe

    @Test("Each line is a message, and an answer depends on what was said before, until that is forgotten")
    func memory() throws {
        let (first, second) = ("My name is Ada.", "What is my name?")
        let alone = try Self.answer(to: [second])
        let after = try Self.answer(to: [second], after: [first])
        #expect(!alone.isEmpty && !after.isEmpty && after != alone)
        #expect(try Self.answer(to: [second], after: [first, "/reset"]) == alone)
        #expect(!(alone + after).contains("\u{1B}") && !(alone + after).contains("> "))
        #expect(try Self.answer(to: [second], ["--system", "Be brief."]) != alone)
        #expect(
            try Self.answer(to: ["/system Be brief.", second]) == Self.answer(to: [second], ["--system", "Be brief."])
        )
    }

    @Test("Only what the model says is printed, and the last line needs no end")
    func output() throws {
        #expect(try Self.chat([]).output.isEmpty && Self.chat(["", "  "]).output.isEmpty)
        let program = Program.url("emllm")
        let open = try Program.run(program, ["chat"] + Self.model + ["--max-tokens", "8"], input: Data("Hello".utf8))
        let closed = try Self.chat(["Hello"])
        #expect(open.status == 0 && open.output == closed.output)
    }

    @Test("A picture is shown with the next message, once")
    func image() throws {
        let shown = try Self.answer(to: ["/image \(Self.picture)", "What is it?"])
        let unseen = try Self.answer(to: ["What is it?"])
        #expect(shown != unseen)
        let folder = try Folder()
        let file = folder.path("chat.json")
        _ = try Self.chat(["/image \(Self.picture)", "What is it?", "And now?", "/save \(file)"])
        let saved = try SavedChat(contentsOf: file)
        #expect(saved.transcript.map(\.imageCount) == [1, 0, 0, 0] && saved.images == [Self.picture])
    }

    @Test("A saved conversation goes on where it was, with its pictures")
    func saved() throws {
        let folder = try Folder()
        let file = folder.path("chat.json")
        let before = ["/system Be brief.", "/image \(Self.picture)", "What is it?"]
        let next = try Self.answer(to: ["Are you sure?"], after: before)
        _ = try Self.chat(before + ["/save \(file)"])
        #expect(try Self.answer(to: ["Are you sure?"], after: ["/load \(file)"]) == next)
    }

    @Test(
        "What cannot be done ends a pipe with one line that says why",
        arguments: [
            ("/image /nowhere.png", "/nowhere.png"), ("/hlep", "did you mean /help?"), ("/save", "/save and its path"),
            ("/load /nowhere.json", "/save wrote"), ("/usr/bin", "two slashes"), ("/quit now", "/quit"),
        ]
    )
    func failures(line: String, mention: String) throws {
        let run = try Self.chat(["Hello", line, "Hello"])
        #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains(mention), "\(run.errors)")
        let before = try Self.chat(["Hello"])
        #expect(run.output == before.output)
    }

    @Test("Files that are no saved conversation are refused")
    func defectiveFiles() throws {
        let folder = try Folder()
        let file = folder.path("chat.json")
        func refused(_ text: String) throws -> String {
            try Data(text.utf8).write(to: URL(filePath: file))
            let run = try Self.chat(["/load \(file)"])
            #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
            return run.errors
        }
        func chat(_ messages: String, version: Int = 1) -> String {
            #"{"version": \#(version), "model": "m", "images": [], "transcript": [\#(messages)]}"#
        }
        #expect(try refused("[]").contains("found something else"))
        #expect(try refused(chat("", version: 2)).contains("found version 2"))
        #expect(try refused(chat(#"{"role": "user", "content": "a"}"#)).contains("without an answer"))
        #expect(
            try refused(chat(#"{"role": "assistant", "content": "a", "imageCount": 1}"#)).contains("0 pictures for")
        )
    }

    @Test("Without the text model it says how to get it; a model without a chat template says so")
    func noModel() throws {
        let folder = try Folder()
        let environment = ["EMLLM_HOME": folder.path("")]
        let run = try Program.run(Program.url("emllm"), ["chat"], environment: environment)
        #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains("make demo-text"), "\(run.errors)")
        let plain = try Program.run(Program.url("emllm"), ["chat", "--model", Program.stories260K])
        #expect(plain.status == 1 && plain.errors.contains("chat template"), "\(plain.errors)")
        for wrong in [["--temperature=-1"], ["--seed", "1"], ["--max-tokens", "0"]] {
            #expect(try Self.chat([], wrong).status == 64)
        }
    }

    @Test("Lines that begin with a slash are commands, with two they are messages")
    func input() {
        #expect(ChatInput(" Hello ") == .message("Hello") && ChatInput("//usr") == .message("/usr"))
        #expect(ChatInput("/image  a b.png ") == .image("a b.png") && ChatInput("/image") == .image(nil))
        #expect(ChatInput("/reset") == .reset && ChatInput("/reset all") == .unknown("reset"))
        #expect(ChatInput("/") == .unknown("") && ChatInput(" \t") == .nothing)
        for name in ChatInput.names {
            #expect(ChatInput("/" + name) != .unknown(name) && ChatInput.commands.contains("/" + name))
        }
    }

    // MARK: On a terminal

    @Test("On a terminal there are a prompt, notes and mistakes that can be mended", arguments: ["dumb", "xterm"])
    func terminal(term: String) throws {
        let session = try TerminalSession(["chat"] + Self.model + ["--max-tokens", "8"], term: term)
        try session.expect("> ")
        try session.type("/hlep")
        try session.expect("did you mean /help?")
        try session.expect("> ")
        try session.type("/image \(Self.picture)")
        try session.expect("with the next message")
        try session.expect("> ")
        try session.type("What is it?")
        try session.expect("cut off after 8 tokens")
        try session.expect("> ")
        try session.type("/stats")
        try session.expect("2 messages, 1 answers of 8 tokens")
        try session.expect("> ")
        #expect(try session.endOfInput() == 0)
    }

    @Test("Ctrl-D ends the chat even if it was typed before the prompt is there", arguments: ["dumb", "xterm"])
    func earlyEndOfInput(term: String) throws {
        let session = try TerminalSession(["chat"] + Self.model, term: term)
        #expect(try session.endOfInput() == 0)
    }

    @Test(
        "Ctrl-C stops an answer and leaves the chat usable, time after time; at the prompt it ends the program",
        SmolLM2Model.isAvailable,
        arguments: ["dumb", "xterm"]
    )
    func interruption(term: String) throws {
        let arguments = ["chat", "--model", try SmolLM2Model.path, "--max-tokens", "100000"]
        let session = try TerminalSession(arguments, term: term)
        try session.expect("> ")
        for _ in 0..<2 {
            try session.type("Write a very long story about the sea.")
            // Words of the story that the question does not have: whatever is typed is on the screen as well.
            try session.expect(" was ")
            session.interrupt()
            try session.expect("stopped")
            try session.expect("> ")
        }
        try session.type("/stats")
        try session.expect("No answer yet.")
        try session.expect("> ")
        session.interrupt()
        #expect(session.status() != 0)
    }

    @Test("A signal that a program was started to ignore stays ignored", SmolLM2Model.isAvailable)
    func ignoredSignal() throws {
        let arguments = ["--model", try SmolLM2Model.path, "--raw", "Once upon a time", "--max-tokens", "40"]
        let script = "trap '' INT; exec \"$0\" \"$@\""
        let run = try Program.run(
            URL(filePath: "/bin/sh"),
            ["-c", script, Program.url("emllm-run").path] + arguments
        ) { process in
            for _ in 0..<10 where process.isRunning {
                process.interrupt()
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        let usual = try Program.run(Program.url("emllm-run"), arguments)
        #expect(run.status == 0 && run.output == usual.output)
    }
}
