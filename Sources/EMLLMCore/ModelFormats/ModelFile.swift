import Foundation

/// A model file of any format, as stored on disk: for tools that inspect files.
///
/// Unlike ``ModelPackage`` it accepts well-formed GGUF files of any architecture.
public enum ModelFile: Sendable {
    /// An `.emllm` file.
    case emllm(EMLLMFile)
    /// A GGUF file, with the mmproj file of its vision tower if it has one.
    case gguf(GGUFFile, vision: GGUFFile? = nil)
    /// A folder in Hugging Face's layout.
    case huggingFace(HuggingFaceDirectory)

    /// Opens a file, whose format is detected by its content, or a folder with a `config.json`.
    ///
    /// - Parameters:
    ///   - url: the file or folder.
    ///   - vision: for a GGUF file: the mmproj file with its vision tower.
    /// - Throws: `EMLLMError`, one code for each defect of the file.
    public init(_ url: URL, vision: URL? = nil) throws {
        try self.init(url)
        guard let vision else { return }
        guard case .gguf(let text, _) = self else { throw EMLLMError.visionFileBeside(path: path, format: format) }
        let file = try MappedFile(vision)
        guard file.bytes.starts(with: GGUFFile.magic) else {
            throw EMLLMError.notAVisionFile(path: file.path, found: "another format")
        }
        let tower = try GGUFFile(file)
        let architecture = try tower.metadata.string("general.architecture") ?? "no architecture"
        guard architecture == "clip" else { throw EMLLMError.notAVisionFile(path: file.path, found: architecture) }
        self = .gguf(text, vision: tower)
    }

    private init(_ url: URL) throws {
        if FileManager.default.fileExists(atPath: url.appending(path: "config.json").path) {
            self = .huggingFace(try HuggingFaceDirectory(url))
        } else {
            try self.init(MappedFile(url))
        }
    }

    /// Reads a mapped file, whose format is detected by its content.
    ///
    /// - Throws: `EMLLMError`, one code for each defect of the file.
    package init(_ file: MappedFile) throws {
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
        case .gguf(let file, _): "GGUF \(file.version)"
        case .huggingFace: "Hugging Face"
        }
    }

    /// Checks that this engine supports the model: its family, its configuration, its tokenizer, and every tensor's
    /// shape.
    ///
    /// - Returns: The model's configuration.
    /// - Throws: `EMLLMError` naming what is missing or not supported.
    public func modelConfiguration() throws -> ModelConfiguration { try ModelSource(self).configuration }

    /// The path of the file or folder.
    public var path: String {
        switch self {
        case .emllm(let file): file.file.path
        case .gguf(let file, _): file.file.path
        case .huggingFace(let directory): directory.path
        }
    }

    /// The size of the file, or of all weight files in a folder, in bytes.
    public var byteCount: Int {
        switch self {
        case .emllm(let file): file.file.bytes.count
        case .gguf(let file, let vision): file.file.bytes.count + (vision?.file.bytes.count ?? 0)
        case .huggingFace(let directory): directory.byteCount
        }
    }
}

extension EMLLMError.Code {
    /// A file that was given as a vision tower but is not one.
    public static let notAVisionFile = Self(rawValue: "not-a-vision-file")
}

extension EMLLMError {
    static func notAVisionFile(path: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .notAVisionFile,
            subject: path,
            expected: "a GGUF file of a vision tower (architecture clip)",
            found: found,
            remedy: "name the mmproj file that was published beside the model"
        )
    }

    static func visionFileBeside(path: String, format: String) -> EMLLMError {
        EMLLMError(
            code: .notAVisionFile,
            subject: path,
            expected: "a GGUF file beside an mmproj file",
            found: format,
            remedy: "leave the mmproj file out: this format has the vision tower inside"
        )
    }
}
