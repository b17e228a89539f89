import EMLLMCore
import Foundation

/// The file of a verifier, `NAME.verifier.json` beside its model, with the results of its training.
///
/// All of it is JSON; the weights are Base64 of 32-bit floats, least significant byte first.
public struct VerifierFile: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let currentVersion = 1

    /// The version that the file was written in.
    public var version = VerifierFile.currentVersion
    /// The head itself, with the digests of the weights and prompts that it is for.
    public var head: VerifierHead
    /// The weights of a score of the verifier and other signals that cost no tokens; `nil` takes the verifier alone.
    public var weights: ScoreWeights?
    /// How the scores of a chain's steps become its own, where that was chosen on the training data.
    public var aggregation: ScoreAggregation?
    /// The training data, and the results on held-out problems.
    public var training: Training

    /// The training data of a verifier, and the results on held-out problems.
    public struct Training: Codable, Sendable, Equatable {
        /// The number of problems.
        public var problems: Int
        /// The number of chains.
        public var chains: Int
        /// The number of chains with a right answer.
        public var rightChains: Int
        /// The number of steps.
        public var steps: Int
        /// The strength of the L2 penalty, for standardized features.
        public var penalty: Double
        /// The area under the ROC curve of whole chains, on problems that were not trained on.
        public var chainAUROC: Double?
        /// The same of single steps.
        public var stepAUROC: Double?

        /// Describes a training.
        public init(
            problems: Int,
            chains: Int,
            rightChains: Int,
            steps: Int,
            penalty: Double,
            chainAUROC: Double? = nil,
            stepAUROC: Double? = nil
        ) {
            self.problems = problems
            self.chains = chains
            self.rightChains = rightChains
            self.steps = steps
            self.penalty = penalty
            self.chainAUROC = chainAUROC
            self.stepAUROC = stepAUROC
        }
    }

    /// Describes a file.
    public init(
        head: VerifierHead,
        weights: ScoreWeights? = nil,
        aggregation: ScoreAggregation? = nil,
        training: Training
    ) {
        self.head = head
        self.weights = weights
        self.aggregation = aggregation
        self.training = training
    }

    /// Where the verifier of a model file lies.
    public static func url(besides model: URL) -> URL {
        model.deletingPathExtension().appendingPathExtension("verifier.json")
    }

    /// Reads a file.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it is no verifier, or one of another version.
    public init(contentsOf url: URL) throws {
        struct Versioned: Decodable { let version: Int }
        let decoder = JSONDecoder()
        guard let data = try? Data(contentsOf: url),
            let version = try? decoder.decode(Versioned.self, from: data).version
        else { throw EMLLMError.notAVerifier(url.path, found: "something else") }
        guard version == Self.currentVersion else {
            throw EMLLMError.notAVerifier(url.path, found: "version \(version)")
        }
        do {
            self = try decoder.decode(VerifierFile.self, from: data)
        } catch let error as EMLLMError {
            throw error
        } catch {
            throw EMLLMError.notAVerifier(url.path, found: "other keys or values")
        }
    }

    /// The file's JSON, with sorted keys.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// The options with this verifier. If the score is the verdict alone, the verifier replaces the verdict, which is then not
    /// requested. Other weights are kept.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it was trained with another model or other prompts.
    public func applied(to options: SelfEvalOptions, model: ModelIdentity) throws -> SelfEvalOptions {
        try head.check(options, model: model)
        var options = options
        options.verifier = head
        if options.weights == .verdictAlone { options.weights = weights ?? [.verifier: 1] }
        if let aggregation, options.aggregation == SelfEvalOptions().aggregation { options.aggregation = aggregation }
        return options
    }
}

extension EMLLMError {
    static func notAVerifier(_ path: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .invalidVerifier,
            subject: path,
            expected: "a verifier file of version \(VerifierFile.currentVersion)",
            found: found,
            remedy: "train the verifier again"
        )
    }
}
