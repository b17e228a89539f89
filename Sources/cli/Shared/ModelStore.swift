import EMLLMCore
import Foundation

/// The user's folder of models: `$EMLLM_HOME`, else `$XDG_CACHE_HOME/emllm`, else `~/.cache/emllm`.
///
/// A model has a name there: `smollm2-135m-instruct` is the file `models/smollm2-135m-instruct.emllm`.
public struct ModelStore: Sendable {
    /// The model that the tools take when none is named; `make demo` fetches it.
    public static let defaultModel = "smollm2-135m-instruct"
    /// The suffix of model files in the store.
    public static let fileExtension = "emllm"

    /// The store's folder.
    public let home: URL

    /// Finds the store through the environment. Empty variables count as unset, as the XDG specification says.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` when no variable says where it is.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        func folder(_ variable: String, _ path: String) -> URL? {
            guard let value = environment[variable], !value.isEmpty else { return nil }
            return path.isEmpty ? URL(filePath: value) : URL(filePath: value).appending(path: path)
        }
        let candidates = [folder("EMLLM_HOME", ""), folder("XDG_CACHE_HOME", "emllm"), folder("HOME", ".cache/emllm")]
        guard let home = candidates.compactMap({ $0 }).first else { throw EMLLMError.noModelStore }
        self.home = home
    }

    /// The folder of model files.
    public var models: URL { home.appending(path: "models") }

    /// The names of the models that are there, sorted.
    public func names() -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: models.path(percentEncoded: false))) ?? []
        return files.filter { !$0.hasPrefix(".") && $0.hasSuffix("." + Self.fileExtension) }
            .map { String($0.dropLast(Self.fileExtension.count + 1)) }
            .sorted()
    }

    /// The file that `--model` means: a path, or the name of a model in the store.
    ///
    /// What looks like a path (a slash, a model file's suffix) is taken as one and not looked for; anything else is a name
    /// first, and an existing file second.
    ///
    /// - Throws: ``EMLLMCore/EMLLMError`` that lists the names there are.
    public func locate(_ model: String) throws -> URL {
        if model.contains("/") || [".emllm", ".gguf"].contains(where: model.hasSuffix) { return URL(filePath: model) }
        let file = models.appending(path: model + "." + Self.fileExtension)
        let isName = !model.isEmpty && !model.hasPrefix(".")
        if isName, FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) { return file }
        if isName, FileManager.default.fileExists(atPath: model) { return URL(filePath: model) }
        throw EMLLMError.unknownModel(model, known: names(), folder: models.path(percentEncoded: false))
    }
}

extension EMLLMError.Code {
    /// No environment variable says where models are kept.
    public static let noModelStore = Self(rawValue: "no-model-store")
    /// A name that no model in the store has.
    public static let unknownModel = Self(rawValue: "unknown-model")
}

extension EMLLMError {
    static let noModelStore = EMLLMError(
        code: .noModelStore,
        subject: "model cache",
        expected: "EMLLM_HOME, XDG_CACHE_HOME or HOME to be set",
        found: "none of them",
        remedy: "set EMLLM_HOME to a folder for models"
    )

    static func unknownModel(_ name: String, known: [String], folder: String) -> EMLLMError {
        EMLLMError(
            code: .unknownModel,
            subject: "model '\(name)'",
            expected: known.isEmpty
                ? "a file, or a model in \(folder)" : "a file, or one of: \(known.joined(separator: ", "))",
            found: known.isEmpty ? "neither; that folder has no models" : "neither",
            remedy: name == ModelStore.defaultModel
                ? "run 'make demo' once to fetch it" : "check the name, or run 'make demo' to fetch the default model"
        )
    }
}
