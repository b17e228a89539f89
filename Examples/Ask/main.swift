import EMLLMCore
import Foundation

// usage: ask MODEL QUESTION
let arguments = CommandLine.arguments
let model = try EMLLMModel.load(from: URL(filePath: arguments[1]))

// A conversation: the answer arrives piece by piece, in whole characters.
let session = try EMLLMSession(model: model, instructions: "You answer in one short sentence.")
let options = GenerationOptions(maximumResponseTokens: 100)
for try await piece in session.streamResponse(to: arguments[2], options: options) {
    print(piece, terminator: "")
}

// The floor below: how likely does the model find each of two continuations?
let context = try InferenceContext(model: model)
let branch = context.makeBranch()
let logits = try context.extend(branch, with: model.tokenizer.encode("The capital of France is"))
for word in [" Paris", " London"] {
    let tokens = model.tokenizer.encode(word)
    let scores = try context.logProbabilities(of: tokens, after: branch, logits: logits)
    print("\n\(word): \(exp(scores.reduce(0, +)))", terminator: "")
}
print()
