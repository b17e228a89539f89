import EMLLMCore

/// Connects source, budget and search session for one question on one model.
struct DecodeRun<Model: BranchingModel> {
    let source: ModelStepSource<Model>
    let search: SearchSession
    private let strategy: any Strategy

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - question: the question and its prompts.
    ///   - model: the model that answers.
    ///   - plan: how the question is reasoned about.
    ///   - start: a branch of an earlier question, whose common prefix is reused.
    ///   - onEvent: called with each event as it happens.
    init(
        _ question: SelfEvalDecoder.Question,
        model: Model,
        plan: DecodePlan,
        continuing start: Model.Branch? = nil,
        onEvent: @escaping (DecodeEvent) -> Void
    ) throws {
        let (options, strategy) = try plan.resolved()
        try options.verifier?.check(options, model: model.identity)
        let checkers = plan.checkers(options)
        let questionPrompts = try QuestionPrompts(
            question: question.text,
            system: question.system,
            prompts: options.prompts,
            bothOrders: options.averagesOrders,
            renderer: model.promptRenderer,
            tokenizer: model.tokenizer,
            images: question.images
        )
        let meter = BudgetMeter(
            budget: options.budget,
            answerPromptTokens: questionPrompts.answer.count,
            cache: .init(inUse: { model.cacheBytes }, needed: { model.cacheBytes(positions: $0, branches: $1) }),
            replaying: plan.repeating?.summary?.timeRefusals,
            clock: { model.seconds() }
        )
        try Self.checkRoom(for: questionPrompts, meter, on: model)
        source = try ModelStepSource(
            model: model,
            options: options,
            questionPrompts: questionPrompts,
            continuing: start,
            views: question.views
        )
        let header = TraceHeader(
            model: model.identity,
            question: question.text,
            system: question.system,
            options: options,
            images: question.usage.isEmpty ? nil : question.usage,
            imageNames: question.imageNames.isEmpty ? nil : question.imageNames,
            prompt: questionPrompts.question,
            costs: questionPrompts.costs(options),
            checkers: checkers.isEmpty ? nil : checkers.map(\.name),
            contextLength: model.contextLength,
            warning: source.scorer.tokens.warning
        )
        let ledger = Ledger(meter: meter)
        if plan.repeating?.summary?.outcome == .cancelled { ledger.passLimit = plan.repeating?.summary?.passes }
        search = SearchSession(
            header: header,
            source: source,
            ledger: ledger,
            checkers: checkers,
            onEvent: onEvent
        )
        self.strategy = strategy
    }

    /// Answers the question. A cancelled run returns what it has so far.
    func run() throws -> Trace { try search.run(strategy) }

    /// Checks that the question and its answer fit into the budget and the context.
    private static func checkRoom(for question: QuestionPrompts, _ meter: BudgetMeter, on model: Model) throws {
        let length = question.question.count + meter.reservedTokens
        guard meter.budget.tokens >= meter.reservedTokens else {
            throw EMLLMError.budgetTooSmall(meter.budget.tokens, needed: meter.reservedTokens)
        }
        guard length <= model.contextLength else {
            throw EMLLMError.questionTooLong(
                tokens: question.question.count,
                reserved: meter.reservedTokens,
                contextLength: model.contextLength
            )
        }
        let cacheNeeded = model.cacheBytes(positions: length, branches: 2)
        if let bytes = meter.budget.cacheBytes, bytes < cacheNeeded {
            throw EMLLMError.cacheBudgetTooSmall(bytes, needed: cacheNeeded)
        }
    }
}

/// How a question is reasoned about.
struct DecodePlan: Sendable {
    var options = SelfEvalOptions()
    /// The strategy; `nil` for the built-in one that the options name.
    var strategy: (any Strategy)?
    /// The checkers that examine steps before the model is asked.
    var checkers: [any StepChecker] = []
    /// A run to repeat: this run runs out of time, or is cancelled, at the same point.
    var repeating: Trace?

    /// The checkers of a run: the given ones, and the built-in one if the options enable it.
    func checkers(_ options: SelfEvalOptions) -> [any StepChecker] {
        let isUsed = options.checksArithmetic && [.verify, .adaptive].contains(options.strategy)
        let isThere = checkers.contains { $0.name == ArithmeticChecker.name }
        return checkers + (isUsed && !isThere ? [ArithmeticChecker()] : [])
    }

    /// The options with the strategy's name in them, and the strategy.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when an option is out of range, or names no strategy.
    func resolved() throws -> (SelfEvalOptions, any Strategy) {
        try options.validate()
        if options.weights[.verifier] != 0, options.verifier == nil { throw EMLLMError.noVerifier }
        let strategy = try options.resolve(strategy)
        var options = options
        options.strategy = strategy.name
        return (options, strategy)
    }

    /// The plan of a recorded run, to repeat it.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when its strategy or one of its checkers is missing.
    init(repeating recorded: Trace, strategy: (any Strategy)?, checkers: [any StepChecker]) throws {
        options = recorded.header.options
        self.strategy = try options.recorded(strategy)
        self.checkers = try (recorded.header.checkers ?? []).map { name in
            let known = checkers + [ArithmeticChecker()]
            guard let checker = known.first(where: { $0.name == name }) else {
                throw EMLLMError.missingChecker(name, given: checkers.map(\.name))
            }
            return checker
        }
        repeating = recorded
    }

    init(options: SelfEvalOptions, strategy: (any Strategy)? = nil, checkers: [any StepChecker] = []) {
        self.options = options
        self.strategy = strategy
        self.checkers = checkers
    }
}

extension QuestionPrompts {
    /// The token costs of the prompts. If a score needs no question to the model, evaluations are free.
    func costs(_ options: SelfEvalOptions) -> TraceHeader.PromptCosts {
        let isFree = options.weights.asksNothing
        return TraceHeader.PromptCosts(
            evaluation: isFree ? 0 : evaluationCost,
            prior: isFree ? 0 : evaluationCost + evaluations.count * emptyStep.count,
            chainEvaluation: isFree ? 0 : chainEvaluations.reduce(0) { $0 + $1.count },
            answer: answer.count
        )
    }
}
