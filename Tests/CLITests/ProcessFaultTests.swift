import Foundation
import SelfEvalDecode
import Testing

/// What a shell does to programs: closed outputs, pipes for files, outputs that are devices, runs that abstain.
@Suite("Files and processes")
struct ProcessFaultTests {
    private static let model = ["--model", Program.stories260K, "--max-tokens", "320", "--threads", "1"]
    private static let pictures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures/vision")

    private static func shell(_ script: String, _ arguments: [String]) throws -> ProgramRun {
        try Program.run(URL(filePath: "/bin/sh"), ["-c", script, "sh"] + arguments)
    }

    @Test("An abstention has a status and a line of its own, and JSON says it")
    func abstention() throws {
        let arguments = Self.model + ["--strategy", "vote", "--chains", "3", "--abstain-below", "1", "How many legs?"]
        let run = try Program.run(Program.url("emllm-run"), arguments)
        #expect(run.status == 3 && !run.output.isEmpty, "\(run.status) \(run.errors)")
        #expect(run.errorLines.count == 1 && run.errors.contains("abstained"), "\(run.errors)")
        let json = try Program.run(Program.url("emllm-run"), ["--json"] + arguments)
        #expect(json.status == 3)
        #expect(try Trace(json: Data(json.output.utf8)).answer?.isAbstention == true)
    }

    @Test("A replay finds its pictures, or says that --image is missing")
    func replay() throws {
        let folder = try Folder()
        let picture = folder.path("picture.png")
        try FileManager.default.copyItem(
            atPath: Self.pictures.appending(path: "pictures/landscape.png").path,
            toPath: picture
        )
        let model = ["--model", Self.pictures.appending(path: "qwen2-vl").path]
        let trace = folder.path("run.jsonl")
        let emllm = Program.url("emllm-run")
        let run = try Program.run(
            emllm,
            model + ["--image", picture, "--steps", "2", "--max-tokens", "1200", "--trace", trace, "What is it?"]
        )
        #expect(run.status == 0, "\(run.errors)")
        let again = try Program.run(emllm, model + ["--replay", trace])
        #expect(again.status == 0 && again.output == run.output, "\(again.errors)")
        try FileManager.default.moveItem(atPath: picture, toPath: folder.path("moved.png"))
        let lost = try Program.run(emllm, model + ["--replay", trace])
        #expect(lost.status == 1 && lost.errors.contains("name it with --image"), "\(lost.errors)")
        let found = try Program.run(emllm, model + ["--replay", trace, "--image", folder.path("moved.png")])
        #expect(found.status == 0 && found.output == run.output)
    }

    @Test("A closed standard output says so")
    func closedOutput() throws {
        let run = try Self.shell(#"exec "$@" >&-"#, [Program.url("emllm-run").path] + Self.model + ["--tokens", "a"])
        #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains("closed"), "\(run.errors)")
    }

    @Test("A trace goes to a device or through a pipe, and neither is replaced")
    func specialOutputs() throws {
        let run = try Self.shell(
            #"exec "$@" --trace /dev/fd/3 "How many legs?" 3>&1 >/dev/null"#,
            [Program.url("emllm-run").path] + Self.model + ["--strategy", "cot"]
        )
        #expect(run.status == 0, "\(run.errors)")
        #expect(try Trace(json: Data(run.output.utf8)).answer != nil)
    }

    @Test("A context can be lowered, and not raised")
    func context() throws {
        let arguments = ["--raw", "Once"] + Self.model
        let low = try Program.run(Program.url("emllm-run"), arguments + ["--context", "8"])
        #expect(low.status == 0 && low.output.count < 60, "\(low.errors)")
        let high = try Program.run(Program.url("emllm-run"), arguments + ["--context", "1000000"])
        #expect(high.status == 1 && high.errors.contains("context length"), "\(high.errors)")
    }

    @Test("Problems through a pipe, with names of many bytes, are all answered")
    func problems() throws {
        let folder = try Folder()
        let long = String(repeating: "한국어로쓴아주긴문제이름", count: 5).decomposedStringWithCanonicalMapping
        #expect(long.count == 60 && long.utf8.count > 255)
        let lines = [long, "plain"].map {
            #"{"id": "\#($0)", "question": "How many sides has a square?", "answer": "4", "answer_type": "integer"}"#
        }
        let file = folder.path("problems.jsonl")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        let out = folder.path("out")
        let run = try Self.shell(
            #"problems=$1; shift; cat "$problems" | "$@""#,
            [
                file, Program.url("emllm-eval").path, "run", "/dev/stdin", "--out", out, "--strategies", "cot",
                "--steps", "2",
            ]
                + Self.model
        )
        #expect(run.status == 0 && run.output.contains("2 of 2 answers"), "\(run.output) \(run.errors)")
        let traces = try FileManager.default.contentsOfDirectory(atPath: out + "/traces/cot-0")
        #expect(traces.count == 2 && traces.allSatisfy { $0.utf8.count <= 255 })
        let report = try Program.run(Program.url("emllm-eval"), ["report", out])
        #expect(report.status == 0, "\(report.errors)")
    }
}
