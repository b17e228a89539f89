import Foundation
import Testing

@Suite("The example with a strategy and a checker of its own")
struct CustomStrategyTests {
    @Test("It answers within its limits, by its own strategy")
    func answers() throws {
        let run = try Program.run(Program.url("custom-strategy"), [Program.stories260K, "Who is Tim?"])
        #expect(run.status == 0, "\(run.errors)")
        let lines = run.output.split(separator: "\n")
        #expect(lines.contains("Strategy: BetterOfTwo"))
        #expect(lines.last.map { $0.hasPrefix("Answer: ") && $0.count > "Answer: ".count } == true)
        let accepted = lines.filter { $0.hasPrefix("✓") }
        #expect((1...3).contains(accepted.count) && lines.contains { $0.hasPrefix("✗") })
    }

    @Test("Without a question it says how it is used")
    func usage() throws {
        let run = try Program.run(Program.url("custom-strategy"), [])
        #expect(run.status == 64 && run.output.hasPrefix("usage"))
    }
}
