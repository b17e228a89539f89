/// A model's family, and the shape of its parts. Stored as JSON inside `.emllm` files.
public struct ModelConfiguration: Codable, Sendable, Equatable {
    /// The name of the family in `ModelRegistry`, such as "llama".
    public var family: String
    /// The shape of the text decoder.
    public var decoder: DecoderConfiguration
    /// The vision encoder and its preprocessing; `nil` for a text model.
    public var vision: VisionConfiguration?

    /// Makes a configuration.
    package init(family: String, decoder: DecoderConfiguration, vision: VisionConfiguration? = nil) {
        self.family = family
        self.decoder = decoder
        self.vision = vision
    }
}
