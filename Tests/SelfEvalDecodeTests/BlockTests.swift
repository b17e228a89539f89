import Testing

@testable import SelfEvalDecode

/// Steps of what chat models write: blocks that can be evaluated.
@Suite("Blocks of text")
struct BlockTests {
    /// The steps of a text that comes in pieces of some characters.
    private func steps(_ text: String, piece: Int = 1, minimum: Int = 1, maximum: Int = 10_000) -> [String] {
        let rule = StepSegmenter(boundaries: [.block], minimumTokens: minimum, maximumTokens: maximum)
        let characters = Array(text)
        var tokens = stride(from: 0, to: characters.count, by: piece).map {
            String(characters[$0..<min($0 + piece, characters.count)])
        }
        var found: [String] = []
        while !tokens.isEmpty {
            var scanner = rule.makeScanner()
            var kept = tokens.count
            for token in tokens {
                guard case .end(let count, let reason) = scanner.append(token, isWhole: true) else { continue }
                #expect(reason == .block || reason == .cap)
                kept = count
                break
            }
            found.append(tokens[..<kept].joined())
            tokens.removeFirst(kept)
        }
        return found
    }

    /// Steps are written with `¦` between them.
    private func check(_ marked: String, _ comment: Comment? = nil) {
        let expected = marked.split(separator: "¦").map(String.init)
        #expect(steps(expected.joined()) == expected, comment)
    }

    @Test("paragraphs, with or without a blank line; a line that goes on does not end one")
    func paragraphs() {
        check(
            "Janet has 16 eggs.\n\n¦She eats 3.\nThat leaves 13.\n".replacingOccurrences(of: "\nThat", with: "\n¦That")
        )
        check("This line\ngoes on here.\n¦Next one.")
        check("One (so it is said.)\n¦**Two.**\n¦Three")
    }

    @Test("list items and numbered steps")
    func items() {
        check("We know this:\n- 3 bags\n¦- 4 apples each\n¦- no pears\n\n¦So 12.")
        check("1. Add 3 and 4\n¦2. Halve it\n¦10) End")
        check("Step 1: add\n¦Step 2: halve\n¦**Step 3:** end")
        check("1. **Eggs**:\n   - She eats 3\n¦   - She bakes 4\n\n¦2. **Money**\n   9 * 2 = 18.")
        check("It is 3\n- no more\n".replacingOccurrences(of: "\n-", with: "\n¦-"))
        check("About\n3.5 metres\nand 2 more")
    }

    @Test("a heading belongs to what it heads")
    func headings() {
        check("### Step 1: Eggs\nShe eats 3.\n\n¦### Step 2\n\nShe sells 9.")
        check("**Step 1: Eggs**\n\nShe eats 3.\n\n¦**So** it is **9**\n\n¦More.")
        check("First this.\n\n---\n\n¦Then that.".replacingOccurrences(of: "\n\n---\n\n¦", with: "\n\n¦---\n\n"))
    }

    @Test("a displayed formula belongs to the sentence that introduces it")
    func formulas() {
        check("Add them:\n\\[\n3 + 4 = 7\n\\]\n¦Then halve:\n\n\\[ 7 / 2 = 3.5 \\]\n\n¦Done.")
        check("Add them.\n\n$$\n3 + 4\n\n= 7\n$$\n\nwhere 3 is given.\n\n¦Done.")
        check("So\n\\begin{align}\nx &= 3 \\\\[2pt]\n\ny &= 4\n\\end{align}\n¦Done.")
        check("\\[ 3 \\]\n\\[ 4 \\]\n¦Done.")
        check("It costs \\$5.\n\n¦It costs \\$\\$6.\n\n¦End.")
    }

    @Test("code and tables are whole")
    func code() {
        check("Run this:\n```python\nx = 1\n\n# Step 2: print\nprint(x)\n```\n¦It prints 1.\n\n¦Good.")
        check("Run it.\n\n¦~~~~\n```\n\n- x\n~~~~\n\n¦Good.")
        check("| a | b |\n|---|---|\n| 1. | 2. |\n\n¦Good.")
        check("See:\n\n| a |\n|---|\n| 1 |\n¦Good.")
    }

    @Test("formulas and code stay whole in pieces of several characters", arguments: 2...4)
    func pieces(length: Int) {
        let text = "Add them:\n\n\\[\n3 + 4 = 7\n\\]\n\nThen this.\n\n- a\n- b\n\n```\nx\n\ny\n```\nEnd."
        let found = steps(text, piece: length)
        #expect(found.joined() == text)
        for step in found {
            #expect(step.components(separatedBy: "```").count % 2 == 1, "\(step)")
            #expect(step.contains("\\[") == step.contains("\\]"), "\(step)")
        }
    }

    @Test("no step is a delimiter alone", arguments: 1...6)
    func substance(length: Int) {
        let texts = [
            "\\]\n\n\\[\n\n\\]\n\n3 = 3.\n\nx", "\\times\n\n---\n\n\\]\n\nSo 4.\n\nEnd",
            "$$\n\n$$\n\n***\n\nOne.\n\nTwo.",
        ]
        for text in texts {
            for step in steps(text, piece: length).dropLast() {
                let bare = step.replacing(/\\[a-z]+/, with: "")
                #expect(bare.contains { $0.isLetter || $0.isNumber }, "\(step)")
            }
        }
    }

    @Test("a short block joins the next, and a formula is not divided at the cap until it is four times as long")
    func lengths() {
        #expect(steps("Yes.\n\nIt is 12 of them.\n\nEnd.", minimum: 8) == ["Yes.\n\nIt is 12 of them.\n\n", "End."])
        let formula = "\\[" + String(repeating: "x", count: 25) + "\\]\n"
        #expect(steps(formula + "So it is.", maximum: 10).first == String(formula.dropLast()))
        let endless = "\\[" + String(repeating: "x", count: 100)
        #expect(steps(endless, maximum: 10).map(\.count) == [40, 10, 10, 10, 10, 10, 10, 2])
        #expect(StepSegmenter.blocks.minimumTokens == 8 && PromptPack.casSEAT.step == .blocks)
    }
}
