import CTensor

/// A model prepared for computation: worker threads, scratch memory, and the tree of cached keys and values.
///
/// This is the engine's synchronous level. ``EMLLMSession`` is simpler for chat. Use a context directly to read logits,
/// to score continuations, or to write your own decoder:
///
/// ```swift
/// let context = try InferenceContext(model: model)
/// let branch = context.makeBranch()
/// let logits = try context.extend(branch, with: model.tokenizer.encode("The sky is"))
/// print(model.tokenizer.decode([logits.argmax]))
/// ```
///
/// The logits of a branch depend on its tokens alone: not on other branches in the same call, not on the number of
/// threads, and (while weights are quantized and activations are 8-bit) not on how its tokens were split into calls.
///
/// A context is used by one thread at a time and is not `Sendable`; only ``cancellation`` may be touched from elsewhere.
/// Contexts of one model share its weights.
public final class InferenceContext {
    /// The model.
    public let model: EMLLMModel
    /// The options this context was made with.
    public let options: RuntimeOptions
    /// The kernels in use.
    public let instructionSet: InstructionSet
    /// Worker threads, the calling one included.
    public let threads: Int
    /// The maximum number of positions in a branch.
    public let contextLength: Int
    /// Stops ``extend(_:)`` from another thread.
    public let cancellation: CancellationFlag
    /// The work done so far.
    public internal(set) var counters = Counters()

    private let pool: ThreadPool
    private let pages: KeyValuePagePool
    private let forward: DecoderForward
    private let logitsBuffer: ScratchBuffer<Float>  // [logitRows, vocabulary]
    /// The residual stream behind layers that were asked for; grows with their number.
    private var statesBuffer = ScratchBuffer<Float>(count: 0)  // [layers, maximumTokens, hidden]
    let images: ImageTable
    let vision: VisionEncoder?

    /// The most positions whose logits one forward pass writes.
    private static let logitRows = 16
    /// A run of at least this many tokens is processed alone, in pieces cut from its own beginning. Shorter runs of
    /// several branches share a pass.
    static let longRun = 32

    /// The work that a context has done since it was made.
    public struct Counters: Sendable, Equatable {
        /// Tokens that went through the transformer.
        public var processedTokens = 0
        /// Forward passes; a batch of branches is one.
        public var forwardPasses = 0
        /// Pictures that went through the vision tower.
        public var encodedImages = 0
        /// Pictures asked for whose features were in memory.
        public var reusedImages = 0
    }

    /// Starts the threads and takes the scratch memory.
    ///
    /// - Parameters:
    ///   - model: the model to run.
    ///   - options: threads, kernels, precision and limits.
    ///   - cancellation: a flag shared with whoever may stop the work.
    /// - Throws: `EMLLMError` when an option is out of range or the processor lacks the instructions asked for.
    public init(
        model: EMLLMModel,
        options: RuntimeOptions = RuntimeOptions(),
        cancellation: CancellationFlag = .init()
    ) throws {
        let configuration = model.configuration.decoder
        self.model = model
        self.options = options
        self.cancellation = cancellation
        instructionSet = try InstructionSet.resolve(options.instructionSet)
        threads = try options.resolvedThreads()
        contextLength = try options.resolvedContextLength(trained: configuration.contextLength)
        pool = try ThreadPool(threads: threads)
        let layout = KeyValueLayout(
            layers: configuration.layerCount,
            heads: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension
        )
        pages = KeyValuePagePool(layout: layout, budgetBytes: options.cacheBytes)
        logitsBuffer = ScratchBuffer(count: Self.logitRows * configuration.vocabularySize)
        ct_blas_initialize()
        let kernels = try instructionSet.kernels()
        images = ImageTable(
            vocabularySize: configuration.vocabularySize,
            deepstackLayers: model.configuration.vision?.tower.deepstackLayers.count ?? 0,
            budgetBytes: options.imageCacheBytes
        )
        vision = model.visionWeights.map { [pool] in
            VisionEncoder(
                weights: $0,
                decoderWidth: configuration.hiddenSize,
                kernels: kernels,
                activations: options.activations,
                pool: pool
            )
        }
        forward = DecoderForward(
            configuration: configuration,
            weights: model.weights,
            kernels: kernels,
            layout: layout,
            rotary: RotaryEmbedding(configuration.rope),
            activations: options.activations,
            workspace: ForwardWorkspace(
                configuration: configuration,
                contextLength: contextLength,
                workers: threads,
                usesBLAS: options.activations == .f32 || model.weights.hasFloatMatrices
            )
        )
    }

