import Foundation
import Testing

@testable import EMLLMMath

/// Solutions that people wrote: not one right step is refuted, and most wrong ones are.
///
/// The sample is every tenth of the first 1,500 training problems of GSM8K (Cobbe et al. 2021, MIT). `EMLLM_TEST_SOLUTIONS`
/// names a JSON Lines file with more of them (`solution`), whose equations are then counted, too.
@Suite("Arithmetic of reference solutions")
struct ArithmeticSolutionTests {
    private static let sample = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/gsm8k-solutions.txt")

    /// Lines of the first 1,500 training problems whose equations are wrong as they stand.
    private static let wrong: Set<String> = [
        "She orders 6 croissants at $3.00 each so they cost 6*2.5 = $18.00",
        "The second scroll is 4080 + 4080 / 2 = 4000 + 2040 = 6120 years old.",
    ]

    private struct Solution: Decodable { let solution: String }

    private static func lines() throws -> [String] {
        let text: String
        if let path = ProcessInfo.processInfo.environment["EMLLM_TEST_SOLUTIONS"] {
            text = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
                .map { try JSONDecoder().decode(Solution.self, from: Data($0.utf8)).solution }.joined(separator: "\n")
        } else {
            text = try String(contentsOf: sample, encoding: .utf8)
        }
        return text.split(separator: "\n").map(String.init)
    }

    @Test("No right step is refuted")
    func precision() throws {
        var counts = (all: 0, confirmed: 0, unknown: 0)
        for line in try Self.lines() {
            for equation in ArithmeticEquation.all(in: line) {
                counts.all += 1
                switch equation.outcome {
                case .confirmed: counts.confirmed += 1
                case .unknown:
                    counts.unknown += 1
                    if ProcessInfo.processInfo.environment["EMLLM_TEST_VERBOSE"] != nil {
                        print("unknown: \(equation.left.text) = \(equation.right.text) | \(line)")
                    }
                case .refuted(let value):
                    if !Self.wrong.contains(line) { Issue.record("\(equation.left.text) = \(value.text): \(line)") }
                }
            }
        }
        print("equations:", counts)
        #expect(counts.all > 300 && counts.confirmed * 100 > counts.all * 85)
    }

    @Test("Most wrong results are refuted")
    func recall() throws {
        var (corrupted, refuted) = (0, 0)
        let number = /(=\s*\$?)(-?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)/
        for (count, line) in try Self.lines().enumerated() {
            let confirmed = ArithmeticEquation.all(in: line).count { $0.outcome == .confirmed }
            let places = line.matches(of: number)
            guard confirmed > 0, confirmed == places.count else { continue }
            for place in places {
                guard let value = Double(place.output.2.filter { $0 != "," }) else { continue }
                let wrong = value + [1, -2, 10, 0.5, 7][count % 5]
                let result = wrong == wrong.rounded() ? "\(Int(wrong))" : "\(wrong)"
                var text = line
                text.replaceSubrange(place.range, with: "\(place.output.1)\(result)")
                corrupted += 1
                if ArithmeticEquation.all(in: text).contains(where: \.isRefuted) {
                    refuted += 1
                } else if ProcessInfo.processInfo.environment["EMLLM_TEST_VERBOSE"] != nil {
                    print("missed: \(text)")
                }
            }
        }
        print("corrupted: \(corrupted), refuted: \(refuted)")
        #expect(corrupted > 200 && refuted * 100 > corrupted * 75)
    }
}

extension ArithmeticEquation {
    fileprivate var isRefuted: Bool {
        if case .refuted = outcome { return true }
        return false
    }
}
