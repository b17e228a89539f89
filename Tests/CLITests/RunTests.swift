import Foundation
import SelfEvalDecode
import Testing

/// `emllm-run` as a program: what it prints where, and how it fails.
@Suite("emllm-run")
struct RunTests {
    private static let model = Program.stories260K
    private static let golden = URL(filePath: model).deletingLastPathComponent().appending(path: "golden.txt")
    private static let question = "Lily has a red ball. What colour is the ball?"

    private static func emllm(
        _ arguments: [String],
        input: Data = Data(),
        environment: [String: String] = [:],
        output: FileHandle? = nil,
        whileRunning: (Process) throws -> Void = { _ in }
    ) throws -> ProgramRun {
        try Program.run(
            Program.url("emllm-run"),
            arguments.contains("--model") ? arguments : ["--model", model] + arguments,
            input: input,
            environment: environment,
            output: output,
            whileRunning: whileRunning
        )
    }

    private static func object(_ run: ProgramRun) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    // MARK: Self-evaluation

    @Test("In a pipe only the answer is printed")
    func pipe() throws {
        let run = try Self.emllm([Self.question])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        #expect(run.output.split(separator: "\n").count == 1 && run.output.hasSuffix("\n"))
        #expect(!run.output.contains("\u{1B}"))
    }

    @Test("Steps with their verdicts can be had in a pipe: plain lines, the answer and the costs last")
    func steps() throws {
        let run = try Self.emllm(["--show-steps", Self.question])
        #expect(run.status == 0, "\(run.errors)")
        let lines = run.output.split(separator: "\n")
        #expect(lines.count >= 3 && lines[0].hasPrefix("1   "))
        // A long answer takes several lines, between the last step and the costs.
        let answer = try #require(lines.lastIndex { $0.hasPrefix("Answer: ") })
        #expect(!lines[answer...].contains { $0.hasPrefix(" ") || $0.first?.isNumber == true && $0 != lines.last })
        #expect(lines.last?.contains(" evaluation, ") == true)
        #expect(lines.contains { $0.contains("✓ 0.") || $0.contains("~ 0.") || $0.contains("? n/a") })
        #expect(!run.output.contains("\u{1B}") && !run.output.contains("\r"))
    }

    @Test("Where no candidate passes, the one that the chain goes on with is named")
    func keptSteps() throws {
        let run = try Self.emllm(["--show-steps", "--accept", "1", "--reject", "0", Self.question])
        #expect(run.status == 0, "\(run.errors)")
        let lines = run.output.split(separator: "\n")
        let kept = lines.indices.filter { lines[$0].contains("~ kept  ") }
        #expect(!kept.isEmpty && !lines.contains { $0.contains("✓ 0.") })
        for place in kept {
            let end = lines[place].dropFirst("    ~ kept  ".count).replacing("…", with: "").split(separator: " ")
            let above = lines[..<place].joined(separator: " ").split(separator: " ")
            // The first word may have been cut.
            #expect(!above.ranges(of: end.dropFirst(end.count > 1 ? 1 : 0)).isEmpty && !end.isEmpty, "\(lines[place])")
        }
    }

    @Test("The question comes from standard input as well", arguments: [[], ["-"]])
    func standardInput(arguments: [String]) throws {
        let run = try Self.emllm(arguments, input: Data((Self.question + "\n").utf8))
        #expect(run.status == 0)
        #expect(run.output == (try Self.emllm([Self.question])).output)
    }

