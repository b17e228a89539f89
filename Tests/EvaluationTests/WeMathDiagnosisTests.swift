import Foundation
import Testing

@testable import EMLLMEvaluation

@Suite("We-Math's diagnosis")
struct WeMathDiagnosisTests {
    /// A problem's parts, each with its verdict; `nil` for a part without an output, `missing` for one not in the file.
    private func diagnosis(
        _ groups: [(steps: [Bool?], whole: Bool?)],
        missing: Set<String> = [],
        _ variant: ScoringRule.Variant = .corrected
    ) -> WeMathDiagnosis {
        var problems: [Problem] = []
        var scores: [String: Score] = [:]
        for (number, group) in groups.enumerated() {
            let count = group.steps.count
            let keys = (1...count).map { "\(count)steps_\($0)" } + ["\(count)steps_multi"]
            for (key, verdict) in zip(keys, group.steps + [group.whole]) {
                var problem = Problem.choosing(0, of: ["x", "y"], .weMath, byLetter: true)
                problem.id = "\(number)/\(key)"
                problem.breakdown = ["group": "\(number)", "key": key]
                if !missing.contains(problem.id) { problems.append(problem) }
                scores[problem.id] = verdict.map {
                    Score(extracted: nil, normalized: nil, isCorrect: $0, how: .letter)
                }
            }
        }
        return WeMathDiagnosis(problems.reversed(), scores: scores, variant: variant)
    }

    @Test(
        "a problem is in one condition, strictly and loosely",
        arguments: [
            ([true, true], true, "CM", "CM"), ([true, false], true, "RM", "CM"), ([false, false], true, "RM", "RM"),
            ([true, true], false, "IG", "IG"), ([true, false], false, "IK", "IK"), ([false, false], false, "IK", "IK"),
            ([true, true, true], true, "CM", "CM"), ([false, false, true], true, "RM", "CM"),
            ([false, false, false], true, "RM", "RM"), ([true, true, true], false, "IG", "IG"),
            ([true, true, false], false, "IK", "IK"),
        ]
    )
    func conditions(steps: [Bool], whole: Bool, strict: String, loose: String) {
        for variant in ScoringRule.Variant.allCases {
            let result = diagnosis([(steps, whole)], variant)
            #expect(name(result.strict) == strict)
            #expect(name(result.loose) == loose)
        }
    }

    private func name(_ conditions: WeMathDiagnosis.Conditions) -> String {
        String(repeating: "IK", count: conditions.insufficientKnowledge)
            + String(repeating: "IG", count: conditions.inadequateGeneralization)
            + String(repeating: "CM", count: conditions.completeMastery)
            + String(repeating: "RM", count: conditions.roteMemorization)
    }

    @Test("the average score is mastery and half of inadequate generalization")
    func averageScore() {
        let result = diagnosis([
            ([true, true], true), ([true, false], true), ([true, true], false), ([false, false], false),
            ([true, true, true], true),
        ])
        #expect(result.strict.averageScore == (2 + 0.5) / 5)
        #expect(result.loose.averageScore == (3 + 0.5) / 5)
        #expect(result.strict.roteMemorizationRate == 1.0 / 3)
        #expect(result.loose.roteMemorizationRate == 0)
        #expect(diagnosis([([true, true], false)]).strict.roteMemorizationRate == nil)
        #expect(diagnosis([]).strict.averageScore == 0)
    }

    @Test("an output that is missing is wrong; the published score takes it for mastery")
    func missingOutput() {
        let groups: [(steps: [Bool?], whole: Bool?)] = [([true, true], nil), ([nil, true], false)]
        #expect(diagnosis(groups).strict.averageScore == 0.25)
        let published = diagnosis(groups, .published).strict
        #expect(name(published) == "")
        #expect(published.averageScore == 1)
    }

    @Test("a problem without one of its parts in the file is told apart")
    func incomplete() {
        let result = diagnosis([([true, true], true), ([true, true], true)], missing: ["1/2steps_2"])
        #expect(result.incomplete == ["1"])
        #expect(result.strict.total == 1)
        #expect(result.strict.averageScore == 1)
    }

    @Test("options without letters, and a problem without its part, are skipped")
    func records() throws {
        let record = #"{"ID": "2steps_1", "question": "?", "answer": "A", "image_path": "images/1.png", "#
        let lines = [
            #""option": "1; 2", "key": "2steps_1"}"#, #""option": "A. 1; B. 2", "key": ""}"#,
            #""option": "A. 1; B. 2", "key": "2steps_1"}"#,
        ]
        let set = try ProblemFixtures.reading(lines.map { record + $0 }.joined(separator: "\n"))
        #expect(set.layout == .weMath)
        #expect(set.problems.map(\.id) == ["2steps_1/1"])
        #expect(set.skipped.map(\.reason) == ["its options do not begin with letters", "it has no id"])
    }
}
