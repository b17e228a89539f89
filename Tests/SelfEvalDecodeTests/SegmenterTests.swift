import Testing

@testable import SelfEvalDecode

@Suite("Where a step ends")
struct SegmenterTests {
    /// Feeds tokens to a scanner until the step ends: its text, and why it ended.
    private func step(_ rule: StepSegmenter, _ tokens: [String]) -> (text: String, end: StepStopReason)? {
        var scanner = rule.makeScanner()
        for token in tokens {
            if case .end(let kept, let reason) = scanner.append(token, isWhole: true) {
                return (tokens[..<kept].joined(), reason)
            }
        }
        return nil
    }

    private func characters(_ text: String) -> [String] { text.map { String($0) } }

    private func rule(_ boundaries: StepBoundary..., minimum: Int = 1, maximum: Int = 100) -> StepSegmenter {
        StepSegmenter(boundaries: Set(boundaries), minimumTokens: minimum, maximumTokens: maximum)
    }

    @Test("a line ends with its line break")
    func line() throws {
        let (text, end) = try #require(step(rule(.line), characters("One.\nTwo.\n")))
        #expect(text == "One.\n")
        #expect(end == .line)
    }

    @Test("white space alone is no step")
    func leadingWhitespace() throws {
        #expect(try #require(step(rule(.line), characters("\n \n\nOne\nTwo"))).text == "\n \n\nOne\n")
        #expect(step(rule(.line), characters("\n \n")) == nil)
    }

    @Test("line breaks in one token stay together, and with the line")
    func overhangOfWhitespace() throws {
        #expect(try #require(step(rule(.line), ["One", ".\n\n  ", "Two"])).text == "One.\n\n  ")
    }

    @Test("a token that goes on after the line break begins the next step")
    func overhangOfText() throws {
        #expect(try #require(step(rule(.line), ["One", ".\nTwo", "\n"])).text == "One")
        #expect(try #require(step(rule(.line), ["One\nTwo", "\n"])).text == "One\nTwo", "nothing else would be left")
    }

    @Test("a blank line may hold white space")
    func blankLine() throws {
        #expect(try #require(step(rule(.blankLine), characters("One\nand two\n \nThree"))).text == "One\nand two\n \n")
    }

    @Test(
        "a sentence ends before the white space that follows it",
        arguments: [
            ("It is 3.14 or so. Then", "It is 3.14 or so."),
            ("Really?! Yes", "Really?!"),
            ("He textsWritten \"no.\" Then", "He textsWritten \"no.\""),
            ("1. First this. Then", "1. First this."),
            ("a. First this. Then", "a. First this."),
            ("J. Smith came. Then", "J. Smith came."),
            ("这是三。然后", "这是三。"),
            ("Wait… what", "Wait…"),
            ("One.\nTwo", "One.\n"),
        ]
    )
    func sentence(text: String, expected: String) throws {
        let (found, end) = try #require(step(rule(.sentence), characters(text)))
        #expect(found == expected)
        #expect(end == .sentence)
    }

    @Test("a full stop at the end of what is known may be a decimal point")
    func undecidedSentence() {
        #expect(step(rule(.sentence), characters("It is 3.")) == nil)
    }

    @Test(
        "a step ends before the marker of the next",
        arguments: [
            ("Step 1: add.\nStep 2: halve.", "Step 1: add.\n"),
            ("**Step 1.** Add.\n\n**Step 2.** Halve.", "**Step 1.** Add.\n\n"),
            ("### Step 9\nadd\n### step 10\nhalve", "### Step 9\nadd\n"),
        ]
    )
    func marker(text: String, expected: String) throws {
        let (found, end) = try #require(step(rule(.marker), characters(text)))
        #expect(found == expected)
        #expect(end == .marker)
    }

    @Test("a word that only begins like a marker is text")
    func almostMarkers() {
        #expect(step(rule(.marker), characters("One.\nStepping 2 up\nStep by step\nstep2")) == nil)
    }

    @Test("an end that leaves too few tokens is passed over")
    func minimum() throws {
        #expect(try #require(step(rule(.line, minimum: 4), characters("A\nBC\nD\n"))).text == "A\nBC\n")
    }

