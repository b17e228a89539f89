import EMLLMCore
import Foundation

/// What a question may cost. Part of it is set aside for the answer, so that an answer always comes.
public struct Budget: Codable, Sendable, Equatable {
    /// The most tokens processed after the question's prompt: steps, rejected candidates, verdicts and the answer.
    public var tokens: Int
    /// The most milliseconds, the question's prompt included; `nil` sets no limit.
    ///
    /// Reasoning stops early enough for the answer at the speed measured so far; the answer's first word is written even
    /// when the time has run out.
    public var milliseconds: Int?
    /// The most tokens of the answer, when it has to be asked for.
    public var answerTokens: Int

    /// Makes a budget.
    public init(tokens: Int = 2048, milliseconds: Int? = nil, answerTokens: Int = 48) {
        self.tokens = tokens
        self.milliseconds = milliseconds
        self.answerTokens = answerTokens
    }
}

/// Keeps a question within its budget.
struct BudgetMeter {
    /// Seconds since some fixed moment.
    typealias Clock = () -> Double

    let budget: Budget
    /// Tokens that stay set aside for the answer: its prompt and itself.
    let reservedTokens: Int
    private let answerPromptTokens: Int
    private let clock: Clock
    private let started: Double
    /// Tokens processed after the question's prompt.
    private(set) var spent = 0
    private var secondsPerPromptToken = 0.0
    private var secondsPerPass = 0.0

    init(budget: Budget, answerPromptTokens: Int, clock: @escaping Clock) {
        self.budget = budget
        self.answerPromptTokens = answerPromptTokens
        reservedTokens = answerPromptTokens + budget.answerTokens
        self.clock = clock
        started = clock()
    }

    /// Seconds since the question was asked.
    var elapsed: Double { clock() - started }

    /// Tokens left for reasoning.
    var tokensLeft: Int { budget.tokens - reservedTokens - spent }

    /// Notes the question's prompt, which costs time but no tokens of the budget.
    mutating func notePrompt(tokens: Int, seconds: Double) {
        secondsPerPromptToken = seconds / Double(max(tokens, 1))
        secondsPerPass = secondsPerPromptToken
    }

    /// Notes one token for each of some branches.
    mutating func notePass(tokens: Int, seconds: Double) {
        spent += tokens
        // Follows a slowing machine at once and a faster one slowly: better an early answer than a late one.
        secondsPerPass = max(seconds, 0.75 * secondsPerPass + 0.25 * seconds)
    }

    /// Notes a prompt appended to branches: an evaluation, or the one for the answer.
    mutating func noteAppended(tokens: Int, seconds: Double) {
        spent += tokens
        secondsPerPromptToken = max(secondsPerPromptToken, seconds / Double(max(tokens, 1)))
    }

    /// Whether so many more tokens, in prompts or in passes, leave enough for the answer.
    func allows(promptTokens: Int = 0, passes: Int = 0, tokensPerPass: Int = 1) -> Bool {
        guard promptTokens + passes * tokensPerPass <= tokensLeft else { return false }
        guard let milliseconds = budget.milliseconds else { return true }
        let reserve = Double(answerPromptTokens) * secondsPerPromptToken + Double(budget.answerTokens) * secondsPerPass
        let wanted = Double(promptTokens) * secondsPerPromptToken + Double(passes) * secondsPerPass
        return elapsed + wanted + reserve <= Double(milliseconds) / 1000
    }

    /// Whether the answer has time for one more token.
    var allowsAnswerToken: Bool {
        guard let milliseconds = budget.milliseconds else { return true }
        return elapsed + secondsPerPass <= Double(milliseconds) / 1000
    }
}
