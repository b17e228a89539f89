import EMLLMCore
import Foundation

/// What labelled steps have shown about a model's verdicts, for one model and one prompt pack.
///
/// The file is stored beside the model as `NAME.calibration.json`. It names the weights and the prompts that it was
/// fitted with, and is rejected for any others: the verdicts of another quantization, or on another question, mean
/// something else.
public struct CalibrationFile: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let currentVersion = 1

    /// The format version of this file.
    public var version = CalibrationFile.currentVersion
    /// The digest of the weights (``ModelIdentity/weightsDigest``).
    public var weightsDigest: String
    /// The precision of activations.
    public var activations: ActivationPrecision
    /// The digest of the texts and settings that verdicts depend on (``SelfEvalOptions/verdictDigest``).
    public var verdictDigest: String
    /// Turns verdicts on steps into probabilities.
    public var steps: Calibration
    /// The signals that make up a step's score, if there are more than the verdict. The calibrated verdict is one of
    /// them.
    public var weights: ScoreWeights?
    /// The score from which a step is accepted, if a threshold was chosen for these scores.
    public var acceptThreshold: Double?
    /// How many views of each picture to use (``SelfEvalOptions/views``), if a number was chosen for the model.
    public var views: Int?
    /// The number of labelled steps that the calibration was fitted on.
    public var sampleCount: Int
    /// For each strategy, the confidence below which an answer should not be relied on, at a chosen risk.
    public var abstention: [String: Abstention]

    /// A threshold on the confidence of answers.
    public struct Abstention: Codable, Sendable, Equatable {
        /// Answers with a lower confidence are marked.
        public var threshold: Double
        /// The largest allowed share of all questions that are answered wrongly.
        public var risk: Double
        /// The number of questions that the threshold was fitted on.
        public var sampleCount: Int

        /// Makes a threshold.
        public init(threshold: Double, risk: Double, sampleCount: Int) {
            self.threshold = threshold
            self.risk = risk
            self.sampleCount = sampleCount
        }
    }

    /// Describes a calibration.
    public init(
        model: ModelIdentity,
        verdictDigest: String,
        steps: Calibration,
        weights: ScoreWeights? = nil,
        acceptThreshold: Double? = nil,
        views: Int? = nil,
        sampleCount: Int,
        abstention: [String: Abstention] = [:]
    ) {
        weightsDigest = model.weightsDigest
        activations = model.activations
        self.verdictDigest = verdictDigest
        self.steps = steps
        self.weights = weights
        self.acceptThreshold = acceptThreshold
        self.views = views
        self.sampleCount = sampleCount
        self.abstention = abstention
    }

    private enum CodingKeys: String, CodingKey {
        case version, weightsDigest, activations, verdictDigest, steps, weights, acceptThreshold, views, sampleCount
        case abstention
    }

    /// Earlier names of keys in this version.
    private enum FormerKey: String, CodingKey { case looks }

    /// Reads a file's values.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let former = try decoder.container(keyedBy: FormerKey.self)
        version = try values.decode(Int.self, forKey: .version)
        weightsDigest = try values.decode(String.self, forKey: .weightsDigest)
        activations = try values.decode(ActivationPrecision.self, forKey: .activations)
        verdictDigest = try values.decode(String.self, forKey: .verdictDigest)
        steps = try values.decode(Calibration.self, forKey: .steps)
        weights = try values.decodeIfPresent(ScoreWeights.self, forKey: .weights)
        acceptThreshold = try values.decodeIfPresent(Double.self, forKey: .acceptThreshold)
        views =
            try values.decodeIfPresent(Int.self, forKey: .views) ?? former.decodeIfPresent(Int.self, forKey: .looks)
        sampleCount = try values.decode(Int.self, forKey: .sampleCount)
        abstention = try values.decode([String: Abstention].self, forKey: .abstention)
    }

    /// The URL of a model file's calibration.
    public static func url(besides model: URL) -> URL {
        model.deletingPathExtension().appendingPathExtension("calibration.json")
    }

    /// Reads a file.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the file is not a calibration, or has another version.
    public init(contentsOf url: URL) throws {
        struct Versioned: Decodable { let version: Int }
        let decoder = JSONDecoder()
        guard let data = try? Data(contentsOf: url),
            let version = try? decoder.decode(Versioned.self, from: data).version
        else { throw EMLLMError.notACalibration(url.path, found: "something else") }
        guard version == Self.currentVersion else {
            throw EMLLMError.notACalibration(url.path, found: "version \(version)")
        }
        do {
            self = try decoder.decode(CalibrationFile.self, from: data)
        } catch let error as EMLLMError {
            throw error
        } catch {
            throw EMLLMError.notACalibration(url.path, found: "other keys or values")
        }
    }

    /// The file's JSON, with sorted keys.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// The options with this calibration applied. Weights, thresholds and views that differ from the defaults were
    /// chosen by the caller, and are kept.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the calibration was fitted with another model, other prompts, or
    ///   another way of asking.
    public func applied(to options: SelfEvalOptions, model: ModelIdentity) throws -> SelfEvalOptions {
        try model.check(has: weightsDigest, activations, of: "the calibration")
        guard options.verdictDigest == verdictDigest else {
            throw EMLLMError.otherPrompts(
                expected: "the prompts \(verdictDigest.prefix(12))…",
                found: "\(options.verdictDigest.prefix(12))…"
            )
        }
        var options = options
        options.calibration = steps
        if let weights, options.weights == .verdictAlone { options.weights = weights }
        if let acceptThreshold, options.acceptThreshold == SelfEvalOptions.usualAcceptThreshold {
            options.acceptThreshold = acceptThreshold
            options.rejectThreshold = min(options.rejectThreshold, acceptThreshold)
        }
        if let views, options.views == 1 { options.views = views }
        options.abstainBelow = options.abstainBelow ?? abstention[options.strategy.rawValue]?.threshold
        return options
    }
}

