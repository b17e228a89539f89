import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

/// Traces that earlier versions of the program wrote about `Examples/puzzles/triangle.png`, with the model of the tools.
@Suite("Traces of earlier versions")
struct TraceVersionTests {
    private func read(_ name: String) throws -> Trace {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
        return try Trace(json: Data(contentsOf: file), path: name)
    }

    /// What holds for each: it is complete, consistent, and reads back the same when it is written again.
    private func check(_ trace: Trace) throws {
        #expect(trace.header.version == Trace.currentVersion && trace.header.question == "What is the missing number?")
        #expect(trace.header.images?.count == 1 && trace.summary?.outcome == .answered)
        #expect(trace.path.count == 3 && trace.path.allSatisfy { $0.decision?.stands == true })
        #expect(zip(trace.path, [0] + trace.path.map(\.id)).allSatisfy { $0.parent == $1 })
        #expect(try #require(trace.answer).node == trace.path.last?.id)
        let again = try Trace(json: trace.json())
        #expect(again == trace)
    }

    @Test("version 1: attempts become nodes, with what was taken back and put in its place again")
    func first() throws {
        let trace = try read("trace-version-1.json")
        try check(trace)
        #expect(trace.header.options.strategy == .verify && trace.header.options.rejectThreshold == 0.9)
        #expect(trace.nodes.count == 9 && trace.path.map(\.decision) == [.restored, .kept, .kept])
        #expect(trace.path[0].id == 1 && trace.nodes[1].rejection == .duplicate)
        let backtrack = try #require(trace.backtracks.first)
        #expect(backtrack.from == 1 && backtrack.to == 1 && abs(backtrack.bestScore - 0.485) < 1e-3)
        #expect(trace.nodes[2].decision == .rejected && trace.nodes[2].parent == 1)
        #expect(trace.path[2].evaluation.map { abs(($0.score ?? 0) - 0.554) < 1e-3 } == true)
        #expect(trace.summary!.counts.accepted == trace.path.reduce(0) { $0 + $1.tokens.count })
    }

    @Test("version 2: before there were views")
    func second() throws {
        let trace = try read("trace-version-2.jsonl")
        try check(trace)
        #expect(trace.header.options.views == 1 && trace.nodes.allSatisfy { $0.view == nil })
        #expect(trace.nodes.count == 14 && trace.nodes.count { $0.evaluation != nil } == 9)
        #expect(trace.reflections.count == 5 && trace.backtracks.count == 1)
        #expect(trace.nodes.contains { $0.hint == .reflection(id: 0) })
    }

    @Test("version 3: looks, judgements and blind logits", arguments: ["json", "jsonl"])
    func third(suffix: String) throws {
        let trace = try read("trace-version-3.\(suffix)")
        #expect(trace.header.version == Trace.currentVersion && trace.header.options.views == 2)
        #expect(trace.header.costs.chainEvaluation > 0 && !trace.header.options.prompts.evaluateChain.isEmpty)
        #expect(trace.nodes.contains { $0.view == 1 } && trace.summary!.counts.views > 0)
        #expect(trace.nodes.contains { $0.evaluation?.imageFreeLogit != nil && $0.evaluation?.score != nil })
        #expect(trace.summary!.seconds.views == 0)
        let text = String(decoding: try trace.json(), as: UTF8.self)
        #expect(!text.contains("look") && !text.contains("judge") && !text.contains("blind"))
        let again = try Trace(json: trace.json())
        #expect(again == trace)
    }

    @Test("a former trace is decided anew, and names of that time are read")
    func decided() throws {
        let trace = try read("trace-version-2.jsonl")
        let again = try SelfEvalDecoder.redecide(trace, options: trace.header.options)
        #expect(again.nodes.map(\.decision) == trace.nodes.map(\.decision) && again.answer == trace.answer)
        let decision = try JSONDecoder().decode([StepNode.Decision].self, from: Data(#"["unjudged"]"#.utf8))
        #expect(decision == [.unevaluated])
        let options = try JSONDecoder().decode(
            SelfEvalOptions.self,
            from: Data(#"{"looks": 3, "judgesChains": true}"#.utf8)
        )
        #expect(
            options
                == SelfEvalOptions(checksArithmetic: false, views: 3, endsDecidedVotes: false, evaluatesChains: true)
        )
    }

    @Test("a trace of version 1 whose places do not follow is damaged")
    func damaged() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/trace-version-1.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        for (part, other) in [(#""index" : 1"#, #""index" : 7"#), (#""chosen" : 0"#, #""chosen" : 9"#)] {
            try #require(text.contains(part))
            let data = Data(text.replacingOccurrences(of: part, with: other).utf8)
            #expect { try Trace(json: data) } throws: { ($0 as? EMLLMError)?.code == .damagedTrace }
        }
    }
}
