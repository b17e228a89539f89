import ArgumentParser
import CLIShared
import EMLLMCore
import EMLLMModelStore
import Foundation
import SelfEvalDecode

/// Which model, and how it is run.
public struct ModelOptions: ParsableArguments {
    /// A file, a folder or a name.
    @Option(
        help: "An .emllm or GGUF file, a Hugging Face folder, or the name of a model in the cache or beside the tools.",
        completion: .models
    )
    public var model = ModelStore.bundledModel

    /// The vision tower of a GGUF model.
    @Option(help: "The vision tower of a GGUF model, published beside it.", completion: .file(extensions: ["gguf"]))
    public var mmproj: String?

    /// Worker threads.
    @Option(help: "Worker threads (default: one for each CPU this process may run on).")
    public var threads: Int?

    /// The most positions of the context.
    @Option(
        help: "The most tokens of question, reasoning and answer together (default: what the model was trained for)."
    )
    public var context: Int?

    /// The precision of activations.
    @Option(help: "Precision of activations: q8 (fast), or f32 (slow, for checking).")
    public var activations = ActivationPrecision.q8

    /// Makes the options when none is given.
    public init() {}

    /// How the model is run.
    public var runtime: RuntimeOptions {
        RuntimeOptions(threads: threads, activations: activations, contextLength: context)
    }

    /// Checks that a model that learnt nothing but questions about pictures is shown one.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` as `SelfEvalDecoder` does, here before anything is run.
    public func check(_ model: EMLLMModel, hasPictures: Bool) throws {
        guard !hasPictures, try Recipe.of(model)?.needsImages == true else { return }
        throw EMLLMError.needsImages
    }

    /// Loads the model, with a note on a terminal while that takes time.
    public func load() throws -> EMLLMModel {
        let url = try ModelStore().locate(model)
        let terminal = Terminal.standardError
        // An .emllm file is there at once; a GGUF file is repacked first.
        let showsNote = terminal.isInteractive && url.pathExtension.lowercased() == "gguf"
        if showsNote {
            try? StandardStreams.write("Repacking \(url.lastPathComponent) …", to: .standardError)
        }
        defer { if showsNote { try? StandardStreams.write(Terminal.clearLine, to: .standardError) } }
        return try EMLLMModel.load(from: url, vision: mmproj.map { URL(filePath: $0) })
    }
}