extension SelfEvalOptions {
    /// A SHA-256 digest, in hexadecimal, of everything but the weights that verdicts on steps depend on: the prompts,
    /// the order of the two words, and the prior.
    public var verdictDigest: String {
        let parts = [
            prompts.system ?? "", prompts.reason, prompts.evaluate, prompts.verdict.positive, prompts.verdict.negative,
            prompts.emptyStep ?? "", "\(averagesOrders)", "\(subtractsPrior)",
        ]
        // The lengths keep two different lists from joining to the same text.
        return "\(Checksum(of: Array(parts.map { "\($0.utf8.count):\($0)" }.joined().utf8)))"
    }
}

extension EMLLMError.Code {
    /// A file that is not a calibration, or is damaged.
    public static let notACalibration = Self(rawValue: "not-a-calibration")
    /// A calibration that was fitted with other prompts.
    public static let otherPrompts = Self(rawValue: "other-prompts")
}

extension EMLLMError {
    static func notACalibration(_ path: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .notACalibration,
            subject: path,
            expected: "a calibration file of version \(CalibrationFile.currentVersion)",
            found: found,
            remedy: "fit the calibration again"
        )
    }

    static func otherPrompts(expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .otherPrompts,
            subject: "calibration",
            expected: expected,
            found: found,
            remedy: "use the prompts that it was fitted with, or fit the calibration again"
        )
    }
}

extension ModelIdentity {
    /// Checks that a file that was made with one model is used with the same one.
    ///
    /// - Parameter file: what the file is, as "the calibration".
    func check(has digest: String, _ precision: ActivationPrecision, of file: String) throws {
        guard weightsDigest == digest, activations == precision else {
            throw EMLLMError.otherModel(
                expected: "the weights \(digest.prefix(12))… in \(precision.rawValue) that \(file) is for",
                found: "\(weightsDigest.prefix(12))… in \(activations.rawValue)"
            )
        }
    }
}
