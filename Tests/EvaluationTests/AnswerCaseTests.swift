import Foundation
import Testing

@testable import EMLLMEvaluation

/// `Fixtures/answers/answers.jsonl`: answers that scorers are reported to judge wrongly.
struct AnswerCase: Decodable, Sendable, CustomTestStringConvertible {
    var reference: ColumnValue
    var options: [String]
    var given: String
    var text: String
    var correct: Bool

    var testDescription: String { "\(reference) \(options) \(given) \(text)" }

    static let all: [AnswerCase] = {
        do {
            let folder = Bundle.module.resourceURL ?? URL(filePath: "/")
            let data = try Data(contentsOf: folder.appending(path: "Fixtures/answers/answers.jsonl"))
            return try data.split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(AnswerCase.self, from: Data(JSONNumbers.quoted(Array($0)[...])))
            }
        } catch {
            fatalError("answers.jsonl cannot be read: \(error)")
        }
    }()

    var output: ModelOutput {
        given == "answer" ? ModelOutput(answer: text, response: "Step 1.") : ModelOutput(response: text)
    }

    /// The case as a file's reader makes a problem of it, under each benchmark's rule that can have it.
    func problems() -> [Problem] {
        let reference = reference.text ?? "[" + (reference.texts ?? []).joined(separator: ", ") + "]"
        guard options.isEmpty else {
            let index = options.firstIndex(of: reference) ?? options.indices.first { Problem.letter($0) == reference }
            return Problem.Benchmark.allCases.map { benchmark in
                .choosing(index ?? 0, of: options, benchmark, byLetter: benchmark == .mathV || benchmark == .weMath)
            }
        }
        let decimals = reference.split(separator: ".").dropFirst().last?.count ?? 0
        let type: Problem.AnswerType =
            self.reference.texts != nil
            ? .list
            : Double(reference) == nil ? .text : Int(reference) != nil ? .integer : .float(precision: decimals)
        // MathVista's rule cuts what comes after the point of a whole number, on purpose.
        let benchmarks: [Problem.Benchmark] = type == .integer ? [.own, .mathV] : [.own, .mathVista, .mathV]
        return benchmarks.map { .free(reference, type, $0) }
    }
}

@Suite("Reported cases")
struct AnswerCaseTests {
    @Test("an answer is judged as it is meant", arguments: AnswerCase.all)
    func verdict(row: AnswerCase) {
        for problem in row.problems() {
            let score = ScoringRule().score(row.output, for: problem)
            #expect(score.isCorrect == row.correct, "\(problem.benchmark): \(score)")
        }
    }

    @Test("all cases are read")
    func count() {
        #expect(AnswerCase.all.count == 102)
    }

    static let five = ["1", "2", "3", "4", "5"]
    static let colours = ["red", "blue", "green", "white", "black"]

