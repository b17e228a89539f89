import EMLLMCore
import Foundation
import Testing

@testable import CLIShared
@testable import SelfEvalDecode

@Suite("Remedies in the words of the command line")
struct CommandLineRemedyTests {
    @Test("an error of the library keeps what was expected and found, and names the flag that helps")
    func reworded() throws {
        let error = EMLLMError.leftRecording
        #expect(!error.remedy.contains("--"))
        let reworded = try #require(CommandLineRemedy.reword(error) as? EMLLMError)
        #expect(reworded.remedy.contains("--accept 1"))
        #expect(reworded.code == error.code && reworded.expected == error.expected && reworded.found == error.found)
        #expect(CommandLineRemedy.reword(EMLLMError.emptyQuestion) as? EMLLMError == EMLLMError.emptyQuestion)
    }

    @Test("the tools print it so")
    func printed() throws {
        let folder = try Folder()
        let file = folder.path("none.json")
        try Data("{}".utf8).write(to: URL(filePath: file))
        let run = try Program.run(Program.url("emllm-run"), ["trace", "view", file])
        #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains("--trace"), "\(run.errors)")
        let pack = folder.path("pack.yaml")
        try Data("name: x\n".utf8).write(to: URL(filePath: pack))
        let prompts = try Program.run(Program.url("emllm-run"), ["prompts", pack])
        #expect(prompts.status == 1 && prompts.errors.contains("emllm prompts cas-seat"), "\(prompts.errors)")
    }

    @Test("no error of the libraries names a flag or a tool")
    func libraries() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources")
        for library in ["EMLLMCore", "SelfEvalDecode"] {
            let files = FileManager.default.enumerator(
                at: root.appending(path: library),
                includingPropertiesForKeys: nil
            )
            var count = 0
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "swift" else { continue }
                count += 1
                for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                    let text = line.drop { $0 == " " }
                    guard ["remedy:", "expected:", "found:", "subject:"].contains(where: text.hasPrefix) else {
                        continue
                    }
                    let names = text.firstMatch(of: /--[a-z]|emllm-[a-z]/)
                    #expect(names == nil, "\(file.lastPathComponent): \(text)")
                }
            }
            #expect(count > 20)
        }
    }
}
