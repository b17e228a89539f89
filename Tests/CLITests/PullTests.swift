import EMLLMCore
import Foundation
import Synchronization
import Testing

/// `emllm models pull`, from a server on this machine that does as a model hub does, or as a broken one.
@Suite("emllm models pull")
struct PullTests {
    private static let file = "stories-q4_k_m.gguf"
    private static let content = try! Data(contentsOf: URL(filePath: Program.stories260K))
    private static let digest = content.withUnsafeBytes { "\(Checksum(of: $0))" }

    /// What the hub and its storage do.
    private struct Behaviour: Sendable {
        var status = 200
        var hasRanges = true
        var entityTag: String? = "\"v1\""
        var digest: String? = PullTests.digest
        var linkedSize: Int?
        var content = PullTests.content
        var siblings = [PullTests.file, "README.md"]
        /// Where each further answer with a body stops; those after the last one are whole.
        var stops: [(after: Int, isSilent: Bool)] = []
        /// The status of answers after the first that stopped.
        var laterStatus = 200
    }

    /// A hub that sends the client on to a storage of another name.
    private final class Hub: Sendable {
        let behaviour: Mutex<Behaviour>
        init(_ behaviour: Behaviour) { self.behaviour = Mutex(behaviour) }

        func reply(to request: LoopbackServer.Request) -> LoopbackServer.Reply {
            behaviour.withLock { behaviour in
                guard behaviour.status == 200 else { return .init(status: behaviour.status) }
                if request.path.hasPrefix("/api/models/") {
                    let files = behaviour.siblings.map { "{\"rfilename\": \"\($0)\"}" }.joined(separator: ",")
                    return .init(body: Data("{\"siblings\": [\(files)]}".utf8))
                }
                if request.path.hasSuffix("/resolve/main/\(PullTests.file)") {
                    let port = request.headers["host"]?.split(separator: ":").last ?? ""
                    var headers = ["Location": "http://127.0.0.1:\(port)/storage"]
                    headers["X-Linked-Size"] = behaviour.linkedSize.map { "\($0)" }
                    headers["X-Linked-Etag"] = behaviour.digest.map { "\"\($0)\"" }
                    return .init(status: 302, headers: headers)
                }
                return request.path == "/storage" ? Self.storage(request, &behaviour) : .init(status: 404)
            }
        }

        private static func storage(
            _ request: LoopbackServer.Request,
            _ behaviour: inout Behaviour
        ) -> LoopbackServer.Reply {
            var reply = LoopbackServer.Reply(body: behaviour.content)
            reply.headers["ETag"] = behaviour.entityTag
            let start = request.headers["range"].flatMap { Int($0.filter(\.isNumber)) }
            if behaviour.hasRanges, let start, request.headers["if-range"] == behaviour.entityTag {
                let end = behaviour.content.count
                let isBehind = start >= end
                reply.status = isBehind ? 416 : 206
                reply.headers["Content-Range"] = "bytes \(isBehind ? "*" : "\(start)-\(end - 1)")/\(end)"
                reply.body = isBehind ? Data("Nothing to send.".utf8) : behaviour.content.dropFirst(start)
            }
            if !behaviour.stops.isEmpty {
                reply.stop = behaviour.stops.removeFirst()
                behaviour.status = behaviour.laterStatus
            }
            return reply
        }
    }

    /// A hub, the server that it answers through, and a folder for models.
    private struct Place {
        let hub: Hub
        let server: LoopbackServer
        let folder: Folder

        init(_ behaviour: Behaviour = Behaviour()) throws {
            let hub = Hub(behaviour)
            self.hub = hub
            server = try LoopbackServer { hub.reply(to: $0) }
            folder = try Folder()
        }

