/// The origin of a model. Stored as JSON inside `.emllm` files; every field except the name may be unknown.
public struct Provenance: Codable, Sendable, Equatable {
    /// The model's name, for people.
    public var name: String
    /// Who published it.
    public var organization: String?
    /// Its licence, preferably an SPDX identifier.
    public var license: String?
    /// Where it was published.
    public var url: String?
    /// The name of the file that it was converted from, without its directory.
    public var sourceFile: String?
    /// SHA-256 of that file, in hexadecimal.
    public var sourceSHA256: String?
    /// The format of that file, such as "GGUF 3".
    public var sourceFormat: String?
    /// The program that wrote this file, with its version.
    public var converter: String?
    /// The type that weights were re-quantized to; nil when they are stored as published.
    public var quantization: String?

    /// Makes a record of provenance.
    package init(
        name: String,
        organization: String? = nil,
        license: String? = nil,
        url: String? = nil,
        sourceFile: String? = nil,
        sourceSHA256: String? = nil,
        sourceFormat: String? = nil,
        converter: String? = nil,
        quantization: String? = nil
    ) {
        self.name = name
        self.organization = organization
        self.license = license
        self.url = url
        self.sourceFile = sourceFile
        self.sourceSHA256 = sourceSHA256
        self.sourceFormat = sourceFormat
        self.converter = converter
        self.quantization = quantization
    }
}
