import Foundation

/// A model file of either format, as it lies on the disk: for tools that look into files.
///
/// Unlike ``ModelPackage`` it accepts well-formed GGUF files of any architecture.
public enum ModelFile: Sendable {
    /// An `.emllm` file.
    case emllm(EMLLMFile)
    /// A GGUF file.
    case gguf(GGUFFile)

    /// Opens a file by its content.
    ///
    /// - Throws: ``EMLLMError``, one code for each defect of the file.
    public init(_ url: URL) throws { try self.init(MappedFile(url)) }

    /// Reads a mapped file by its content.
    ///
    /// - Throws: ``EMLLMError``, one code for each defect of the file.
    public init(_ file: MappedFile) throws {
        if file.bytes.starts(with: GGUFFile.magic) {
            self = .gguf(try GGUFFile(file))
        } else {
            self = .emllm(try EMLLMFile(file))
        }
    }

    /// The format and its version, such as "GGUF 3".
    public var format: String {
        switch self {
        case .emllm(let file): ".emllm \(file.version)"
        case .gguf(let file): "GGUF \(file.version)"
        }
    }

    /// Checks that this engine runs the model: its family, its configuration, its tokenizer, and every tensor's shape.
    ///
    /// - Returns: What it is.
    /// - Throws: ``EMLLMError`` that says what is missing or not supported.
    public func modelConfiguration() throws -> ModelConfiguration { try ModelSource(self).configuration }

    /// The mapped bytes.
    public var file: MappedFile {
        switch self {
        case .emllm(let file): file.file
        case .gguf(let file): file.file
        }
    }
}
