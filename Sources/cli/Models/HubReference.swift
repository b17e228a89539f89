import EMLLMCore
import Foundation

/// A file of a repository on a model hub, as `org/repo:file` names it.
struct HubReference: Sendable, Equatable {
    /// The organization and the name, such as "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF".
    var repository: String
    /// The path of the file in the repository, or the quantization that its name ends with; nil for whichever fits.
    var file: String?

    init(repository: String, file: String? = nil) {
        self.repository = repository
        self.file = file
    }

    /// Reads `org/repo` or `org/repo:file`.
    ///
    /// - Throws: `EMLLMError` when the text is something else.
    init(_ text: String) throws {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let names = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy(Self.isName), halves.count == 1 || Self.isPath(halves[1]) else {
            throw EMLLMError.notAHubReference(text)
        }
        self.init(repository: halves[0], file: halves.count == 1 ? nil : halves[1])
    }

    private static func isName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && !text.hasPrefix(".") && !text.hasPrefix("-")
            && text.utf8.allSatisfy { byte in
                let isLetter = (0x61...0x7A).contains(byte | 0x20)
                return isLetter || (0x30...0x39).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
            }
    }

    private static func isPath(_ text: String) -> Bool {
        text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isName($0) }
    }

    /// Whether a path names a model file.
    static func isModelFile(_ path: String) -> Bool {
        [".gguf", ".emllm"].contains { path.lowercased().hasSuffix($0) }
    }

    /// The file that is meant, among the files of the repository.
    ///
    /// - Throws: `EMLLMError` when none fits, or several do.
    func choose(among files: [String]) throws -> String {
        if let file, Self.isModelFile(file) { return file }
        let models = files.filter { path in
            let name = path.lowercased()
            // A vision tower is no model of its own, and a model in several files is not read.
            return Self.isModelFile(name) && !name.contains("mmproj") && !name.contains("-of-0")
        }
        // Without a wish: the quantization that most people run.
        let wish = (file ?? "q4_k_m").lowercased()
        let wished = models.filter { path in
            let stem = path.lowercased().split(separator: ".").dropLast().joined(separator: ".")
            return ["-", ".", "_"].contains { stem.hasSuffix($0 + wish) }
        }
        let fitting = file == nil && models.count == 1 ? models : wished
        guard fitting.count == 1 else { throw EMLLMError.unclearHubFile(self, models: models) }
        return fitting[0]
    }
}

extension EMLLMError.Code {
    /// A text that names no file of a hub.
    static let notAHubReference = Self(rawValue: "not-a-hub-reference")
    /// A repository in which no file, or more than one, is the model that was asked for.
    static let unclearHubFile = Self(rawValue: "unclear-hub-file")
}

extension EMLLMError {
    static func notAHubReference(_ text: String) -> EMLLMError {
        let known = KnownModel.all.filter { $0.hubFile != nil }.map(\.name)
        return EMLLMError(
            code: .notAHubReference,
            subject: "model '\(text)'",
            expected: "org/repo, org/repo:file, or one of: \(known.joined(separator: ", "))",
            found: "none of these",
            remedy: KnownModel.all.contains { $0.name == text }
                ? "this model is fetched in the source folder, with: make demo-text MODEL=\(text)" : "check the name"
        )
    }

    static func unclearHubFile(_ reference: HubReference, models: [String]) -> EMLLMError {
        let names = models.prefix(6).joined(separator: ", ") + (models.count > 6 ? " and \(models.count - 6) more" : "")
        return EMLLMError(
            code: .unclearHubFile,
            subject: reference.repository,
            expected: "one GGUF file"
                + (reference.file.map { " whose name ends with '\($0)'" } ?? ", or one in Q4_K_M"),
            found: models.isEmpty ? "none in a single part" : names,
            remedy: models.isEmpty ? "choose a repository with GGUF files" : "name one of them after a colon"
        )
    }
}
