import Foundation
import SelfEvalDecode

/// The double-level data filtering (DDF) of arXiv 2501.05662 as explicit rules: source problems first, labelled records
/// second. Each rule states why a problem or record is left out, and how often it applied is counted.
public enum DataFilter {
    /// Why a source problem is not useful for training.
    public enum SourceDefect: String, CaseIterable, Sendable {
        /// Another problem asks the same about the same pictures.
        case duplicate = "a problem that is there already"
        /// No run reached the right answer: the problem is too hard for the model, or its reference is wrong.
        case neverSolved = "never solved"
        /// Every run and every step was right: there is nothing to evaluate.
        case alwaysRight = "solved every time without a wrong step"
    }

    /// The first rule that a problem violates; `nil` if it is kept.
    ///
    /// - Parameters:
    ///   - problem: the problem.
    ///   - results: the runs of the problem.
    ///   - seen: the questions so far; the problem is added.
    public static func defect(of problem: Problem, results: [ResultRecord], seen: inout Set<String>) -> SourceDefect? {
        let key = ([problem.prompt] + problem.images.map(\.path)).joined(separator: "\u{0}")
        guard seen.insert(key).inserted else { return .duplicate }
        guard results.contains(where: \.isCorrect) else { return .neverSolved }
        let isFlawless = results.allSatisfy { $0.isCorrect && $0.steps.allSatisfy { $0.label != false } }
        return isFlawless ? .alwaysRight : nil
    }

    /// Why a labelled record would teach the wrong thing.
    public enum RecordDefect: String, CaseIterable, Sendable {
        /// The chain does not reach the right answer.
        case wrongAnswer = "a wrong answer"
        /// No step has a label.
        case unlabelled = "no labelled step"
        /// The answer is stated before any reasoning, as if the model had been shown the answer.
        case answerFirst = "the answer before the reasoning"
        /// A step that is labelled wrong remains uncorrected.
        case standingMistake = "a wrong step that stands"
        /// A flawed step without a description of what is wrong with it.
        case noReflection = "a flawed step without a reflection"
        /// The description of the mistake only repeats the step.
        case emptyReflection = "a reflection that repeats the step"
    }

    /// The first rule that a record violates; `nil` if it is kept.
    public static func defect(of record: TrainingRecord, isCorrect: Bool, prompts: PromptPack) -> RecordDefect? {
        guard isCorrect else { return .wrongAnswer }
        guard let first = record.steps.first else { return .unlabelled }
        let beginning = prompts.answerPattern.components(separatedBy: "{answer}")[0].trimmingCharacters(
            in: .whitespaces
        )
        if record.steps.count > 1, first.text.localizedCaseInsensitiveContains(beginning) { return .answerFirst }
        for step in record.steps where !step.isRight {
            guard step.refined != nil else { return .standingMistake }
            guard let reflection = step.reflection, reflection.contains(where: \.isLetter) else { return .noReflection }
            if plain(step.text).contains(plain(reflection)) || plain(reflection) == plain(step.refined ?? "") {
                return .emptyReflection
            }
        }
        return nil
    }

    private static func plain(_ text: String) -> String {
        text.lowercased().filter { $0.isLetter || $0.isNumber }
    }
}
