import EMLLMCore
import Foundation
import Testing

extension InferenceContext {
    /// The likeliest tokens, ends of turns too: random models end turns at random.
    func greedyTokens(_ count: Int, after branch: Branch, _ first: Logits) throws -> [TokenID] {
        var logits = first
        return try (0..<count).map { _ in
            let token = logits.argmax
            logits = try extend(branch, with: [token])
            return token
        }
    }
}

/// The models that tests run on.
enum TestModels {
    /// The folder of committed fixtures.
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    /// A real trained model of 260,000 parameters (F32, SentencePiece vocabulary of 512).
    static let stories260K: Result<EMLLMModel, any Error> = Result {
        try EMLLMModel.load(from: fixtures.appending(path: "stories260K/stories260K-f32.gguf"))
    }

    /// The same model, converted to `.emllm` and read from there.
    static let stories260KPacked: Result<EMLLMModel, any Error> = Result {
        let folder = try TemporaryFolder()
        let file = try folder.file("stories260K.emllm")
        try ModelConverter.convert(fixtures.appending(path: "stories260K/stories260K-f32.gguf"), to: file)
        let model = try EMLLMModel.load(from: file)
        #expect(model.package.format.hasPrefix(".emllm"))
        return model
    }

    /// The text that greedy decoding from the beginning-of-sequence token must give.
    static func stories260KGolden() throws -> String {
        try String(contentsOf: fixtures.appending(path: "stories260K/golden.txt"), encoding: .utf8)
    }
}
