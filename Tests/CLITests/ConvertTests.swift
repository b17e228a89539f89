import Foundation
import Testing

/// `emllm-convert` as a program: what it prints, what it writes, and how it fails.
@Suite("emllm-convert")
struct ConvertTests {
    private static let gguf = Program.stories260K

    @Test("Convert, inspect, verify")
    func wholeWay() throws {
        let folder = try Folder()
        let model = folder.path("stories.emllm")
        let converted = try Self.convert([Self.gguf, model])
        #expect(converted.status == 0 && converted.errors.isEmpty, "\(converted.errors)")
        #expect(converted.output == "\(model): 48 tensors, 1.2 MB\n")
        #expect(try folder.contents() == ["stories.emllm"])

        let verified = try Self.convert(["verify", model])
        #expect(verified.status == 0 && verified.output.contains("48 tensors, all checksums match"))

        let shown = try Self.convert(["inspect", model])
        for text in ["stories260K", "licence        mit", "blocks         5", "sentencePiece", "F32 tensors    48"] {
            #expect(shown.output.contains(text), "\(text)\n\(shown.output)")
        }
        #expect(!shown.output.contains("layers.0.attention.q"))
        #expect(
            try Self.convert(["inspect", "--tensors", model]).output.contains("layers.0.attention.q  F32  64 × 64")
        )
    }

    @Test("JSON for programs, of both formats", arguments: [true, false])
    func json(isContainer: Bool) throws {
        let folder = try Folder()
        let model = isContainer ? folder.path("stories.emllm") : Self.gguf
        if isContainer { _ = try Self.convert([Self.gguf, model]) }
        let run = try Self.convert(["inspect", "--json", "--tensors", model])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        #expect(object["format"] as? String == (isContainer ? ".emllm 1" : "GGUF 3"))
        #expect(object["tensor_count"] as? Int == 48)
        let tensors = try #require(object["tensors"] as? [[String: Any]])
        #expect(tensors.count == 48)
        #expect(tensors.allSatisfy { ($0["sha256"] as? String)?.count == (isContainer ? 64 : nil) })
        let configuration = try #require(object["configuration"] as? [String: Any])
        #expect((configuration["decoder"] as? [String: Any])?["feed_forward_size"] as? Int == 172)
        #expect((object["metadata"] == nil) == isContainer)
    }

    @Test("Re-quantizing prints a table with the error of each matrix")
    func quantize() throws {
        let folder = try Folder()
        let model = folder.path("q4.emllm")
        let run = try Self.convert([Self.gguf, model, "--quantize", "q4_0", "--name", "small", "--license", "MIT"])
        #expect(run.status == 0, "\(run.errors)")
        let rows = run.output.split(separator: "\n").filter { $0.contains("| F32  |") }
        #expect(rows.count == 37, "7 matrices in each of 5 blocks, the embedding and the head")
        #expect(rows.first?.contains("token_embedding") == true && rows.first?.contains("Q8_0") == true)
        #expect(
            rows.contains { $0.contains("feed_forward.down") && $0.contains("172 columns are not a multiple of 32") }
        )
        let shown = try Self.convert(["inspect", model]).output
        #expect(shown.contains("small") && shown.contains("quantization   Q4_0"))
    }

    @Test("A bad file or option is one clear line, a status that is not zero, and nothing written")
    func failures() throws {
        let folder = try Folder()
        let model = folder.path("stories.emllm")
        try Data("not a model".utf8).write(to: URL(filePath: folder.path("text")))
        try Data().write(to: URL(filePath: folder.path("empty")))
        var bytes = try Data(contentsOf: URL(filePath: Self.gguf))
        try bytes.prefix(bytes.count - 4).write(to: URL(filePath: folder.path("short.gguf")))
        bytes.removeAll()
        _ = try Self.convert([Self.gguf, model])
        let before = try folder.contents()
        let cases: [([String], Int32, String)] = [
            ([folder.path("missing"), folder.path("out")], 1, "no such file"),
            ([folder.path(""), folder.path("out")], 1, "directory"),
            ([folder.path("text"), folder.path("out")], 1, "GGUF"),
            ([folder.path("empty"), folder.path("out")], 1, "empty file"),
            ([folder.path("short.gguf"), folder.path("out")], 1, "within the file's"),
            ([Self.gguf, model], 1, "--force"),
            ([model, model, "--force"], 1, "same file"),
            ([Self.gguf, folder.path("no/such/out")], 1, "No such file or directory"),
            ([Self.gguf, folder.path("")], 1, "a directory"),
            ([Self.gguf, folder.path("out"), "--quantize", "q6_k"], 64, "q4_0"),
            ([Self.gguf, folder.path("out"), "--pure"], 64, "--quantize"),
            ([Self.gguf, ""], 64, "output"),
            ([Self.gguf], 64, "output"),
            (["verify", folder.path("text")], 1, "GGUF"),
            (["inspect", folder.path("missing")], 1, "no such file"),
        ]
        for (arguments, status, mention) in cases {
            let run = try Self.convert(arguments)
            #expect(run.status == status, "\(arguments) \(run.errors)")
            #expect(run.errors.contains(mention), "\(arguments) \(run.errors)")
            #expect(run.output.isEmpty)
            if status == 1 { #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)") }
            #expect(try folder.contents() == before, "\(arguments)")
        }
    }

    @Test("A damaged tensor is found by verify alone, and named")
    func damage() throws {
        let folder = try Folder()
        let model = URL(filePath: folder.path("stories.emllm"))
        _ = try Self.convert([Self.gguf, model.path])
        var bytes = try Data(contentsOf: model)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: model)
        #expect(try Self.convert(["inspect", model.path]).status == 0)
        let run = try Self.convert(["verify", model.path])
        #expect(run.status == 1 && run.errors.contains("the tensor output"), "\(run.errors)")
    }

    @Test("Replacing with --force, and a limit on file size as a full disk")
    func replaceAndLimit() throws {
        let folder = try Folder()
        let model = folder.path("stories.emllm")
        try Data([1]).write(to: URL(filePath: model))
        let limited = try Self.run(
            URL(filePath: "/bin/sh"),
            ["-c", "ulimit -f 100; exec \"$0\" \"$@\"", Self.converter.path, Self.gguf, model, "--force"]
        )
        #expect(limited.status == 1 && limited.errors.contains("free some space"), "\(limited.errors)")
        #expect(try Data(contentsOf: URL(filePath: model)) == Data([1]))
        #expect(try folder.contents() == ["stories.emllm"])
        #expect(try Self.convert([Self.gguf, model, "--force"]).status == 0)
        #expect(try Self.convert(["verify", model]).status == 0)
    }

    private static var converter: URL { Program.url("emllm-convert") }

    private static func convert(_ arguments: [String]) throws -> ProgramRun { try run(converter, arguments) }

    private static func run(_ program: URL, _ arguments: [String]) throws -> ProgramRun {
        try Program.run(program, arguments)
    }
}
