import Foundation
import Testing

/// `emllm models`: what is there, and what could be.
@Suite("emllm models")
struct ModelsTests {
    private static func models(_ folder: Folder, _ arguments: [String] = []) throws -> ProgramRun {
        try Program.run(Program.url("emllm"), ["models"] + arguments, environment: ["EMLLM_HOME": folder.path("")])
    }

    @Test("Models of the folder and of the tools, with what they are; a file that is none says why")
    func list() throws {
        let folder = try Folder()
        let empty = try Self.models(folder)
        #expect(
            empty.status == 0 && empty.output.contains("| puzzles ")
                && empty.output.contains("make demo-text MODEL=smollm2")
        )
        #expect(empty.output.contains("emllm models pull qwen2.5-coder-1.5b-instruct"))
        #expect(empty.output.contains(folder.path("models")))

        try FileManager.default.createDirectory(atPath: folder.path("models"), withIntermediateDirectories: true)
        let model = folder.path("models/stories.emllm")
        let options = ["--license", "MIT", "--quantize", "q8_0", "--pure"]
        let conversion = try Program.run(Program.url("emllm"), ["convert", Program.stories260K, model] + options)
        try #require(conversion.status == 0, "\(conversion.errors)")
        try Data("nothing".utf8).write(to: URL(filePath: folder.path("models/smollm2-135m-instruct.emllm")))
        let text = try Self.models(folder)
        #expect(text.status == 0 && text.output.contains("smollm2-135m-instruct cannot be run: "))
        #expect(!text.output.contains("make demo-text MODEL=smollm2"))

        let run = try Self.models(folder, ["--json"])
        let list = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let entries = try #require(list["models"] as? [[String: Any]])
        #expect(entries.map { $0["name"] as? String } == ["puzzles", "smollm2-135m-instruct", "stories"])
        #expect(entries.map { $0["is_bundled"] as? Bool } == [true, false, false])
        let stories = entries[2]
        #expect(stories["family"] as? String == "llama" && stories["license"] as? String == "MIT")
        #expect(stories["has_vision"] as? Bool == false && entries[0]["has_vision"] as? Bool == true)
        #expect((stories["quantization"] as? String)?.contains("Q8_0") == true)
        let size = try FileManager.default.attributesOfItem(atPath: model)[.size] as? Int
        #expect(stories["bytes"] as? Int == size && stories["path"] as? String == model)
        #expect(entries[1]["problem"] != nil && stories["problem"] == nil)
    }

    @Test("Without a folder it lists what comes with the tools")
    func noFolder() throws {
        let environment = ["EMLLM_HOME": "", "XDG_CACHE_HOME": "", "HOME": ""]
        let run = try Program.run(Program.url("emllm"), ["models"], environment: environment)
        #expect(run.status == 0 && run.output.contains("puzzles"), "\(run.errors)")
    }
}
