import EMLLMCore
import Foundation

/// Writes one text token by token: a step, or a turn of several.
///
/// It holds no branch: the source extends the branch by ``pending`` and hands over the logits.
struct StepWriter {
    let job: WriteJob
    /// The steps that have ended, and how many tokens of the text each ends after.
    private(set) var steps: [(node: StepNode, end: Int)] = []
    /// Why the text ended; `nil` while it continues.
    private(set) var end: StepStopReason?
    /// The token chosen but not yet in the cache.
    private(set) var pending: TokenID?
    /// The text that the last token completed.
    private(set) var lastFragment = ""
    /// The state of the detokenizer after each token.
    private(set) var detokenizers: [StreamingDetokenizer] = []
    /// Tokens that come next, whatever the model would choose.
    var forced: [TokenID] = []

    private let rule: Rule
    private let opening: StreamingDetokenizer
    private var scanner: StepSegmenter.Scanner
    private var chosen: [TokenID] = []
    private var fragments: [String] = []
    private(set) var logProbabilities: [Double] = []
    /// The lowest mean log-probability of so many tokens as the window has; `nil` before there are any.
    private var lowestWindow: Double?
    /// `nil` if repeated steps end the chain.
    private var loops: LoopDetector?
    /// The index of the first token of the step being written.
    private var first = 0
    /// The number of tokens that went through the model beyond those of ended steps.
    private var processed = 0
    /// How the step ends, once the pending token is in the cache.
    private var endAfterPending: (kept: Int, end: StepStopReason)?

    /// What all writers of a run have in common.
    struct Rule {
        let tokenizer: Tokenizer
        let options: SelfEvalOptions
        /// Special tokens that delimit steps.
        let delimiters: Set<TokenID>

        init(_ options: SelfEvalOptions, _ tokenizer: Tokenizer) {
            self.options = options
            self.tokenizer = tokenizer
            delimiters = Set(options.prompts.step.delimiters.compactMap { tokenizer.token(forSpecial: $0) })
        }

        func makeScanner(for job: WriteJob) -> StepSegmenter.Scanner {
            options.prompts.step.makeScanner(evaluations: job.recognizesEvaluations ? options.prompts.markers : nil)
        }
    }

    /// - Parameter line: the tokens of the line before the text, for a loop that begins in them.
    init(_ job: WriteJob, rule: Rule, detokenizer: StreamingDetokenizer, behind line: some Sequence<TokenID>) {
        self.job = job
        self.rule = rule
        opening = detokenizer
        scanner = rule.makeScanner(for: job)
        if !rule.options.prompts.chainEnds.contains(.repetition) { loops = LoopDetector(behind: line) }
    }

    /// The number of tokens so far.
    var tokenCount: Int { chosen.count }
    /// The number of tokens that are kept.
    var keptTokens: Int { steps.last?.end ?? 0 }

    /// What there is of the text.
    var progress: TextProgress {
        TextProgress(steps: steps, end: end, windowConfidence: lowestWindow)
    }

    /// Chooses the next token; the step may end with it, or turn out to have ended before it.
    ///
    /// - Parameters:
    ///   - logits: the logits after the text so far.
    ///   - recent: the branch's tokens, for a repetition penalty.
    ///   - position: positions of the branch.
    /// - Throws: ``EMLLMError`` when the logits are not numbers.
    mutating func chooseToken(_ sampler: Sampler, _ logits: Logits, recent: [TokenID], position: Int) throws {
        lastFragment = ""
        if !forced.isEmpty {
            let token = forced.removeFirst()
            return take(token, logits.logProbability(of: token))
        }
        let (token, logProbability) = try sampler.sampleWithLogProbability(
            logits,
            recent: recent,
            branch: job.stream,
            position: position
        )
        if rule.tokenizer.isEndOfGeneration(token) { return endWithin(.endOfTurn) }
        take(token, logProbability)
    }

    /// Takes the beginning of a text that was written before, and is in the cache.
    mutating func adopt(_ tokens: some Sequence<TokenID>, _ logProbabilities: some Sequence<Double>) {
        for (token, logProbability) in zip(tokens, logProbabilities) where end == nil {
            take(token, logProbability)
            guard pending != nil else { continue }
            acceptPending()
            processed -= 1
        }
    }

    /// Appends a token to the text.
    private mutating func take(_ token: TokenID, _ logProbability: Double) {
        var detokenizer = detokenizers.last ?? opening
        let fragment = detokenizer.append(token)
        var probe = detokenizer
        let decision = scanner.append(
            fragment,
            isWhole: probe.finish().isEmpty,
            isDelimiter: rule.delimiters.contains(token)
        )
        var ended: (kept: Int, end: StepStopReason)?
        if case .end(let kept, let reason) = decision { ended = (kept, reason) }
        if let (kept, reason) = ended, first + kept <= chosen.count {
            // A step ended some tokens ago. In a turn, those tokens begin the next step, and this token continues it.
            closeStep(keeping: kept, reason)
            if end != nil { return }
            replayOverhang()
            return take(token, logProbability)
        }
        if loops?.append(token) == true { ended = (scanner.wholeTokens(within: scanner.count), .loop) }
        endAfterPending = ended
        pending = token
        lastFragment = fragment
        chosen.append(token)
        fragments.append(fragment)
        detokenizers.append(detokenizer)
        logProbabilities.append(logProbability)
    }

