import EMLLMCore
import Testing

@testable import EMLLMEvaluation
@testable import SelfEvalDecode

/// Training records out of traces, and the filter that leaves out what would teach the wrong thing.
@Suite("Training records")
struct TrainingRecordTests {
    private func node(_ id: Int, after parent: Int, _ text: String, _ decision: StepNode.Decision) -> StepNode {
        var node = StepNode(id: id, parent: parent, ordinal: id, continues: false, kind: .step, temperature: 0)
        node.text = text
        node.decision = decision
        return node
    }

    private let problem = Problem(
        id: "p",
        question: "What is 2 + 3, doubled?",
        answer: "10",
        answerType: .integer
    )

    /// A run in which a wrong step was replaced by a right one.
    private func trace(reflection: String) throws -> Trace {
        var trace = Trace(
            TraceHeader(
                model: ModelIdentity(
                    provenance: .init(name: "m"),
                    family: "f",
                    vocabularySize: 1,
                    weightBytes: 1,
                    weightsDigest: "0",
                    activations: .q8
                ),
                question: "q",
                options: SelfEvalOptions(),
                prompt: [1],
                costs: .init(evaluation: 1, prior: 1, chainEvaluation: 1, answer: 1),
                contextLength: 100
            )
        )
        trace.apply(.candidate(node(1, after: 0, "First, 2 + 3 = 6.\n", .rejected)))
        trace.apply(.reflection(Reflection(id: 0, node: 1, text: reflection, tokens: [])))
        trace.apply(.candidate(node(2, after: 0, "First, 2 + 3 = 5.\n", .accepted)))
        trace.apply(.candidate(node(3, after: 2, "Then 5 * 2 = 10.\n", .accepted)))
        trace.apply(.answer(Answer(text: "10", source: .asked, node: 3, tokens: [])))
        trace.apply(.info(.finished(TraceSummary(outcome: .answered, path: [2, 3]))))
        return trace
    }

    @Test("A flawed step, what is wrong with it and the step in its place become a record, both ways")
    func record() throws {
        let record = TrainingRecord(try trace(reflection: "Two and three make five."), of: problem, labels: .arithmetic)
        #expect(record.steps.map(\.isRight) == [false, true, true])
        #expect(record.steps[0].refined == "First, 2 + 3 = 5.\n")
        #expect(
            record.seat == """
                First, 2 + 3 = 6.
                [self-evaluation-start: Two and three make five. Evaluation: Refine self-evaluation-end]
                First, 2 + 3 = 5.
                Then 5 * 2 = 10.
                The answer is 10

                """
        )
        #expect(
            record.cascade.map(\.task)
                == ["reason", "evaluate", "reflect", "refine", "evaluate", "evaluate", "answer"]
        )
        #expect(record.cascade[0].response == "First, 2 + 3 = 5.\nThen 5 * 2 = 10.\n")
        #expect(record.cascade.filter { $0.task == "evaluate" }.map(\.response) == ["No", "Yes", "Yes"])
        #expect(DataFilter.defect(of: record, isCorrect: true, prompts: .casSEAT) == nil)
    }

    @Test("Each rule of the filter leaves out what it is for")
    func filter() throws {
        let good = TrainingRecord(try trace(reflection: "Two and three make five."), of: problem, labels: .arithmetic)
        func defect(_ change: (inout TrainingRecord) -> Void, isCorrect: Bool = true) -> DataFilter.RecordDefect? {
            var record = good
            change(&record)
            return DataFilter.defect(of: record, isCorrect: isCorrect, prompts: .casSEAT)
        }
        #expect(defect({ _ in }, isCorrect: false) == .wrongAnswer)
        #expect(defect { $0.steps = [] } == .unlabelled)
        #expect(defect { $0.steps[0].text = "The answer is 10, because:" } == .answerFirst)
        #expect(defect { $0.steps[0].refined = nil } == .standingMistake)
        #expect(defect { $0.steps[0].reflection = nil } == .noReflection)
        #expect(defect { $0.steps[0].reflection = " … " } == .noReflection)
        #expect(defect { $0.steps[0].reflection = "First, 2 + 3 = 6." } == .emptyReflection)

        func result(_ isCorrect: Bool, _ labels: [Bool?]) -> ResultRecord {
            let steps = labels.map { StepRecord(text: "s", meanLogProbability: 0, label: $0) }
            return ResultRecord(problem: "p", strategy: "cot", model: "m", seed: 0, isCorrect: isCorrect, steps: steps)
        }
        var seen: Set<String> = []
        #expect(DataFilter.defect(of: problem, results: [result(true, [false])], seen: &seen) == nil)
        #expect(DataFilter.defect(of: problem, results: [result(true, [false])], seen: &seen) == .duplicate)
        seen = []
        #expect(DataFilter.defect(of: problem, results: [result(false, [])], seen: &seen) == .neverSolved)
        seen = []
        #expect(DataFilter.defect(of: problem, results: [result(true, [true, nil])], seen: &seen) == .alwaysRight)
    }
}