    // MARK: Branches

    /// A new, empty branch.
    public func makeBranch() -> Branch {
        Branch(head: KeyValueSegment(parent: nil, start: 0, pool: pages), count: 0)
    }

    /// Bytes of keys and values in use, over all branches.
    public var cacheBytes: Int { pages.livePages * pages.layout.pageBytes }

    /// The maximum bytes of keys and values for this many more positions in this many new branches.
    public func cacheBytes(positions: Int, branches: Int) -> Int {
        // The last page of each branch may hold a single position, and so may the page that it begins with.
        (positions / KeyValueLayout.pagePositions + 2 * branches) * pages.layout.pageBytes
    }

    /// Live segments of the cache tree: zero after the last branch is gone.
    public var liveSegments: Int { pages.liveSegments }

    // MARK: Computing

    /// Appends tokens to several branches, computed together, and returns the logits after the last token of each.
    ///
    /// - Parameter work: different branches of this context, each with at least one token.
    /// - Throws: `EMLLMError` when there are no tokens for a branch, it would outgrow the context, or the cache its
    ///   budget (nothing has happened then), or when ``cancellation`` is set or a logit is not a number or infinite (the
    ///   branches are as they were).
    public func extend(_ work: [(branch: Branch, tokens: [TokenID])]) throws -> [Logits] {
        try compute(work, capturing: []).map(\.logits)
    }

    /// Appends tokens to several branches: the logits behind each, and the residual stream behind some layers.
    func compute(
        _ work: [(branch: Branch, tokens: [TokenID])],
        capturing layers: [Int]
    ) throws -> [(logits: Logits, states: StateCollector)] {
        let held = try validate(work)
        defer { withExtendedLifetime(held) {} }
        let before = work.map(\.branch.count)
        var results = [Logits?](repeating: nil, count: work.count)
        var states = work.map { _ in StateCollector(layers: layers, width: model.configuration.decoder.hiddenSize) }
        do {
            var short: [Int] = []
            for index in work.indices {
                if work[index].tokens.count >= Self.longRun {
                    let (branch, tokens) = work[index]
                    try extendLongRun(branch, tokens, &states[index]) { results[index] = $0 }
                } else {
                    short.append(index)
                }
            }
            try extendShortRuns(short.map { work[$0] }, layers) { offset, logits, state in
                results[short[offset]] = logits
                states[short[offset]] = state
            }
        } catch {
            for (item, count) in zip(work, before) { item.branch.rollback(to: count) }
            throw error
        }
        return zip(results, states).map { ($0!, $1) }
    }

    /// Appends tokens to one branch and returns the logits after the last of them.
    public func extend(_ branch: Branch, with tokens: [TokenID]) throws -> Logits {
        try extend([(branch, tokens)])[0]
    }

    /// The log-probability of each token of `continuation` after `branch` and the tokens before it.
    ///
    /// The branch itself is unchanged; the continuation is computed on a fork.
    ///
    /// - Parameters:
    ///   - continuation: the tokens to score.
    ///   - branch: the text before them.
    ///   - logits: the logits after the last token of `branch`, as ``extend(_:with:)`` returned them.
    /// - Returns: natural logarithms, one for each token of `continuation`.
    /// - Throws: `EMLLMError` when a token is none of the vocabulary, and as ``extend(_:)``.
    public func logProbabilities(of continuation: [TokenID], after branch: Branch, logits: Logits) throws -> [Double] {
        let vocabulary = TokenID(model.configuration.decoder.vocabularySize)
        // Features of pictures have no probability: nothing ever writes them.
        if let token = continuation.first(where: { !(0..<vocabulary).contains($0) }) {
            throw EMLLMError.unknownTokenID(token, vocabularySize: Int(vocabulary))
        }
        guard let first = continuation.first else { return [] }
        var scores = [logits.logProbability(of: first)]
        let context = continuation.dropLast()
        guard !context.isEmpty else { return scores }
        try extend(branch.fork(), with: Array(context)) { row in
            scores.append(row.logProbability(of: continuation[scores.count]))
        }
        return scores
    }

