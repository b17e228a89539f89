import Foundation
import Testing

/// `scripts/fetch-model` with a model in several parts, from a folder of packages in place of an index.
@Suite("Fetching a model in parts")
struct FetchPartsTests {
    /// A checkout with the scripts, packages to fetch from, and a cache.
    private struct Place {
        private static let root = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let folder: Folder
        /// The lines of the table of models.
        var lines: [String]

        /// Makes packages with 100 KB of noise each; the last one repeats the first, and is not in the table.
        init() throws {
            folder = try Folder()
            try FileManager.default.createDirectory(atPath: folder.path("scripts"), withIntermediateDirectories: false)
            for name in ["fetch-model", "join-parts", "common.bash", "install-system-packages"] {
                let script = Self.root.appending(path: "scripts/\(name)").path
                try FileManager.default.copyItem(atPath: script, toPath: folder.path("scripts/\(name)"))
            }
            try FileManager.default.copyItem(
                atPath: Self.root.appending(path: "LICENSE").path,
                toPath: folder.path("LICENSE")
            )
            let run = try Program.run(
                URL(filePath: "/usr/bin/env"),
                ["python3", "-", folder.path("packages")],
                input: Data(Self.makePackages.utf8)
            )
            try #require(run.status == 0, "\(run.errors)")
            lines = run.output.split(separator: "\n").map(String.init)
            let converter = "#!/bin/sh\nif [ \"$1\" = inspect ]; then test -s \"$2\"; else cp \"$1\" \"$2\"; fi\n"
            try Data(converter.utf8).write(to: URL(filePath: folder.path("converter")))
            let mode: [FileAttributeKey: Any] = [.posixPermissions: 0o755]
            try FileManager.default.setAttributes(mode, ofItemAtPath: folder.path("converter"))
        }

        private static let makePackages = """
            import hashlib, os, random, sys, zipfile
            folder = sys.argv[1]
            os.mkdir(folder)
            parts = [random.Random(number).randbytes(100_000) for number in range(3)]
            total = b"".join(parts)
            print("title demo Demo")
            print("file demo", len(total), hashlib.sha256(total).hexdigest())
            print("note demo By somebody.")
            for number, data in enumerate(parts + parts[:1], 1):
                path = f"{folder}/demo_part{number}-1.0-py3-none-any.whl"
                info = f"demo_part{number}-1.0.dist-info/"
                with zipfile.ZipFile(path, "w") as wheel:
                    wheel.writestr(f"demo_part{number}/data/part{number}.bin", data)
                    wheel.writestr(info + "METADATA", f"Metadata-Version: 2.1\\nName: demo-part{number}\\nVersion: 1.0\\n")
                    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
                    wheel.writestr(info + "RECORD", "")
                digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
                print(f"part demo demo-part{number}==1.0 {digest} demo_part{number}/data/*.bin")
            """

        func package(_ number: Int) -> String { folder.path("packages/demo_part\(number)-1.0-py3-none-any.whl") }
        func keptPart(_ number: Int) -> String { folder.path("home/models/.demo.parts/0\(number).whl") }
        var model: String { folder.path("home/models/demo.emllm") }

        /// Puts parts where an interrupted fetch leaves them.
        func keep(_ numbers: [Int]) throws {
            try FileManager.default.createDirectory(
                atPath: folder.path("home/models/.demo.parts"),
                withIntermediateDirectories: true
            )
            for (index, number) in numbers.enumerated() {
                try FileManager.default.copyItem(atPath: package(number), toPath: keptPart(index + 1))
            }
        }

