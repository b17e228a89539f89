import EMLLMCore
import Foundation
import Testing

@testable import EMLLMEvaluation

@Suite("Reading problems")
struct ProblemReaderTests {
    @Test(
        "the layout is recognized by the columns, and every record read",
        arguments: [
            ("own.jsonl", ProblemLayout.own, 5), ("puzzlevqa.jsonl", .puzzleVQA, 2), ("mathvista.json", .mathVista, 4),
            ("mathv.jsonl", .mathV, 3), ("wemath.json", .weMath, 3),
        ]
    )
    func layouts(file: String, layout: ProblemLayout, count: Int) throws {
        let set = try ProblemFixtures.read(file)
        #expect(set.layout == layout)
        #expect(set.problems.count == count)
        #expect(set.skipped.isEmpty)
        #expect(set.problems.allSatisfy { $0.benchmark == layout && $0.breakdown["answer_type"] == $0.answerType.name })
        #expect(try ProblemFixtures.read(file, layout: layout) == set)
    }

    @Test("own columns: several images, labels, a derived id, a list, numbers as answers")
    func own() throws {
        let problems = try ProblemFixtures.read("own.jsonl").problems
        let sum = problems[0]
        #expect(sum.answer == "7")
        #expect(sum.answerType == .integer)
        #expect(sum.images.map(\.lastPathComponent) == ["1.png", "2.png"])
        #expect(sum.unit == "apples")
        #expect(sum.referenceSteps == ["3 + 4 = 7", "7 is odd"])
        #expect(sum.stepLabels == [.right, nil])
        #expect(sum.breakdown == ["level": "2", "skills": "counting; adding", "answer_type": "integer"])
        #expect(sum.values(of: "skills") == ["counting", "adding"])

        #expect(problems[1].id.hasPrefix("images/1#"))
        #expect(problems[1].answerIndex == 1)
        #expect(problems[1].answerText == "blue")
        #expect(problems[2].id == "3")
        #expect(problems[2].answerType == .float(precision: 1))
        #expect(problems[3].answer == "[2007, 2008]")
        #expect(problems[3].answerType == .list)
        #expect(problems[4].breakdown["solved"] == "false")
    }