        /// Requests of the storage.
        var fetches: [LoopbackServer.Request] { server.requests.filter { $0.path == "/storage" } }
        var model: String { folder.path("models/stories-q4_k_m.gguf") }
        var files: [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: folder.path("models")).sorted()) ?? []
        }

        func emllm(
            _ arguments: [String],
            _ variables: [String: String] = [:],
            before: String = "true",
            whileRunning: (Process) throws -> Void = { _ in }
        ) throws -> ProgramRun {
            let environment = server.environment.merging(["EMLLM_HOME": folder.path("")]) { $1 }
            return try Program.run(
                URL(filePath: "/bin/sh"),
                ["-c", "\(before); exec \"$@\"", "sh", Program.url("emllm").path] + arguments,
                environment: environment.merging(variables) { $1 },
                whileRunning: whileRunning
            )
        }

        func pull(
            _ model: String = "org/repo:\(PullTests.file)",
            _ variables: [String: String] = [:],
            before: String = "true"
        ) throws -> ProgramRun {
            try emllm(["models", "pull", model], variables, before: before)
        }

        /// Expects that the model is there, with what was published.
        func expectModel(_ run: ProgramRun) {
            #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
            #expect(run.output.contains("use it with --model stories-q4_k_m\n"), "\(run.output)")
            #expect(FileManager.default.contents(atPath: model) == PullTests.content)
            #expect(files == ["stories-q4_k_m.gguf"])
        }

        /// Expects one line, and these files.
        func expectFailure(_ run: ProgramRun, mentioning text: String, leaving left: [String] = []) {
            #expect(run.status == 1 && run.output.isEmpty)
            #expect(run.errorLines.count == 1 && run.errors.contains(text), "\(run.errors)")
            #expect(files == left)
        }
    }

    private static let partial = ["\(file).part", "\(file).part.json"]

    @Test("A model comes through a redirect, is checked, and goes by its name; the token stays with the hub")
    func whole() throws {
        let place = try Place()
        let run = try place.pull("org/repo:\(Self.file)", ["HF_TOKEN": "secret"])
        place.expectModel(run)
        let requests = place.server.requests
        #expect(requests.map(\.path) == ["/org/repo/resolve/main/\(Self.file)", "/storage"])
        #expect(requests[0].headers["authorization"] == "Bearer secret" && requests[1].headers["authorization"] == nil)

        let list = try place.emllm(["models"])
        #expect(list.output.contains("| stories-q4_k_m ") && !list.output.contains("cannot be run"), "\(list.output)")
        let use = ["run", "--model", "stories-q4_k_m", "--raw", "Once", "--max-tokens", "4", "--threads", "1"]
        let answer = try place.emllm(use)
        #expect(answer.status == 0 && !answer.output.isEmpty, "\(answer.errors)")
        let again = try place.pull()
        #expect(again.status == 0 && again.output.contains("is there already") && place.server.requests.count == 2)
    }

    @Test("A connection that is cut is taken up where it broke, in the same run")
    func cut() throws {
        let place = try Place(Behaviour(stops: [(200_000, false), (300_000, false)]))
        place.expectModel(try place.pull())
        let fetches = place.fetches
        try #require(fetches.count == 3)
        #expect(fetches.map { $0.headers["range"] } == [nil, "bytes=200000-", "bytes=500000-"])
        #expect(fetches[1].headers["if-range"] == "\"v1\"")
    }

    @Test(
        "A server that does not come back: one line, and the next run goes on; another version is fetched from its beginning"
    )
    func laterRun() throws {
        for entityTag in ["\"v1\"", "\"v2\""] {
            let place = try Place(Behaviour(stops: [(200_000, false)], laterStatus: 503))
            place.expectFailure(try place.pull(), mentioning: "a failure of the server (503)", leaving: Self.partial)
            place.hub.behaviour.withLock {
                $0.status = 200
                $0.entityTag = entityTag
            }
            place.expectModel(try place.pull())
            #expect(place.fetches.last?.headers["range"] == "bytes=200000-")
            #expect(place.fetches.count == 2)
        }
    }

    @Test("A server without ranges, or without a name for the version, sends everything again")
    func withoutRanges() throws {
        let place = try Place(Behaviour(hasRanges: false, stops: [(200_000, false)]))
        place.expectModel(try place.pull())
        #expect(place.fetches.count == 2)

        let nameless = try Place(Behaviour(entityTag: nil, stops: [(200_000, false)]))
        nameless.expectModel(try nameless.pull())
        #expect(nameless.fetches.map { $0.headers["range"] } == [nil, nil])
        let gone = try Place(Behaviour(entityTag: nil, stops: [(200_000, false)], laterStatus: 503))
        gone.expectFailure(try gone.pull(), mentioning: "503")
    }

    @Test("A part that is the whole file is not fetched again; one that is longer is thrown away")
    func noRest() throws {
        for surplus in [0, 10] {
            let place = try Place(Behaviour(stops: [(200_000, false)], laterStatus: 503))
            _ = try place.pull()
            place.hub.behaviour.withLock { $0.status = 200 }
            let part = place.folder.path("models/\(Self.partial[0])")
            try (Self.content + Data(count: surplus)).write(to: URL(filePath: part))
            place.expectModel(try place.pull())
            #expect(place.fetches.count == (surplus == 0 ? 2 : 3))
        }
    }

    @Test("A file that the disk has no space for is not begun")
    func noSpace() throws {
        let place = try Place(Behaviour(linkedSize: 1 << 60))
        let run = try place.pull()
        #expect(
            run.status == 1 && run.errorLines.count == 1 && run.errors.contains("MB of free space"),
            "\(run.errors)"
        )
    }

    @Test("What was promised did not come: the digest of the hub, that of the table, a model at all")
    func wrongContent() throws {
        let zeros = String(repeating: "0", count: 64)
        let wrong = try Place(Behaviour(digest: zeros))
        wrong.expectFailure(try wrong.pull(), mentioning: "expected SHA-256 \(zeros), found \(Self.digest)")

        let page = Data("<html>Sign in</html>".utf8)
        let portal = try Place(Behaviour(digest: nil, content: page))
        portal.expectFailure(try portal.pull(), mentioning: "expected a model file")

        // The hub has no such file, or has another one.
        let other = try Place(Behaviour(digest: nil))
        other.expectFailure(try other.pull("qwen2.5-coder-0.5b-instruct"), mentioning: "no such file (404)")
        let path = "/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
        #expect(other.server.requests.map(\.path) == [path])
        let server = try LoopbackServer { _ in .init(body: Self.content) }
        let run = try other.pull("qwen2.5-coder-0.5b-instruct", server.environment)
        other.expectFailure(run, mentioning: "expected SHA-256 1d9614638d18")
    }

    @Test("Without a digest the form is checked, and a line says so")
    func noDigest() throws {
        let place = try Place(Behaviour(digest: nil))
        let run = try place.pull()
        #expect(run.status == 0 && run.errorLines.count == 1 && run.errors.contains("no SHA-256"), "\(run.errors)")
        #expect(place.files == [Self.file])
    }

    @Test("No access, no file, no server, a silent server: one line each, and nothing left")
    func refusals() throws {
        let place = try Place()
        place.hub.behaviour.withLock { $0.status = 401 }
        place.expectFailure(try place.pull(), mentioning: "set HF_TOKEN")
        place.hub.behaviour.withLock { $0.status = 200 }
        place.expectFailure(try place.pull("org/repo:missing.gguf"), mentioning: "no such file (404)")
        let nobody = ["HF_ENDPOINT": "http://localhost:9"]
        place.expectFailure(try place.pull("org/repo:a.gguf", nobody), mentioning: "no connection")
        place.expectFailure(try place.pull("org/repo:a.gguf", ["HF_ENDPOINT": "hub"]), mentioning: "HF_ENDPOINT")
        place.expectFailure(try place.pull("nothing"), mentioning: "org/repo:file")
        place.expectFailure(try place.pull("../../etc:passwd"), mentioning: "org/repo:file")
        place.expectFailure(
            try place.pull("smollm2-135m-instruct"),
            mentioning: "make demo-text MODEL=smollm2-135m-instruct"
        )
        place.hub.behaviour.withLock { $0.stops = [(0, true)] }
        let silent = try place.pull("org/repo:\(Self.file)", ["HF_HUB_DOWNLOAD_TIMEOUT": "1"])
        #expect(silent.status == 1 && silent.errors.contains("no answer in time"), "\(silent.errors)")
    }

    @Test("A full disk: one line, and what fitted is kept")
    func fullDisk() throws {
        let place = try Place()
        let run = try place.pull(before: "ulimit -f 500")
        place.expectFailure(run, mentioning: "too large", leaving: Self.partial)
        place.expectModel(try place.pull())
        let start = try #require(place.fetches.last?.headers["range"].flatMap { Int($0.filter(\.isNumber)) })
        #expect(start > 0)
    }

    @Test("Ctrl-C: what has arrived is kept, and the next run goes on")
    func interruption() throws {
        let place = try Place(Behaviour(stops: [(200_000, true)]))
        let part = place.folder.path("models/\(Self.partial[0])")
        let arguments = ["models", "pull", "org/repo:\(Self.file)"]
        let run = try place.emllm(arguments) { process in
            let deadline = Date().addingTimeInterval(60)
            while (FileManager.default.contents(atPath: part) ?? Data()).count < 200_000, Date() < deadline {
                Thread.sleep(forTimeInterval: 0.02)
            }
            process.interrupt()
        }
        #expect(run.status == 130 && run.errorLines.count == 1 && run.errors.contains("goes on"), "\(run.errors)")
        #expect(place.files == Self.partial)
        place.expectModel(try place.pull())
        #expect(place.fetches.last?.headers["range"] == "bytes=200000-")
    }

    @Test("Without a file, the hub's list decides: the only one, the usual quantization, or the one that is asked for")
    func listing() throws {
        let place = try Place()
        place.expectModel(try place.pull("org/repo"))
        #expect(place.server.requests[0].path == "/api/models/org/repo")

        let several = ["m-q8_0.gguf", Self.file, "mmproj-f16.gguf", "m-q4_k_m-00001-of-00002.gguf"]
        let usual = try Place(Behaviour(siblings: several))
        usual.expectModel(try usual.pull("org/repo"))
        let wished = try Place(Behaviour(siblings: several))
        wished.expectModel(try wished.pull("org/repo:Q4_K_M"))
        let unclear = try Place(Behaviour(siblings: ["a-q8_0.gguf", "b-q8_0.gguf"]))
        unclear.expectFailure(try unclear.pull("org/repo"), mentioning: "found a-q8_0.gguf, b-q8_0.gguf")
        let none = try Place(Behaviour(siblings: ["model.safetensors"]))
        none.expectFailure(try none.pull("org/repo"), mentioning: "found none")
    }

    @Test("The list of what can be fetched is that of scripts/models.table")
    func table() throws {
        let place = try Place()
        let run = try place.emllm(["models", "--json"])
        let list = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let offers = try #require(list["available"] as? [[String: Any]])
        let table = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "scripts/models.table")
        let lines = try String(contentsOf: table, encoding: .utf8).split(separator: "\n")
        let files = lines.filter { $0.hasPrefix("file ") }.map { $0.split(separator: " ").map(String.init) }
        let expected = files.map { "\($0[1]) \($0[2]) \($0[3])" }.sorted()
        let offered = offers.map { "\($0["name"] ?? "") \($0["bytes"] ?? "") \($0["checksum"] ?? "")" }.sorted()
        #expect(offered == expected && offered.count == 3)
    }
}
