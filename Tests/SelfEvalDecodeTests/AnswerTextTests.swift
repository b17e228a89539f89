import Testing

@testable import SelfEvalDecode

@Suite("Answers in text")
struct AnswerTextTests {
    @Test(
        "an answer that a step states is found",
        arguments: [
            ("So the answer is 42.", "42"),
            ("THE ANSWER IS: 42", "42"),
            ("The answer is **3.14**.", "3.14"),
            ("The answer is 3.14.", "3.14"),
            ("The answer is 5 apples.\nNext", "5 apples"),
            ("The answer is 1. No, the answer is 2.", "2"),
            ("The answer is e.g. this", "e.g. this"),
        ]
    )
    func stated(text: String, answer: String) {
        #expect(AnswerText.stated(in: text, after: "The answer is") == answer)
    }

    @Test(
        "no answer is none",
        arguments: ["It is 42.", "The answer is", "The answer is:\n42", "The answer is ...", ""]
    )
    func none(text: String) {
        #expect(AnswerText.stated(in: text, after: "The answer is") == nil)
    }

    @Test(
        "an answer that was asked for is tidied",
        arguments: [
            (": 42.\nBecause", "42"), (" Paris.", "Paris"), (" **Paris**", "Paris"), (" `x`.", "x"), (" :", ":"),
            (" \u{FFFD}", "\u{FFFD}"),
        ]
    )
    func cleaned(text: String, answer: String) {
        #expect(AnswerText.cleaned(text) == answer)
    }

    @Test("case and white space do not tell candidates apart; digits do")
    func keys() {
        #expect(AnswerText.key(" One  two\n") == AnswerText.key("one two"))
        #expect(AnswerText.key("1 + 1 = 2") != AnswerText.key("1 + 1 = 3"))
        #expect(AnswerText.key(" \n") == "")
    }

    @Test("what comes after an answer ends it where the prompts say so")
    func suffix() {
        let prompts = PromptPack(answerPattern: "\\boxed{{answer}}")
        #expect(AnswerText.stated(in: "So \\boxed{42} apples.", by: prompts) == "42")
        #expect(AnswerText.cleaned("42} apples", upTo: prompts.answerSuffix) == "42")
    }

    @Test(
        "votes for the same answer count together",
        arguments: [
            ("42", "42.0"), ("$1,200", "1200"), ("(A)", "a"), ("Red.", "red"), ("**7**", "7"), ("-5", "-5."),
            ("−5", "-5"), ("1/2", "0.5"), (#"\frac12"#, ".5"), ("x^2 + 3", "x^2+3"), ("（B）", "b"), ("50%", "50"),
            (#"\text{Sunday}"#, "sunday"), ("(1, 2)", #"\left(1,2\right)"#), ("2 million", "2,000,000"),
            ("\"red\"", "red"),
            ("Dark  red!", "dark red"),
        ]
    )
    func votes(first: String, second: String) {
        #expect(AnswerText.voteKey(first) == AnswerText.voteKey(second))
    }

    @Test(
        "votes for different answers do not",
        arguments: [
            ("5", "-5"), ("1.5", "15"), ("red", "dark red"), ("?", "!"), ("(1,2)", "12"), (".5", "5"), ("5!", "5"),
            ("0x10", "16"), ("[0,3)", "(0,3]"), ("5'", "5"), ("A'", "A"), ("<", ">"), ("5 mW", "5 MW"), ("5x", "5"),
            ("(1,2)", "(2,1)"), ("12345678901234567890", "12345678901234567891"), ("3:4", "34"), ("2 3", "23"),
        ]
    )
    func otherVotes(first: String, second: String) {
        #expect(AnswerText.voteKey(first) != AnswerText.voteKey(second))
    }
}
