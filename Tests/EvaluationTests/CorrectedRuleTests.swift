import Foundation
import Testing

@testable import EMLLMEvaluation

/// The corrected variants: what is meant is read, and nothing is guessed.
@Suite("Corrected rules")
struct CorrectedRuleTests {
    static let colours = ["red", "blue", "green", "yellow"]
    static let shapes = ["A triangle", "A square", "A circle"]
    static let angles = ["$10^{\\circ}$", "$15^{\\circ}$", "$20^{\\circ}$"]
    static let words = ["less than", "greater than", "equal to"]

    @Test(
        "a stated choice",
        arguments: [
            (colours, "B", 1, .letter), (colours, "b", 1, .letter), (colours, "(B)", 1, .letter),
            (colours, "(b)", 1, .letter), (colours, "B.", 1, .letter), (colours, "B)", 1, .letter),
            (colours, "**B**", 1, .letter), (colours, "<<B>>", 1, .letter), (colours, "(B) blue", 1, .letter),
            (colours, "B. blue", 1, .letter), (colours, "B: the blue one", 1, .letter), (colours, "B blue", 1, .letter),
            (colours, "Option B", 1, .letter), (colours, "option (B).", 1, .letter),
            (colours, #"\boxed{B}"#, 1, .letter),
            (colours, #"$\text{B}$"#, 1, .letter), (colours, "B because it is", 1, .letter),
            (colours, "blue", 1, .statedChoice),
            (colours, "Blue.", 1, .statedChoice), (colours, "\"blue\"", 1, .statedChoice),
            (colours, "the blue square", 1, .statedChoice), (colours, "it is option (D), yellow", 3, .letter),
            (colours, "bleu", nil, .none), (colours, "blu", nil, .nearestChoice), (colours, "gren", 2, .nearestChoice),
            (colours, "purple", nil, .none), (colours, "E", nil, .none), (colours, "(E)", nil, .none),
            (colours, "red or blue", nil, .none), (colours, "A or B", nil, .none), (colours, "", nil, .none),
            (shapes, "A", 0, .letter), (shapes, "A square", 1, .statedChoice), (shapes, "a circle", 2, .statedChoice),
            (shapes, "A hexagon", nil, .none), (shapes, "square", 1, .nearestChoice), (shapes, "picture B", 1, .letter),
            (angles, "15", 1, .number), (angles, "15°", 1, .statedChoice),
            (angles, #"\boxed{15^\circ}"#, 1, .statedChoice),
            (angles, "15 degrees", 1, .number), (angles, "25", nil, .none), (angles, "1", nil, .none),
            (["6", "3", "4", "2"], "4", 2, .statedChoice), (["6", "3", "4", "2"], "14", nil, .none),
            (["97", "102", "107"], "92.5", nil, .none), (["1/2", "1/3"], "0.5", 0, .number),
            (["3/11", "8/11"], #"\frac{8}{11}"#, 1, .number), (["6 cm", "7 cm"], "7cm", 1, .number),
            (["B", "C", "D", "E"], "B", 1, .letter), (["5", "5", "6"], "5", 0, .statedChoice),
            (words, "greater than", 1, .statedChoice), (words, "it is greater than B", 1, .statedChoice),
            (["A", "B", "C"], "it is a square", nil, .none),
            (["square", "square root"], "the square root", 1, .statedChoice),
        ] as [([String], String, Int?, Score.Method)]
    )
    func statedChoice(choices: [String], stated: String, index: Int?, how: Score.Method) {
        // "blu" is one edit from "blue" of four: a third at most may differ.
        let index = stated == "blu" ? 1 : index
        let problem = Problem.choosing(index ?? 0, of: choices)
        let score = problem.score(stating: stated)
        #expect(score.normalized == index.map { choices[$0] })
        #expect(score.isCorrect == (index != nil))
        #expect(score.how == how)
    }

    @Test(
        "a choice in a response that states nothing",
        arguments: [
            ("The answer is B.", 1), ("The answer is **(B)**.\nDone.", 1), ("Answer: B", 1),
            ("<Thought process>: <<x>> <Answer>: <<B>>", 1),
            ("First (A). No.\nSo it is (B)", 1), ("It is not (A) but (B)", 1),
            (#"So \boxed{A}, or rather \boxed{\text{B}}."#, 1),
            ("I see red and blue.\nIt is blue", 1), ("The answer is C. No, the answer is B.", 1),
            ("The answer is:\nB", 1),
            ("Because of that", nil), ("All of it", nil), ("", nil), ("It is (E)", nil),
            ("(A) is wrong.\nI do not know.", nil),
            ("The correct answer should be B, I think", 1),
        ] as [(String, Int?)]
    )
    func response(response: String, index: Int?) {
        for benchmark in Problem.Benchmark.allCases {
            let byLetter = benchmark == .mathV || benchmark == .weMath
            let problem = Problem.choosing(1, of: Self.colours, benchmark, byLetter: byLetter)
            #expect(problem.score(saying: response).normalized == index.map { Self.colours[$0] }, "\(benchmark)")
        }
    }

    @Test(
        "a number by its type",
        arguments: [
            ("1000", .integer, .mathVista, "1,000", true), ("1000", .integer, .mathVista, "$1000", true),
            ("1000", .integer, .mathVista, "1000 g", true), ("1000", .integer, .mathVista, "1000.9", true),
            ("1000", .integer, .own, "1000.9", false), ("1000", .integer, .own, "1000.0", true),
            ("7", .integer, .own, "x = 7", true), ("7", .integer, .own, "3 + 4 = 7 apples", true),
            ("7", .integer, .own, "7 of the 9 boxes", true),
            ("1234", .integer, .own, "1,234 of them in 3 boxes", true), ("3", .integer, .own, "about 3-5 of 9", false),
            ("10000000001", .integer, .own, "10000000002", false), ("7", .integer, .own, "The answer is (7).", true),
            ("-7", .integer, .own, "−7", true),
            ("7", .integer, .own, "-7", false),
            ("7", .integer, .own, "", false), ("7", .integer, .own, "seven", false),
            ("7", .integer, .own, "1e999", false),
            ("1.2", .float(precision: 1), .mathVista, "1.2", true),
            ("1.2", .float(precision: 1), .mathVista, "1.24", true),
            ("1.2", .float(precision: 1), .mathVista, "1.26", false),
            ("0.80", .float(precision: 2), .mathVista, "0.8", true),
            ("0.5", .float(precision: 1), .mathVista, "1/2", true),
            ("0.5", .float(precision: 1), .mathVista, #"\frac{1}{2}"#, true),
            ("50", .float(precision: 0), .own, "50%", true), ("6", .integer, .mathV, #"\boxed{\frac{12}{2}}"#, true),
            ("6", .integer, .mathV, "6.4", false), ("6", .integer, .mathV, #"6\text{ cm}"#, true),
            ("6", .integer, .mathV, "6.001", true),
            ("0.5", .float(precision: 1), .mathV, #"\frac12"#, true),
            ("0.001", .float(precision: 3), .mathV, "0.004", false),
            ("0.001", .float(precision: 3), .mathV, "0.00", false),
            ("3.33", .float(precision: 2), .mathV, #"\frac{10}{3}"#, true),
            ("6.28", .float(precision: 2), .mathV, #"2\pi"#, true), ("1000", .integer, .mathV, "1{,}000", true),
        ] as [(String, Problem.AnswerType, Problem.Benchmark, String, Bool)]
    )
    func number(answer: String, type: Problem.AnswerType, benchmark: Problem.Benchmark, stated: String, isCorrect: Bool)
    {
        #expect(Problem.free(answer, type, benchmark).score(stating: stated).isCorrect == isCorrect)
    }

    @Test(
        "a number in a response that states nothing is the last one of its last line",
        arguments: [
            ("There were 4 and 3.\nThat makes 7.", true), ("7 at first.\nThen 8.", false),
            ("It is in the range 3-7", false), ("In all 1,007", false), ("3 + 4 = 7", true),
            ("The answer is 7. I checked 2 ways.", true), (#"\boxed{7} is it, after 3 steps"#, true), ("none", false),
            ("", false),
        ]
    )
    func lastNumber(response: String, isCorrect: Bool) {
        for benchmark in [Problem.Benchmark.own, .mathVista, .mathV] {
            #expect(Problem.free("7", .integer, benchmark).score(saying: response).isCorrect == isCorrect)
        }
    }

    @Test(
        "lists are compared element by element",
        arguments: [
            ("[2007, 2008]", true), ("[2007,2008]", true), ("2007, 2008", true), ("2007 and 2008", true),
            ("(2007, 2008.0)", true),
            ("[2008, 2007]", false), ("[2007]", false), ("[2007, 2008, 2009]", false), ("", false),
        ]
    )
    func lists(stated: String, isCorrect: Bool) {
        for benchmark in [Problem.Benchmark.own, .mathVista] {
            #expect(Problem.free("[2007, 2008]", .list, benchmark).score(stating: stated).isCorrect == isCorrect)
        }
        // Square brackets would be an interval with its ends.
        let isTuple = isCorrect && !stated.hasPrefix("[")
        #expect(Problem.free("(2007,2008)", .text, .mathV).score(stating: stated).isCorrect == isTuple)
    }

    @Test(
        "text is compared as it reads",
        arguments: [
            ("Sunday", "sunday.", true), ("Sunday", #"\text{Sunday}"#, true), ("Sunday", "**Sunday**", true),
            ("Sunday", "Monday", false), ("Sunday", "", false), ("3:30", "3:30", true), ("x + 1", "x +  1", true),
        ]
    )
    func text(answer: String, stated: String, isCorrect: Bool) {
        for benchmark in [Problem.Benchmark.own, .mathVista, .mathV] {
            #expect(Problem.free(answer, .text, benchmark).score(stating: stated).isCorrect == isCorrect)
        }
    }

    @Test("what is stated counts, whatever the response says")
    func statedFirst() {
        let problem = Problem.choosing(1, of: Self.colours)
        let output = ModelOutput(answer: "(B)", response: "The answer is (A).")
        #expect(ScoringRule().score(output, for: problem).isCorrect)
        let blank = ModelOutput(answer: " \n", response: "The answer is (B).")
        #expect(ScoringRule().score(blank, for: problem).isCorrect)
    }

    @Test("choices that read the same are equally right")
    func equalChoices() {
        let problem = Problem.choosing(0, of: ["5", "6", "5"], .mathV, byLetter: true)
        #expect(problem.score(stating: "C").isCorrect)
        #expect(!problem.score(stating: "B").isCorrect)
    }

    @Test("a problem without an output is wrong; the published scripts forget it")
    func denominators() {
        let problems = (1...4).map { id in
            var problem = Problem.choosing(1, of: Self.colours, .mathVista)
            problem.id = String(id)
            return problem
        }
        let outputs = ["1": ModelOutput(answer: "(B)", response: "."), "2": ModelOutput(answer: "(A)", response: ".")]
        let corrected = ScoredRun(problems, outputs: outputs)
        #expect(corrected.correct == 1)
        #expect(corrected.accuracy == 0.25)
        #expect(corrected.unanswered == ["3", "4"])
        #expect(ScoredRun(problems, outputs: outputs, rule: ScoringRule(.published)).accuracy == 0.5)
        #expect(ScoredRun([], outputs: [:]).accuracy == 0)
    }

    @Test("where the published script misbehaves, the variants differ")
    func defects() {
        func both(_ problem: Problem, _ output: ModelOutput) -> [Bool] {
            ScoringRule.Variant.allCases.map { ScoringRule($0).score(output, for: problem).isCorrect }
        }
        let nothing = ModelOutput(response: "")
        let shortest = Problem.choosing(0, of: ["No", "Yes"], .mathVista)
        #expect(both(shortest, nothing) == [false, true])
        let blue = Problem.choosing(1, of: Self.colours, .mathVista)
        #expect(both(blue, ModelOutput(answer: "B.", response: "x")) == [true, false])
        let real = Problem.free("1.2", .float(precision: 1), .mathVista)
        #expect(both(real, ModelOutput(answer: "1.2 cm", response: "x")) == [true, false])
        let letter = Problem.choosing(1, of: ["A", "B", "C", "D", "E"], .mathV, byLetter: true)
        #expect(both(letter, ModelOutput(response: "The answer is B because of it.")) == [true, false])
        #expect(both(letter, ModelOutput(response: "No idea.\nLook at triangle B.")) == [false, true])
        let half = Problem.free("0.5", .float(precision: 1), .mathV)
        #expect(both(half, ModelOutput(response: #"\boxed{\frac12}"#)) == [true, false])
        let third = Problem.choosing(2, of: Self.colours, .weMath, byLetter: true)
        #expect(both(third, ModelOutput(response: "Clearly it is B")) == [false, true])
        #expect(both(third, ModelOutput(response: "The answer is C.")) == [true, false])
        let sizes = Problem.choosing(0, of: ["small", "medium", "large"], .puzzleVQA)
        #expect(both(sizes, ModelOutput(response: "(D)")) == [false, true])
        #expect(both(sizes, ModelOutput(response: "The answer is small")) == [true, false])
    }
}

@Suite("Outputs that no model should write")
struct HostileOutputTests {
    @Test(
        "a long output is scored in a moment",
        arguments: [
            "1 ", "a", "1a", "a ", "{", "\\frac{", "\\text{a}", "(", "[", "=", "1,", "answer is ", "\\boxed{", "1+",
            "-", "*", "B ", ". A",
        ]
    )
    func long(piece: String) {
        for size in [4000, 20_000] { score(String(repeating: piece, count: size / piece.count)) }
    }

    private func score(_ text: String) {
        let start = ContinuousClock.now
        for problem in [Problem.choosing(1, of: ["red", "blue"], .mathVista), .free("7", .integer, .mathV)] {
            for variant in ScoringRule.Variant.allCases {
                _ = ScoringRule(variant).score(ModelOutput(answer: text, response: text), for: problem)
            }
        }
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test("a problem from another hand does not crash a rule")
    func inconsistentProblem() {
        var problem = Problem.choosing(0, of: (0..<300).map(String.init))
        problem.answerIndex = 400
        problem.stepLabels = [.right]
        #expect(!problem.score(stating: "(B)").isCorrect)
        #expect(problem.answerText == "0")
        #expect(problem.prompt.hasSuffix("(300) 299"))
        #expect(StepLabelRule.reference.labels(of: ["x"], for: problem) == [nil])
        #expect(Problem.free("1", .float(precision: .max)).score(stating: "1").isCorrect)
    }
}
