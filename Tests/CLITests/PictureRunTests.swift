import Foundation
import SelfEvalDecode
import Testing

/// `emllm-run` and `emllm-convert` with pictures, on tiny random models of vision families.
@Suite("Pictures on the command line")
struct PictureRunTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures/vision")

    private static func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }
    private static let picture = path("pictures/landscape.png")

    private static func emllm(_ arguments: [String], input: Data = Data(), model: String = "qwen2-vl") throws
        -> ProgramRun
    {
        let own = arguments.contains("--model") ? [] : ["--model", path(model)]
        return try Program.run(Program.url("emllm-run"), own + arguments, input: input)
    }

    private static func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("A question about a picture, step by step: the trace knows the picture")
    func steps() throws {
        let scratch = try Folder()
        let trace = scratch.path("trace.json")
        let run = try Self.emllm([
            "--image", Self.picture, "--steps", "2", "--max-tokens", "1200", "--trace", trace, "What is it?",
        ])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let header = try Trace(json: Data(contentsOf: URL(filePath: trace))).header
        let images = try #require(header.images)
        #expect(images.count == 1 && images[0].tokens == 6 && images[0].patches == 24)
        #expect(!images[0].wasReused && images[0].contentHash.count == 64 && header.imageNames == [Self.picture])
        let again = try Self.emllm(["--replay", trace, "--image", Self.picture])
        #expect(again.status == 0 && again.output == run.output)
        let other = try Self.emllm(["--replay", trace, "--image", Self.path("pictures/portrait.png")])
        #expect(other.status == 1 && other.errors.contains("pictures: expected"))
    }

    @Test("Further views of a picture are in the trace and on its page, and come out the same again")
    func views() throws {
        let scratch = try Folder()
        let (file, page) = (scratch.path("trace.json"), scratch.path("trace.html"))
        let run = try Self.emllm([
            "--image", Self.picture, "--strategy", "vote", "--chains", "4", "--views", "3", "--steps", "2",
            "--max-tokens",
            "2400", "--trace", file, "What is it?",
        ])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let trace = try Trace(json: Data(contentsOf: URL(filePath: file)))
        #expect(trace.header.options.views == 3)
        #expect(trace.nodes.filter { !$0.continues }.map(\.view) == [nil, 1, 2, nil])
        let again = try Self.emllm(["--replay", file, "--image", Self.picture])
        #expect(again.status == 0 && again.output == run.output, "\(again.errors)")
        let view = try Program.run(Program.url("emllm-run"), ["trace", "view", file, "--html", page])
        #expect(view.status == 0, "\(view.errors)")
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("view 2 of the pictures"))
    }

    @Test("Several pictures, from files and from standard input, in their order")
    func several() throws {
        func tokens(_ arguments: [String], input: Data = Data()) throws -> [Int] {
            let run = try Self.emllm(arguments + ["--plain", "--tokens", "Compare."], input: input)
            #expect(run.status == 0, "\(run.errors)")
            let pieces = try #require(try Self.object(run.output)["tokens"] as? [[String: Any]])
            return pieces.compactMap { $0["id"] as? Int }
        }
        let other = Self.path("pictures/portrait.png")
        let files = try tokens(["--image", Self.picture, "--image", other])
        let piped = try tokens(
            ["--image", Self.picture, "--image", "-"],
            input: Data(contentsOf: URL(filePath: other))
        )
        #expect(files == piped && files.count > 6)
        #expect(try tokens(["--image", other, "--image", Self.picture]).count == files.count)
    }

    @Test("Plain chat reports what pictures cost")
    func plain() throws {
        let run = try Self.emllm(["--plain", "--json", "--max-tokens", "4", "--image", Self.picture, "What is it?"])
        let info = try #require(try Self.object(run.output)["info"] as? [String: Any])
        let images = try #require(info["images"] as? [[String: Any]])
        #expect(images.count == 1 && (images[0]["encodeSeconds"] as? Double ?? 0) > 0)
    }

    @Test("A dump holds pixel values, features, tokens and logits as NumPy arrays")
    func dump() throws {
        let scratch = try Folder()
        let folder = scratch.path("dump")
        let run = try Self.emllm(
            ["--plain", "--dump", folder, "--image", Self.picture, "--image", Self.picture, "?"],
            model: "qwen3-vl"
        )
        #expect(run.status == 0, "\(run.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(
            names == [
                "features-1.npy", "features-2.npy", "logits.npy", "pixels-1-1.npy", "pixels-2-1.npy", "tokens.npy",
            ]
        )
        func header(_ name: String) throws -> (text: String, size: Int) {
            let data = try Data(contentsOf: URL(filePath: folder).appending(path: name))
            #expect(data.prefix(6) == Data([0x93]) + Data("NUMPY".utf8))
            let length = Int(data[8]) | Int(data[9]) << 8
            #expect((10 + length) % 64 == 0)
            return (String(decoding: data[10..<(10 + length)], as: UTF8.self), data.count - 10 - length)
        }
        // 6 features, and two blocks of DeepStack behind each.
        let features = try header("features-1.npy")
        #expect(features.text.contains("'shape': (6, 3, 32, )") && features.size == 6 * 3 * 32 * 4)
        let tokens = try header("tokens.npy")
        #expect(tokens.text.contains("'<i4'"))
        let logits = try header("logits.npy")
        #expect(logits.text.contains("'shape': (\(tokens.size / 4), ") && logits.size % tokens.size == 0)
    }

    @Test("A GGUF model runs with its mmproj file, and converts with it")
    func mmproj() throws {
        let scratch = try Folder()
        let gguf = ["--model", Self.path("smolvlm.gguf"), "--mmproj", Self.path("smolvlm.mmproj.gguf")]
        let question = ["--plain", "--max-tokens", "8", "--activations", "f32", "--image", Self.picture, "What?"]
        let direct = try Self.emllm(gguf + question)
        #expect(direct.status == 0, "\(direct.errors)")
        let packed = scratch.path("smolvlm.emllm")
        let conversion = try Program.run(
            Program.url("emllm-convert"),
            [Self.path("smolvlm.gguf"), packed, "--mmproj", Self.path("smolvlm.mmproj.gguf")]
        )
        #expect(conversion.status == 0, "\(conversion.errors)")
        let converted = try Self.emllm(["--model", packed] + question)
        #expect(converted.output == direct.output && !direct.output.isEmpty)
    }

    @Test(
        "What is wrong with a picture is said on one line, with the option that helps",
        arguments: [
            (["--image", "/nowhere.png", "?"], "expected a picture, found no such file"),
            (["--image", path("reference.json"), "?"], "expected a PNG or JPEG picture"),
            (["--max-image-pixels", "100", "--image", picture, "?"], "--max-image-pixels"),
            (["--image", path("pictures/1x4000.png"), "?"], "at most 200 times the other"),
            (["--mmproj", path("smolvlm.mmproj.gguf"), "--image", picture, "?"], "leave the mmproj file out"),
        ]
    )
    func errors(arguments: [String], text: String) throws {
        let run = try Self.emllm(arguments)
        #expect(run.status == 1 && run.output.isEmpty && run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.contains(text), "\(run.errors)")
    }

    @Test("A truncated picture is an error, and with the option a picture")
    func truncated() throws {
        let data = try Data(contentsOf: URL(filePath: Self.picture))
        let half = data.prefix(data.count / 2)
        let refused = try Self.emllm(["--image", "-", "--plain", "--max-tokens", "1", "?"], input: half)
        #expect(refused.status == 1 && refused.errors.contains("--allow-truncated-images"), "\(refused.errors)")
        let arguments = ["--image", "-", "--allow-truncated-images", "--plain", "--max-tokens", "1", "?"]
        let taken = try Self.emllm(arguments, input: half)
        #expect(taken.status == 0 && taken.errors.contains("data was lost"), "\(taken.errors)")
    }

    @Test(
        "Wrong usage is status 64",
        arguments: [
            ["--image", "-"], ["--image", "-", "--image", "-", "?"], ["--allow-truncated-images", "?"],
            ["--raw", "?", "--image", picture], ["--image", picture, "--dump", "x", "--tokens", "?"],
            ["--views", "0", "--image", picture, "?"], ["--looks", "10", "--image", picture, "?"],
        ]
    )
    func usage(arguments: [String]) throws {
        let run = try Self.emllm(arguments)
        #expect(run.status == 64 && run.output.isEmpty, "\(run.errors)")
    }

    @Test("A text model says that it has no vision tower; a tower alone says that it is no model")
    func noVision() throws {
        let run = try Self.emllm(["--model", Program.stories260K, "--image", Self.picture, "?"])
        #expect(run.status == 1 && run.errors.contains("--mmproj"), "\(run.errors)")
        let tower = try Self.emllm(["--model", Self.path("smolvlm.mmproj.gguf"), "?"])
        #expect(tower.status == 1 && tower.errors.contains("expected a language model"), "\(tower.errors)")
        let wrong = try Self.emllm([
            "--model", Self.path("smolvlm.gguf"), "--mmproj", Self.path("smolvlm.gguf"), "--image", Self.picture, "?",
        ])
        #expect(wrong.status == 1 && wrong.errors.contains("architecture clip"), "\(wrong.errors)")
    }
}
