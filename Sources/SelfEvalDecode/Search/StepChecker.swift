import EMLLMCore

/// Examines steps without the model: arithmetic, units, forbidden words, a proof checker.
///
/// A checker is called for every step that is evaluated, before the model is asked. Its finding becomes part of the
/// step's ``StepEvaluation`` and is recorded in the trace:
///
/// - A refuted step scores 0 without asking the model, and costs no verdict.
/// - A probability is an upper bound: the score is the minimum of the model's score and the checkers' probabilities. If
///   the verdict is uninformative, the score is the minimum of the checkers' probabilities.
/// - A checker that throws does not affect the score. The error is a finding with the outcome
///   ``StepFinding/Outcome-swift.enum/failed``, and the run continues.
///
/// The same step must always give the same finding, so that a run can be repeated.
public protocol StepChecker: Sendable {
    /// The name of the checker in traces.
    var name: String { get }
    /// Checks a step and returns the finding; `nil` if there is nothing to report.
    func check(_ step: CheckedStep) throws -> StepFinding?
}

/// A step as a ``StepChecker`` sees it.
public struct CheckedStep: Sendable, Equatable {
    /// The user's question.
    public var question: String
    /// The text of the step.
    public var text: String
    /// The texts of the steps before it, from the first on.
    public var earlierSteps: [String]

    /// Describes a step.
    public init(question: String, text: String, earlierSteps: [String] = []) {
        self.question = question
        self.text = text
        self.earlierSteps = earlierSteps
    }
}

/// The result of a ``StepChecker`` for a step.
public struct StepFinding: Codable, Sendable, Equatable {
    /// The name of the checker; the session fills it in.
    public internal(set) var checker = ""
    /// The outcome of the check.
    public var outcome: Outcome
    /// The probability that the step is right, from 0 to 1; `nil` if the checker gives none.
    public var probability: Double?
    /// A human-readable explanation.
    public var message: String
    /// What to tell the model when the step is written again (``SelfEvalOptions/usesHints``); `nil` for nothing.
    public var hint: String?

    /// The outcome of a check.
    public enum Outcome: String, Codable, Sendable {
        /// The step is right, as far as the checker can tell.
        case confirmed
        /// The step is wrong.
        case refuted
        /// The checker cannot tell.
        case unknown
        /// The checker threw an error, or gave an invalid probability.
        case failed
    }

    /// Describes a finding.
    public init(outcome: Outcome, probability: Double? = nil, message: String = "", hint: String? = nil) {
        self.outcome = outcome
        self.probability = probability
        self.message = message
        self.hint = hint
    }
}

extension StepChecker {
    /// The checker's finding with its name, or its failure if it throws.
    func finding(in step: CheckedStep) -> StepFinding? {
        var finding: StepFinding?
        do {
            finding = try check(step)
        } catch {
            finding = StepFinding(outcome: .failed, message: "\(error)")
        }
        if let probability = finding?.probability, !(0...1).contains(probability) {
            finding = StepFinding(outcome: .failed, message: "a probability of \(probability)")
        }
        finding?.checker = name
        return finding
    }
}

extension [StepFinding] {
    /// The score with these findings taken into account: 0 if the step is refuted, otherwise the minimum of the score
    /// and the findings' probabilities.
    func score(with score: Double?) -> Double? {
        if contains(where: { $0.outcome == .refuted }) { return 0 }
        let probabilities = filter { $0.outcome != .failed }.compactMap(\.probability)
        return (probabilities + [score].compactMap { $0 }).min()
    }
}

extension EMLLMError.Code {
    /// A recorded run whose checkers are not all available.
    public static let missingChecker = Self(rawValue: "missing-checker")
}

extension EMLLMError {
    static func missingChecker(_ name: String, given: [String]) -> EMLLMError {
        EMLLMError(
            code: .missingChecker,
            subject: "recorded run",
            expected: "the checker '\(name)' that it was made with",
            found: given.isEmpty ? "no checkers" : given.joined(separator: ", "),
            remedy: "repeat it with the same checkers"
        )
    }
}