    @Test("the first of several boundaries counts")
    func several() throws {
        let both = rule(.line, .sentence)
        #expect(try #require(step(both, characters("One. Two\n"))).end == .sentence)
        #expect(try #require(step(both, characters("One\nTwo. "))).end == .line)
        #expect(try #require(step(both, characters("One.\nTwo"))).text == "One.\n")
    }

    @Test("a step is cut at the greatest length")
    func cap() throws {
        let (text, end) = try #require(step(rule(.line, maximum: 8), characters("abcdefghijkl")))
        #expect(text == "abcdefgh")
        #expect(end == .cap)
    }

    @Test("the cap never splits a character", arguments: 0...3)
    func capInsideCharacter(offset: Int) throws {
        // A token a byte: some letters, then an emoji of four bytes, whose text comes with its last byte.
        let fragments = Array(repeating: "a", count: 4 + offset) + ["", "", "", "🎈"]
        var scanner = rule(.line, maximum: 8).makeScanner()
        var decision = StepSegmenter.Decision.more
        for fragment in fragments where decision == .more {
            decision = scanner.append(fragment, isWhole: !fragment.isEmpty)
        }
        #expect(decision == .end(keptTokens: offset == 0 ? 8 : 4 + offset, reason: .cap))
    }

    @Test("a boundary never splits a character")
    func boundaryInsideCharacter() {
        var scanner = rule(.line).makeScanner()
        #expect(scanner.append("One\n", isWhole: false) == .more, "the token also holds the first byte of a character")
        #expect(scanner.append("é", isWhole: true) == .end(keptTokens: 2, reason: .line))
    }

    @Test("a closing tag ends a step, and stays with it")
    func tag() throws {
        let (text, end) = try #require(step(rule(.tag), characters("<step>1 < 2 > 0</step>\n<step>")))
        #expect(text == "<step>1 < 2 > 0</step>")
        #expect(end == .tag)
        #expect(try #require(step(rule(.tag), ["<SUMMARY> a </", "SUMMARY>", "\n"])).text == "<SUMMARY> a </SUMMARY>")
    }

    @Test("a delimiter of one's own ends a step, whichever way it falls into tokens")
    func delimiter() throws {
        let rule = StepSegmenter(boundaries: [], delimiters: ["---", "ки"], minimumTokens: 1)
        let (text, end) = try #require(step(rule, characters("---one---two")))
        #expect(text == "---one---")
        #expect(end == .delimiter)
        #expect(try #require(step(rule, ["one", " --", "- two"])).text == "one --- two", "half a delimiter is none")
        #expect(try #require(step(rule, ["one ", "ки", "two"])).text == "one ки")
    }

    @Test("a special token that is a delimiter ends a step, though it has no text")
    func delimiterToken() {
        var scanner = StepSegmenter(boundaries: [], delimiters: ["<|step|>"], minimumTokens: 1).makeScanner()
        #expect(scanner.append("", isWhole: true, isDelimiter: true) == .more, "nothing was textsWritten")
        #expect(scanner.append("One", isWhole: true) == .more)
        #expect(
            scanner.append("", isWhole: true, isDelimiter: true) == .end(keptTokens: 3, reason: .delimiter)
        )
    }

    private func pieces(_ text: String, _ rule: StepSegmenter) -> [String] {
        var rest = characters(text)
        var found: [String] = []
        while !rest.isEmpty {
            var scanner = rule.makeScanner(evaluations: EvaluationMarkers())
            var kept = rest.count
            for character in rest {
                guard case .end(let count, _) = scanner.append(character, isWhole: true) else { continue }
                kept = count
                break
            }
            found.append(rest[..<kept].joined())
            rest.removeFirst(kept)
        }
        return found
    }

    @Test("an evaluation between markers is a piece of its own, whatever ends steps in it")
    func evaluations() {
        let evaluation = "[self-evaluation-start: Wrong.\nIs it? Evaluation: Refine self-evaluation-end]"
        let text = "One is two. \(evaluation)\nOne is one.\n"
        #expect(pieces(text, rule(.line)) == ["One is two. ", evaluation + "\n", "One is one.\n"])
    }

    @Test("an evaluation that never ends is cut")
    func endlessEvaluation() {
        let text = "[self-evaluation-start:" + String(repeating: " and", count: 60)
        #expect(pieces(text, rule(.line, maximum: 40))[0].count == 120)
    }
}
