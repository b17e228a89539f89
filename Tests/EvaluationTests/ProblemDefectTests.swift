import EMLLMCore
import Foundation
import Testing

@testable import EMLLMEvaluation

/// Files that are wrong: what cannot be used is reported with its line, and nothing else is lost.
@Suite("Problems that cannot be read")
struct ProblemDefectTests {
    static let good = #"{"id": "good", "question": "?", "answer": 1}"#

    @Test(
        "a record that cannot be used is skipped with a reason",
        arguments: [
            (#"{"id": "x", "question": "?", "answer": 1"#, nil, "malformed JSON"),
            (#"{"id": "x", "question": "?", "answer": 1}}"#, nil, "malformed JSON"),
            ("[1, 2]", nil, "not an object"),
            ("\"text\"", nil, "not an object"),
            (#"{"id": "x", "question": "?", "answer": 1e999}"#, nil, #"value of "answer" cannot be read"#),
            (#"{"id": "x", "question": "?", "answer": NaN}"#, nil, "malformed JSON"),
            (#"{"id": "x", "question": "?"}"#, "x", "no answer"),
            (#"{"id": "x", "question": "?", "answer": "  "}"#, "x", "no answer"),
            (#"{"id": "x", "question": "?", "answer": null}"#, "x", "no answer"),
            (#"{"id": "x", "question": "?", "answer": {"a": 1}}"#, "x", "no answer"),
            (#"{"id": "x", "question": "", "answer": 1}"#, "x", #""question" has no text"#),
            (#"{"id": "good", "question": "other", "answer": 1}"#, "good", "line 1 has the same id"),
            (
                #"{"id": "x", "question": "?", "answer": "green", "options": ["red", "blue"]}"#, "x",
                "not among the choices"
            ),
            (#"{"id": "x", "question": "?", "answer": "C", "options": ["red", "blue"]}"#, "x", "not among the choices"),
            (#"{"id": "x", "question": "?", "answer": "red", "options": "red, blue"}"#, "x", "not a list of texts"),
            (#"{"id": "x", "question": "?", "answer": "red", "options": ["red", null]}"#, "x", "not a list of texts"),
            (#"{"id": "x", "question": "?", "answer": "many", "answer_type": "integer"}"#, "x", "not a number"),
            (#"{"id": "x", "question": "?", "answer": "1", "answer_type": "number"}"#, "x", "\"number\" is unknown"),
            (#"{"id": "x", "question": "?", "answer": "1", "answer_type": "choice"}"#, "x", "without choices"),
            (
                #"{"id": "x", "question": "?", "answer": "1.5", "answer_type": "float", "precision": 1e9}"#, "x",
                "precision"
            ),
            (
                #"{"id": "x", "question": "?", "answer": "1.5", "answer_type": "float", "precision": -1}"#, "x",
                "precision"
            ),
            (#"{"id": "x", "question": "?", "answer": 1, "image": "images/none.png"}"#, "x", "there is no image"),
            (#"{"id": "x", "question": "?", "answer": 1, "image": "images"}"#, "x", "not a file"),
            (#"{"id": "x", "question": "?", "answer": 1, "image": "/dev/null"}"#, "x", "not a file"),
            (
                #"{"id": "x", "question": "?", "answer": 1, "image": "https://example.org/1.png"}"#, "x",
                "there is no image"
            ),
            (#"{"id": "x", "question": "?", "answer": 1, "image": "images/1.png\u0000"}"#, "x", "there is no image"),
            (#"{"id": "x", "question": "?", "answer": 1, "images": "images/1.png"}"#, "x", "not a list of texts"),
            (
                #"{"id": "x", "question": "?", "answer": 1, "steps": ["a"], "step_labels": [true, false]}"#, "x",
                "2 step labels"
            ),
            (#"{"id": "x", "question": "?", "answer": 1, "steps": ["a"], "step_labels": ["so"]}"#, "x", "neither true"),
        ] as [(String, String?, String)]
    )
    func skipped(record: String, id: String?, reason: String) throws {
        let set = try ProblemFixtures.reading(Self.good + "\n" + record + "\r\n\n" + #"{"question": "?", "answer": 2}"#)
        #expect(set.problems.map(\.answer) == ["1", "2"])
        #expect(set.skipped.map(\.line) == [2])
        #expect(set.skipped.map(\.id) == [id])
        #expect(set.skipped[0].reason.contains(reason), "\(set.skipped[0].reason)")
    }

    @Test("bytes that are not UTF-8 cost their own line")
    func invalidUTF8() throws {
        let bad = Data(#"{"id": "x", "question": ""#.utf8) + [0xC3, 0x28] + Data(#"", "answer": 1}"#.utf8)
        let set = try ProblemFixtures.reading(bad + Data("\n\(Self.good)\n".utf8))
        #expect(set.problems.map(\.id) == ["good"])
        #expect(set.skipped == [SkippedProblem(line: 1, id: nil, reason: "not UTF-8")])
    }

    @Test("a byte order mark and carriage returns are no part of the first record")
    func byteOrderMark() throws {
        let set = try ProblemFixtures.reading(
            "\u{FEFF}" + Self.good + "\r\n" + #"{"id": 2, "question": "?", "answer": 2}"# + "\r\n"
        )
        #expect(set.problems.map(\.id) == ["good", "2"])
        #expect(set.skipped.isEmpty)
    }

    @Test("deep nesting is skipped, however deep", arguments: [17, 600, 200_000])
    func nesting(depth: Int) throws {
        let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let set = try ProblemFixtures.reading(Self.good + "\n{\"id\": \"x\", \"question\": \(deep)}")
        #expect(set.skipped == [SkippedProblem(line: 2, id: nil, reason: "nested deeper than 16 levels")])
        let open = try ProblemFixtures.reading(Self.good + "\n" + String(repeating: "[", count: depth))
        #expect(open.skipped.map(\.line) == [2])
    }

    @Test("image paths may be absolute, lead elsewhere, or be symbolic links; what they lead to must be a file")
    func imagePaths() throws {
        let image = try ProblemFixtures.url("images/1.png")
        let links = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: links, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: links) }
        let targets = ["good": image, "folder": image.deletingLastPathComponent(), "none": links.appending(path: "x")]
        for (name, target) in targets {
            try FileManager.default.createSymbolicLink(at: links.appending(path: name), withDestinationURL: target)
        }
        let paths = [
            image.path, "../problems/images/1.png", "images/./../images/1.png", links.path + "/good",
            links.path + "/folder", links.path + "/none",
        ]
        let records = paths.enumerated().map { #"{"id": \#($0), "question": "?", "answer": 1, "image": "\#($1)"}"# }
        let set = try ProblemFixtures.reading(records.joined(separator: "\n"))
        #expect(set.skipped.map(\.id) == ["4", "5"])
        let files = set.problems.flatMap(\.images).map { $0.resolvingSymlinksInPath().path }
        #expect(files == Array(repeating: image.resolvingSymlinksInPath().path, count: 4))
    }

    @Test("the folder of the images is one with or without a slash at its end")
    func imageFolder() throws {
        let file = try ProblemFixtures.url("own.jsonl")
        let folder = URL(filePath: file.deletingLastPathComponent().path)
        #expect(try ProblemSet.read(from: file, imageFolder: folder).skipped.isEmpty)
    }

    @Test("huge numbers are kept as they are")
    func hugeNumbers() throws {
        let set = try ProblemFixtures.reading(
            #"{"id": 1, "question": "?", "answer": "\#(String(repeating: "9", count: 400))"}"#
        )
        #expect(set.problems[0].answer.count == 400)
        #expect(set.problems[0].answerType == .text)
    }

    @Test("records of a document know their lines; a repeated key is a repeated id")
    func document() throws {
        let record = #"{"question": "?", "answer": "1", "image": "images/1.png", "question_type": "free_form", "#
        let rest = #""answer_type": "integer", "pid": "7"}"#
        let set = try ProblemFixtures.reading(
            "{\n \"7\":\n  \(record)\n  \(rest),\n \"7\": \(record)\(rest),\n \"8\": 5 }"
        )
        #expect(set.layout == .mathVista)
        #expect(set.problems.map(\.id) == ["7"])
        #expect(set.skipped.map(\.line) == [5, 6])
        #expect(set.skipped.map(\.id) == ["7", "8"])
    }

    @Test("a benchmark's problem without an image cannot be asked")
    func noImage() throws {
        let error = #expect(throws: EMLLMError.self) {
            try ProblemFixtures.reading(
                #"{"id": "1", "question": "?", "options": [], "answer": "6", "solution": null, "level": 1, "subject": "s"}"#
            )
        }
        #expect(error?.code == .noProblems)
        #expect(error?.found.contains("it names no image") ?? false)
    }

    @Test(
        "where nothing can be read, the error names the line",
        arguments: [
            ("", EMLLMError.Code.noProblems, ""), (" \n \n", .noProblems, ""), ("[]", .noProblems, ""),
            ("\n{\"id\": 1, \"question\": \"?\"}", .unknownProblemLayout, ", line 2"),
            ("{\"id\": 1, \"question\": \"?\", \"answer\": \"\"}", .noProblems, ", line 1"),
            ("no JSON\nat all", .noProblems, ", line 1"),
            ("[\n{\"question\": \"?\"\n", .malformedProblems, ", line 3"),
            ("[\n{\"question\": \"?\n", .malformedProblems, ", line 2"),
            ("[\n{\"question\": 1]\n}", .malformedProblems, ", line 2"),
            ("[{}\n{}]", .malformedProblems, ", line 2"), ("[{},]", .malformedProblems, ", line 1"),
            ("[{}]\n[", .malformedProblems, ", line 2"), ("{\"1\": {}, \"2\"}", .malformedProblems, ", line 1"),
            ("[\"\\", .malformedProblems, ", line 1"),
        ]
    )
    func unreadable(content: String, code: EMLLMError.Code, place: String) {
        let error = #expect(throws: EMLLMError.self) { try ProblemFixtures.reading(content) }
        #expect(error?.code == code)
        #expect(error?.subject.hasSuffix("problems.jsonl" + place) ?? false, "\(error?.subject ?? "")")
    }

    @Test(
        "UTF-16 and UTF-32 are refused",
        arguments: [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32]
    )
    func encodings(encoding: String.Encoding) throws {
        let content = try #require(Self.good.data(using: encoding))
        let error = #expect(throws: EMLLMError.self) { try ProblemFixtures.reading(content) }
        #expect(error?.code == .problemEncoding)
    }

    @Test("a file that is not there, and a folder", arguments: ["none.jsonl", "images"])
    func noFile(name: String) throws {
        let url = try ProblemFixtures.url(name)
        let error = #expect(throws: EMLLMError.self) { try ProblemSet.read(from: url) }
        #expect(error?.code == .unreadableProblems)
        #expect(error?.subject == url.path)
    }

    @Test("whatever bytes a file has, reading it ends in problems or an error")
    func fuzz() throws {
        let files = try ["own.jsonl", "mathvista.json", "wemath.json"].map {
            try Data(contentsOf: ProblemFixtures.url($0))
        }
        var state: UInt64 = 20_261_121
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for round in 0..<300 {
            var bytes = files[round % files.count]
            for _ in 0...random(4) {
                let place = random(bytes.count)
                switch random(3) {
                case 0: bytes[place] = UInt8(random(256))
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random(40)))
                default: bytes.insert(contentsOf: Array("\"{}[],:\\".utf8).shuffledPrefix(random(4), random), at: place)
                }
                if bytes.isEmpty { bytes = files[0] }
            }
            do {
                let set = try ProblemFixtures.reading(bytes)
                #expect(Set(set.problems.map(\.id)).count == set.problems.count)
            } catch is EMLLMError {}
        }
    }
}

extension Array {
    fileprivate func shuffledPrefix(_ count: Int, _ random: (Int) -> Int) -> [Element] {
        (0...count).map { _ in self[random(self.count)] }
    }
}
