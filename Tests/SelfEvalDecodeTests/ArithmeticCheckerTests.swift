import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Checked arithmetic")
struct ArithmeticCheckerTests {
    private func finding(_ text: String) -> StepFinding? {
        ArithmeticChecker().check(CheckedStep(question: "", text: text))
    }

    @Test(
        "wrong equations are refuted, with the right value as the hint",
        arguments: [
            ("So 14 + 15 = 39.", "29"), ("\\[ \\frac{48}{2} = 25 \\]", "24"), ("3 \\times 42.00 = 127.00", "126"),
            ("15% of 80 is 13.", "12"), ("She pays $4.50 × 2 = $10 in total", "9"),
            ("3 bags * 4 apples = 13 apples", "12"),
            ("2 + 3 = 5. Then 4 + 2 = 7", "6"), ("5 + 6 = 11, 7 + 8 = 16", "15"), ("**48/2 = 23** clips", "24"),
            ("<<48/2=23>>", "24"), ("19 ÷ 5 = 3 remainder 3", "3.8"), ("a total of 1,200 - 300 = 800", "900"),
            ("2^10 = 1000", "1024"), ("1/3 * 9 = 4", "3"), ("$10/hour * 3 hours = $31", "30"),
            ("(2 + 3) * 4 = 24", "20"),
            ("- 5 * 4 = 21", "20"), ("0.2 x 50 = 11", "10"),
        ]
    )
    func refuted(text: String, value: String) {
        let found = finding(text)
        #expect(found?.outcome == .refuted, "\(found?.message ?? "nothing")")
        #expect(found?.hint?.contains("is \(value)") == true, "\(found?.hint ?? "no hint")")
    }

    @Test(
        "right ones are confirmed",
        arguments: [
            "14 + 15 = 29", "\\frac{48}{2} = 24", "3 \\times 42.00 = 126.00", "15% of 80 is 12", "3*2=6+4=10",
            "10 / 3 = 3.33", "2 / 3 = 66.7%", "19 ÷ 5 = 3 remainder 4", "19 / 5 = 3 R4", "x = 5 - 2 = 3",
            "1/2 of 48 = 24",
            "48/2 = <<48/2=24>>24 clips", "$1,000 - $250 = $750", "5 + 3 equals 8",
        ]
    )
    func confirmed(text: String) { #expect(finding(text)?.outcome == .confirmed) }

    @Test(
        "what can be read in two ways is not refuted",
        arguments: [
            "2 1/2 * 4 = 10", "8 x 1 1/2 = 12", "3*2=6+5=11", "10 / 3 = 4 buses", "2x + 3 = 7", "x + 3*2 = 10",
            "2L + 1 = 9",
            "3:30 + 1:15 = 4:45", "0900 - 0130 = 0730", "2 hours + 30 minutes = 150 minutes", "2 * 60 = 2 hours",
            "8 * 25 cents = $2", "100 - 20% = 80", "50 + 10% = 55", "5 + 3 ≈ 10", "5 + 3 = about 10", "33.33 * 3 = 100",
            "Step 1 - 5 + 3 = 8", "5 + 3 * 2 = 16", "12 * 100 = 1, 200", "3/2020 = March", "half of 6 + 4 = 5",
            "7 / 0 = 0",
            "16,0000/10 = 16000", "2 feet 6 inches * 2 = 5 feet", "9 - 4 = 6 more than 3", "12/25 = Christmas",
            "1/4 cup + 1 and 1/4 cup = 1.5 cups",
            "9 - 4 is 2 more than 3", "5! = 120", "|3 - 5| = 2", "√16 + 2 = 6", "3 dozen * 2 = 72", "2:3 = 4:6",
            "4 != 2 + 3",
            "a = 4; 5 <= 2 + 1", "7 days * 3 = 3 weeks",
        ]
    )
    func undecided(text: String) {
        #expect(finding(text)?.outcome != .refuted, "\(finding(text)?.message ?? "")")
    }

    @Test("hostile text takes no time", .timeLimit(.minutes(1)))
    func hostile() {
        let texts = [
            String(repeating: "9", count: 10_000) + " + 1 = 2", String(repeating: "1+", count: 10_000) + "1 = 5",
            String(repeating: "(", count: 10_000) + "1 = 2", String(repeating: "\\frac{", count: 5000) + "1 = 2",
            String(repeating: "1=", count: 10_000), String(repeating: "2^", count: 300) + "9 = 1",
            String(repeating: "<<", count: 10_000), String(repeating: "-", count: 10_000) + "1 = 2", "9^64 * 9^64 = 3",
            String(repeating: "((1+1)*", count: 200) + "1" + String(repeating: ")", count: 200) + " = 3",
        ]
        let started = ContinuousClock.now
        for text in texts { #expect(finding(text)?.outcome != .refuted) }
        #expect(ContinuousClock.now - started < .seconds(20))
    }

    // MARK: In a run

    private static let end = "<|im_end|>"

    @Test(
        "verify and adaptive calculate, and write again with the right value; others do not",
        arguments: StrategyName.builtIn
    )
    func runs(strategy: StrategyName) throws {
        var options = SelfEvalOptions.test
        (options.strategy, options.checksArithmetic) = (strategy, true)
        var script = try Script("2 + 2 = 5.\nThe answer is 5.\n" + Self.end)
        script.refined = { _ in "2 + 2 = 4.\n" + Self.end }
        let run = try ScriptedRun(script, options: options)
        let checks = strategy == .verify || strategy == .adaptive
        #expect(run.trace.header.checkers == (checks ? ["arithmetic"] : nil))
        if strategy == .verify {
            #expect(run.trace.reflections.first?.text == "2 + 2 is 4, not 5.")
            #expect(run.trace.path.first?.text == "2 + 2 = 4.\n")
        }
        if checks { #expect(run.trace.nodes.first?.evaluation?.isRefuted == true) }
        #expect(
            try ScriptedRun(script.makeModel(), options: options, repeating: run.trace).trace.nodes == run.trace.nodes
        )
        options.checksArithmetic = false
        #expect(try ScriptedRun(script, options: options).trace.header.checkers == nil)
    }
}
