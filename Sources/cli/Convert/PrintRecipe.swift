import ArgumentParser
import CLIShared
import EMLLMCore
import Foundation
import SelfEvalDecode

/// `emllm-convert recipe`: prints a model's recipe for reasoning with it.
struct PrintRecipe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe",
        abstract: "Print a model's recipe: its prompts, calibration and strategy, as one JSON object.",
        discussion: """
            Files beside the model's file count, as they do when the model runs. To write the recipe into the file:
              emllm-convert recipe model.emllm > recipe.json
              emllm-convert model.emllm with-recipe.emllm --recipe recipe.json
            """
    )

    @Argument(help: "An .emllm or GGUF file, or a Hugging Face folder.")
    var input: String

    func run() throws {
        guard let recipe = try Recipe.of(try ModelPackage.open(URL(filePath: input))) else {
            throw EMLLMError.noRecipe(input)
        }
        try StandardStreams.write(String(decoding: recipe.json(), as: UTF8.self))
    }
}

extension EMLLMError.Code {
    /// A model without a recipe.
    static let noRecipe = Self(rawValue: "no-recipe")
}

extension EMLLMError {
    static func noRecipe(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .noRecipe,
            subject: path,
            expected: "a recipe in the file or beside it",
            found: "none",
            remedy: "write one (weights-format.md, section 7), or run the model with the defaults"
        )
    }
}
