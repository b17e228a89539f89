import Testing

@testable import CLIShared

@Suite("Progress bars")
struct ProgressBarTests {
    @Test(
        "A line never fills the terminal, and a narrow one keeps the numbers",
        arguments: [1, 8, 20, 26, 40, 80, 300]
    )
    func width(columns: Int) {
        for fraction in [0, 0.004, 0.5, 0.999, 1] {
            let line = ProgressBar.line(label: "Converting", fraction: fraction, width: columns, hasColor: false)
            #expect(line.count < max(columns, 1), "\(line)")
        }
    }

    @Test("It fills from left to right and says 100 % only at the end")
    func filling() {
        func line(_ fraction: Double) -> String {
            ProgressBar.line(label: "Converting", fraction: fraction, width: 80, hasColor: false)
        }
        #expect(line(0) == "Converting " + String(repeating: "░", count: 40) + "   0 %")
        #expect(
            line(0.5) == "Converting " + String(repeating: "█", count: 20) + String(repeating: "░", count: 20)
                + "  50 %"
        )
        #expect(line(0.999).hasSuffix(" 99 %"))
        #expect(line(1) == "Converting " + String(repeating: "█", count: 40) + " 100 %")
    }

    @Test("Colours only where they are welcome")
    func color() {
        #expect(ProgressBar.line(label: "x", fraction: 0.5, width: 80, hasColor: true).contains("\u{1B}[32m"))
        #expect(!ProgressBar.line(label: "x", fraction: 0.5, width: 80, hasColor: false).contains("\u{1B}"))
    }
}
