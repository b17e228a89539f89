import Foundation

/// Text that a model wrote after a prompt.
public struct Completion: Sendable {
    /// The text; without the stop string that ended it.
    public var text: String
    /// What it cost, and why it ended.
    public var info: CompletionInfo
}

extension InferenceContext {
    /// Completes a prompt: computes it, and writes text after it until the model ends its turn or a limit is reached.
    ///
    /// ```swift
    /// let prompt = model.tokenizer.encode("Once upon a time")
    /// let options = GenerationOptions(stopStrings: ["\n\n"])
    /// let completion = try context.complete(prompt, on: context.makeBranch(), continuing: true, options: options) { print($0) }
    /// ```
    ///
    /// Cancellation is not an error here: the text is what there was by then, and the reason ``StopReason/cancelled``.
    ///
    /// - Parameters:
    ///   - prompt: the tokens of the whole prompt.
    ///   - branch: where it is computed. What the branch has in common with the prompt is not computed again, what it has
    ///     beyond that is forgotten. Afterwards it holds the prompt and tokens of the text.
    ///   - continuing: whether the text continues in the middle of a line, so that a leading space is kept.
    ///   - options: how tokens are chosen, and how many.
    ///   - logitsProcessor: changes logits before a token is chosen from them.
    ///   - onText: called with each piece of the text, in whole characters, as soon as it is certain to belong to it.
    /// - Throws: ``EMLLMError`` when the prompt is empty, an option is out of range, the prompt outgrows the context or the
    ///   cache its budget, and what `onText` and the processor throw.
    public func complete(
        _ prompt: [TokenID],
        on branch: Branch,
        continuing: Bool = false,
        options: GenerationOptions,
        logitsProcessor: (any LogitsProcessor)? = nil,
        onText: (String) throws -> Void
    ) throws -> Completion {
        try options.validate()
        let clock = ContinuousClock()
        let started = clock.now
        var prefilled = started
        var cached = 0
        var count = 0
        var reason = StopReason.cancelled
        var text = ""
        var detokenizer = model.tokenizer.makeDetokenizer(continuing: continuing)
        var stops = StopStringMatcher(options.stopStrings)
        func emit(_ piece: String) throws {
            guard !piece.isEmpty else { return }
            text += piece
            try onText(piece)
        }
        do {
            let logits: Logits
            (logits, cached) = try advance(branch, to: prompt)
            prefilled = clock.now
            reason = try generate(branch, after: logits, options, logitsProcessor) { token in
                count += 1
                try emit(stops.append(detokenizer.append(token)))
                return stops.match != nil
            }
        } catch let error as EMLLMError where error.code == .cancelled {}
        try emit(stops.append(detokenizer.finish()))
        try emit(stops.finish())
        return Completion(
            text: text,
            info: CompletionInfo(
                promptTokens: prompt.count,
                cachedTokens: cached,
                generatedTokens: count,
                promptSeconds: (prefilled - started).seconds,
                generationSeconds: (clock.now - prefilled).seconds,
                stopReason: stops.match == nil ? reason : .stopString,
                stopString: stops.match
            )
        )
    }

    /// Continues a branch token by token until the model ends its turn, writes a stop string, or a limit is reached.
    ///
    /// - Parameters:
    ///   - branch: the branch to continue; it ends with the last token generated, or with the one before it where that
    ///     one completed a stop string. An end-of-turn token is not appended.
    ///   - logits: the logits after its last token.
    ///   - options: how tokens are chosen, and how many.
    ///   - logitsProcessor: changes logits before a token is chosen from them.
    ///   - onToken: called with every token as it is chosen.
    /// - Returns: the tokens generated, those of a stop string among them, and why they ended.
    /// - Throws: ``EMLLMError`` when an option is out of range or ``cancellation`` is set, and what `onToken` and the
    ///   processor throw.
    public func generate(
        _ branch: Branch,
        after logits: Logits,
        options: GenerationOptions,
        logitsProcessor: (any LogitsProcessor)? = nil,
        onToken: (TokenID) throws -> Void
    ) throws -> (tokens: [TokenID], stopReason: StopReason) {
        var tokens: [TokenID] = []
        var detokenizer = model.tokenizer.makeDetokenizer(continuing: true)
        var stops = StopStringMatcher(options.stopStrings)
        let reason = try generate(branch, after: logits, options, logitsProcessor) { token in
            tokens.append(token)
            try onToken(token)
            if !options.stopStrings.isEmpty { _ = stops.append(detokenizer.append(token)) }
            return stops.match != nil
        }
        return (tokens, reason)
    }

    /// The loop of every generation.
    ///
    /// - Parameter isComplete: called with every token as it is chosen; says whether the text ends with it.
    private func generate(
        _ branch: Branch,
        after logits: Logits,
        _ options: GenerationOptions,
        _ logitsProcessor: (any LogitsProcessor)?,
        _ isComplete: (TokenID) throws -> Bool
    ) throws -> StopReason {
        let sampler = try Sampler(options)
        let limit = options.maximumResponseTokens ?? .max
        let readsTokens = options.repetitionPenalty != 1
        let prompt = logitsProcessor == nil ? [] : branch.tokens
        var recent = readsTokens ? branch.tokens : []
        var generated: [TokenID] = []
        var logits = logits
        while generated.count < limit {
            try cancellation.check()
            if let logitsProcessor {
                try logitsProcessor.process(&logits, prompt: prompt, generated: generated)
                guard logits.values.contains(where: { $0 > -.infinity }) else { throw EMLLMError.noTokenLeft }
            }
            let token = sampler.sample(logits, recent: recent, position: branch.count)
            if model.tokenizer.isEndOfGeneration(token) { return .endOfTurn }
            guard branch.count < contextLength else { return .contextFull }
            generated.append(token)
            if try isComplete(token) { return .stopString }
            if readsTokens { recent.append(token) }
            logits = try extend(branch, with: [token])
        }
        return .maximumTokens
    }

    /// Brings a branch to a whole prompt, computing only what it does not share with it.
    ///
    /// - Returns: the logits after the prompt, and how many of its tokens were not computed again.
    /// - Throws: ``EMLLMError`` when the prompt is empty, and as ``extend(_:with:)``.
    func advance(_ branch: Branch, to prompt: [TokenID]) throws -> (logits: Logits, cached: Int) {
        // The last token is always computed, for its logits.
        let shared = zip(branch.tokens, prompt.dropLast()).prefix { $0 == $1 }.count
        branch.rollback(to: shared)
        return (try extend(branch, with: Array(prompt[shared...])), shared)
    }
}

extension EMLLMError.Code {
    /// A logits processor that ruled every token out.
    public static let noTokenLeft = Self(rawValue: "no-token-left")
}

extension EMLLMError {
    static let noTokenLeft = EMLLMError(
        code: .noTokenLeft,
        subject: "logits processor",
        expected: "a logit above -infinity for one token at least",
        found: "none",
        remedy: "leave one token possible, such as the end of the turn"
    )
}
