import EMLLMCore
import Foundation
import SelfEvalDecode
import Testing

@testable import CLIShared

/// `emllm`, one program for all tools, and what it has in common with the programs of old names.
@Suite("emllm")
struct EmllmTests {
    private static let model = Program.stories260K
    private static let programs = ["emllm", "emllm-run", "emllm-eval", "emllm-bench", "emllm-convert"]

    private static func run(_ program: String, _ arguments: [String], input: String = "") throws -> ProgramRun {
        try Program.run(Program.url(program), arguments, input: Data(input.utf8))
    }

    // MARK: Verbs

    @Test(
        "A verb prints what the program of that name prints",
        arguments: [
            ("run", ["--model", model, "--raw", "Once upon a time", "--max-tokens", "12"]),
            ("run", ["--model", model, "--seed", "3", "--max-tokens", "300", "Lily has a red ball. What is red?"]),
            ("run", ["--model", model, "--tokens", "--raw", "Once"]),
            ("run", ["--model", "/nowhere.gguf", "Hello"]),
            ("convert", ["inspect", "--json", model]), ("convert", ["verify", model]),
            ("eval", ["report", "/nowhere"]),
            ("bench", ["load", "--model", "/nowhere.emllm"]),
        ]
    )
    func verbs(verb: String, arguments: [String]) throws {
        let one = try Self.run("emllm", [verb] + arguments)
        let other = try Self.run("emllm-" + verb, arguments)
        #expect(one.status == other.status && one.output == other.output && one.errors == other.errors)
        #expect(!(one.output + one.errors).isEmpty)
    }

    @Test("Wrong usage names the verb that was used", arguments: programs)
    func usage(program: String) throws {
        let run = try Self.run(program, (program == "emllm" ? ["run"] : []) + ["--no-such-option"])
        #expect(run.status == 64 && run.output.isEmpty)
        let usage = program == "emllm" ? "Usage: emllm run " : "Usage: \(program) "
        #expect(run.errors.contains(usage), "\(run.errors)")
    }

    @Test("A mistyped verb or option is answered with the one that was meant")
    func suggestions() throws {
        for (word, meant) in [("rnu", "run"), ("Convert", "convert"), ("propmts", "prompts")] {
            let run = try Self.run("emllm", [word])
            #expect(run.status == 64 && run.errors.contains("did you mean '\(meant)'?"), "\(run.errors)")
        }
        let question = try Self.run("emllm", ["What is 2 + 2?"])
        #expect(question.status == 64 && question.errors.contains("emllm run '"), "\(question.errors)")
        #expect(!question.errors.contains("did you mean"))
        let option = try Self.run("emllm", ["run", "--max-token", "3"])
        #expect(option.status == 64 && option.errors.contains("Did you mean '--max-tokens'?"), "\(option.errors)")
    }

    @Test("Nearest words: few slips, and not just any short word")
    func spelling() {
        let words = ["run", "trace", "prompts"]
        #expect(Spelling.nearest(to: "trcae", in: words) == "trace")
        #expect(Spelling.nearest(to: "prompt", in: words) == "prompts")
        #expect(Spelling.nearest(to: "on", in: words) == nil && Spelling.nearest(to: "", in: words) == nil)
    }

    // MARK: Words that are verbs and questions

    @Test(
        "The words trace and prompts can be asked as questions",
        arguments: [
            ("emllm", ["run", "trace"], "trace"), ("emllm", ["run", "prompts"], "prompts"),
            ("emllm-run", ["trace"], "trace"), ("emllm-run", ["--", "prompts"], "prompts"),
        ]
    )
    func questions(program: String, arguments: [String], question: String) throws {
        let options = ["--model", Self.model, "--max-tokens", "200", "--steps", "1", "--json"]
        var all = arguments
        all.insert(contentsOf: options, at: arguments.firstIndex { $0 == question || $0 == "--" } ?? 0)
        // In the old program the word that may be a verb stands first, and the options behind it.
        if program == "emllm-run", arguments == ["trace"] { all = arguments + options }
        let run = try Self.run(program, all)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try Trace(json: Data(run.output.utf8)).header.question == question)
    }

    @Test("Under the old name trace view and prompts stay verbs")
    func oldVerbs() throws {
        #expect(try Self.run("emllm-run", ["prompts"]).output == "cas-seat\nseat\n")
        let pack = try Self.run("emllm-run", ["prompts", "seat"])
        let verb = try Self.run("emllm", ["prompts", "seat"])
        #expect(pack.status == 0 && pack.output == verb.output)
        let missing = try Self.run("emllm-run", ["trace", "view", "/nowhere"])
        let missingToo = try Self.run("emllm", ["trace", "view", "/nowhere"])
        #expect(missing.status == 1 && missing.errors == missingToo.errors)
        #expect(try Self.run("emllm-run", ["trace", "--help"]).output.contains("USAGE: emllm-run trace"))
        #expect(try Self.run("emllm", ["trace", "--help"]).output.contains("USAGE: emllm trace"))
    }

    // MARK: Version and completions

    @Test("All programs have the version of the library", arguments: programs)
    func version(program: String) throws {
        let run = try Self.run(program, ["--version"])
        #expect(run.status == 0 && run.output == EMLLMVersion.current + "\n")
        // Semantic Versioning: three numbers.
        #expect(EMLLMVersion.current.split(separator: ".").compactMap { Int($0) }.count == 3)
    }

    @Test("Completion scripts are made for every shell, and bash reads its own", arguments: programs)
    func completionScripts(program: String) throws {
        for shell in ["bash", "zsh", "fish"] {
            let script = try Self.run(program, ["--generate-completion-script", shell])
            #expect(script.status == 0 && script.output.contains(program), "\(script.errors)")
            guard shell == "bash" else { continue }
            let check = try Program.run(URL(filePath: "/bin/bash"), ["-n"], input: Data(script.output.utf8))
            #expect(check.status == 0 && check.errors.isEmpty, "\(check.errors)")
        }
    }

    @Test("In bash, names of models, strategies and verbs are completed")
    func completions() throws {
        let folder = try Folder()
        try FileManager.default.createDirectory(atPath: folder.path("models"), withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: folder.path("models/pumpkin.emllm")))
        try Data().write(to: URL(filePath: folder.path("pulp.gguf")))
        try Data().write(to: URL(filePath: folder.path("pulp.txt")))
        func complete(_ words: [String]) throws -> [String] {
            let program = Program.url("emllm").path
            let line = words.map { "'\($0)'" }.joined(separator: " ")
            let script = """
                source <('\(program)' --generate-completion-script bash); cd '\(folder.path(""))'
                COMP_WORDS=('\(program)' \(line)); COMP_CWORD=\(words.count)
                COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
                _emllm emllm '\(words.last ?? "")' "${COMP_WORDS[COMP_CWORD-1]}"; printf '%s\\n' "${COMPREPLY[@]}"
                """
            let run = try Program.run(
                URL(filePath: "/bin/bash"),
                ["-c", script],
                environment: ["EMLLM_HOME": folder.path("")]
            )
            return run.output.split(separator: "\n").map(String.init)
        }
        #expect(try complete(["run", "--model", "pu"]) == ["pumpkin", "puzzles", "pulp.gguf"])
        #expect(try complete(["run", "--strategy", "b"]) == ["best-of", "beam"])
        #expect(try complete(["tr"]).contains("trace"))
    }
}
