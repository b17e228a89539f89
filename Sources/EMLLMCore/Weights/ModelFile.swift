import Foundation

/// A model file of any format, as it lies on the disk: for tools that look into files.
///
/// Unlike ``ModelPackage`` it accepts well-formed GGUF files of any architecture.
public enum ModelFile: Sendable {
    /// An `.emllm` file.
    case emllm(EMLLMFile)
    /// A GGUF file.
    case gguf(GGUFFile)
    /// A folder as Hugging Face publishes it.
    case huggingFace(HuggingFaceDirectory)

    /// Opens a file by its content, or a folder with a `config.json`.
    ///
    /// - Throws: ``EMLLMError``, one code for each defect of the file.
    public init(_ url: URL) throws {
        if FileManager.default.fileExists(atPath: url.appending(path: "config.json").path) {
            self = .huggingFace(try HuggingFaceDirectory(url))
        } else {
            try self.init(MappedFile(url))
        }
    }

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
        case .huggingFace: "Hugging Face"
        }
    }

    /// Checks that this engine runs the model: its family, its configuration, its tokenizer, and every tensor's shape.
    ///
    /// - Returns: What it is.
    /// - Throws: ``EMLLMError`` that says what is missing or not supported.
    public func modelConfiguration() throws -> ModelConfiguration { try ModelSource(self).configuration }

    /// The path of the file or folder.
    public var path: String {
        switch self {
        case .emllm(let file): file.file.path
        case .gguf(let file): file.file.path
        case .huggingFace(let directory): directory.path
        }
    }

    /// Bytes of the file, or of all weight files of a folder.
    public var byteCount: Int {
        switch self {
        case .emllm(let file): file.file.bytes.count
        case .gguf(let file): file.file.bytes.count
        case .huggingFace(let directory): directory.byteCount
        }
    }
}
