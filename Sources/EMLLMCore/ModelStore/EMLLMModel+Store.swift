import EMLLMCore
import Foundation

extension EMLLMModel {
    /// The model that comes with this package. It solves visual puzzles and evaluates its own steps.
    ///
    /// ```swift
    /// let decoder = try SelfEvalDecoder(model: .bundled())
    /// let picture = try ImageDecoder().decode(contentsOf: URL(filePath: "puzzle.png"))
    /// print(try await decoder.run("What is the missing number?", images: [picture]).answer?.text ?? "")
    /// ```
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the program was copied without its resources.
    public static func bundled() throws -> EMLLMModel {
        let store = ModelStore()
        guard let folder = store.bundled else { throw EMLLMError.noBundledModel }
        return try load(from: folder.appending(path: "\(ModelStore.bundledModel).\(ModelStore.fileExtension)"))
    }
}

extension EMLLMError.Code {
    /// The program lies without the model that comes with the package.
    public static let noBundledModel = Self(rawValue: "no-bundled-model")
}

extension EMLLMError {
    static let noBundledModel = EMLLMError(
        code: .noBundledModel,
        subject: "the model that comes with the package",
        expected: "the folder EMLLM_EMLLMModelStore.resources beside the program, or in ../lib/emllm",
        found: "neither",
        remedy: "copy that folder along with the program"
    )
}