    /// Records that the pending token is in the cache.
    mutating func acceptPending() {
        pending = nil
        processed += 1
        noteWindow()
        if let (kept, reason) = endAfterPending {
            endAfterPending = nil
            closeStep(keeping: kept, reason)
            if end == nil { replayOverhang() }
        }
    }

    /// Notes the mean log-probability of the last tokens, whatever steps they belong to.
    private mutating func noteWindow() {
        let window = rule.options.confidenceWindow
        guard chosen.count >= window else { return }
        lowestWindow = min(lowestWindow ?? .infinity, Self.mean(logProbabilities[(chosen.count - window)...]))
    }

    /// Ends the text with its last whole character.
    mutating func endWithin(_ reason: StepStopReason) {
        let kept = scanner.wholeTokens(within: chosen.count - first)
        // Nothing follows a step that has ended: the text ended with that step.
        if kept == 0, !steps.isEmpty {
            end = reason
            steps[steps.count - 1].node.end = reason
            return trim()
        }
        closeStep(keeping: kept, reason)
        end = reason
    }

    /// Ends the step being written after `kept` tokens.
    private mutating func closeStep(keeping kept: Int, _ reason: StepStopReason) {
        let tokens = first..<(first + kept)
        var node = StepNode(
            id: 0,
            parent: job.parent,
            ordinal: job.ordinal,
            continues: !steps.isEmpty,
            kind: .step,
            temperature: job.temperature,
            hint: job.hint,
            rollback: job.rollback,
            view: job.view > 0 ? job.view : nil
        )
        node.text = fragments[tokens].joined()
        node.tokens = Array(chosen[tokens])
        node.end = reason
        node.meanLogProbability = Self.mean(logProbabilities[tokens])
        node.windowConfidence = Self.weakest(logProbabilities[tokens], window: rule.options.confidenceWindow)
        if job.recognizesEvaluations, rule.options.prompts.markers.isEvaluation(node.text) {
            node.kind = .evaluation
        }
        node.written = processed - steps.reduce(0) { $0 + $1.node.written }
        steps.append((node, tokens.upperBound))
        first = tokens.upperBound
        scanner = rule.makeScanner(for: job)
        end = textEnd(after: node, reason)
        if end != nil { trim() }
    }

    /// Why the text ends with a step; `nil` if it continues.
    private func textEnd(after node: StepNode, _ reason: StepStopReason) -> StepStopReason? {
        guard case .turn(let maximumSteps) = job.extent else { return reason }
        if reason.endsChain { return reason }
        let ends = rule.options.prompts.chainEnds
        if ends.contains(.answer), AnswerText.stated(in: node.text, by: rule.options.prompts) != nil { return reason }
        if steps.count >= maximumSteps { return reason }
        guard ends.contains(.repetition) else { return nil }
        // The same text for the third time: the model would repeat it until the budget is used up.
        let key = AnswerText.key(node.text)
        let same = steps.filter { AnswerText.key($0.node.text) == key }.count
        return same > 2 || (key.isEmpty && node.end == .cap) ? reason : nil
    }

    /// Discards the tokens beyond the last step.
    private mutating func trim() {
        let kept = keptTokens
        steps[steps.count - 1].node.written += processed - steps.reduce(0) { $0 + $1.node.written }
        let given = chosen.count - kept
        chosen.removeLast(given)
        fragments.removeLast(given)
        detokenizers.removeLast(given)
        logProbabilities.removeLast(given)
    }

    /// Feeds a new step's scanner the tokens that were written beyond the end of the previous step.
    private mutating func replayOverhang() {
        for index in first..<chosen.count {
            var probe = detokenizers[index]
            _ = scanner.append(
                fragments[index],
                isWhole: probe.finish().isEmpty,
                isDelimiter: rule.delimiters.contains(chosen[index])
            )
        }
    }

    /// Ends the text when the work is cancelled. The part of the last step that is written becomes a node too.
    mutating func interrupt() {
        guard end == nil else { return }
        let wasPending = pending != nil
        pending = nil
        endAfterPending = nil
        if wasPending {
            chosen.removeLast()
            fragments.removeLast()
            detokenizers.removeLast()
            logProbabilities.removeLast()
        }
        if chosen.count > first || steps.isEmpty { closeStep(keeping: chosen.count - first, .cancelled) }
        end = .cancelled
    }

    private static func mean(_ values: ArraySlice<Double>) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }

    /// The lowest mean of any `window` consecutive values; the mean of all if there are fewer.
    private static func weakest(_ values: ArraySlice<Double>, window: Int) -> Double {
        guard values.count > window else { return mean(values) }
        var lowest = Double.infinity
        for begin in values.startIndex...(values.endIndex - window) {
            lowest = min(lowest, mean(values[begin..<(begin + window)]))
        }
        return lowest
    }
}