        /// Runs the script with the first six lines of the table, or those given.
        func fetch(_ table: [String]? = nil, before: String = "true") throws -> ProgramRun {
            let text = (table ?? Array(lines.prefix(6))).joined(separator: "\n") + "\n"
            try Data(text.utf8).write(to: URL(filePath: folder.path("scripts/models.table")))
            return try Program.run(
                URL(filePath: "/usr/bin/env"),
                [
                    "bash", "-c", "\(before); exec \"$@\"", "bash", folder.path("scripts/fetch-model"), "demo",
                    folder.path("converter"),
                ],
                environment: [
                    "EMLLM_HOME": folder.path("home"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder.path("packages"),
                ]
            )
        }

        /// What is in the folder of models, other than the lock.
        func leftovers() throws -> [String] {
            let models = folder.path("home/models")
            return try FileManager.default.contentsOfDirectory(atPath: models).filter { $0 != ".fetch.lock" }.sorted()
        }

        /// Expects one line of error, and only the kept parts left.
        func expectFailure(_ run: ProgramRun, mentioning text: String, keeping parts: Int) throws {
            #expect(run.status != 0 && run.output.isEmpty)
            let lines = run.errorLines.filter { !$0.hasPrefix("Fetching ") }
            #expect(lines.count == 1 && lines[0].contains("expected") && lines[0].contains("found"), "\(run.errors)")
            #expect(run.errors.contains(text), "\(run.errors)")
            #expect(try leftovers() == (parts == 0 ? [] : [".demo.parts"]))
            let kept = try? FileManager.default.contentsOfDirectory(atPath: folder.path("home/models/.demo.parts"))
            #expect((kept ?? []).count == parts)
        }
    }

    @Test("A fetch that stopped goes on with the parts that are there; one that was cut short is fetched again")
    func resume() throws {
        let place = try Place()
        try FileManager.default.moveItem(atPath: place.package(3), toPath: place.folder.path("away"))
        let stopped = try place.fetch()
        try place.expectFailure(stopped, mentioning: "demo-part3==1.0 with pip, found no such package", keeping: 2)
        #expect(stopped.errors.contains("Fetching part 2 of 3."))

        // What is there is not asked for again; the second part, which was cut short, is.
        try FileManager.default.moveItem(atPath: place.folder.path("away"), toPath: place.package(3))
        try FileManager.default.removeItem(atPath: place.package(1))
        try Data("cut".utf8).write(to: URL(filePath: place.keptPart(2)))
        let run = try place.fetch()
        #expect(run.status == 0 && run.output == place.model + "\n", "\(run.errors)")
        #expect(run.errors.contains("1 of 3 parts are there"))
        let parts = try Data(contentsOf: URL(filePath: place.model))
        #expect(parts.count == 300_000)
        let note = try String(contentsOfFile: place.folder.path("home/models/demo.LICENSE"), encoding: .utf8)
        #expect(note.contains("By somebody.") && note.contains("demo-part1==1.0 to demo-part3==1.0"))
        #expect(note.contains("Apache License"))
        #expect(try place.leftovers() == ["demo.LICENSE", "demo.emllm"])
    }

    @Test("A part with another hash than the table's is not taken")
    func wrongPart() throws {
        let place = try Place()
        var table = Array(place.lines.prefix(6))
        let fields = table[3].split(separator: " ").map(String.init)
        table[3] = table[3].replacing(fields[3], with: String(repeating: "0", count: 64))
        try place.expectFailure(try place.fetch(table), mentioning: "a file with another", keeping: 0)
    }

    @Test("A part twice, one missing, parts out of order, a wheel without its part: one line, and nothing half-written")
    func wrongTables() throws {
        func failure(_ table: (Place) -> (lines: [String], parts: [Int]), _ text: String) throws {
            let place = try Place()
            let (lines, parts) = table(place)
            try place.keep(parts)
            try place.expectFailure(try place.fetch(lines), mentioning: text, keeping: parts.count)
        }
        try failure({ ($0.lines.prefix(5) + [$0.lines[6]], [1, 2, 4]) }, "part 3 is part 1 again")
        try failure({ (Array($0.lines.prefix(5)), [1, 2]) }, "expected 300000 bytes in 2 parts, found 200000")
        try failure({ ($0.lines.prefix(3) + [$0.lines[4], $0.lines[3], $0.lines[5]], [2, 1, 3]) }, "out of order")
        try failure(
            { ($0.lines.prefix(6).map { $0.replacing("part2/data/", with: "part2/other/") }, [1, 2, 3]) },
            "one file demo_part2/other/*.bin in 02.whl, found none"
        )
    }

    @Test("A disk that is full while the parts are joined: one line, and the parts stay")
    func fullDisk() throws {
        let place = try Place()
        try place.keep([1, 2, 3])
        let run = try place.fetch(before: "ulimit -f 200")
        try place.expectFailure(run, mentioning: "free some space", keeping: 3)
    }
}
