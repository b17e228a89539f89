import EMLLMCore

/// One question on one model: puts source, budget and workbench together.
struct DecodeRun<Model: BranchingModel> {
    let source: ModelStepSource<Model>
    let search: SearchSession

    /// What is asked.
    struct Question {
        var text: String
        var system: String?
        var images: [EncodedImage] = []
        var usage: [ImageUsage] = []
        /// The prompt with another view of the pictures in the place of the first.
        var seenAt: (_ view: Int, _ prompt: [TokenID]) throws -> [TokenID] = { _, prompt in prompt }
        var imageNames: [String] = []
    }

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - question: what is asked.
    ///   - model: what answers.
    ///   - renderer: turns conversations into tokens; `nil` for a model without a chat template.
    ///   - tokenizer: the model's.
    ///   - identity: names the model in the trace.
    ///   - options: how the question is reasoned about.
    ///   - start: a branch of an earlier question.
    ///   - earlier: a run to repeat: where it ran out of time or was cancelled, this one does.
    ///   - clock: seconds.
    ///   - onEvent: called as things happen.
    init(
        _ question: Question,
        model: Model,
        renderer: PromptRenderer?,
        tokenizer: Tokenizer,
        identity: ModelIdentity,
        options: SelfEvalOptions,
        continuing start: Model.Branch? = nil,
        repeating earlier: Trace? = nil,
        clock: @escaping BudgetMeter.Clock,
        onEvent: @escaping (DecodeEvent) -> Void
    ) throws {
        try options.validate()
        let questionPrompts = try QuestionPrompts(
            question: question.text,
            system: question.system,
            prompts: options.prompts,
            bothOrders: options.averagesOrders,
            renderer: renderer,
            tokenizer: tokenizer,
            images: question.images
        )
        let meter = BudgetMeter(
            budget: options.budget,
            answerPromptTokens: questionPrompts.answer.count,
            cache: .init(inUse: { model.cacheBytes }, needed: { model.cacheBytes(positions: $0, branches: $1) }),
            replaying: earlier?.summary?.timeRefusals,
            clock: clock
        )
        let length = questionPrompts.question.count + meter.reservedTokens
        guard options.budget.tokens >= meter.reservedTokens else {
            throw EMLLMError.budgetTooSmall(options.budget.tokens, needed: meter.reservedTokens)
        }
        guard length <= model.contextLength else {
            throw EMLLMError.questionTooLong(
                tokens: questionPrompts.question.count,
                reserved: meter.reservedTokens,
                contextLength: model.contextLength
            )
        }
        let cacheNeeded = model.cacheBytes(positions: length, branches: 2)
        if let bytes = options.budget.cacheBytes, bytes < cacheNeeded {
            throw EMLLMError.cacheBudgetTooSmall(bytes, needed: cacheNeeded)
        }
        source = try ModelStepSource(
            model: model,
            tokenizer: tokenizer,
            options: options,
            questionPrompts: questionPrompts,
            continuing: start,
            prompt: { try question.seenAt($0, questionPrompts.question) }
        )
        let header = TraceHeader(
            model: identity,
            question: question.text,
            system: question.system,
            options: options,
            images: question.usage.isEmpty ? nil : question.usage,
            imageNames: question.imageNames.isEmpty ? nil : question.imageNames,
            prompt: questionPrompts.question,
            costs: questionPrompts.costs,
            contextLength: model.contextLength,
            warning: source.scorer.tokens.warning
        )
        let ledger = Ledger(meter: meter)
        if earlier?.summary?.outcome == .cancelled { ledger.passLimit = earlier?.summary?.passes }
        search = SearchSession(header: header, source: source, ledger: ledger, onEvent: onEvent)
    }

    /// Answers the question. A cancelled run returns what it has.
    func run() throws -> Trace {
        let options = search.options
        return try search.run(options.strategy.make(options))
    }
}

extension QuestionPrompts {
    /// What the prompts cost.
    var costs: TraceHeader.PromptCosts {
        TraceHeader.PromptCosts(
            evaluation: evaluationCost,
            prior: evaluationCost + evaluations.count * emptyStep.count,
            chainEvaluation: chainEvaluations.reduce(0) { $0 + $1.count },
            answer: answer.count
        )
    }
}
