import Foundation
import SelfEvalDecode
import Testing

/// The model that comes with the tools, on the puzzles in `Examples`.
@Suite("The default model")
struct DefaultModelTests {
    private static let examples = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Examples/puzzles")

    private struct Example: Decodable {
        let image: String
        let answer: String
    }

    @Test("It solves the six examples, and puts another step in the place of one on the way", .timeLimit(.minutes(2)))
    func examples() throws {
        let lines = try String(contentsOf: Self.examples.appending(path: "problems.jsonl"), encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.count == 6)
        var corrections = 0
        for line in lines {
            let example = try JSONDecoder().decode(Example.self, from: Data(line.utf8))
            let image = Self.examples.appending(path: example.image)
            let question = image.deletingPathExtension().appendingPathExtension("txt")
            // Without HOME: the model lies beside the program.
            let run = try Program.run(
                Program.url("emllm-run"),
                ["--image", image.path, "--json"],
                input: try Data(contentsOf: question),
                environment: ["HOME": "", "EMLLM_HOME": "", "XDG_CACHE_HOME": ""]
            )
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            let trace = try Trace(json: Data(run.output.utf8))
            #expect(trace.answer?.text == example.answer, "\(example.image)")
            #expect(trace.header.options.prompts.name == "puzzles-cas-seat")
            #expect(trace.path.filter { $0.evaluation?.score != nil }.count >= 3)
            // Its calibration lies beside it, and is for these weights.
            let options = trace.header.options
            #expect(options.calibration != nil && options.weights[.line] > 0)
            #expect(options.acceptThreshold == 0.8 && options.views == 5)
            // Where the first text at a place is not accepted, another one is that says something else, from another view.
            corrections += trace.path.count { $0.ordinal > 0 && $0.rejection == nil && $0.view != nil }
        }
        #expect(corrections > 0)
    }

    @Test("The program in the README answers as emllm-run does", .timeLimit(.minutes(2)))
    func readmeProgram() throws {
        for line in try String(contentsOf: Self.examples.appending(path: "problems.jsonl"), encoding: .utf8)
            .split(separator: "\n")
        {
            let example = try JSONDecoder().decode(Example.self, from: Data(line.utf8))
            let image = Self.examples.appending(path: example.image)
            let question = try String(
                contentsOf: image.deletingPathExtension().appendingPathExtension("txt"),
                encoding: .utf8
            ).trimmingCharacters(in: .whitespacesAndNewlines)
            let tool = try Program.run(Program.url("emllm-run"), ["--image", image.path, question])
            let program = try Program.run(Program.url("solve"), [image.path, question])
            #expect(tool.status == 0 && program.status == 0, "\(tool.errors)\(program.errors)")
            let answer = tool.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(program.output.hasSuffix("Answer: \(answer)\n"), "\(example.image): \(program.output)")
            #expect(answer == example.answer, "\(example.image)")
        }
    }

    @Test("Without a picture it says what it needs")
    func textAlone() throws {
        let run = try Program.run(Program.url("emllm-run"), ["What is 2 + 2?"])
        #expect(run.status == 1 && run.errorLines.count == 1)
        #expect(run.errors.contains("--image") && run.errors.contains("smollm2"))
        let problems = Self.examples.deletingLastPathComponent().appending(path: "arithmetic.jsonl")
        let folder = try Folder()
        let evaluation = try Program.run(
            Program.url("emllm-eval"),
            ["run", problems.path, "--out", folder.path("run")]
        )
        #expect(evaluation.status == 1 && evaluation.errors.contains("smollm2"), "\(evaluation.errors)")
        #expect(try folder.contents().isEmpty)
    }

    @Test("It is found by its name, among others")
    func name() throws {
        let unknown = try Program.run(
            Program.url("emllm-run"),
            ["--model", "nothing-of-this-name", "Hello"],
            environment: ["EMLLM_HOME": "/nonexistent"]
        )
        #expect(unknown.status == 1 && unknown.errors.contains("puzzles"))
    }
}
