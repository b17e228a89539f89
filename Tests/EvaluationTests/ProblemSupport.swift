import Foundation
import Testing

@testable import EMLLMEvaluation

/// The folder `Fixtures/problems`: small files in each layout, and `published.json`, which
/// `Tests/Scripts/scoring_fixtures.py` made with the benchmarks' own scripts.
enum ProblemFixtures {
    static func url(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appending(path: "Fixtures/problems/\(name)")
    }

    static func read(_ name: String, layout: ProblemLayout? = nil) throws -> ProblemSet {
        try ProblemSet.read(from: url(name), layout: layout)
    }

    /// Reads a file with this content that lies beside the fixtures' images.
    static func reading(_ content: Data, layout: ProblemLayout? = nil) throws -> ProblemSet {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "problems.jsonl")
        try content.write(to: file)
        return try ProblemSet.read(from: file, layout: layout, imageFolder: url(""))
    }

    static func reading(_ content: String) throws -> ProblemSet { try reading(Data(content.utf8)) }

    static let published: Published = {
        do {
            return try JSONDecoder().decode(Published.self, from: Data(contentsOf: url("published.json")))
        } catch {
            fatalError("published.json cannot be read: \(error)")
        }
    }()

    struct Published: Decodable, Sendable {
        struct MathVista: Decodable, Sendable {
            var choices: [String]
            var type: String
            var answer: String
            var stated: String
            var response: String
            var extraction: String
            var prediction: String?
            var correct: Bool
        }
        struct MathV: Decodable, Sendable {
            var choices: [String]
            var answer: String
            var response: String
            var modelAnswer: String
            var correct: Bool
        }
        struct WeMath: Decodable, Sendable {
            var response: String
            var letter: String?
            var correct: Bool
        }
        struct Diagnosis: Decodable, Sendable {
            var parts: [String]
            var outputs: [String: Bool]
            var counts: [String: Int]
        }
        struct PuzzleVQA: Decodable, Sendable {
            var choices: [String]
            var answer: String
            var response: String
            var prediction: String?
            var correct: Bool
        }
        struct Python: Decodable, Sendable {
            struct Text: Decodable, Sendable {
                var text: String
                var float: String?
                var truncated: String?
            }
            struct Rounded: Decodable, Sendable {
                var value: Double
                var places: Int
                var rounded: Double
            }
            struct Distance: Decodable, Sendable {
                var first: String
                var second: String
                var distance: Int
            }
            var floats: [Text]
            var rounded: [Rounded]
            var distances: [Distance]
        }
        var mathVista: [MathVista]
        var mathV: [MathV]
        var weMath: [WeMath]
        var weMathDiagnoses: [Diagnosis]
        var puzzleVQA: [PuzzleVQA]
        var python: Python
    }
}

extension Problem {
    /// A problem with choices.
    static func choosing(_ answer: Int, of choices: [String], _ benchmark: Benchmark = .own, byLetter: Bool = false)
        -> Problem
    {
        Problem(
            id: "1",
            benchmark: benchmark,
            question: "Which?",
            choices: choices,
            answer: byLetter ? letter(answer) : choices[answer],
            answerIndex: answer,
            answerType: .choice
        )
    }

    /// A problem with a free answer.
    static func free(_ answer: String, _ type: AnswerType, _ benchmark: Benchmark = .own) -> Problem {
        Problem(id: "1", benchmark: benchmark, question: "What?", answer: answer, answerType: type)
    }

    /// The score of what a decoder states.
    func score(stating answer: String, _ variant: ScoringRule.Variant = .corrected) -> Score {
        ScoringRule(variant).score(ModelOutput(answer: answer, response: "Step 1."), for: self)
    }

    /// The score of a response without a statement.
    func score(saying response: String, _ variant: ScoringRule.Variant = .corrected) -> Score {
        ScoringRule(variant).score(ModelOutput(response: response), for: self)
    }
}
