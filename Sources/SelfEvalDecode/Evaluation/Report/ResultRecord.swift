import EMLLMCore
import Foundation

/// The result of one strategy on one problem with one seed: one line of a results file.
public struct ResultRecord: Codable, Sendable, Equatable {
    /// The problem's identifier.
    public var problem: String
    /// The strategy's name.
    public var strategy: String
    /// The model's name.
    public var model: String
    /// The seed of the random numbers.
    public var seed: UInt64
    /// The groups that the problem belongs to, by key, such as its kind or difficulty.
    public var breakdown: [String: String]
    /// All the text that was written.
    public var response: String
    /// The answer as given, even if it was withheld; `nil` if there is none.
    public var answer: String?
    /// The answer in the form that was compared with the right one.
    public var extracted: String?
    /// Whether the answer is right or, if it was withheld, would have been right. The risk–coverage curve uses this;
    /// every accuracy counts an abstention as wrong.
    public var isCorrect: Bool
    /// The strategy's estimate of the probability that the answer is right, in 0...1.
    public var confidence: Double?
    /// Whether the answer was withheld.
    public var abstained: Bool
    /// Tokens of the question's prompt.
    public var promptTokens: Int
    /// All tokens that went through the model.
    public var processedTokens: Int
    /// Tokens of the accepted steps.
    public var acceptedTokens: Int
    /// Tokens of evaluation prompts.
    public var evaluationTokens: Int
    /// The time from the question to the answer.
    public var seconds: Double
    /// The steps that were evaluated, or could have been.
    public var steps: [StepRecord]
    /// Why there is no answer. Such a record counts as wrong, and the report gives the reason.
    public var failure: String?

    /// Makes a record.
    public init(
        problem: String,
        strategy: String,
        model: String,
        seed: UInt64,
        breakdown: [String: String] = [:],
        response: String = "",
        answer: String? = nil,
        extracted: String? = nil,
        isCorrect: Bool,
        confidence: Double? = nil,
        abstained: Bool = false,
        promptTokens: Int = 0,
        processedTokens: Int = 0,
        acceptedTokens: Int = 0,
        evaluationTokens: Int = 0,
        seconds: Double = 0,
        steps: [StepRecord] = [],
        failure: String? = nil
    ) {
        self.problem = problem
        self.strategy = strategy
        self.model = model
        self.seed = seed
        self.breakdown = breakdown
        self.response = response
        self.answer = answer
        self.extracted = extracted
        self.isCorrect = isCorrect
        self.confidence = confidence
        self.abstained = abstained
        self.promptTokens = promptTokens
        self.processedTokens = processedTokens
        self.acceptedTokens = acceptedTokens
        self.evaluationTokens = evaluationTokens
        self.seconds = seconds
        self.steps = steps
        self.failure = failure
    }
}

/// One step of a response.
public struct StepRecord: Codable, Sendable, Equatable {
    /// The text.
    public var text: String
    /// The score: the probability that the step is right, which decisions are based on; `nil` if it was not evaluated.
    public var probability: Double?
    /// The verdict's logit, before calibration.
    public var logit: Double?
    /// Whether the verdict was informative (`Verdict.isInformative`); `nil` if it was not recorded.
    public var isInformative: Bool?
    /// The mean of its tokens' natural log-probabilities.
    public var meanLogProbability: Double
    /// The natural log-probability of the line up to its end; `nil` if it was not recorded.
    public var lineLogProbability: Double?
    /// Its lowest windowed mean log-probability; `nil` if it was not recorded.
    public var windowConfidence: Double?
    /// The verifier's log-odds after it; `nil` without a verifier.
    public var verifierLogOdds: Double?
    /// Whether it is right; `nil` if unknown.
    public var label: Bool?

    /// Makes a step.
    public init(
        text: String,
        probability: Double? = nil,
        logit: Double? = nil,
        isInformative: Bool? = nil,
        meanLogProbability: Double,
        lineLogProbability: Double? = nil,
        windowConfidence: Double? = nil,
        verifierLogOdds: Double? = nil,
        label: Bool? = nil
    ) {
        self.text = text
        self.probability = probability
        self.logit = logit
        self.isInformative = isInformative
        self.meanLogProbability = meanLogProbability
        self.lineLogProbability = lineLogProbability
        self.windowConfidence = windowConfidence
        self.verifierLogOdds = verifierLogOdds
        self.label = label
    }
}

extension ResultRecord {
    /// Whether a right answer was given.
    var isRight: Bool { isCorrect && !abstained && failure == nil }

    /// The confidence in an answer that exists.
    var answerConfidence: Double? { answer == nil || failure != nil ? nil : confidence }

    /// The record as one line of JSON, with its line break.
    public func line() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encodeNumbers(self) + Data("\n".utf8)
    }

    /// Reads the lines of a results file; empty ones are skipped.
    ///
    /// - Parameters:
    ///   - lines: the file's bytes.
    ///   - file: the file's name, for errors.
    /// - Throws: ``/EMLLMCore/EMLLMError`` that names the first line that is not a record.
    public static func records(from lines: Data, file: String) throws -> [ResultRecord] {
        let decoder = JSONDecoder()
        return try lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
            .compactMap { index, line in
                guard !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) else { return nil }
                do {
                    return try decoder.decode(ResultRecord.self, from: Data(line))
                } catch {
                    throw EMLLMError.invalidResult(line: index + 1, file: file, reason: "\(error)")
                }
            }
    }
}

extension EMLLMError.Code {
    /// A line of a results file that is not a result.
    public static let invalidResult = Self(rawValue: "invalid-result")
    /// Two results for the same problem, strategy, model and seed.
    public static let duplicateResult = Self(rawValue: "duplicate-result")
    /// A report that could not be written.
    public static let reportNotWritten = Self(rawValue: "report-not-written")
}

extension EMLLMError {
    static func invalidResult(line: Int, file: String, reason: String) -> EMLLMError {
        EMLLMError(
            code: .invalidResult,
            subject: "\(file), line \(line)",
            expected: "a result as a JSON object",
            found: reason,
            remedy: "remove the line and run its problem again"
        )
    }

    static func duplicateResult(_ record: ResultRecord) -> EMLLMError {
        EMLLMError(
            code: .duplicateResult,
            subject: "problem \(record.problem)",
            expected: "one result with strategy \(record.strategy), model \(record.model) and seed \(record.seed)",
            found: "several",
            remedy: "remove all but one, or give the runs different seeds"
        )
    }

    static func reportNotWritten(_ url: URL, reason: any Error) -> EMLLMError {
        EMLLMError(
            code: .reportNotWritten,
            subject: url.path,
            expected: "a place that can be written to",
            found: "\(reason.localizedDescription)",
            remedy: "choose another folder, or make room"
        )
    }
}
