import Testing

@testable import EMLLMMath

@Suite("Mathematical values of texts")
struct MathValueTests {
    @Test(
        "a text has the value that it has on paper",
        arguments: [
            ("5", "5"), ("-5", "-5"), ("−5", "-5"), ("–5", "-5"), (".5", "1/2"), ("0.50", "1/2"), ("7.0", "7"),
            ("1/2", "1/2"), (#"\frac12"#, "1/2"), (#"\frac{1}{2}"#, "1/2"), (#"\dfrac{1}{2}"#, "1/2"),
            (#"\tfrac{1}{2}"#, "1/2"), (#"\cfrac{1}{2}"#, "1/2"), (#"\frac 1 2"#, "1/2"), (#"\frac1{2}"#, "1/2"),
            (#"\displaystyle\frac{1}{2}"#, "1/2"), ("½", "1/2"), ("2½", "5/2"), ("2 1/2", "5/2"), ("-2 1/2", "-5/2"),
            (#"2\frac{1}{2}"#, "5/2"), (#"2\dfrac12"#, "5/2"), ("1,234,567", "1234567"), ("10 000", "10000"),
            ("10\u{00A0}000", "10000"), ("10\u{202F}000", "10000"), (#"10\,000"#, "10000"), ("10{,}000", "10000"),
            ("1 000 000", "1000000"), ("3×10⁴", "30000"), (#"3 \times 10^{4}"#, "30000"), ("3 x 10^4", "30000"),
            ("3e4", "30000"), ("2.5×10⁻³", "1/400"), ("2 million", "2000000"), (#"2 \text{ million}"#, "2000000"),
            ("1.5 thousand", "1500"), ("$29.00", "29"), ("€1,200", "1200"), ("50%", "50"), (#"50\%"#, "50"),
            ("30°", "30"),
            (#"30^\circ"#, "30"), (#"30^{\circ}"#, "30"), ("30 degrees", "30"), ("5!", "120"), ("2^3", "8"),
            ("2**3", "8"), ("-2^2", "-4"), ("2^{3^2}", "512"), ("2(3+4)", "14"), (#"\left(1+2\right)"#, "3"),
            ("√16", "4"), ("sqrt(16)", "4"), (#"\sqrt{16}"#, "4"), (#"\sqrt4"#, "2"), (#"\sqrt[3]{8}"#, "2"),
            (#"\sqrt[3]{-8}"#, "-2"), ("8^(1/3)", "2"), (#"\log_2 8"#, "3"), (#"\log_{2}{8}"#, "3"), ("log_2(8)", "3"),
            (#"\log 1000"#, "3"), (#"\sin 30^\circ"#, "1/2"), ("|-3|", "3"), ("√(1/4)", "1/2"), ("∞", "∞"),
            (#"-\infty"#, "-∞"), ("sqrt(2)", "1.414213562"), ("2*sqrt(3)", "3.464101615"),
            (#"2\sqrt{3}"#, "3.464101615"),
            ("√12", "3.464101615"), ("4 pi", "12.56637061"), (#"4\pi"#, "12.56637061"), ("4π", "12.56637061"),
            ("5 cm", "5 cm"), ("5cm", "5 cm"), (#"5 \mathrm{~cm}"#, "5 cm"), (#"5\text{ cm}"#, "5 cm"),
            ("5 cm²", "5 cm^2"),
            (#"5\text{ cm}^2"#, "5 cm^2"), ("60 km/h", "60 km/h"), ("5 Apples", "5 apples"), ("5 mW", "5 mW"),
            ("5 MW", "5 MW"), ("3:4", "3:4"), ("3 : 4", "3:4"), ("6:8", "3:4"), ("(1,2)", "(1,2)"),
            (#"\left(1, 2\right)"#, "(1,2)"), (#"(\frac12, 3)"#, "(1/2,3)"), ("[0,3)", "[0,3)"), ("(0,3]", "(0,3]"),
            ("{2, 1}", "{1,2}"), (#"\{1, 2\}"#, "{1,2}"), ("0, 1", "0,1"), ("2007 and 2008", "2007,2008"),
            ("(1,2),(3,4)", "(1,2),(3,4)"), (#"(-\infty, 3]"#, "(-∞,3]"), (#"(0,1)\cup[2,3]"#, "(0,1)∪[2,3]"),
            ("[5]", "[5]"), ("(5)", "5"), ("[2+3]*4", "20"), ("3 × 10⁴ m", "30000 m"), ("0.1+0.2", "3/10"),
            ("12345678901234567890", "12345678901234567890"),
        ]
    )
    func key(text: String, key: String) {
        // Braces are LaTeX's groups unless they are escaped.
        if text == "{2, 1}" { return #expect(MathValue(text) == nil) }
        #expect(MathValue(text)?.key == key)
    }

    @Test(
        "a text that is more than its value is not understood, and no part of it is taken",
        arguments: [
            "", " ", "x", "e", "5x", "5x + 2", "5 x", "2n", "1 2", "1,234,56", "3 +", "* 3", "(3", "3)", "()", "1/0",
            "0x10", "5'", "5\"", "3..4", "1.2.3", "sqrt", #"\sqrt"#, #"\frac{1}"#, #"2\frac{3}{2}"#, "2 3/2", "5 or 7",
            "between 5 and 7",
            "5 to 7", "3 =", "x = 5", "a+b", "N/A", "not 5", "5 squared", "half of 5", "5 more than 3", #"\frac{a}{b}"#,
            #"\unknown{5}"#, "<5", "5?", "五", "5abc", "100 + 20%", "√-1", "171!", "1e999",
            String(repeating: "9", count: 40), String(repeating: "9", count: 10_000),
            String(repeating: "(", count: 400) + "1" + String(repeating: ")", count: 400),
            String(repeating: "-", count: 1000),
            String(repeating: "√", count: 300) + "4", String(repeating: #"\frac1"#, count: 150),
            String(repeating: "2^", count: 300) + "2",
        ]
    )
    func notUnderstood(text: String) {
        #expect(MathValue(text) == nil)
    }

    @Test(
        "a text of any size is read in a moment",
        arguments: ["1", "1 ", "(", "1,", "{", #"\frac"#, "√", "-", "!", "1:", "cm ", "∪", "½", "1/", "9!", "^", "|"]
    )
    func bounded(piece: String) {
        let clock = ContinuousClock.now
        for size in [100, 1000, 1024, 100_000] {
            _ = MathValue(String(repeating: piece, count: size / piece.utf8.count))
        }
        #expect(ContinuousClock.now - clock < .seconds(5))
    }

    @Test(
        "values are equal that say the same",
        arguments: [
            ("5 cm", "5", true), ("5 cm", "5 m", false), ("50%", "0.5", true), ("50%", "50", true), ("50%", "5", false),
            ("3:4", "0.75", true), ("3:2", "3/2", true), ("2:1", "1:1", false), ("(1,2)", "1, 2", true),
            ("(1,2)", "[1,2]", false),
            ("[0,3)", "0,3", false), ("[0,3)", "(0,3]", false), (#"\{1,2\}"#, #"\{2,1\}"#, true),
            ("(1,2)", "(2,1)", false),
            ("sqrt(2)", #"\frac{2}{\sqrt2}"#, true), ("1.4142", "sqrt(2)", false),
            ("10000000001", "10000000002", false),
            ("12345678901234567890", "12345678901234567891", false), ("0", "1e-14", false), ("5 mW", "5 MW", false),
        ]
    )
    func equality(first: String, second: String, isEqual: Bool) throws {
        let (first, second) = (try #require(MathValue(first)), try #require(MathValue(second)))
        #expect(first.isEqual(to: second) == isEqual)
        #expect(second.isEqual(to: first) == isEqual)
    }

    @Test("two values of the same key are equal, and what is understood understands its own key")
    func keys() throws {
        let texts = ["2½", "-1/3", "√2", "3×10⁴", "(1/2, 3]", "3:4", "[5]", "1,234", "5!", "2π", "0.1"]
        for first in texts {
            let value = try #require(MathValue(first))
            let again = try #require(MathValue(value.key))
            if value.number.map({ if case .exact = $0 { true } else { false } }) ?? true {
                #expect(again.isEqual(to: value))
            }
            for second in texts where second != first { #expect(MathValue(second)?.key != value.key) }
        }
    }
}
