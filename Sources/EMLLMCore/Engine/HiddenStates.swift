/// The residual stream of a run of tokens after some layers of the decoder.
///
/// Layer 0 is the input of the first block: the tokens' embeddings, or the features of a picture. Layer k is the output of
/// the k-th block, before any norm. The last layer, normalized and multiplied by the output head, gives the logits. These are the
/// `hidden_states` of transformers, whose last entry is normalized already.
///
/// ```swift
/// let branch = context.makeBranch()
/// let states = try context.hiddenStates(of: model.tokenizer.encode("The sky is"), after: branch, layers: [12])
/// print(states.row(0, token: states.tokenCount - 1))
/// ```
public struct HiddenStates: Sendable, Equatable {
    /// The layers, as they were asked for.
    public let layers: [Int]
    /// The width of the residual stream.
    public let width: Int
    /// The number of tokens.
    public let tokenCount: Int
    /// All numbers. `[layers, tokens, width]`
    public let values: [Float]

    /// Makes states from their numbers.
    ///
    /// - Parameters:
    ///   - layers: the layers.
    ///   - width: the width of the residual stream.
    ///   - values: the numbers. `[layers, tokens, width]`
    /// - Precondition: there is at least one layer, and as many numbers for each.
    public init(layers: [Int], width: Int, values: [Float]) {
        precondition(
            width > 0 && !layers.isEmpty && values.count % (layers.count * width) == 0,
            "[layers, tokens, width]"
        )
        self.layers = layers
        self.width = width
        self.values = values
        tokenCount = values.count / (layers.count * width)
    }

    /// The residual stream of one token after one layer.
    ///
    /// - Parameters:
    ///   - place: the layer's place in ``layers``.
    ///   - token: the token's place in the run.
    public func row(_ place: Int, token: Int) -> ArraySlice<Float> {
        precondition(
            layers.indices.contains(place) && (0..<tokenCount).contains(token),
            "a layer and a token of the run"
        )
        let start = (place * tokenCount + token) * width
        return values[start..<(start + width)]
    }
}

/// Collects hidden states over the passes of one run.
struct StateCollector {
    let layers: [Int]
    let width: Int
    private var rows: [[Float]]

    init(layers: [Int], width: Int) {
        self.layers = layers
        self.width = width
        rows = layers.map { _ in [] }
    }

    /// Takes the rows of a run out of what a pass has written.
    mutating func append(_ run: Range<Int>, of states: UnsafePointer<Float>) {
        for place in layers.indices {
            let start = states + (place * ForwardWorkspace.maximumTokens + run.lowerBound) * width
            rows[place].append(contentsOf: UnsafeBufferPointer(start: start, count: run.count * width))
        }
    }

    var states: HiddenStates { HiddenStates(layers: layers, width: width, values: rows.flatMap { $0 }) }
}

extension InferenceContext {
    /// Appends tokens to several branches, computed together: the logits after each, and the residual stream of all
    /// their tokens after some layers.
    ///
    /// The logits are the same, bit for bit, as those of ``extend(_:)``.
    ///
    /// - Parameters:
    ///   - work: different branches of this context, each with at least one token. Tokens of an ``EncodedImage`` show its
    ///     picture.
    ///   - layers: the layers, each from 0 (the input of the first block) to the number of blocks.
    /// - Throws: `EMLLMError` when there is no such layer, and as ``extend(_:)``.
    public func extend(
        _ work: [(branch: Branch, tokens: [TokenID])],
        layers: [Int]
    ) throws -> [(logits: Logits, states: HiddenStates)] {
        let most = model.configuration.decoder.layerCount
        guard !layers.isEmpty, layers.allSatisfy((0...most).contains) else {
            throw EMLLMError.unknownLayer(layers, most: most)
        }
        return try compute(work, capturing: layers).map { ($0.logits, $0.states.states) }
    }

    /// Appends tokens to a branch and returns their residual stream after some layers.
    ///
    /// - Parameters:
    ///   - tokens: what to append; tokens of an ``EncodedImage`` show its picture.
    ///   - branch: the branch to extend.
    ///   - layers: the layers, each from 0 (the input of the first block) to the number of blocks.
    /// - Throws: as ``extend(_:layers:)``.
    public func hiddenStates(of tokens: [TokenID], after branch: Branch, layers: [Int]) throws -> HiddenStates {
        try extend([(branch, tokens)], layers: layers)[0].states
    }
}

extension EMLLMError.Code {
    /// A layer that the model does not have.
    public static let unknownLayer = Self(rawValue: "unknown-layer")
}

extension EMLLMError {
    static func unknownLayer(_ layers: [Int], most: Int) -> EMLLMError {
        EMLLMError(
            code: .unknownLayer,
            subject: "layers of hidden states",
            expected: "at least one, each in 0...\(most)",
            found: "\(layers)",
            remedy: "choose layers that the model has"
        )
    }
}
