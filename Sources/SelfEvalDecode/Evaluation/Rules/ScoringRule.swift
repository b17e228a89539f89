import Foundation

/// What a model has written in response to a problem.
public struct ModelOutput: Codable, Sendable, Equatable {
    /// The answer that the decoder states; `nil` if it states none.
    public var answer: String?
    /// All the text that was written, steps and answer.
    public var response: String

    /// Makes an output.
    public init(answer: String? = nil, response: String) {
        self.answer = answer
        self.response = response
    }

    /// The stated answer, if there is anything in it.
    var stated: String? { answer.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 } }
}

/// The score of one output.
public struct Score: Codable, Sendable, Equatable {
    /// How an answer was recognized.
    public enum Method: String, Codable, Sendable {
        /// The text of a choice.
        case statedChoice
        /// The letter of a choice.
        case letter
        /// A number.
        case number
        /// A list of values.
        case list
        /// Text that was compared as it is.
        case text
        /// The choice with the smallest edit distance.
        case nearestChoice
        /// The first choice, which a published script takes if it finds none.
        case firstChoice
        /// Nothing was recognized.
        case none
    }

    /// The part of the output that was taken as the answer.
    public var extracted: String?
    /// The answer in the form that is compared: a choice's text, a number, a list.
    public var normalized: String?
    /// Whether it is right.
    public var isCorrect: Bool
    /// How it was recognized.
    public var how: Method

    /// The score if nothing was recognized; the text that was examined may still be recorded.
    static func nothing(_ extracted: String? = nil) -> Score {
        Score(extracted: extracted, normalized: nil, isCorrect: false, how: .none)
    }

    /// The score if a choice was recognized.
    static func choice(_ index: Int, of problem: Problem, extracted: String, how: Method) -> Score {
        Score(
            extracted: extracted,
            normalized: problem.choices[index],
            isCorrect: problem.choices[index] == problem.rightChoice,
            how: how
        )
    }
}

/// Reads and scores outputs, with a separate rule for each benchmark.
///
/// ```swift
/// let score = ScoringRule().score(ModelOutput(answer: "(B)", response: text), for: problem)
/// ```
public struct ScoringRule: Sendable, Equatable {
    /// What a rule does in cases where a benchmark's own script misbehaves. The README beside this file lists the
    /// places.
    public enum Variant: String, Codable, Sendable, CaseIterable {
        /// What the benchmark describes.
        case corrected
        /// What its script does.
        case published
    }

    /// The variant of the rules.
    public var variant: Variant

    /// Makes rules.
    public init(_ variant: Variant = .corrected) { self.variant = variant }

    /// Reads the answer in an output and scores it by the rule of the problem's benchmark.
    public func score(_ output: ModelOutput, for problem: Problem) -> Score {
        switch (variant, problem.benchmark) {
        case (.corrected, .mathVista): MathVistaRule.corrected(output, problem)
        case (.corrected, .mathV): MathVRule.corrected(output, problem)
        case (.corrected, .puzzleVQA), (.corrected, .weMath): AnswerReader(output).choice(of: problem)
        case (_, .own): OwnRule.score(output, problem)
        case (.published, .puzzleVQA): PuzzleVQARule.published(output, problem)
        case (.published, .mathVista): MathVistaRule.published(output, problem)
        case (.published, .mathV): MathVRule.published(output, problem)
        case (.published, .weMath): WeMathRule.published(output, problem)
        }
    }
}

/// The scores of a run over problems.
public struct ScoredRun: Codable, Sendable, Equatable {
    /// The scores by the problems' ids.
    public var scores: [String: Score]
    /// The problems without an output.
    public var unanswered: [String]
    /// The number of problems that the accuracy refers to.
    public var total: Int

    /// The number of right answers.
    public var correct: Int { scores.values.count { $0.isCorrect } }
    /// The share of right answers; 0 if there is nothing to score.
    public var accuracy: Double { total == 0 ? 0 : Double(correct) / Double(total) }

    /// Scores outputs by the problems' ids. A problem without an output counts as answered wrongly; the published
    /// scripts count only the problems in their file of outputs.
    public init(_ problems: [Problem], outputs: [String: ModelOutput], rule: ScoringRule = ScoringRule()) {
        scores = [:]
        unanswered = []
        for problem in problems {
            if let output = outputs[problem.id] {
                scores[problem.id] = rule.score(output, for: problem)
            } else {
                unanswered.append(problem.id)
            }
        }
        total = rule.variant == .corrected ? problems.count : scores.count
    }
}