    /// Appends tokens to one branch and hands over the logits after each of them: for comparing whole prompts.
    ///
    /// - Parameters:
    ///   - branch: the branch to extend.
    ///   - tokens: what to append.
    ///   - onLogits: called once for each token, in order.
    /// - Throws: as ``extend(_:)``, and what `onLogits` throws; the branch is as it was then.
    public func extend(_ branch: Branch, with tokens: [TokenID], onLogits: (Logits) throws -> Void) throws {
        let held = try validate([(branch, tokens)])
        defer { withExtendedLifetime(held) {} }
        let before = branch.count
        do {
            for begin in stride(from: 0, to: tokens.count, by: Self.logitRows) {
                try cancellation.check()
                var batch = ForwardBatch(isLongRun: false, images: images)
                batch.add(tokens[begin..<min(begin + Self.logitRows, tokens.count)], to: branch, wantsLogits: .all)
                for row in try run(batch) { try onLogits(row) }
            }
        } catch {
            branch.rollback(to: before)
            throw error
        }
    }

    private func extendLongRun(
        _ branch: Branch,
        _ tokens: [TokenID],
        _ states: inout StateCollector,
        result: (Logits) -> Void
    ) throws {
        let size = ForwardWorkspace.maximumTokens
        for begin in stride(from: 0, to: tokens.count, by: size) {
            try cancellation.check()
            let end = min(begin + size, tokens.count)
            var batch = ForwardBatch(isLongRun: true, images: images)
            batch.add(tokens[begin..<end], to: branch, wantsLogits: end == tokens.count ? .last : .none)
            for logits in try run(batch, capturing: states.layers) { result(logits) }
            states.append(batch.runs[0].rows, of: statesBuffer.base)
        }
    }

    private func extendShortRuns(
        _ work: [(branch: Branch, tokens: [TokenID])],
        _ layers: [Int],
        result: (_ offset: Int, Logits, StateCollector) -> Void
    ) throws {
        var next = 0
        while next < work.count {
            try cancellation.check()
            let first = next
            var batch = ForwardBatch(isLongRun: false, images: images)
            while next < work.count, next - first < Self.logitRows,
                batch.rows.count + work[next].tokens.count <= ForwardWorkspace.maximumTokens
            {
                batch.add(work[next].tokens[...], to: work[next].branch, wantsLogits: .last)
                next += 1
            }
            for (offset, logits) in try run(batch, capturing: layers).enumerated() {
                var states = StateCollector(layers: layers, width: model.configuration.decoder.hiddenSize)
                states.append(batch.runs[offset].rows, of: statesBuffer.base)
                result(first + offset, logits, states)
            }
        }
    }

