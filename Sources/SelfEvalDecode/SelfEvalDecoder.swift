import EMLLMCore
import Foundation

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
/// times, and where that does not help, an earlier step is taken back. See <doc:EvaluatingAStep>, and <doc:ChoosingAStrategy> for the
/// others.
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
    private let thread: InferenceThread
    /// Touched on the decoder's thread alone.
    private let memory = Handover(PromptCache())

    private struct Handover: @unchecked Sendable {
        let memory: PromptCache
        init(_ memory: PromptCache) { self.memory = memory }
    }

    /// Makes a decoder with a thread of its own.
    ///
    /// - Parameters:
    ///   - model: the model.
    ///   - options: how questions are reasoned about; `nil` takes what suits the model
    ///     (``SelfEvalOptions/recommended(for:startingFrom:strategy:prompts:calibration:activations:onNotice:)``).
    ///   - runtime: how the model is run.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when an option is out of range, or the model's recipe has a defect.
    public init(
        model: EMLLMModel,
        options: SelfEvalOptions? = nil,
        runtime: RuntimeOptions = RuntimeOptions()
    ) throws {
        var notices: [String] = []
        let options =
            try options
            ?? .recommended(for: model, activations: runtime.activations) { notices.append($0) }
        try options.validate()
        self.notices = notices
        needsImages = try Recipe.of(model)?.needsImages ?? false
        self.model = model
        self.options = options
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
        return try await thread.run { [options, memory] context in
            try Self.run(
                question,
                images: images,
                imageNames: imageNames,
                system: system,
                options: options,
                in: context,
                reusing: memory.memory,
                onEvent: onEvent
            )
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

    /// The synchronous core: answers a question on the calling thread.
    ///
    /// - Parameters:
    ///   - question: the user's text.
    ///   - images: pictures that the question shows. Each is encoded once, and steps and verdicts reuse the keys and values
    ///     of the prompt that shows it.
    ///   - imageNames: what the trace calls them, such as their paths.
    ///   - system: the system message; `nil` takes the one of the prompts.
    ///   - options: how the question is reasoned about.
    ///   - context: a context that nobody else uses meanwhile; its branches are left as they were.
    ///   - memory: the prompt of the last question in this context; what this one has in common with it is not processed
    ///     again, pictures included.
    ///   - onEvent: called as things happen.
    public static func run(
        _ question: String,
        images: [RGBImage] = [],
        imageNames: [String] = [],
        system: String? = nil,
        options: SelfEvalOptions = SelfEvalOptions(),
        in context: InferenceContext,
        reusing memory: PromptCache = PromptCache(),
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws -> Trace {
        let (encoded, usage) = try context.encode(images)
        let views = ViewEncoder(at: images, encoded: encoded, in: context)
        let run = try DecodeRun(
            .init(
                text: question,
                system: system,
                images: encoded,
                usage: usage,
                seenAt: { try views.prompt($1, view: $0) },
                imageNames: imageNames
            ),
            model: context,
            renderer: context.model.promptRenderer,
            tokenizer: context.model.tokenizer,
            identity: ModelIdentity(of: context),
            options: options,
            continuing: memory.take(),
            clock: Self.makeClock(),
            onEvent: onEvent
        )
        // The features stay in memory until the prompt is computed.
        defer { memory.branch = run.source.prompted }
        return try withExtendedLifetime((encoded, views)) { try run.run() }
    }

    private static func makeClock() -> BudgetMeter.Clock {
        let clock = ContinuousClock()
        let start = clock.now
        return { (clock.now - start) / .seconds(1) }
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
    ///   - context: a context of the same model.
    ///   - onEvent: called as things happen.
    /// - Returns: the trace of the repetition.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the model, the prompt or a picture is another one, and when something came out
    ///   differently.
    public static func replay(
        _ recorded: Trace,
        images: [RGBImage] = [],
        in context: InferenceContext,
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws -> Trace {
        try ReplayCheck.checkModel(ModelIdentity(of: context), is: recorded.header.model)
        guard recorded.summary != nil else { throw EMLLMError.unfinishedTrace }
        let (encoded, usage) = try context.encode(images)
        let views = ViewEncoder(at: images, encoded: encoded, in: context)
        try ReplayCheck.checkPictures(usage, are: recorded.header.images ?? [])
        let run = try DecodeRun(
            .init(
                text: recorded.header.question,
                system: recorded.header.system,
                images: encoded,
                usage: usage,
                seenAt: { try views.prompt($1, view: $0) },
                imageNames: recorded.header.imageNames ?? []
            ),
            model: context,
            renderer: context.model.promptRenderer,
            tokenizer: context.model.tokenizer,
            identity: ModelIdentity(of: context),
            options: recorded.header.options,
            repeating: recorded,
            clock: Self.makeClock(),
            onEvent: onEvent
        )
        let trace = try withExtendedLifetime((encoded, views)) { try run.run() }
        try ReplayCheck.check(trace, repeats: recorded)
        return trace
    }

    /// What would have been decided in a recorded run under other options, without running the model.
    ///
    /// - Parameters:
    ///   - recorded: the trace.
    ///   - options: the other thresholds, weights, calibration or strategy. Seed, sampling, looks and prompts stay the record's.
    /// - Returns: the trace of that run; its seconds are zero and its tokens those that it would have processed.
    /// - Throws: ``EMLLMSupport/EMLLMError/Code/leftRecording`` when the other options lead to what was not recorded.
    public static func redecide(_ recorded: Trace, options: SelfEvalOptions) throws -> Trace {
        var options = options
        let original = recorded.header.options
        (options.seed, options.sampling, options.prompts) = (original.seed, original.sampling, original.prompts)
        options.views = original.views
        options.budget.milliseconds = nil
        options.budget.cacheBytes = nil
        try options.validate()
        let meter = BudgetMeter(budget: options.budget, answerPromptTokens: recorded.header.costs.answer, clock: { 0 })
        var header = recorded.header
        header.options = options
        let search = SearchSession(
            header: header,
            source: RecordedStepSource(recorded),
            ledger: Ledger(meter: meter),
            onEvent: { _ in }
        )
        return try search.run(options.strategy.make(options))
    }
}

/// The prompt of the question asked last, kept in a context's cache for the next one.
///
/// It belongs to one context, and is used on that context's thread.
public final class PromptCache {
    fileprivate var branch: Branch?

    /// Remembers nothing yet.
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
