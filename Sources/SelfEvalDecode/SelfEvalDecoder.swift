import EMLLMCore

/// Answers questions step by step, with each step evaluated by the model that wrote it.
///
/// ```swift
/// let decoder = try SelfEvalDecoder(model: model)
/// for try await event in decoder.events(for: "Tom has 3 bags with 4 apples each. How many apples is that?") {
///     if case .candidate(let step) = event { print(step.text) }
///     if case .answer(let answer) = event { print("Answer:", answer.text) }
/// }
/// ```
///
/// By the default strategy a step is written, the cache is forked after it, and a short evaluation prompt is appended to
/// the fork; the logits after it are the verdict. A step that passes is accepted; one that does not is written again a few
/// times, and where that does not help, an earlier step is taken back. See <doc:EvaluatingAStep>, and <doc:ChoosingAStrategy> for
/// the others and for strategies of one's own.
///
/// Questions are answered one after the other, on a thread that belongs to the decoder. For conversation without
/// self-evaluation use `EMLLMSession` of EMLLMCore.
public struct SelfEvalDecoder: Sendable {
    /// The model that answers and evaluates.
    public let model: EMLLMModel
    /// How questions are reasoned about.
    public let options: SelfEvalOptions
    /// What the caller may want to know about the model's recipe: that its calibration was left out, for instance.
    public let notices: [String]
    /// Whether the model has learnt nothing but questions about pictures.
    private let needsImages: Bool
    private let plan: DecodePlan
    private let thread: InferenceThread
    /// Touched on the decoder's thread alone.
    private let cache = Handover(PromptCache())

    private struct Handover: @unchecked Sendable {
        let cache: PromptCache
        init(_ cache: PromptCache) { self.cache = cache }
    }

    /// Makes a decoder with its own thread.
    ///
    /// - Parameters:
    ///   - model: the model.
    ///   - options: how questions are reasoned about; `nil` takes what suits the model
    ///     (``SelfEvalOptions/recommended(for:startingFrom:strategy:prompts:calibration:activations:onNotice:)``).
    ///   - strategy: a strategy of the program's own; `nil` takes the built-in one that the options name.
    ///   - checkers: look at each step before the model is asked about it.
    ///   - runtime: how the model is run.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when an option is out of range or names no strategy, or the model's recipe has a
    ///   defect.
    public init(
        model: EMLLMModel,
        options: SelfEvalOptions? = nil,
        strategy: (any Strategy)? = nil,
        checkers: [any StepChecker] = [],
        runtime: RuntimeOptions = RuntimeOptions()
    ) throws {
        let recipe = try Recipe.of(model)
        var notices: [String] = []
        let options =
            try options
            ?? .recommended(by: recipe, for: model, activations: runtime.activations) { notices.append($0) }
        plan = DecodePlan(options: options, strategy: strategy, checkers: checkers)
        self.options = try plan.resolved().0
        self.notices = notices
        needsImages = recipe?.needsImages ?? false
        self.model = model
        thread = try InferenceThread(model: model, options: runtime)
    }

    /// Answers a question and returns the trace, the answer in it.
    ///
    /// Cancelling the task ends the work within one token; the trace of what was done is returned then, with the
    /// outcome ``TraceSummary/Outcome/cancelled``.
    ///
    /// - Parameters:
    ///   - question: the user's text.
    ///   - images: pictures that the question shows. Each is encoded once, and steps and verdicts reuse the keys and values
    ///     of the prompt that shows it.
    ///   - imageNames: what the trace calls them, such as their paths.
    ///   - system: the system message; `nil` takes the one of the prompts.
    ///   - onEvent: called on the decoder's thread as things happen.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the question is empty or does not fit, or the model cannot be asked.
    public func run(
        _ question: String,
        images: [RGBImage] = [],
        imageNames: [String] = [],
        system: String? = nil,
        onEvent: @escaping @Sendable (DecodeEvent) -> Void = { _ in }
    ) async throws -> Trace {
        guard !needsImages || !images.isEmpty else { throw EMLLMError.needsImages }
        return try await thread.run { [plan, cache] context in
            let question = Question(text: question, system: system, imageNames: imageNames)
            return try Self.run(question, images, plan, in: context, reusing: cache.cache, onEvent: onEvent)
        }
    }

    /// Answers a question, event by event. Ending the iteration early stops the work.
    public func events(
        for question: String,
        images: [RGBImage] = [],
        system: String? = nil
    ) -> AsyncThrowingStream<DecodeEvent, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    _ = try await run(question, images: images, system: system) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

// MARK: On the calling thread

extension SelfEvalDecoder {
    /// A question with what it shows.
    public struct Question {
        /// The user's text.
        public var text: String
        /// The system message; `nil` takes the one of the prompts.
        public var system: String?
        /// Encoded pictures that the prompt shows.
        public var images: [EncodedImage]
        /// What the pictures cost.
        public var usage: [ImageUsage]
        /// What the trace calls the pictures, such as their paths.
        public var imageNames: [String]
        /// Shows the pictures in further views; `nil` has none but the pictures as they are.
        public var views: (any ViewEncoder)?

