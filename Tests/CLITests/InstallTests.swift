import Foundation
import Testing

/// `scripts/install`, which `make install` calls: programs that find their model, completions and man pages.
@Suite("Installation")
struct InstallTests {
    private static let scripts = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "scripts")
    private static let binaries = Program.url("emllm").deletingLastPathComponent().path
    private static let programs = ["emllm", "emllm-run", "emllm-convert", "emllm-bench", "emllm-eval"]

    private static func install(_ arguments: [String], staging: String = "") throws -> ProgramRun {
        try Program.run(scripts.appending(path: "install"), arguments, environment: ["DESTDIR": staging])
    }

    private static func files(below folder: String) -> [String] {
        let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return found.filter { path in
            let type = try? FileManager.default.attributesOfItem(atPath: folder + "/" + path)[.type]
            return type as? FileAttributeType != .typeDirectory
        }
    }

    @Test("Programs find the model from anywhere; completions and pages are in place; all of it can be taken away")
    func wholeWay() throws {
        let folder = try Folder()
        let root = folder.path("usr/local")
        // Twice: what is there is replaced.
        for _ in 0..<2 {
            let run = try Self.install([Self.binaries, "/usr/local"], staging: folder.path(""))
            try #require(run.status == 0, "\(run.errors)")
        }
        let models = try Program.run(
            URL(filePath: "/bin/sh"),
            ["-c", "cd / && exec \"$0\" models --json", root + "/bin/emllm"],
            environment: ["HOME": folder.path("home"), "EMLLM_HOME": "", "XDG_CACHE_HOME": ""]
        )
        #expect(models.status == 0 && models.output.contains("\(root)/lib/emllm/"), "\(models.output) \(models.errors)")
        #expect(!models.output.contains(Self.binaries))

        let installed = Self.files(below: root)
        for program in Self.programs {
            let run = try Program.run(URL(filePath: root + "/bin/" + program), ["--version"])
            #expect(run.status == 0 && !run.output.isEmpty)
            for path in ["bash-completion/completions/\(program)", "zsh/site-functions/_\(program)"] {
                #expect(installed.contains("share/" + path), "\(path)")
            }
        }
        #expect(installed.contains("share/doc/emllm/LICENSE"))
        if FileManager.default.fileExists(atPath: root + "/share/man/man1/emllm.1") {
            try Self.checkPages(root + "/share/man/man1")
        }

        let gone = try Self.install(["--uninstall", "/usr/local"], staging: folder.path(""))
        #expect(gone.status == 0 && Self.files(below: root).isEmpty, "\(Self.files(below: root))")
        #expect(!FileManager.default.fileExists(atPath: root + "/lib/emllm"))
    }

    /// Pages name every verb and option, and are plain ASCII with every line break and font as roff has them.
    private static func checkPages(_ folder: String) throws {
        func page(_ name: String) throws -> String {
            try String(contentsOfFile: folder + "/\(name).1", encoding: .utf8)
        }
        let main = try page("emllm")
        for verb in ["run", "chat", "models", "convert", "bench", "eval", "trace", "prompts"] {
            #expect(main.contains(".TP\n\\fB\(verb)\\fR"), "\(verb)")
        }
        let run = try page("emllm-run")
        #expect(run.hasPrefix(".TH EMLLM\\-RUN 1 ") && run.contains("\n.SH NAME\nemllm\\-run \\- "))
        for option in ["image", "strategy", "max\\-tokens", "model"] {
            #expect(run.contains("\\fB\\-\\-\(option)\\fR"))
        }
        for name in ["emllm", "emllm-run", "emllm-chat", "emllm-convert", "emllm-eval", "emllm-bench"] {
            let text = try page(name)
            #expect(text.allSatisfy(\.isASCII) && text.contains("\n.SH SEE ALSO\n"), "\(name)")
            let commands = text.split(separator: "\n").filter { $0.hasPrefix(".") }.map { $0.prefix { $0 != " " } }
            #expect(Set(commands).isSubset(of: [".TH", ".SH", ".SS", ".TP", ".PP", ".nf", ".fi"]), "\(name)")
        }
    }

    @Test("What cannot be installed is one line, and nothing is left behind")
    func failures() throws {
        let folder = try Folder()
        for (arguments, mention) in [
            ([Self.binaries, "usr/local"], "an absolute path"), ([folder.path(""), folder.path("p")], "make build"),
            ([Self.binaries], "make install"), ([Self.binaries, "/dev/null/p"], "/dev/null/p"),
        ] {
            let run = try Self.install(arguments)
            #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains(mention), "\(run.errors)")
        }
        #expect(try folder.contents().isEmpty)
    }
}
