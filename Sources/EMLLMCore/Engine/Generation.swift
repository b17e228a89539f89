/// Why a generation ended.
public enum StopReason: String, Sendable, Codable {
    /// The model wrote an end-of-turn token.
    case endOfTurn
    /// The limit on new tokens was reached.
    case maximumTokens
    /// The context is full.
    case contextFull
    /// The model wrote one of ``GenerationOptions/stopStrings``.
    case stopString
    /// The work was asked to stop. Only ``InferenceContext`` reports it; a session throws `CancellationError`.
    case cancelled
}

/// What the pictures of a prompt cost.
public struct ImageUsage: Sendable, Codable, Equatable {
    /// The SHA-256 digest of a picture's size and samples, in hexadecimal.
    public var contentHash: String
    /// Tokens that represent the picture.
    public var tokens: Int
    /// Patches that went through the vision tower, when they did.
    public var patches: Int
    /// Seconds to preprocess and encode it, when that was done.
    public var encodeSeconds: Double
    /// Whether its features were in memory, so that nothing was encoded.
    public var wasReused: Bool

    /// Makes a record of a picture.
    public init(_ image: EncodedImage, wasReused: Bool) {
        contentHash = "\(image.contentHash)"
        tokens = image.featureCount
        patches = image.patches
        encodeSeconds = image.seconds
        self.wasReused = wasReused
    }
}

/// What a response cost.
public struct CompletionInfo: Sendable, Codable, Equatable {
    /// Tokens of the whole prompt, the conversation so far included.
    public var promptTokens: Int
    /// How many of them were in the cache already and were not computed again.
    public var cachedTokens: Int
    /// Tokens that the model wrote, those of a stop string among them, the end-of-turn token not counted.
    public var generatedTokens: Int
    /// Seconds to process the prompt.
    public var promptSeconds: Double
    /// Seconds to generate, after the prompt.
    public var generationSeconds: Double
    /// Why the generation ended.
    public var stopReason: StopReason
    /// The string that ended it, where one of ``GenerationOptions/stopStrings`` did.
    public var stopString: String?
    /// The pictures of the conversation, in order; `nil` where it shows none.
    public var images: [ImageUsage]?

    /// Makes a record.
    public init(
        promptTokens: Int,
        cachedTokens: Int,
        generatedTokens: Int,
        promptSeconds: Double,
        generationSeconds: Double,
        stopReason: StopReason,
        stopString: String? = nil,
        images: [ImageUsage]? = nil
    ) {
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
        self.generatedTokens = generatedTokens
        self.promptSeconds = promptSeconds
        self.generationSeconds = generationSeconds
        self.stopReason = stopReason
        self.stopString = stopString
        self.images = images
    }

    /// Prompt tokens computed per second.
    public var promptTokensPerSecond: Double {
        promptSeconds > 0 ? Double(promptTokens - cachedTokens) / promptSeconds : 0
    }
    /// Tokens generated per second.
    public var tokensPerSecond: Double {
        generationSeconds > 0 ? Double(generatedTokens) / generationSeconds : 0
    }
}