    @Test("an id made of content does not depend on the other lines")
    func stableID() throws {
        let record = #"{"question": "Which?", "options": ["x", "y"], "answer": "x", "image": "images/1.png"}"#
        let alone = try ProblemFixtures.reading(record).problems[0].id
        let second = try ProblemFixtures.reading(#"{"id": 1, "question": "?", "answer": 1}"# + "\n\n" + record)
            .problems[1].id
        #expect(alone == second)
        let other = record.replacingOccurrences(of: "Which?", with: "Which of them?")
        #expect(try ProblemFixtures.reading(other).problems[0].id != alone)
    }

    @Test("PuzzleVQA: the id is the image's path, the explanation a chain of steps")
    func puzzleVQA() throws {
        let problem = try ProblemFixtures.read("puzzlevqa.jsonl").problems[0]
        #expect(problem.id == "images/1")
        #expect(problem.answerIndex == 2)
        #expect(problem.referenceSteps == ["Four numbers.", "They grow.", "It is 4."])
        #expect(problem.breakdown == ["category": "grid_number", "answer_type": "choice"])
    }

    @Test("MathVista: the order of the file, types, precision, and the metadata to break down by")
    func mathVista() throws {
        let problems = try ProblemFixtures.read("mathvista.json").problems
        #expect(problems.map(\.id) == ["10", "2", "3", "4"])
        #expect(problems.map(\.answerType) == [.choice, .integer, .float(precision: 1), .list])
        #expect(problems[0].answerIndex == 1)
        #expect(problems[0].values(of: "skills") == ["geometry reasoning", "algebraic reasoning"])
        #expect(problems[0].breakdown["question_type"] == "multi_choice")
        #expect(problems[0].breakdown["grade"] == "high school")
        #expect(problems[1].unit == "g")
    }

    @Test("MATH-Vision: letters as answers, a solution as steps")
    func mathV() throws {
        let problems = try ProblemFixtures.read("mathv.jsonl").problems
        #expect(problems.map(\.id) == ["4", "6", "1008"])
        #expect(problems.map(\.answerIndex) == [nil, 3, 1])
        #expect(problems[1].referenceSteps == ["Count.", "It is D."])
        #expect(problems[2].answerText == "$15^{\\circ}$")
        #expect(problems[2].breakdown["level"] == "5")
    }

    @Test("We-Math: the parts of one problem have ids of their own; options are taken apart by their letters")
    func weMath() throws {
        let problems = try ProblemFixtures.read("wemath.json").problems
        #expect(problems.map(\.id) == ["2steps_1/1", "2steps_1/2", "2steps_1/multi"])
        #expect(problems[0].choices == ["300, 400", "400, 300", "3000", "No correct answer"])
        #expect(problems[1].choices == ["B", "C", "D", "E", "No correct answer"])
        #expect(problems[1].answerText == "E")
        #expect(problems[2].choices == ["30 cm.", "40; 50 cm", "5 m"])
        #expect(problems[2].breakdown["group"] == "2steps_1")
        #expect(problems[2].values(of: "knowledge concept") == ["Length Units", "Directions"])
        #expect(problems[2].breakdown["key"] == "2steps_multi")
    }

    @Test("a problem survives being written and read")
    func codable() throws {
        let problems = try ProblemFixtures.read("mathvista.json").problems
        #expect(try JSONDecoder().decode([Problem].self, from: JSONEncoder().encode(problems)) == problems)
    }

    @Test(
        "prompts are the benchmarks' own",
        arguments: [
            ("own.jsonl", 0, "What do the two boxes hold together? (Unit: apples)"),
            ("own.jsonl", 1, "Which colour?\n(A) red\n(B) blue"),
            ("puzzlevqa.jsonl", 1, "Question: Which size is missing?\nOptions:\n(A) small\n(B) medium\n(C) large"),
            (
                "mathvista.json", 0,
                """
                Question: Find the angle.
                Choices:
                (A) 135°
                (B) 145°
                Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.
                Solution:
                """
            ),
            (
                "mathvista.json", 1,
                """
                Question: How heavy is it? (Unit: g)
                Hint: Please answer the question requiring an integer answer and provide the final value, e.g., 1, 2, 3, at \
                the end.
                Solution:
                """
            ),
        ]
    )
    func prompts(file: String, index: Int, prompt: String) throws {
        #expect(try ProblemFixtures.read(file).problems[index].prompt == prompt)
    }

    @Test("MATH-Vision's prompt leaves out options that are only the letters in the image; We-Math's has letters")
    func promptsWithLetters() throws {
        let mathV = try ProblemFixtures.read("mathv.jsonl").problems.map(\.prompt)
        #expect(mathV[0].hasSuffix("\nHow many digits?\n<image1>"))
        #expect(mathV[1].hasSuffix("\nWhich picture?\n<image1>"))
        #expect(mathV[2].contains("<image1>\n(A) $10^{\\circ}$\n(B) $15"))
        #expect(mathV.allSatisfy { $0.contains(#"put your answer in one "\boxed{}""#) })
        let weMath = try ProblemFixtures.read("wemath.json").problems[1].prompt
        #expect(
            weMath.contains("\nQuestion: Which is right of H?\nOption: A. B; B. C; C. D; D. E; E. No correct answer\n")
        )
        #expect(weMath.hasSuffix("<Answer>: <<your option>>"))
    }

    @Test("MathVista's hint names the decimals")
    func decimals() {
        let hints = [1, 2, 3].map { Problem.free("1", .float(precision: $0), .mathVista).prompt }
        #expect(
            hints[0].contains("with one decimal place and provide the final value, e.g., 1.2, 1.3, 1.4, at the end.")
        )
        #expect(hints[1].contains("with two decimal places"))
        #expect(hints[2].contains("with 3 decimal places and provide the final value, at the end."))
    }
}
