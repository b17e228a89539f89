/// How the next token is chosen, and when to stop.
///
/// The chain is the one of the `transformers` library: repetition penalty, temperature, top-k, top-p, min-p, then the
/// draw. A ``LogitsProcessor`` comes before all of them.
///
/// ```swift
/// let options = GenerationOptions(samplingMode: .random(top: 40), temperature: 0.7, stopStrings: ["\nUser:"])
/// ```
public struct GenerationOptions: Sendable, Equatable, Codable {
    /// The way from probabilities to a token.
    public enum SamplingMode: Sendable, Equatable, Codable {
        /// Always the most likely token.
        case greedy
        /// Samples from the `top` most likely tokens, and of those from the most likely that together reach
        /// `probabilityThreshold` of their probability (nucleus sampling, arXiv 1904.09751). `nil` sets no limit.
        ///
        /// The same seed repeats a text. Without a seed, every text has its own.
        case draw(top: Int?, probabilityThreshold: Double?, seed: UInt64?)

        /// Samples from the `top` most likely tokens, or from all; without a seed, differently each time.
        public static func random(top: Int? = nil, seed: UInt64? = nil) -> SamplingMode {
            .draw(top: top, probabilityThreshold: nil, seed: seed)
        }

        /// Samples from the most likely tokens that together reach `probabilityThreshold`; without a seed,
        /// differently each time.
        public static func random(probabilityThreshold: Double, seed: UInt64? = nil) -> SamplingMode {
            .draw(top: nil, probabilityThreshold: probabilityThreshold, seed: seed)
        }
    }

    /// The way from probabilities to a token.
    public var samplingMode: SamplingMode
    /// Divides the logits before the draw; above 1 flattens, below 1 sharpens. Ignored by `.greedy`.
    public var temperature: Double
    /// Drops tokens less likely than this share of the highest probability (arXiv 2407.01082); 0 keeps all.
    public var minimumProbability: Double
    /// Divides positive logits, and multiplies negative ones, of tokens that occurred already (arXiv 1909.05858);
    /// 1 changes nothing.
    public var repetitionPenalty: Double
    /// The most tokens of a response.
    public var maximumResponseTokens: Int?
    /// Strings that end the text before them. They may begin and end anywhere in a token; a stream never shows the
    /// beginning of one.
    public var stopStrings: [String]

    /// Makes options; the default is greedy.
    public init(
        samplingMode: SamplingMode = .greedy,
        temperature: Double = 1,
        minimumProbability: Double = 0,
        repetitionPenalty: Double = 1,
        maximumResponseTokens: Int? = nil,
        stopStrings: [String] = []
    ) {
        self.samplingMode = samplingMode
        self.temperature = temperature
        self.minimumProbability = minimumProbability
        self.repetitionPenalty = repetitionPenalty
        self.maximumResponseTokens = maximumResponseTokens
        self.stopStrings = stopStrings
    }

    /// Checks every value against its range.
    public func validate() throws {
        func check(_ name: String, _ expected: String, _ value: some CustomStringConvertible, _ holds: Bool) throws {
            guard holds else {
                throw EMLLMError.invalidOption(
                    name,
                    expected: expected,
                    found: "\(value)",
                    remedy: "choose a value in that range"
                )
            }
        }
        try check("temperature", "a number above 0", temperature, temperature > 0 && temperature.isFinite)
        try check("min-p", "a number from 0 to 1", minimumProbability, (0...1).contains(minimumProbability))
        try check(
            "repetition penalty",
            "a number above 0",
            repetitionPenalty,
            repetitionPenalty > 0 && repetitionPenalty.isFinite
        )
        if let maximumResponseTokens {
            try check("maximum tokens", "at least 1", maximumResponseTokens, maximumResponseTokens >= 1)
        }
        try check("stop strings", "strings that are not empty", "an empty one", !stopStrings.contains(""))
        guard case .draw(let top, let threshold, _) = samplingMode else { return }
        if let top { try check("top-k", "at least 1", top, top >= 1) }
        if let threshold {
            try check("top-p", "a number above 0, at most 1", threshold, threshold > 0 && threshold <= 1)
        }
    }
}

// MARK: Coding

extension GenerationOptions {
    private enum CodingKeys: String, CodingKey {
        case samplingMode, temperature, minimumProbability, repetitionPenalty, maximumResponseTokens, stopStrings
    }

    /// Decodes options; records from before there were stop strings have none.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            samplingMode: try values.decode(SamplingMode.self, forKey: .samplingMode),
            temperature: try values.decode(Double.self, forKey: .temperature),
            minimumProbability: try values.decode(Double.self, forKey: .minimumProbability),
            repetitionPenalty: try values.decode(Double.self, forKey: .repetitionPenalty),
            maximumResponseTokens: try values.decodeIfPresent(Int.self, forKey: .maximumResponseTokens),
            stopStrings: try values.decodeIfPresent([String].self, forKey: .stopStrings) ?? []
        )
    }

    /// Encodes options; stop strings only where there are some, so that other records stay as they were.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(samplingMode, forKey: .samplingMode)
        try values.encode(temperature, forKey: .temperature)
        try values.encode(minimumProbability, forKey: .minimumProbability)
        try values.encode(repetitionPenalty, forKey: .repetitionPenalty)
        try values.encodeIfPresent(maximumResponseTokens, forKey: .maximumResponseTokens)
        if !stopStrings.isEmpty { try values.encode(stopStrings, forKey: .stopStrings) }
    }
}
