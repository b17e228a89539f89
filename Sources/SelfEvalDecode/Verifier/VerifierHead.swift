import EMLLMCore
import Foundation

/// A linear probe of the hidden states: the probability that a chain is right so far, at no cost in tokens.
///
/// The residual stream encodes what a model knows about its own mistakes, before the model is asked (arXiv 2410.02707,
/// arXiv 2511.06209). The head is a logistic regression on the pooled states of a step's tokens after some layers:
/// log p / (1 − p) = Σ w · x + b. The forward passes that write a step compute the states anyway.
///
/// Like a calibration, a head is valid for one model at one quantization with one pack of prompts; its digests name them.
/// It is trained on recorded runs. It is part of a run's options (``SelfEvalOptions/verifier``), so that the trace of the
/// run can be replayed.
public struct VerifierHead: Sendable, Equatable {
    /// The digest of the weights (``ModelIdentity/weightsDigest``).
    public var weightsDigest: String
    /// The precision of activations.
    public var activations: ActivationPrecision
    /// The digest of the prompts and steps that it was trained with (``SelfEvalOptions/chainDigest``).
    public var chainDigest: String
    /// The layers that it reads, numbered as in `HiddenStates`.
    public let layers: [Int]
    /// How the states of each layer are pooled.
    public let poolings: [StatePooling]
    /// The factors of the states, on their own scale. `[layers, poolings, width]`
    public let weights: [Float]
    /// The constant term.
    public let bias: Double

    /// Makes a head from its numbers.
    ///
    /// - Parameters:
    ///   - model: the model that it belongs to.
    ///   - chainDigest: the digest of the prompts and steps that it was trained with.
    ///   - layers: the layers that it reads; at least one.
    ///   - poolings: how the states of each are pooled; at least one.
    ///   - weights: the factors. `[layers, poolings, width]`
    ///   - bias: the constant term.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the numbers do not fit together or are not finite.
    public init(
        model: ModelIdentity,
        chainDigest: String,
        layers: [Int],
        poolings: [StatePooling],
        weights: [Float],
        bias: Double
    ) throws {
        weightsDigest = model.weightsDigest
        activations = model.activations
        self.chainDigest = chainDigest
        self.layers = layers
        self.poolings = poolings
        self.weights = weights
        self.bias = bias
        try validate()
    }

    /// The width of the residual stream.
    var width: Int { weights.count / (layers.count * poolings.count) }

    /// The parameters: one for each factor, and the bias.
    public var parameterCount: Int { weights.count + 1 }

    private func validate() throws {
        let rows = layers.count * poolings.count
        guard rows > 0, !weights.isEmpty, weights.count % rows == 0, layers.allSatisfy((0...10_000).contains),
            Set(layers).count == layers.count, Set(poolings).count == poolings.count
        else {
            throw EMLLMError.invalidVerifier(
                expected: "different layers and poolings, and as many weights for each",
                found: "\(weights.count) weights for layers \(layers) and \(poolings.count) poolings"
            )
        }
        guard bias.isFinite, weights.allSatisfy(\.isFinite) else {
            throw EMLLMError.invalidVerifier(
                expected: "finite weights",
                found: "infinite ones, or some that are no numbers"
            )
        }
    }

    /// The log-odds that the chain is right so far, after a step whose states are pooled.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the states have another width.
    package func logOdds(_ states: PooledStates) throws -> Double {
        guard states.width == width else {
            throw EMLLMError.invalidVerifier(expected: "states of width \(width)", found: "\(states.width)")
        }
        var sum = bias
        var place = 0
        for layer in layers.indices {
            for pooling in poolings {
                for state in states[layer: layer, pooling] {
                    sum += Double(weights[place]) * Double(state)
                    place += 1
                }
            }
        }
        return sum
    }

    /// Checks that a run uses the weights and the prompts that the head was trained with.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it is not.
    public func check(_ options: SelfEvalOptions, model: ModelIdentity) throws {
        try model.check(has: weightsDigest, activations, of: "the verifier")
        guard options.chainDigest == chainDigest else {
            throw EMLLMError.verifierOfOtherPrompts(expected: chainDigest, found: options.chainDigest)
        }
    }
}

extension VerifierHead: Codable {
    private enum CodingKeys: String, CodingKey {
        case weightsDigest, activations, chainDigest, layers, poolings, weights, bias
    }

    /// Reads a head; the weights are Base64 of 32-bit floats, least significant byte first.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` for numbers that are no head, `DecodingError` for JSON that is none.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        weightsDigest = try values.decode(String.self, forKey: .weightsDigest)
        activations = try values.decode(ActivationPrecision.self, forKey: .activations)
        chainDigest = try values.decode(String.self, forKey: .chainDigest)
        layers = try values.decode([Int].self, forKey: .layers)
        poolings = try values.decode([StatePooling].self, forKey: .poolings)
        bias = try values.decode(Double.self, forKey: .bias)
        let bytes = Array(try values.decode(Data.self, forKey: .weights))
        guard bytes.count % 4 == 0 else {
            throw EMLLMError.invalidVerifier(expected: "weights of four bytes each", found: "\(bytes.count) bytes")
        }
        weights = stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) })
        }
        try validate()
    }

    /// Writes the head.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(weightsDigest, forKey: .weightsDigest)
        try values.encode(activations, forKey: .activations)
        try values.encode(chainDigest, forKey: .chainDigest)
        try values.encode(layers, forKey: .layers)
        try values.encode(poolings, forKey: .poolings)
        try values.encode(bias, forKey: .bias)
        let bytes = weights.flatMap { weight in
            (0..<4).map { UInt8(truncatingIfNeeded: weight.bitPattern >> (8 * UInt32($0))) }
        }
        try values.encode(Data(bytes), forKey: .weights)
    }
}

extension SelfEvalOptions {
    /// A SHA-256 digest of what the hidden states of a chain depend on besides the weights: the texts before it, and where
    /// its steps end. In hexadecimal.
    public var chainDigest: String {
        let step = prompts.step
        let parts =
            [prompts.system ?? "", prompts.reason, "\(step.minimumTokens)", "\(step.maximumTokens)"]
            + step.boundaries.map(\.rawValue).sorted() + [""] + step.delimiters
        // Lengths, so that no two lists run together to the same text.
        return "\(Checksum(of: Array(parts.map { "\($0.utf8.count):\($0)" }.joined().utf8)))"
    }
}

extension EMLLMError.Code {
    /// A verifier that is none, or a damaged one.
    public static let invalidVerifier = Self(rawValue: "invalid-verifier")
    /// A score that counts what no verifier says.
    public static let noVerifier = Self(rawValue: "no-verifier")
}

extension EMLLMError {
    static func invalidVerifier(expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidVerifier,
            subject: "verifier",
            expected: expected,
            found: found,
            remedy: "train the verifier again"
        )
    }

    static let noVerifier = EMLLMError(
        code: .noVerifier,
        subject: "score",
        expected: "a verifier, as the score's weights name one",
        found: "none",
        remedy: "pass a verifier that was trained for this model, or leave its weight out"
    )

    static func verifierOfOtherPrompts(expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .otherPrompts,
            subject: "verifier",
            expected: "the prompts \(expected.prefix(12))…",
            found: "\(found.prefix(12))…",
            remedy: "use the prompts that it was trained with, or train the verifier again"
        )
    }
}