    private func run(_ batch: ForwardBatch, capturing layers: [Int] = []) throws -> [Logits] {
        let vocabulary = model.configuration.decoder.vocabularySize
        forward.workspace.reserve(positions: (batch.rows.map(\.index).max() ?? 0) + 1)
        let stateCount = layers.count * ForwardWorkspace.maximumTokens * model.configuration.decoder.hiddenSize
        if statesBuffer.count < stateCount { statesBuffer = ScratchBuffer(count: stateCount) }
        let tasks = AttentionTasks(
            batch: batch,
            configuration: model.configuration.decoder,
            layout: pages.layout,
            kernels: forward.kernels,
            workers: threads
        )
        batch.rows.withUnsafeBufferPointer { rows in
            batch.outputs.withUnsafeBufferPointer { outputs in
                layers.withUnsafeBufferPointer { layers in
                    let view = ForwardBatchView(
                        rows: rows,
                        outputs: outputs,
                        isLongRun: batch.isLongRun,
                        deepstackLayers: batch.deepstackLayers,
                        capture: layers.isEmpty ? nil : (layers, statesBuffer.base)
                    )
                    pool.run { worker in
                        forward.run(view, attentionTasks: tasks, logits: logitsBuffer.base, worker: worker)
                    }
                }
            }
        }
        counters.processedTokens += batch.rows.count
        counters.forwardPasses += 1
        return try batch.outputs.indices.map { index in
            let row = UnsafeBufferPointer(start: logitsBuffer.base + index * vocabulary, count: vocabulary)
            let logits = Logits(Array(row))
            _ = try logits.checkedMaximum()
            return logits
        }
    }

    // MARK: Checks

    /// Checks that tokens can be appended.
    ///
    /// - Returns: the pictures that they speak of, to be held while they are computed.
    private func validate(_ work: [(branch: Branch, tokens: [TokenID])]) throws -> [EncodedImage] {
        var newPages = 0
        var held: [EncodedImage] = []
        for (branch, tokens) in work {
            guard !tokens.isEmpty else { throw EMLLMError.noTokens }
            precondition(branch.head.pool === pages, "a branch belongs to the context that made it")
            held += try hold(tokens)
            guard tokens.count <= contextLength - branch.count else {
                throw EMLLMError.contextOverflow(
                    length: contextLength,
                    used: branch.count,
                    added: tokens.count,
                    trained: model.configuration.decoder.contextLength
                )
            }
            newPages += branch.pagesNeeded(forAppending: tokens.count)
        }
        guard newPages <= pages.availablePages else {
            throw EMLLMError.cacheBudgetExceeded(
                budget: options.cacheBytes ?? 0,
                needed: (pages.livePages + newPages) * pages.layout.pageBytes
            )
        }
        return held
    }

    private func hold(_ tokens: [TokenID]) throws -> [EncodedImage] {
        try images.hold(tokens, vocabularySize: model.configuration.decoder.vocabularySize)
    }
}

extension EMLLMError.Code {
    /// More tokens than the context has room for.
    public static let contextOverflow = Self(rawValue: "context-overflow")
    /// More keys and values than the budget allows.
    public static let cacheBudgetExceeded = Self(rawValue: "cache-budget-exceeded")
    /// A token id outside the vocabulary.
    public static let unknownTokenID = Self(rawValue: "unknown-token-id")
}

extension EMLLMError {
    /// Nothing to compute, and so no logits after it.
    static let noTokens = EMLLMError(
        code: .emptyPrompt,
        subject: "prompt",
        expected: "at least one token to append",
        found: "none",
        remedy: "begin with some text, or with the beginning-of-sequence token"
    )

    static func contextOverflow(length: Int, used: Int, added: Int, trained: Int) -> EMLLMError {
        EMLLMError(
            code: .contextOverflow,
            subject: "context of \(length) tokens",
            expected: "at most \(length - used) more (\(used) are in use)",
            found: "\(added)",
            remedy: length < trained
                ? "shorten the text, or raise the context length (up to \(trained))" : "shorten the text"
        )
    }

    static func cacheBudgetExceeded(budget: Int, needed: Int) -> EMLLMError {
        EMLLMError(
            code: .cacheBudgetExceeded,
            subject: "key/value cache",
            expected: "at most \(budget) bytes",
            found: "\(needed) bytes needed",
            remedy: "drop branches, shorten the text, or raise the budget"
        )
    }

    static func unknownTokenID(_ token: TokenID, vocabularySize: Int) -> EMLLMError {
        EMLLMError(
            code: .unknownTokenID,
            subject: "token id",
            expected: "0..<\(vocabularySize)",
            found: "\(token)",
            remedy: "use ids from this model's tokenizer"
        )
    }
}