    @Test("The trace in a file and on standard output is one, and the same seed gives it again")
    func trace() throws {
        let folder = try Folder()
        let file = folder.path("trace.jsonl")
        let arguments = ["--json", "--seed", "3", "--max-tokens", "400", "--trace", file, Self.question]
        let run = try Self.emllm(arguments)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try folder.contents() == ["trace.jsonl"])
        let trace = try Trace(json: Data(run.output.utf8))
        #expect(try Trace(json: Data(contentsOf: URL(filePath: file))) == trace)
        let summary = try #require(trace.summary)
        #expect(trace.header.question == Self.question && summary.outcome == .answered)
        #expect(summary.counts.processed - summary.counts.prompt <= 400)
        #expect(trace.nodes.contains { $0.evaluation != nil })
        let again = try Trace(json: Data(try Self.emllm(arguments).output.utf8))
        #expect(again.nodes == trace.nodes && again.answer == trace.answer)
        #expect(again.summary?.counts == summary.counts)
    }

    @Test(
        "A recorded run is repeated bit for bit, on another number of threads and in another mode",
        arguments: ["verify", "vote", "beam", "cas-seat"]
    )
    func replay(strategy: String) throws {
        let folder = try Folder()
        let file = folder.path("run.jsonl")
        let run = try Self.emllm([
            "--strategy", strategy, "--chains", "3", "--max-tokens", "500", "--threads", "1", "--trace", file,
            Self.question,
        ])
        #expect(run.status == 0, "\(run.errors)")
        let again = try Self.emllm(["--replay", file, "--threads", "2"])
        #expect(again.status == 0 && again.output == run.output)
        #expect(again.errors.hasPrefix("The same again: "))
        // A record that was tampered with is noticed.
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let number = /"meanLogProbability":-?[0-9]/
        let changed = text.replacing(number, maxReplacements: 1) { _ in "\"meanLogProbability\":-7" }
        try #require(changed != text)
        try Data(changed.utf8).write(to: URL(filePath: file))
        let other = try Self.emllm(["--replay", file])
        #expect(other.status == 1 && other.errorLines.count == 1 && other.errors.contains("replay at "))
    }

    @Test("A trace is drawn as a tree, and as a page of its own")
    func view() throws {
        let folder = try Folder()
        let (file, page) = (folder.path("run.jsonl"), folder.path("run.html"))
        #expect(try Self.emllm(["--trace", file, "--max-tokens", "400", Self.question]).status == 0)
        let program = Program.url("emllm-run")
        let tree = try Program.run(program, ["trace", "view", file])
        #expect(tree.status == 0 && tree.output.contains(Self.question) && !tree.output.contains("\u{1B}"))
        let written = try Program.run(program, ["trace", "view", file, "--html", page])
        #expect(written.status == 0 && written.output == page + "\n")
        let html = try String(contentsOfFile: page, encoding: .utf8)
        #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains(Self.question) && !html.contains("src=\"http"))
        for (arguments, named) in [
            (["view", "/nowhere"], "/nowhere"), (["view", "/"], "can be read"),
            (["view", Program.stories260K], "a trace"),
        ] {
            let refused = try Program.run(program, ["trace"] + arguments)
            #expect(refused.status == 1 && refused.errorLines.count == 1 && refused.errors.contains(named))
        }
    }

    @Test("Prompts are printed, changed and used; a defect is named with its line")
    func prompts() throws {
        let folder = try Folder()
        let program = Program.url("emllm-run")
        let printed = try Program.run(program, ["prompts", "cas-seat"])
        #expect(printed.status == 0 && printed.output.contains("evaluate:"))
        #expect(try Program.run(program, ["prompts"]).output == "cas-seat\nseat\n")
        let file = folder.path("mine.yaml")
        try Data(printed.output.utf8).write(to: URL(filePath: file))
        let own = try Self.emllm(["--prompts", file, "--max-tokens", "300", Self.question])
        let standard = try Self.emllm(["--max-tokens", "300", Self.question])
        #expect(own.status == 0 && own.output == standard.output)
        try Data("name: x\nextends: seat\nanswr: y\n".utf8).write(to: URL(filePath: file))
        let refused = try Self.emllm(["--prompts", file, Self.question])
        #expect(refused.status == 1 && refused.errors.contains("mine.yaml, line 3") && refused.errorLines.count == 1)
    }

    @Test("Ctrl-C ends a run at once with status 130 and a valid trace", SmolLM2Model.isAvailable)
    func interruption() throws {
        let folder = try Folder()
        let file = folder.path("trace.json")
        let run = try Self.emllm(
            [
                "--model", try SmolLM2Model.path, "--trace", file, "--max-tokens", "100000", "--steps", "1000",
                "--revisions", "64", "--accept", "1", "--reject", "0.9", "Write a very long story about the sea.",
            ]
        ) { process in
            Thread.sleep(forTimeInterval: 1.5)
            process.interrupt()
        }
        #expect(run.status == 130, "\(run.errors)")
        let trace = try Trace(json: Data(contentsOf: URL(filePath: file)))
        #expect(trace.summary?.outcome == .cancelled && !trace.nodes.isEmpty)
    }

    // MARK: Plain text

    @Test("Raw text from the beginning-of-sequence token is the golden story", arguments: ["1", "2"])
    func rawGolden(threads: String) throws {
        let run = try Self.emllm(["--raw", "", "--max-tokens", "100", "--threads", threads])
        #expect(run.status == 0, "\(run.errors)")
        let golden = try String(contentsOf: Self.golden, encoding: .utf8)
        let text = String(run.output.dropLast())
        #expect(text.count > 150 && golden.hasPrefix(text), "\(text)")
    }

    @Test("What follows raw text keeps the space that it begins with")
    func rawSpace() throws {
        let run = try Self.emllm(["--raw", "Once upon a", "--max-tokens", "1"])
        #expect(run.output == " time\n")
    }

    @Test("JSON of raw text says what it cost")
    func rawJSON() throws {
        let run = try Self.emllm(["--raw", "Once upon a time", "--max-tokens", "12", "--json"])
        let info = try #require(try Self.object(run)["info"] as? [String: Any])
        #expect(info["generatedTokens"] as? Int == 12)
        #expect(info["stopReason"] as? String == "maximumTokens")
    }

    /// With 8-bit activations this model is beside itself about France, in llama.cpp to the same letter.
    @Test("Plain chat answers in the model's own format", SmolLM2Model.isAvailable)
    func plain() throws {
        let run = try Self.emllm([
            "--model", try SmolLM2Model.path, "--plain", "--activations", "f32", "--max-tokens", "12",
            "What is the capital of France?",
        ])
        #expect(run.status == 0 && run.output.contains("Paris"), "\(run.output) \(run.errors)")
    }

    // MARK: Looking inside

    @Test("Tokens as JSON; special tokens count in raw text and not in a question")
    func tokens() throws {
        let raw = try Self.object(Self.emllm(["--tokens", "--raw", "<s>Once"]))
        let ids = try #require(raw["tokens"] as? [[String: Any]]).compactMap { $0["id"] as? Int }
        #expect(raw["count"] as? Int == ids.count && ids.first == 1)
        let asked = try Self.object(Self.emllm(["--tokens", "<s>Once"]))
        let found = try #require(asked["tokens"] as? [[String: Any]]).compactMap { $0["id"] as? Int }
        #expect(found.filter { $0 == 1 }.count == 1, "one at the beginning, none for the text")
    }

    @Test("The likeliest next tokens, best first, with every instruction set", arguments: ["scalar", ""])
    func topLogits(isa: String) throws {
        let arguments = ["--top-logits", "5", "--raw", "Once upon a", "--activations", "f32"]
        let run = try Self.emllm(arguments, environment: ["EMLLM_ISA": isa])
        let top = try #require(try Self.object(run)["top"] as? [[String: Any]])
        #expect(top.count == 5 && top[0]["text"] as? String == " time", "\(run.output)")
        let logits = top.compactMap { $0["logit"] as? Double }
        #expect(logits == logits.sorted(by: >))
        #expect(try Self.emllm(arguments).output == run.output, "the same bits on every path")
    }

    // MARK: Bad input

    @Test(
        "A wrong file, option or question is one line and a status that is not zero",
        arguments: [
            (["--model", "/nowhere/m.emllm", "x"], "/nowhere/m.emllm"),
            (["--model", "/tmp", "x"], "directory"),
            (["--model", "no-such-model", "x"], "no-such-model"),
            (["--model", "/dev/null", "x"], "/dev/null"),
            ([""], "question"),
            (["  \n "], "question"),
            (["--plain", "x"], "chat template"),
            (["--max-tokens", "3", "x"], "at least"),
            (["--raw", String(repeating: "once upon a time ", count: 400)], "context"),
            ([String(repeating: "once upon a time ", count: 400)], "context"),
            (["--trace", "/nowhere/trace.json", "x"], "/nowhere/trace.json"),
        ]
    )
    func failures(arguments: [String], mention: String) throws {
        let run = try Self.emllm(arguments)
        #expect(run.status == 1)
        #expect(run.errorLines.count == 1, "\(run.errors)")
        let line = run.errorLines.first ?? ""
        #expect(line.contains("expected") && line.contains("found") && line.contains(mention), "\(run.errors)")
    }

    @Test(
        "Options that contradict each other, or make no sense, are wrong usage",
        arguments: [
            ["--plain", "--raw", "a"], ["--raw", "a", "b"], ["--tokens", "--top-logits", "3", "x"],
            ["--top-logits", "0", "x"], ["--plain", "--trace", "t", "x"], ["--plain", "--show-steps", "x"],
            ["--plain", "--accept", "0.5", "x"],
            ["--temperature=-1", "x"], ["--top-k", "3", "x"], ["--accept", "1.5", "x"], ["--seconds", "0", "x"],
            ["--reject", "0.8", "x"], ["--activations", "f16", "x"], ["--no-such-option"],
        ]
    )
    func usage(arguments: [String]) throws {
        let run = try Self.emllm(arguments)
        #expect(run.status == 64, "\(run.errors)")
        #expect(run.output.isEmpty && run.errors.hasPrefix("Error: ") && run.errors.contains("Usage: emllm-run"))
    }

    @Test("Standard input that is not UTF-8 names the first wrong byte")
    func invalidInput() throws {
        let run = try Self.emllm([], input: Data("What".utf8) + Data([0xFF, 0x20]))
        #expect(run.status == 1 && run.errorLines.count == 1)
        #expect(run.errors.contains("0xFF at offset 4"))
    }

    @Test("An instruction set that does not exist is an error that lists those that do")
    func unknownInstructionSet() throws {
        let run = try Self.emllm(["--raw", "a"], environment: ["EMLLM_ISA": "mmx"])
        #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains("scalar"), "\(run.errors)")
    }

    #if os(Linux)
        @Test("A full disk is an error", arguments: [["--raw", "a", "--max-tokens", "3"], ["--tokens", "a"], ["a"]])
        func fullDisk(arguments: [String]) throws {
            let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
            let run = try Self.emllm(arguments, output: full)
            #expect(run.status == 1 && run.errorLines.count == 1, "\(run.errors)")
            #expect(run.errors.contains("No space left"))
        }
    #endif

    @Test("Help teaches by examples")
    func help() throws {
        let run = try Self.emllm(["--help"])
        #expect(run.status == 0 && run.output.contains("EXAMPLES") && run.output.contains("EMLLM_HOME"))
    }
}

/// The published model that some tests need; `make test` says where it is.
enum SmolLM2Model {
    static let isAvailable = ConditionTrait.enabled(
        if: ProcessInfo.processInfo.environment["EMLLM_TEST_SMOLLM2"] != nil
            || ProcessInfo.processInfo.environment["EMLLM_REQUIRE_MODELS"] != nil,
        "EMLLM_TEST_SMOLLM2 names no model; make test sets it"
    )

    static var path: String {
        get throws { try #require(ProcessInfo.processInfo.environment["EMLLM_TEST_SMOLLM2"]) }
    }
}