    @Test(
        "a choice of five, whatever it is written like",
        arguments: [
            ("B", 1), ("b", 1), ("b.", 1), ("(B)", 1), ("B)", 1), ("**B**", 1), ("$B$", 1), (#"$\textbf{B}$"#, 1),
            (#"\mathrm{B}"#, 1),
            ("Option B", 1), ("Ｂ", 1), ("（B）", 1), ("答案是B", 1), ("故选B", 1), ("答案为：（B）。", 1), ("<answer>B</answer>", 1),
            ("**Answer**\n\nB", 1), ("## Final Answer\n(B)", 1), ("Answer: **B**", 1), ("**Answer:** B", 1),
            ("The answer is\n\nB", 1),
            ("The correct option is (B).", 1), ("The correct choice is B.", 1), ("Option (B) is correct.", 1),
            ("I choose B.", 1),
            ("Final answer: (B) blue", 1), (#"\boxed{\text{(B) blue}}"#, 1),
            (#"\boxed{A}. Wait, no. The answer is (B)."#, 1),
            (#"The answer is A. Let me check. \boxed{B}"#, 1), (#"\boxed{B}. So the answer is correct."#, 1),
            ("The answer is (A). No: the answer is (B), because (A) is red.", 1), ("The answer is B, not A.", 1),
            ("The answer is B rather than A.", 1), ("It is not red but blue.", 1),
            ("The answer is not (A), but (B).", 1),
            ("(A) is wrong, so it is (B).", 1), ("The answer is B since A and C are wrong.", 1),
            ("The answer is blue!", 1),
            ("The answer is: blue", 1),
            ("(A),(B),(C)", nil), ("A, B", nil), ("A and B", nil), ("A/B", nil), ("A & B", nil), ("(A) or (B)", nil),
            ("The answer is (A) or (B).", nil), ("Either A or B.", nil), (#"\boxed{A} or \boxed{B}"#, nil),
            (#"\boxed{A} \text{ or } \boxed{B}"#, nil), ("B\n\nIt is not A.", 1),
            (#"\boxed{A, B}"#, nil),
            ("not A", nil), ("The answer is not A.", nil), ("A is not the answer", nil), ("none of (A), (B)", nil),
            ("Neither A nor B", nil), ("N/A", nil), ("n/a", nil), ("None", nil), ("The answer is N/A.", nil),
            ("It cannot be determined.", nil), ("The answer is unknown.", nil), ("red or blue", nil), ("not red", nil),
            ("F", nil),
            ("A line", nil), ("I", nil), ("The answer is either red or blue.", nil), ("", nil), ("?", nil),
        ] as [(String, Int?)]
    )
    func choice(response: String, index: Int?) {
        for benchmark in Problem.Benchmark.allCases {
            let byLetter = benchmark == .mathV || benchmark == .weMath
            let problem = Problem.choosing(index ?? 0, of: Self.colours, benchmark, byLetter: byLetter)
            let score = problem.score(saying: response)
            #expect(score.normalized == index.map { Self.colours[$0] }, "\(benchmark)")
        }
    }

    @Test(
        "options that differ by signs, brackets, case or order are told apart",
        arguments: [
            (["<", ">", "="], "<", 0), (["<", ">", "="], "The answer is <.", 0), (["<", ">", "="], "$>$", 1),
            ([".5", "5"], ".5", 0), (["0.5", "5"], ".5", 0), (["4!", "4"], "4!", 0), (["4!", "4"], "24", 0),
            (["A'", "A"], "A'", 0),
            (["5 mW", "5 MW"], "5 MW", 1), (["5 mW", "5 MW"], "5 mW", 0), (["(0,4)", "(10,0)"], "(0,4)", 0),
            (["(1,4)", "(10,0)"], "(0,4)", nil), (["2:1", "3:1"], "1:1", nil), (["2:1", "3:1"], "2 : 1", 0),
            (["2:1", "1:2"], "0.5", 1),
            (["EFA", "CGH"], "EOA", nil), (["[0,3)", "(0,3]"], "(0,3]", 1), (["[0,3)", "(0,3]"], "[0, 3)", 0),
            (["(1,2)", "(2,1)"], "(2, 1)", 1), (["x+1", "x-1"], "x - 1", 1), (["x+1", "x-1"], "x − 1", 1),
            (["x^2", "x_2"], "x^2", 0),
            (["2a", "a2"], "a2", 1), (["-3", "3"], "−3", 0), (["10%", "0.1%"], "0.1%", 1), (["1/2", "1/3"], "0.5", 0),
            (["12 cm", "12 m"], "12 m", 1), (["12 cm", "12 m"], "12", nil), (["N/A", "5"], "N/A", 0),
            (["cannot be determined", "5"], "It cannot be determined", 0), (["Yes", "No"], "No, it is not.", 1),
            (["not red", "red"], "not red", 0), (["5", "7"], "between 5 and 7", nil), (["5", "7"], "5 or 7", nil),
            (["2", "3"], "2, 3", nil),
            (["all of the above", "none of the above"], "none of the above", 1), (["AB", "BA"], "BA", 1),
            (["3 4", "34"], "34", 1),
        ] as [([String], String, Int?)]
    )
    func signs(options: [String], stated: String, index: Int?) {
        let score = Problem.choosing(index ?? 0, of: options).score(stating: stated)
        #expect(score.normalized == index.map { options[$0] })
    }

    @Test(
        "a value is read as a whole or not at all",
        arguments: [
            ("2", #"\sqrt[3]{8}"#, true), ("3", #"\sqrt[3]{8}"#, false), ("5", "5x", false), ("2", #"\log_2 8"#, false),
            ("2", "sqrt(2)", false),
            ("4", "4 pi", false), ("1", #"\cfrac{1}{2}"#, false), ("2", "2 million", false),
            ("2000000", "2 million", true),
            ("3", "3×10⁴", false), ("10", "10 000", false), ("10", #"10\,000"#, false), ("5", "5!", false),
            ("120", "5!", true),
            ("16", "0x10", false), ("0", "0x10", false), ("5", "x = 5", true), ("3", "x = 2, y = 3", false),
            ("7", "x = 5 or x = 7", false),
            ("7", "about 7", true), ("7", "7 apples", true), ("7", "it is 7", true), ("7", "7 cm", true),
            ("7", "more than 7", false),
            ("7", "at least 7", false), ("7", "not 7", false), ("7", "7, not 8", true), ("7", "half of 7", false),
            ("7", "7 squared", false),
            ("7", "7 or 8", false), ("7", "7 to 8", false), ("7", "7, 8", false), ("7", "5 x", false),
            ("12", "(1,2)", false),
            ("1000", "1,000", true), ("29", "The total is $29.00", true),
            ("4", #"\boxed{5}. Wait. The answer is 4."#, true),
            ("4", "<answer>\n4\n</answer>", true), ("4", "Answer:\n4 cm", true), ("4", "答案是4。", true),
            ("12345678901234567890", "12345678901234567891", false),
            ("12345678901234567890", "12345678901234567890", true),
            ("50", "50%", true), ("30", #"30^{\circ}"#, true), ("3", "2+1", true), ("6", "12 / 2", true),
            ("10000", "10 000", true),
        ]
    )
    func wholeValues(reference: String, text: String, isCorrect: Bool) {
        let problem = Problem.free(reference, .integer)
        #expect(problem.score(stating: text).isCorrect == isCorrect)
        if !text.contains("!") {
            #expect(problem.score(saying: "Let me see.\nThe answer is \(text)").isCorrect == isCorrect)
        }
    }

    @Test(
        "texts are equal that read the same or have the same value",
        arguments: [
            ("x^2+3", "x^2 + 3", true), ("x^2+3", "x^2 - 3", false), ("y=2x+1", "y = 2x + 1", true),
            ("3:4", "3 : 4", true),
            ("3:4", "4:3", false), ("3:4", "0.75", true), (#"2\frac{1}{2}"#, "2.5", true),
            (#"2\frac{1}{2}"#, "1", false),
            (#"\sqrt{2}"#, "sqrt(2)", true), (#"2\pi"#, "2*pi", true), (#"2\pi"#, "2", false),
            ("[0,3)", "[0, 3)", true),
            ("[0,3)", "(0,3]", false), ("(1,2)", "12", false), ("(1,2),(3,4)", "(1, 2) and (3, 4)", true),
            ("(1,2),(3,4)", "(3,4)", false),
            (#"\frac{a}{b}"#, #"\dfrac{a}{b}"#, true), (#"\frac{a}{b}"#, #"\frac{b}{a}"#, false),
            (#"\{1,2\}"#, "{2,1}", false),
            (#"\{1,2\}"#, #"\{2,1\}"#, true), ("A'", "A", false), ("5 cm", "5 m", false), ("x=2", "2", true),
            ("x=2", "3", false), ("x=2", "y=2", false),
            (#"x \geq 3"#, "x≥3", true), ("AB ∥ CD", "AB∥CD", true), ("AB ∥ CD", "AB ⊥ CD", false), ("5 cm", "5", true),
            ("5 cm", #"5 \mathrm{~cm}"#, true), ("(-∞,3]", #"(-\infty, 3]"#, true), ("Sunday", "sunday!", true),
            ("3:30", "3:30", true),
        ]
    )
    func texts(reference: String, text: String, isCorrect: Bool) {
        for benchmark in [Problem.Benchmark.own, .mathVista, .mathV] {
            #expect(
                Problem.free(reference, .text, benchmark).score(stating: text).isCorrect == isCorrect,
                "\(benchmark)"
            )
        }
    }

    @Test("a mixed number in a step is a sum")
    func mixedSteps() {
        func label(_ step: String) -> StepLabel? {
            StepLabelRule.arithmetic.labels(of: [step], for: .free("1", .integer))[0]
        }
        #expect(label(#"2\frac{1}{2} + 1 = 3.5"#) == .right)
        #expect(label(#"2\frac{1}{2} + 1 = 2"#) == .wrong)
        #expect(label(#"4 × 2\frac12 = 10"#) == .right)
    }
}
