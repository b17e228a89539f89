import EMLLMCore
import Foundation

/// Models by name: those in the user's folder (`$EMLLM_HOME`, else `$XDG_CACHE_HOME/emllm`, else `~/.cache/emllm`), and the
/// one that comes with this package.
///
/// In the user's folder `smollm2-135m-instruct` is the file `models/smollm2-135m-instruct.emllm`, or else
/// `models/smollm2-135m-instruct.gguf`.
///
/// ```swift
/// let model = try EMLLMModel.load(from: ModelStore().locate("smollm2-135m-instruct"))
/// ```
public struct ModelStore: Sendable {
    /// The name of the model that comes with this package. It answers questions about pictures.
    public static let bundledModel = "puzzles"
    /// The name of a model for text.
    public static let textModel = "smollm2-135m-instruct"
    /// The suffix of converted model files in the store.
    public static let fileExtension = "emllm"
    /// The suffixes of all model files in the store; of two files with the same name, the first is taken.
    package static let fileExtensions = ["emllm", "gguf"]

    /// The user's folder; `nil` when no variable says where it is.
    public let home: URL?
    /// The folder of models that come with this package; `nil` where the program lies without it.
    public let bundled: URL?

    /// Finds the store through the environment. Empty variables count as unset, as the XDG specification says.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func folder(_ variable: String, _ path: String) -> URL? {
            guard let value = environment[variable], !value.isEmpty else { return nil }
            return path.isEmpty ? URL(filePath: value) : URL(filePath: value).appending(path: path)
        }
        let candidates = [folder("EMLLM_HOME", ""), folder("XDG_CACHE_HOME", "emllm"), folder("HOME", ".cache/emllm")]
        home = candidates.compactMap { $0 }.first
        bundled = Self.bundleCandidates.first { FileManager.default.fileExists(atPath: $0.path(percentEncoded: false)) }
    }

    /// Where the folder of bundled models may lie: beside the program, as the build and an installation put it, or among
    /// an application's resources. The generated `Bundle.module` would end the program where the folder is missing.
    private static var bundleCandidates: [URL] {
        let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        let folders = [
            program, program?.appending(path: "../lib/emllm"), program?.appending(path: "../share/emllm"),
            Bundle.main.resourceURL,
        ]
        return folders.compactMap { $0 }.flatMap { folder in
            ["resources", "bundle"].map { folder.appending(path: "EMLLM_EMLLMModelStore.\($0)/Models").standardized }
        }
    }

    /// The folders of model files, the user's first.
    private var folders: [URL] { [home?.appending(path: "models"), bundled].compactMap { $0 } }

    /// The user's folder of model files, whether it is there or not.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when no variable says where it is.
    package var modelsFolder: URL {
        get throws {
            guard let home else { throw EMLLMError.noModelStore }
            return home.appending(path: "models")
        }
    }

    /// The names of the available models, sorted.
    public func names() -> [String] {
        let files = folders.flatMap { folder in
            (try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))) ?? []
        }
        let names = files.compactMap { file -> String? in
            guard !file.hasPrefix("."), let suffix = Self.fileExtensions.first(where: { file.hasSuffix("." + $0) })
            else {
                return nil
            }
            return String(file.dropLast(suffix.count + 1))
        }
        return Set(names).sorted()
    }

    /// The file that `--model` means: a path, or the name of a model in the store.
    ///
    /// What looks like a path (a slash, a model file's suffix) is taken as one and not looked for; anything else is a name
    /// first, and an existing file second.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` that lists the names there are.
    public func locate(_ model: String) throws -> URL {
        if model.contains("/") || [".emllm", ".gguf"].contains(where: model.hasSuffix) { return URL(filePath: model) }
        if !model.isEmpty, !model.hasPrefix(".") {
            let files = folders.flatMap { folder in
                Self.fileExtensions.map { folder.appending(path: model + "." + $0) }
            }
            for file in files + [URL(filePath: model)]
            where FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) {
                return file
            }
        }
        throw EMLLMError.unknownModel(model, known: names(), folder: try modelsFolder.path(percentEncoded: false))
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
            remedy: name == ModelStore.bundledModel
                ? "copy the folder EMLLM_EMLLMModelStore.resources along with the program: the model lies in it"
                : "check the name, or put a file of that name there"
        )
    }
}
