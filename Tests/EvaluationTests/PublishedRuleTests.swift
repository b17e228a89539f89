import Foundation
import Testing

@testable import EMLLMEvaluation

/// The published variants against what the benchmarks' own scripts, run in Python, made of the same outputs.
@Suite("Published rules")
struct PublishedRuleTests {
    @Test("MathVista's script: extraction, normalization and verdict", arguments: ProblemFixtures.published.mathVista)
    func mathVista(row: ProblemFixtures.Published.MathVista) throws {
        let types: [String: Problem.AnswerType] = ["integer": .integer, "float": .float(precision: 1), "list": .list]
        let problem =
            try row.choices.firstIndex(of: row.answer).map { Problem.choosing($0, of: row.choices, .mathVista) }
            ?? Problem.free(row.answer, #require(types[row.type]), .mathVista)
        let output = ModelOutput(answer: row.stated, response: row.response)
        let score = ScoringRule(.published).score(output, for: problem)
        #expect(score.extracted == row.extraction)
        #expect(score.normalized == row.prediction)
        #expect(score.isCorrect == row.correct)
    }

    @Test("MATH-Vision's script: the answer that it finds, and its verdict", arguments: ProblemFixtures.published.mathV)
    func mathV(row: ProblemFixtures.Published.MathV) {
        var problem = Problem.free(row.answer, .text, .mathV)
        problem.choices = row.choices
        problem.answerIndex = row.choices.indices.first { Problem.letter($0) == row.answer }
        let score = ScoringRule(.published).score(ModelOutput(response: row.response), for: problem)
        #expect(score.isCorrect == row.correct)
        // The script also rewrites fractions and roots for its parser, which the comparison here does not need.
        if !row.modelAnswer.contains(/\\frac|\\sqrt/) { #expect(score.extracted == row.modelAnswer) }
    }

    @Test("We-Math's script: the letter and the verdict", arguments: ProblemFixtures.published.weMath)
    func weMath(row: ProblemFixtures.Published.WeMath) {
        let problem = Problem.choosing(2, of: ["w", "x", "y", "z"], .weMath, byLetter: true)
        let score = ScoringRule(.published).score(ModelOutput(response: row.response), for: problem)
        #expect((score.how == .letter ? score.extracted : nil) == row.letter)
        #expect(score.isCorrect == row.correct)
    }

    @Test(
        "We-Math's diagnosis, complete and with dropped outputs",
        arguments: ProblemFixtures.published.weMathDiagnoses
    )
    func diagnosis(row: ProblemFixtures.Published.Diagnosis) {
        let problems = row.parts.map { part -> Problem in
            var problem = Problem.choosing(0, of: ["x", "y"], .weMath, byLetter: true)
            problem.id = part
            let names = part.split(separator: " ").map(String.init)
            problem.breakdown = ["group": names[0], "key": names[1]]
            return problem
        }
        let scores = row.outputs.mapValues { Score(extracted: nil, normalized: nil, isCorrect: $0, how: .letter) }
        let published = WeMathDiagnosis(problems, scores: scores, variant: .published)
        #expect(published.strict.insufficientKnowledge == row.counts["InsufficientKnowledge"])
        #expect(published.strict.inadequateGeneralization == row.counts["InadequateGeneralization"])
        #expect(published.strict.completeMastery == row.counts["CompleteMastery_strict"])
        #expect(published.strict.roteMemorization == row.counts["RoteMemorization_strict"])
        #expect(published.loose.completeMastery == row.counts["CompleteMastery_loose"])
        #expect(published.loose.roteMemorization == row.counts["RoteMemorization_loose"])
        #expect(published.strict.total == 525)

        let corrected = WeMathDiagnosis(problems, scores: scores)
        #expect(corrected.strict.total == 50)
        for conditions in [corrected.strict, corrected.loose] {
            let sum =
                conditions.insufficientKnowledge + conditions.inadequateGeneralization + conditions.completeMastery
                + conditions.roteMemorization
            #expect(sum == 50)
        }
        let isComplete = row.outputs.count == row.parts.count
        #expect((corrected.strict.completeMastery == published.strict.completeMastery) || !isComplete)
    }

    @Test("PuzzleVQA's script: the option and the verdict", arguments: ProblemFixtures.published.puzzleVQA)
    func puzzleVQA(row: ProblemFixtures.Published.PuzzleVQA) throws {
        let index = try #require(row.choices.firstIndex(of: row.answer))
        let problem = Problem.choosing(index, of: row.choices, .puzzleVQA)
        let score = ScoringRule(.published).score(ModelOutput(response: row.response), for: problem)
        #expect(score.normalized == row.prediction)
        #expect(score.isCorrect == row.correct)
    }

    @Test("numbers are read as Python reads them", arguments: ProblemFixtures.published.python.floats)
    func floats(row: ProblemFixtures.Published.Python.Text) {
        #expect(PythonNumber.float(row.text)?.description == row.float)
        #expect(PythonNumber.truncated(row.text) == row.truncated)
    }

    @Test("numbers are rounded as Python rounds them", arguments: ProblemFixtures.published.python.rounded)
    func rounded(row: ProblemFixtures.Published.Python.Rounded) {
        #expect(PythonNumber.round(row.value, row.places) == row.rounded)
    }

    @Test("edit distances are Levenshtein's", arguments: ProblemFixtures.published.python.distances)
    func distances(row: ProblemFixtures.Published.Python.Distance) {
        #expect(levenshteinDistance(row.first, row.second) == row.distance)
        #expect(levenshteinDistance(row.second, row.first) == row.distance)
    }
}
