import EMLLMCore
import Foundation
import Testing

@testable import EMLLMEvaluation

@Suite("Scores of a model's outputs by a benchmark's categories")
struct BenchmarkSummaryTests {
    private func responses(_ lines: String) throws -> ResponseFile {
        try ResponseFile(jsonLines: Data(lines.utf8), path: "responses.jsonl")
    }

    @Test("responses are read as they are written")
    func reading() throws {
        let file = try responses(
            """
            {"id": "a", "response": "The answer is (B)."}

            {"id": 12345678901234567890, "answer": 2.50}
            {"id": 12345678901234567891, "answer": [1, "x"], "response": "r", "more": {"n": 1}}
            {"id": "empty", "response": ""}
            """
        )
        #expect(file.ids == ["a", "12345678901234567890", "12345678901234567891", "empty"])
        #expect(file.outputs["a"] == ModelOutput(response: "The answer is (B)."))
        #expect(file.outputs["12345678901234567890"] == ModelOutput(answer: "2.50", response: ""))
        #expect(file.outputs["12345678901234567891"] == ModelOutput(answer: "[1, x]", response: "r"))
    }

    @Test(
        "a line that is no response is named",
        arguments: [
            (#"{"id": "a"}"#, 1, "neither"), (#"{"response": "x"}"#, 1, "no id"), ("x", 1, "malformed"),
            ("[]", 1, "malformed"),
            (#"{"id": 01, "answer": 1}"#, 1, ""),
            ("{\"id\": 1, \"answer\": 1}\n{\"id\": 1, \"answer\": 2}", 2, "second time"),
        ]
    )
    func defects(text: String, line: Int, found: String) {
        let error = #expect(throws: EMLLMError.self) { try responses(text) }
        #expect(error?.subject == "responses.jsonl, line \(line)")
        #expect(error?.found.contains(found) == true || found.isEmpty)
    }

    private func problem(_ id: String, _ benchmark: Problem.Benchmark, _ breakdown: [String: String]) -> Problem {
        var problem = Problem.choosing(1, of: ["red", "blue"], benchmark, byLetter: benchmark != .mathVista)
        problem.id = id
        problem.breakdown = breakdown
        return problem
    }

    @Test("MATH-Vision by subject, level and both; a problem without an output is wrong, and told")
    func mathV() {
        let problems = [
            problem("1", .mathV, ["subject": "algebra", "level": "1"]),
            problem("2", .mathV, ["subject": "algebra", "level": "2"]),
            problem("3", .mathV, ["subject": "counting", "level": "2"]),
        ]
        let outputs = ["1": ModelOutput(response: "B"), "2": ModelOutput(response: "A")]
        let summary = BenchmarkSummary(problems, run: ScoredRun(problems, outputs: outputs))
        #expect(summary.overall == .init(value: "all", total: 3, correct: 1, accuracy: 1.0 / 3))
        #expect(summary.unanswered == 1 && summary.answered == 2)
        #expect(summary.categories.map(\.key) == ["subject", "level", "subject and level"])
        #expect(
            summary.categories[2].groups.map(\.value) == ["algebra, level 1", "algebra, level 2", "counting, level 2"]
        )
        #expect(summary.categories[0].groups.map(\.accuracy) == [0.5, 0])
        #expect(summary.text.contains("algebra: 50.0 % (1 of 2)"))
        let published = ScoringRule(.published)
        let same = BenchmarkSummary(
            problems,
            run: ScoredRun(problems, outputs: outputs, rule: published),
            rule: published
        )
        #expect(same.overall.total == 2)
    }

    @Test("MathVista by task and by each skill of a problem")
    func mathVista() {
        let problems = [
            problem("1", .mathVista, ["task": "figure question answering", "skills": "algebra; statistics"]),
            problem("2", .mathVista, ["task": "geometry", "skills": "algebra"]),
        ]
        let run = ScoredRun(problems, outputs: ["1": ModelOutput(response: "The answer is blue.")])
        let summary = BenchmarkSummary(problems, run: run)
        #expect(summary.categories.map(\.key) == ["task", "skills"])
        #expect(summary.categories[1].groups.map { [$0.correct, $0.total] } == [[1, 2], [1, 1]])
    }

    @Test("We-Math's diagnoses with their average score and rote-memorization rate, in text and JSON")
    func weMath() throws {
        let problems = ["2steps_1", "2steps_2", "2steps_multi"].map {
            problem("7/" + $0, .weMath, ["group": "7", "key": $0])
        }
        let outputs = ["7/2steps_1": ModelOutput(response: "B"), "7/2steps_multi": ModelOutput(response: "B")]
        let summary = BenchmarkSummary(problems, run: ScoredRun(problems, outputs: outputs))
        let diagnosis = try #require(summary.weMath)
        #expect(diagnosis.strict.roteMemorizationRate == 1 && diagnosis.loose.averageScore == 1)
        #expect(summary.text.contains("We-Math, strict: average score 0.0 %, rote memorization 100.0 %"))
        let json = try JSONEncoder().encode(summary)
        #expect(String(decoding: json, as: UTF8.self).contains(#""averageScore":1"#))
        #expect(String(decoding: json, as: UTF8.self).contains(#""roteMemorizationRate":1"#))
        #expect(try JSONDecoder().decode(BenchmarkSummary.self, from: json) == summary)
    }

    @Test("numbers in JSON keep their digits")
    func numbers() throws {
        let set = try ProblemFixtures.reading(
            """
            {"id": 12345678901234567890, "question": "?", "answer": 2.50}
            {"id": 12345678901234567891, "question": "?", "answer": 12345678901234567890}
            {"id": "three", "question": "?", "answer": -1.5e3, "level": 2}
            """
        )
        #expect(set.problems.map(\.id) == ["12345678901234567890", "12345678901234567891", "three"])
        #expect(set.problems[0].answerType == .float(precision: 2))
        #expect(!set.problems[0].score(stating: "2.54").isCorrect)
        #expect(set.problems[0].score(stating: "2.5").isCorrect)
        #expect(set.problems[1].score(stating: "12345678901234567890").isCorrect)
        #expect(!set.problems[1].score(stating: "12345678901234567891").isCorrect)
        #expect(set.problems[2].score(stating: "-1500").isCorrect)
        #expect(set.problems[2].breakdown["level"] == "2")
    }

    @Test("scoring needs no pictures")
    func withoutPictures() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "test.jsonl")
        let line =
            #"{"id": "1", "question": "?", "options": ["x", "y"], "image": "images/1.jpg", "answer": "B", "solution": null, "#
            + #""level": 1, "subject": "algebra"}"#
        try Data(line.utf8).write(to: file)
        #expect(throws: EMLLMError.self) { try ProblemSet.read(from: file) }
        #expect(try ProblemSet.read(from: file, requiresImages: false).problems.map(\.id) == ["1"])
    }
}
