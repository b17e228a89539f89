import Foundation
import Testing

@testable import EMLLMEvaluation

@Suite("Labels of steps")
struct StepLabelTests {
    @Test(
        "arithmetic has the value that it has on paper",
        arguments: [
            ("3 + 4", 7), ("3 - 4 - 5", -6), ("2 * 3 + 4", 10), ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20),
            ("[2 + 3] × 4", 20),
            ("2 × 3 ÷ 4", 1.5), ("12 / 4 / 3", 1), ("-3", -3), ("- 3 + 4", 1), ("2 * -3", -6), ("2 - -3", 5), ("+3", 3),
            ("2^3", 8), ("2 ** 3", 8), ("2^3^2", 512), ("-2^2", -4), ("2^-1", 0.5), ("3² + 4²", 25), ("2³", 8),
            ("√16 + 1", 5),
            ("√(9 + 16)", 5), ("2√9", 6), ("2(3 + 4)", 14), ("(1 + 2)(3 + 4)", 21), ("2π", 2 * .pi),
            ("1,234 + 1", 1235), ("$5 * 3", 15),
            ("20% * 50", 10), ("50%", 0.5), ("1/2 + 1/4", 0.75), (".5 + 1.5", 2), ("1e3", 1000), ("3 − 1", 2),
            ("6 ⁄ 3", 2),
            ("1,234,567.5", 1_234_567.5),
        ] as [(String, Double)]
    )
    func arithmetic(text: String, value: Double) throws {
        #expect(abs(try #require(Arithmetic(text)).value - value) < 1e-12)
    }

    @Test(
        "anything else is no arithmetic",
        arguments: [
            "", " ", "x", "2x", "1 2", "1 1/2", "3 +", "* 3", "(3", "3)", "()", "3 ()", "1/0", "0/0", "√-1", "1,23",
            "1,2345", "3,5 + 1",
            "1e999", "3 = 3", "3..4", "100 + 20%", "%", "sin(1)", "2)(3", "1__0",
            String(repeating: "(", count: 100_000),
            String(repeating: "1+", count: 1000) + "1", String(repeating: "-", count: 3000) + "1",
        ]
    )
    func noArithmetic(text: String) {
        #expect(Arithmetic(text) == nil)
    }

    @Test("brackets may nest as deep as a text may be long")
    func nesting() {
        #expect(Arithmetic(String(repeating: "(", count: 511) + "1" + String(repeating: ")", count: 511))?.value == 1)
    }

    @Test(
        "a step whose equations hold is right",
        arguments: [
            "3 × 4 = 12", "12 - 2 = 10", "$5 * 3 = $15", "3 x 4 = 12", "There are 3 + 4 = 7 apples.",
            "So 3 + 4 = 7, and 7 - 2 = 5.",
            "2 + 3 = 5 = 10 / 2", "Area = 3 × 4 = 12 cm²", "x = 3 + 4 = 7", "1,200 + 34 = 1,234", "10 / 3 = 3.33",
            "10 / 3 = 3.3333",
            "2 / 3 = 0.67", "1/2 + 1/4 = 3/4", "(2 + 3) × 4 = 20", "20% of 50 = 10", "15 / 60 = 25%",
            "15 / 60 × 100 = 25%", "50% = 0.5",
            "5² = 25", "√16 = 4", "7 − 3 = 4", "6 ÷ 2 = 3", "2 · 3 = 6", #"\frac{1}{2} \times 4 = 2"#,
            #"$3 \times 4 = 12$"#,
            "**3 + 4 = 7**", "a) 3 + 4 = 7", "1. 3 + 4 = 7", "1) 3 + 4 = 7", "- 3 + 4 = 7", "(b) 3 + 4 = 7",
            "Good! 3 + 4 = 7", "Step 2: 3 + 4 = 7", "Step 1 - 3 + 4 = 7",
            "3 + 4 = 7. 5 more remain", "2 × 3.14 × 5 = 31.4", "2 × π × 3 = 18.84", "10 / 3 ≈ 3", "3 × 4 = 12cm",
            "3 + 4 == 7", "-3 + 4 = 1",
            "It is -3 + 4 = 1", "First 1 + 1 = 2\nthen 2 + 2 = 4", "180° - 90° = 90°", "0.1 + 0.2 = 0.3",
            "100% - 20% = y, 2 + 2 = 4",
        ]
    )
    func right(step: String) {
        #expect(StepLabelRule.arithmetic.labels(of: [step], for: .free("1", .integer)) == [.right])
    }

    @Test(
        "a step with an equation that does not hold is wrong",
        arguments: [
            "3 × 4 = 13", "12 - 2 = 9", "$5 * 3 = $16", "So 3 + 4 = 7, and 7 - 2 = 6.", "2 + 3 = 5 = 11 / 2",
            "x = 3 + 4 = 8",
            "10 / 3 = 3.34", "7 / 2 = 3", "1/2 + 1/4 = 2/6", "1,200 + 34 = 1,243", "20% of 50 = 5", "15 / 60 = 20%",
            "3 + 4 = 8 apples",
            "5² = 10", "2 × π × 3 = 20", "10 / 3 ≈ 4", "There are 3 x 4 = 14 boxes", "1 + 1 = 2\n2 + 2 = 5",
            "- 3 + 4 = 8",
        ]
    )
    func wrong(step: String) {
        #expect(StepLabelRule.arithmetic.labels(of: [step], for: .free("1", .integer)) == [.wrong])
    }

    @Test(
        "a step that states nothing that can be checked has no label",
        arguments: [
            "", "The circle is red.", "There are 3 and 4.", "x = 5", "5 = 5", "2x + 3 = 7", "x + 3 = 7", "3 + x = 7",
            "3 + 4 = 7x",
            "3 + 4 = y", "1 m = 100 cm", "1 hour = 60 minutes", "length + 3 = 9", "sin 30 + 1 = 2", "sqrt(4) + 1 = 5",
            "f(2) = 3 + 4x",
            "log 5 + 2 = 3", "3,5 + 1 = 4,6", "3:4 = 6:8", "5 apples + 3 = 8", "2 + 3 < 7", "3 + 4 = 7 + y", "5! = 120",
            "5! + 1 = 7", "|3 - 4| = 1",
            "10 / 3 = 3", "33.33 × 3 = 100", "499 × 2 ≈ 1000", "100 + 20% = 120", "2 length × 4 = 14", "3 + 4 =", "= 7",
            "===", "1/0 = 2",
            "x_1 + 2 = 5", #"\alpha + 3 = 7"#, "5 kg × 3 = 14 apples + 1", "A = 3", "∠1 + 30 = 90", "1 1/2 + 1/2 = 3",
        ]
    )
    func none(step: String) {
        #expect(StepLabelRule.arithmetic.labels(of: [step], for: .free("1", .integer)) == [nil])
    }

    @Test("the labels that came with a problem belong to its own steps")
    func reference() {
        var problem = Problem.free("7", .integer)
        problem.referenceSteps = ["3 + 4 = 7", "7 is odd.", "So 7"]
        problem.stepLabels = [.right, nil, .wrong]
        let labels = StepLabelRule.reference.labels
        #expect(labels(["3 + 4 =  7", "7 is odd.", "So 7", "more"], problem) == [.right, nil, .wrong, nil])
        #expect(labels(["3 + 5 = 8", "7 is odd.", "So 8"], problem) == [nil, nil, nil])
        #expect(labels([], problem) == [])
    }

    @Test("steps of any length and content end in a label or none")
    func fuzz() {
        let pieces = [
            "3", "12", " ", "=", "+", "-", "*", "(", ")", "x", "apples", ",", ".", "%", "√", "π", "≈", "\n", "\\frac{",
            "}", "^{", "°", "é", "👩‍👩‍👧",
        ]
        var state: UInt64 = 7
        for _ in 0..<2000 {
            var step = ""
            for _ in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                step += pieces[Int(state >> 33) % pieces.count]
            }
            _ = Equations.label(of: step)
            let problem = Problem.choosing(0, of: ["3", "12 apples"])
            #expect(problem.score(stating: step).how != .firstChoice)
        }
    }

    @Test("a step of a puzzle is right if it names the facts of the reference")
    func puzzle() {
        var problem = Problem.choosing(1, of: ["small", "extra large"])
        problem.referenceSteps = [
            "There are 3 circles with sizes ['small', '?', 'large'] in clockwise order.",
            "We observe that the red circles are small.",
            "Based on the pattern, the size of the missing circle should be extra large.",
        ]
        func labels(_ steps: [String]) -> [StepLabel?] { StepLabelRule.puzzle.labels(of: steps, for: problem) }
        let right = problem.referenceSteps + ["The answer is extra large."]
        #expect(labels(right) == [.right, .right, .right, .right])
        let reworded = ["The 3 circles have the sizes large, small and ?.", "All small.", "So, it is extra large"]
        #expect(labels(reworded) == [.right, nil, .right])
        let wrong = [
            "There are 3 circles with sizes ['small', '?', 'medium'].", "Blue circle small", "It should be large.",
            "The answer is large.",
        ]
        #expect(labels(wrong) == [.wrong, nil, .wrong, .wrong])
        #expect(labels(["The answer is extra large."]) == [.right])
        problem.answerIndex = 0
        #expect(labels(["", "", "It should be extra small."])[2] == .wrong)
        #expect(labels(["", "", "It should be small."])[2] == .right)
        problem.referenceSteps = []
        #expect(labels(["There are 3 circles.", "", "It is extra large."]) == [nil, nil, nil])
    }
}
