import Testing

@testable import SelfEvalDecode

@Suite("Answers in the ways of chat models")
struct AnswerStatementTests {
    @Test(
        "the last statement counts, in whichever way it is made",
        arguments: [
            ("So \\boxed{18}.", "18"),
            ("So \\(\\boxed{\\frac{1}{2}}\\) of it.", "\\frac{1}{2}"),
            ("Thus \\[\\boxed{\\text{red}}\\]", "red"),
            ("\\boxed{\\text{the answer is } 5}", "\\text{the answer is } 5"),
            ("\\boxed{3}\n\nNo: \\boxed{4}", "4"),
            ("\\boxed{a\\}b}", "a\\}b"),
            ("The answer is $\\boxed{18}$ dollars.", "18"),
            ("The answer is 18. That is what she earns.", "18"),
            ("The answer is 3.5 km. That is far.", "3.5 km"),
            ("The final answer is: $18$.", "18"),
            ("Therefore, the correct answer is **B**.", "B"),
            ("She earns 18.\n#### 18", "18"),
            ("#### 1,800\n", "1,800"),
            ("**Answer:** 18 dollars", "18 dollars"),
            ("**Answer**: 18", "18"),
            ("**Final Answer:**\n18\n", "18"),
            ("Final answer: \\[ 18 \\]", "18"),
            ("**Answer: 18**", "18"),
            ("### Answer:\n\n**18**", "18"),
            ("Answer: 3\nAnswer: 4", "4"),
            ("The answer is 3.\n#### 4\n\nAnswer: 5", "5"),
            ("\\boxed{5}\nThe answer is 6.", "6"),
        ]
    )
    func stated(text: String, answer: String) {
        #expect(AnswerText.stated(in: text, by: .casSEAT) == answer)
    }

    @Test(
        "headings, open braces and words without an answer state none",
        arguments: [
            "#### Step 2: add 3", "#### 2.", "#### 2. Add", "put it within \\boxed{}.", "\\boxed{18",
            "The answer is ...",
            "Nonanswer: 3", "an answer", "Answer:\n\n### Next", "x #### 3",
        ]
    )
    func none(text: String) {
        #expect(AnswerText.stated(in: text, by: .casSEAT) == nil)
    }

    @Test("the ways are the prompts' own")
    func patterns() throws {
        let pack = try PromptPack(
            yaml: "name: x\nextends: cas-seat\nanswer_pattern: [\"Result: {answer}\", \"<answer>{answer}</answer>\"]\n"
        )
        #expect(pack.answerPattern == "Result: {answer}" && pack.furtherAnswerPatterns == ["<answer>{answer}</answer>"])
        #expect(AnswerText.stated(in: "So <answer>7</answer>.", by: pack) == "7")
        #expect(AnswerText.stated(in: "**Result:** 8", by: pack) == "8")
        #expect(AnswerText.stated(in: "The answer is 9.", by: pack) == nil)
        #expect(try PromptPack(yaml: pack.yaml()) == pack)
        for text in ["[]", "[\"no place\"]", "[\"So {answer}\", \"{answer}\"]"] {
            #expect(throws: (any Error).self) {
                try PromptPack(yaml: "name: x\nextends: cas-seat\nanswer_pattern: \(text)\n")
            }
        }
    }

    @Test("an answer that was asked for comes out of its formula")
    func asked() {
        #expect(AnswerText.cleaned(" $\\boxed{18}$.\n") == "18")
        #expect(AnswerText.cleaned(" \\(5\\)") == "5")
        #expect(AnswerText.cleaned(" $5") == "$5")
    }

    @Test("thousands of braces take no time", .timeLimit(.minutes(1)))
    func hostile() {
        let text = String(repeating: "\\boxed{", count: 3000)
        #expect(AnswerText.stated(in: text, by: .casSEAT) == nil)
        #expect(AnswerText.stated(in: String(repeating: "answer", count: 3000), by: .casSEAT) == nil)
    }
}
