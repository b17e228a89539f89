import EMLLMCore
import Foundation

/// Answers questions step by step, with each step judged by the model that wrote it.
///
/// ```swift
/// let decoder = try SelfEvalDecoder(model: model)
/// for try await event in decoder.events(for: "Tom has 3 bags with 4 apples each. How many apples is that?") {
///     if case .step(let step) = event { print(step.chosenCandidate?.text ?? "") }
///     if case .answer(let answer) = event { print("Answer:", answer.text) }
/// }
/// ```
///
/// A step is written, the cache is forked after it, and a short evaluation prompt is appended to the fork; the logits
/// after it are the verdict. A step that passes is accepted; one that does not is written again a few times, and where
/// that does not help, the step before it is taken back. See <doc:JudgingAStep>.
///
/// Questions are answered one after the other, on a thread that belongs to the decoder. For conversation without
/// self-evaluation use `EMLLMSession` of EMLLMCore.
public struct SelfEvalDecoder: Sendable {
    /// The model that answers and judges.
    public let model: EMLLMModel
    /// How questions are reasoned about.
    public let options: SelfEvalOptions
    private let thread: InferenceThread
    /// Touched on the decoder's thread alone.
    private let memory = Handover(PromptMemory())

    private struct Handover: @unchecked Sendable {
        let memory: PromptMemory
        init(_ memory: PromptMemory) { self.memory = memory }
    }

    /// Makes a decoder with a thread of its own.
    ///
    /// - Parameters:
    ///   - model: the model.
    ///   - options: how questions are reasoned about.
    ///   - runtime: how the model is run.
    /// - Throws: ``EMLLMCore/EMLLMError`` when an option is out of range.
    public init(
        model: EMLLMModel,
        options: SelfEvalOptions = SelfEvalOptions(),
        runtime: RuntimeOptions = RuntimeOptions()
    ) throws {
        try options.validate()
        self.model = model
        self.options = options
        thread = try InferenceThread(model: model, options: runtime)
    }

    /// Answers a question and returns the trace, the answer in it.
    ///
    /// Cancelling the task ends the work within one token; the trace of what was done is returned then, with the
    /// outcome ``Trace/Outcome/cancelled``.
    ///
    /// - Parameters:
    ///   - question: the user's text.
    ///   - images: pictures that the question shows. Each is encoded once, and steps and verdicts reuse the keys and values
    ///     of the prompt that shows it.
    ///   - system: the system message; `nil` takes the one of the prompts.
    ///   - onEvent: called on the decoder's thread as things happen.
    /// - Throws: ``EMLLMCore/EMLLMError`` when the question is empty or does not fit, or the model cannot be asked.
    public func run(
        _ question: String,
        images: [RGBImage] = [],
        system: String? = nil,
        onEvent: @escaping @Sendable (DecodeEvent) -> Void = { _ in }
    ) async throws -> Trace {
        try await thread.run { [options, memory] context in
            try Self.run(
                question,
                images: images,
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
    ///   - system: the system message; `nil` takes the one of the prompts.
    ///   - options: how the question is reasoned about.
    ///   - context: a context that nobody else uses meanwhile; its branches are left as they were.
    ///   - memory: the prompt of the last question in this context; what this one has in common with it is not processed
    ///     again, pictures included.
    ///   - onEvent: called as things happen.
    public static func run(
        _ question: String,
        images: [RGBImage] = [],
        system: String? = nil,
        options: SelfEvalOptions = SelfEvalOptions(),
        in context: InferenceContext,
        reusing memory: PromptMemory = PromptMemory(),
        onEvent: @escaping (DecodeEvent) -> Void = { _ in }
    ) throws -> Trace {
        let clock = ContinuousClock()
        let start = clock.now
        let (encoded, usage) = try context.encode(images)
        let search = try VerifySearch(
            model: context,
            tokenizer: context.model.tokenizer,
            template: context.model.chatTemplate,
            imageFormat: context.model.configuration.vision?.prompt,
            images: encoded,
            continuing: memory.take(),
            identity: ModelIdentity(of: context.model, activations: context.options.activations),
            question: question,
            system: system,
            options: options,
            clock: { (clock.now - start) / .seconds(1) },
            onEvent: onEvent
        )
        if !usage.isEmpty { search.trace.images = usage }
        // The features stay in memory until the prompt is computed.
        defer { memory.branch = search.prompted }
        return try withExtendedLifetime(encoded) { try search.run() }
    }
}

/// The prompt of the question asked last, kept in a context's cache for the next one.
///
/// It belongs to one context, and is used on that context's thread.
public final class PromptMemory {
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
    init(of model: EMLLMModel, activations: ActivationPrecision) {
        self.init(
            provenance: model.package.provenance,
            family: model.configuration.family,
            vocabularySize: model.configuration.decoder.vocabularySize,
            weightBytes: model.package.weightBytes,
            activations: activations
        )
    }
}
