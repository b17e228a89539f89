import EMLLMCore
import Foundation

/// What a question may cost. Part of it is set aside for the answer, so that an answer always comes.
public struct Budget: Codable, Sendable, Equatable {
    /// The most tokens processed after the question's prompt: steps, rejected candidates, verdicts and the answer.
    public var tokens: Int
    /// The most milliseconds, the question's pictures and prompt included; `nil` sets no limit.
    ///
    /// Reasoning stops early enough for the answer at the speed measured so far; the answer's first word is written even
    /// when the time has run out.
    public var milliseconds: Int?
    /// The most bytes of keys and values, over all branches and the question's prompt; `nil` sets no limit. Strategies
    /// narrow to fit.
    public var cacheBytes: Int?
    /// The most tokens of the answer, when it has to be asked for.
    public var answerTokens: Int

    /// Makes a budget.
    public init(tokens: Int = 2048, milliseconds: Int? = nil, cacheBytes: Int? = nil, answerTokens: Int = 48) {
        self.tokens = tokens
        self.milliseconds = milliseconds
        self.cacheBytes = cacheBytes
        self.answerTokens = answerTokens
    }
}

/// Something that is about to be computed.
struct Expense {
    /// Tokens that are appended at once: evaluations, and prompts for reflections and answers.
    var promptTokens = 0
    /// Tokens that are written one after the other.
    var passes = 0
    /// Branches that each of those passes writes for.
    var branches = 1
    /// Tokens that are written in batches of any width, at the mean speed so far.
    var written = 0
    /// Further views of the question's pictures, which are encoded for each.
    var views = 0

    var tokens: Int { promptTokens + passes * branches + written }
}

/// Keeps a question within its budget.
final class BudgetMeter {
    /// Seconds since some fixed moment.
    typealias Clock = () -> Double

    let budget: Budget
    /// Tokens that stay set aside for the answer: its prompt and itself.
    let reservedTokens: Int
    /// Tokens of the prompt that asks for the answer.
    private let answerPromptTokens: Int
    private let cache: CacheMeter
    private let clock: Clock
    private let started: Double
    /// Tokens processed after the question's prompt.
    private(set) var spent = 0
    private var secondsPerPromptToken = 0.0
    private var secondsPerPass = 0.0
    private var secondsPerView = 0.0
    /// All that was written, one token for each of some branches at a time.
    private var written = (tokens: 0, seconds: 0.0)
    /// Seconds that went into pictures before the clock was started.
    private var secondsBefore = 0.0
    /// Answers of an earlier run to the questions "is there time for this?"; `nil` looks at the clock.
    private let replayedRefusals: Set<Int>?
    private var timeQuestions = 0
    /// Which of those questions were answered with no.
    private(set) var timeRefusals: [Int] = []

    /// Bytes of keys and values, now and after some more.
    struct CacheMeter {
        /// Bytes in use.
        var inUse: () -> Int = { 0 }
        /// The maximum bytes for this many positions on this many new branches.
        var needed: (_ positions: Int, _ branches: Int) -> Int = { _, _ in 0 }
    }

    /// - Parameters:
    ///   - answerPromptTokens: tokens of the prompt that asks for the answer.
    ///   - cache: how much memory there is to it.
    ///   - refusals: what an earlier run found too late; `nil` looks at the clock.
    ///   - clock: seconds.
    init(
        budget: Budget,
        answerPromptTokens: Int,
        cache: CacheMeter = CacheMeter(),
        replaying refusals: [Int]? = nil,
        clock: @escaping Clock
    ) {
        self.budget = budget
        self.answerPromptTokens = answerPromptTokens
        self.cache = cache
        reservedTokens = answerPromptTokens + budget.answerTokens
        replayedRefusals = refusals.map { Set($0) }
        self.clock = clock
        started = clock()
    }

    /// Seconds since the question was asked.
    var elapsed: Double { clock() - started }

    /// Tokens left for reasoning.
    var tokensLeft: Int { budget.tokens - reservedTokens - spent }

    /// Seconds at this moment.
    func now() -> Double { clock() }

    /// Notes the question's pictures, which were encoded before; another view of them takes as long again.
    func noteImages(_ images: [ImageUsage]) {
        secondsPerView = images.reduce(0) { $0 + $1.encodeSeconds }
        secondsBefore = images.reduce(0) { $0 + ($1.wasReused ? 0 : $1.encodeSeconds) }
    }

    /// Notes the question's prompt, which costs time but no tokens of the budget.
    func notePrompt(tokens: Int, seconds: Double) {
        secondsPerPromptToken = seconds / Double(max(tokens, 1))
        secondsPerPass = secondsPerPromptToken
    }

    /// Notes one token for each of some branches.
    func notePass(tokens: Int, seconds: Double) {
        spent += tokens
        written = (written.tokens + tokens, written.seconds + seconds)
        // Follows a slowing machine at once and a faster one slowly: better an early answer than a late one.
        secondsPerPass = max(seconds, 0.75 * secondsPerPass + 0.25 * seconds)
    }

    /// Notes a prompt appended to branches: an evaluation, or the one for the answer.
    func noteAppended(tokens: Int, seconds: Double) {
        spent += tokens
        secondsPerPromptToken = max(secondsPerPromptToken, seconds / Double(max(tokens, 1)))
    }

    /// Whether an expense leaves enough for the answer.
    func allows(_ expense: Expense) -> Bool {
        guard expense.tokens <= tokensLeft else { return false }
        guard hasMemory(expense) else { return false }
        let reserve = Double(answerPromptTokens) * secondsPerPromptToken + Double(budget.answerTokens) * secondsPerPass
        let wanted =
            Double(expense.promptTokens) * secondsPerPromptToken + Double(expense.passes) * secondsPerPass
            + Double(expense.views) * secondsPerView + Double(expense.written) * meanSecondsPerToken
        return hasTime(wanted + reserve)
    }

    /// A wider batch takes less for each token, so that this is too much rather than too little.
    private var meanSecondsPerToken: Double {
        written.tokens == 0 ? secondsPerPass : written.seconds / Double(written.tokens)
    }

    /// Whether tokens that are about to be processed leave enough tokens and memory for the answer. Unlike ``allows(_:)`` it
    /// does not ask for the time.
    func fits(tokens: Int, branches: Int) -> Bool {
        tokens <= tokensLeft && hasMemory(Expense(promptTokens: tokens, branches: branches))
    }

    /// Whether the answer has time for one more token.
    func allowsAnswerToken() -> Bool { hasTime(secondsPerPass) }

    private func hasMemory(_ expense: Expense) -> Bool {
        guard let bytes = budget.cacheBytes else { return true }
        // The answer's branch, and one for each that is written or evaluated.
        let needed = cache.needed(expense.tokens, expense.branches) + cache.needed(reservedTokens, 1)
        return cache.inUse() + needed <= bytes
    }

    private func hasTime(_ seconds: Double) -> Bool {
        guard let milliseconds = budget.milliseconds else { return true }
        defer { timeQuestions += 1 }
        let answer: Bool
        if let replayedRefusals {
            answer = !replayedRefusals.contains(timeQuestions)
        } else {
            answer = secondsBefore + elapsed + seconds <= Double(milliseconds) / 1000
        }
        if !answer { timeRefusals.append(timeQuestions) }
        return answer
    }
}