        /// Describes a question.
        public init(
            text: String,
            system: String? = nil,
            images: [EncodedImage] = [],
            usage: [ImageUsage] = [],
            imageNames: [String] = [],
            views: (any ViewEncoder)? = nil
        ) {
            self.text = text
            self.system = system
            self.images = images
            self.usage = usage
            self.imageNames = imageNames
            self.views = views
        }
    }

    /// Answers a question on the calling thread.
    ///
    /// - Parameters:
    ///   - question: the user's text.
    ///   - images: pictures that the question shows. Each is encoded once, and steps and verdicts reuse the keys and values
    ///     of the prompt that shows it.
    ///   - imageNames: what the trace calls them, such as their paths.
    ///   - system: the system message; `nil` takes the one of the prompts.
    ///   - options: how the question is reasoned about.
    ///   - strategy: a strategy of the program's own; `nil` takes the built-in one that the options name.
    ///   - checkers: look at each step before the model is asked about it.
    ///   - context: a context that nobody else uses meanwhile; its branches are left as they were.
    ///   - cache: the prompt of the last question in this context; what this one has in common with it is not processed
    ///     again, pictures included.
    ///   - onEvent: called as things happen.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the question is empty or does not fit, or the model cannot be asked.
    public static func run(
        _ question: String,
        images: [RGBImage] = [],
        imageNames: [String] = [],
        system: String? = nil,
        options: SelfEvalOptions = SelfEvalOptions(),
        strategy: (any Strategy)? = nil,
        checkers: [any StepChecker] = [],
        in context: InferenceContext,
        reusing cache: PromptCache = PromptCache(),
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws -> Trace {
        let plan = DecodePlan(options: options, strategy: strategy, checkers: checkers)
        let question = Question(text: question, system: system, imageNames: imageNames)
        return try run(question, images, plan, in: context, reusing: cache, onEvent: onEvent)
    }

    /// Answers a question on any model that can be forked, on the calling thread.
    ///
    /// - Parameters:
    ///   - question: the question, with its pictures encoded.
    ///   - model: the model.
    ///   - options: how the question is reasoned about.
    ///   - strategy: a strategy of the program's own; `nil` takes the built-in one that the options name.
    ///   - checkers: look at each step before the model is asked about it.
    ///   - onEvent: called as things happen.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the question is empty or does not fit, or the model cannot be asked.
    public static func run(
        _ question: Question,
        on model: some BranchingModel,
        options: SelfEvalOptions = SelfEvalOptions(),
        strategy: (any Strategy)? = nil,
        checkers: [any StepChecker] = [],
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws -> Trace {
        let plan = DecodePlan(options: options, strategy: strategy, checkers: checkers)
        return try DecodeRun(question, model: model, plan: plan, onEvent: onEvent).run()
    }

    /// Encodes the pictures and answers the question: the one path of runs and of their repetitions.
    private static func run(
        _ question: Question,
        _ images: [RGBImage],
        _ plan: DecodePlan,
        in context: InferenceContext,
        reusing cache: PromptCache? = nil,
        onEvent: @escaping (DecodeEvent) -> Void
    ) throws -> Trace {
        let (encoded, usage) = try context.encode(images)
        if let recorded = plan.repeating {
            try ReplayCheck.checkPictures(usage, are: recorded.header.images ?? [])
        }
        var question = question
        (question.images, question.usage) = (encoded, usage)
        question.views = PictureViews(of: images, encoded: encoded, in: context)
        let run = try DecodeRun(question, model: context, plan: plan, continuing: cache?.take(), onEvent: onEvent)
        defer { cache?.branch = run.source.prompted }
        // The features stay in memory until the prompt is computed.
        return try withExtendedLifetime((encoded, question.views)) { try run.run() }
    }
}

// MARK: Once more

extension SelfEvalDecoder {
    /// Repeats a recorded run, and checks that every token and every verdict comes out the same, bit for bit.
    ///
    /// The seed and the options are the record's. Where that run ran out of time or was cancelled, this one stops at the
    /// same place, whatever the clock says. Weights kept as floats go through BLAS in long prompts and are the exception:
    /// there a prompt found in the cache of an earlier question may differ in the last bits.
    ///
    /// - Parameters:
    ///   - recorded: the trace of a run that ended.
    ///   - images: the pictures that its question showed.
    ///   - strategy: the strategy that the record names, where it is not a built-in one.
    ///   - checkers: the checkers that the record names.
    ///   - context: a context of the same model.
    ///   - onEvent: called as things happen.
    /// - Returns: the trace of the repetition.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the model, the prompt or a picture is another one, when the strategy or a
    ///   checker is absent, and when something came out differently.
    public static func replay(
        _ recorded: Trace,
        images: [RGBImage] = [],
        strategy: (any Strategy)? = nil,
        checkers: [any StepChecker] = [],
        in context: InferenceContext,
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws -> Trace {
        try ReplayCheck.checkModel(context.identity, is: recorded.header.model)
        let plan = try plan(repeating: recorded, strategy, checkers)
        let trace = try run(Question(recorded.header), images, plan, in: context, onEvent: onEvent)
        try ReplayCheck.check(trace, repeats: recorded)
        return trace
    }

    /// Repeats a recorded run on any model that can be forked; see ``replay(_:images:strategy:checkers:in:onEvent:)``.
    ///
    /// - Parameters:
    ///   - recorded: the trace of a run that ended.
    ///   - question: its question, with its pictures encoded; `nil` takes the one of the record, which shows no pictures.
    ///   - model: the same model.
    ///   - strategy: the strategy that the record names, where it is not a built-in one.
    ///   - checkers: the checkers that the record names.
    /// - Returns: the trace of the repetition.
    /// - Throws: as ``replay(_:images:strategy:checkers:in:onEvent:)``.
    public static func replay(
        _ recorded: Trace,
        _ question: Question? = nil,
        on model: some BranchingModel,
        strategy: (any Strategy)? = nil,
        checkers: [any StepChecker] = []
    ) throws -> Trace {
        try ReplayCheck.checkModel(model.identity, is: recorded.header.model)
        let plan = try plan(repeating: recorded, strategy, checkers)
        let question = question ?? Question(recorded.header)
        try ReplayCheck.checkPictures(question.usage, are: recorded.header.images ?? [])
        let trace = try DecodeRun(question, model: model, plan: plan, onEvent: { _ in }).run()
        try ReplayCheck.check(trace, repeats: recorded)
        return trace
    }

    private static func plan(
        repeating recorded: Trace,
        _ strategy: (any Strategy)?,
        _ checkers: [any StepChecker]
    ) throws -> DecodePlan {
        guard recorded.summary != nil else { throw EMLLMError.unfinishedTrace }
        return try DecodePlan(repeating: recorded, strategy: strategy, checkers: checkers)
    }

    /// What would have been decided in a recorded run under other options, without running the model.
    ///
    /// - Parameters:
    ///   - recorded: the trace. What checkers found is taken from it.
    ///   - options: the other thresholds, weights, calibration or strategy. Seed, sampling, views, prompts and verifier stay the
    ///     record's.
    ///   - strategy: a strategy of the program's own; `nil` takes the built-in one that the options name.
    /// - Returns: the trace of that run; its seconds are zero and its tokens those that it would have processed.
    /// - Throws: `EMLLMError.Code.leftRecording` when the other options lead to what was not recorded.
    public static func redecide(
        _ recorded: Trace,
        options: SelfEvalOptions,
        strategy: (any Strategy)? = nil
    ) throws -> Trace {
        var plan = DecodePlan(options: options, strategy: strategy)
        let original = recorded.header.options
        (plan.options.seed, plan.options.sampling) = (original.seed, original.sampling)
        (plan.options.prompts, plan.options.views) = (original.prompts, original.views)
        plan.options.verifier = original.verifier
        (plan.options.budget.milliseconds, plan.options.budget.cacheBytes) = (nil, nil)
        let resolved = try plan.resolved()
        var header = recorded.header
        header.options = resolved.0
        let budget = header.options.budget
        let meter = BudgetMeter(budget: budget, answerPromptTokens: header.costs.answer, clock: { 0 })
        let source = RecordedStepSource(recorded, options: header.options)
        let search = SearchSession(header: header, source: source, ledger: Ledger(meter: meter), onEvent: { _ in })
        return try search.run(resolved.1)
    }
}

extension SelfEvalDecoder.Question {
    /// The question of a recorded run, without its pictures.
    init(_ header: TraceHeader) {
        self.init(text: header.question, system: header.system, imageNames: header.imageNames ?? [])
    }
}

/// The prompt of the question asked last, kept in a context's cache for the next one.
///
/// It belongs to one context, and is used on that context's thread.
public final class PromptCache {
    fileprivate var branch: Branch?

    /// An empty cache.
    public init() {}

    /// Gives the branch away, so that what the next question does not need is freed before it begins.
    fileprivate func take() -> Branch? {
        defer { branch = nil }
        return branch
    }
}

extension ModelIdentity {
    /// Names the model of a context.
    public init(of context: InferenceContext) {
        self.init(of: context.model, activations: context.options.activations)
    }

    /// Names a model.
    public init(of model: EMLLMModel, activations: ActivationPrecision) {
        self.init(
            provenance: model.package.provenance,
            family: model.configuration.family,
            vocabularySize: model.configuration.decoder.vocabularySize,
            weightBytes: model.package.weightBytes,
            weightsDigest: "\(model.package.weightsDigest)",
            activations: activations
        )
    }
}
