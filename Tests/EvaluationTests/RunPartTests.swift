import EMLLMCore
import Foundation
import SelfEvalDecode
import Testing

@testable import EMLLMEvaluation

@Suite("Parts of a run")
struct RunPartTests {
    @Test(
        "a part is written as its number and theirs",
        arguments: ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "/2", "1/", "1/9999999"]
    )
    func noPart(text: String) {
        #expect(Shard(text) == nil)
    }

    @Test("parts have each problem once")
    func parts() throws {
        let all = Array(0..<11)
        let parts = try (1...3).map { try #require(Shard("\($0)/3")).part(of: all) }
        #expect(parts.joined().sorted() == all)
        #expect(parts[1] == [1, 4, 7, 10])
    }

    @Test("the report says how many problems have no result, and never that none is missing without knowing")
    func coverage() throws {
        let records = ReportSamples.records(problems: 20)
        func text(_ planned: Int?, skipped: Int = 0) throws -> String {
            try Report(records: records, skippedProblems: skipped, plannedProblems: planned).markdown
        }
        #expect(try text(200).contains("**Incomplete: 180 of 200 problems have no result.**"))
        #expect(try text(20).contains("These are all problems; none was skipped."))
        #expect(
            try text(20, skipped: 2).contains("**Problems that were skipped: 2.** These are all that could be run.")
        )
        #expect(try text(nil).contains("How many problems there were to run is not known."))
    }
}
