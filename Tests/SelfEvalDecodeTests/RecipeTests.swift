import EMLLMCore
import EMLLMModelStore
import Foundation
import Testing

@testable import SelfEvalDecode

/// What a model brings with it, and what becomes of a recipe that does not fit.
@Suite("Recipes")
struct RecipeTests {
    private static let stories = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "EMLLMCoreTests/Fixtures/stories260K/stories260K-f32.gguf")

    /// A folder that is gone when the test ends.
    private final class Folder {
        let url = FileManager.default.temporaryDirectory.appending(path: "recipe-\(UUID().uuidString)")
        init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(at: url) }
    }

    /// The tiny model as an `.emllm` file that carries `recipe`.
    private func model(_ recipe: Data?, in folder: Folder, quantization: TensorType? = nil) throws -> EMLLMModel {
        let file = folder.url.appending(path: "model.emllm")
        try ModelConverter.convert(
            Self.stories,
            to: file,
            options: .init(quantization: quantization, overwrites: true, recipe: recipe)
        )
        return try EMLLMModel.load(from: file)
    }

    private var german: PromptPack {
        var pack = PromptPack.casSEAT
        pack.name = "german"
        pack.evaluate = "Ist der letzte Schritt richtig? Antworte {options}."
        pack.verdict = .init(positive: "Ja", negative: "Nein")
        return pack
    }

    private func calibration(for model: EMLLMModel, _ options: SelfEvalOptions) -> CalibrationFile {
        CalibrationFile(
            model: ModelIdentity(of: model, activations: .q8),
            verdictDigest: options.verdictDigest,
            steps: .platt(PlattScaling(slope: 2, intercept: 1)),
            weights: [.verdict: 1, .line: 0.5],
            acceptThreshold: 0.7,
            views: 3,
            sampleCount: 10,
            abstention: ["vote": .init(threshold: 0.4, risk: 0.1, sampleCount: 10)]
        )
    }

    private func code(_ body: () throws -> Void) -> EMLLMError.Code? {
        do { try body() } catch { return (error as? EMLLMError)?.code }
        return nil
    }

    @Test("A recipe in the file steers the decoder: strategy, prompts, calibration, views, abstention")
    func section() throws {
        let folder = try Folder()
        let plain = try model(nil, in: folder)
        #expect(try Recipe.of(plain) == nil)
        #expect(try SelfEvalOptions.recommended(for: plain) == SelfEvalOptions())
        let options = SelfEvalOptions(prompts: german)
        let recipe = Recipe(
            strategy: .vote,
            prompts: ["cas-seat": german],
            calibration: calibration(for: plain, options)
        )
        let model = try model(try recipe.json(), in: folder)
        #expect(try Recipe.of(model) == recipe)
        let decoder = try SelfEvalDecoder(model: model)
        #expect(decoder.notices.isEmpty)
        #expect(decoder.options.strategy == .vote && decoder.options.prompts == german)
        #expect(decoder.options.calibration == .platt(PlattScaling(slope: 2, intercept: 1)))
        #expect(decoder.options.acceptThreshold == 0.7 && decoder.options.views == 3)
        #expect(decoder.options.weights[.line] == 0.5 && decoder.options.abstainBelow == 0.4)
        // Whoever names a strategy gets it, with the rest of the recipe.
        let verify = try SelfEvalOptions.recommended(for: model, strategy: .verify)
        #expect(verify.strategy == .verify && verify.views == 3 && verify.abstainBelow == nil)
        // SEAT has prompts of its own, which the recipe does not replace and its calibration is not for.
        let seat = try SelfEvalOptions.recommended(for: model, strategy: .seat) { Issue.record("\($0)") }
        #expect(seat.prompts == .seat && seat.calibration == nil)
        #expect(try SelfEvalOptions.recommended(for: model, calibration: .none).calibration == nil)
    }

    @Test("A conversion keeps the recipe; new weights leave its calibration out and say so")
    func requantized() throws {
        let folder = try Folder()
        let plain = try model(nil, in: folder)
        let recipe = Recipe(
            prompts: ["cas-seat": german],
            calibration: calibration(for: plain, SelfEvalOptions(prompts: german))
        )
        let original = folder.url.appending(path: "original.emllm")
        let coarse = folder.url.appending(path: "coarse.emllm")
        try ModelConverter.convert(Self.stories, to: original, options: .init(recipe: try recipe.json()))
        try ModelConverter.convert(original, to: coarse, options: .init(quantization: .q8_0))
        // No bytes take it out again.
        let plainAgain = folder.url.appending(path: "plain.emllm")
        try ModelConverter.convert(original, to: plainAgain, options: .init(recipe: Data()))
        #expect(try Recipe.of(EMLLMModel.load(from: plainAgain)) == nil)
        let model = try EMLLMModel.load(from: coarse)
        #expect(try Recipe.of(model) == recipe)
        let decoder = try SelfEvalDecoder(model: model)
        #expect(decoder.options.prompts == german && decoder.options.calibration == nil)
        #expect(decoder.notices.count == 1 && decoder.notices[0].contains("not used"))
        // One that was asked for by name has to fit.
        let given = try #require(recipe.calibration)
        #expect(code { _ = try SelfEvalOptions.recommended(for: model, calibration: .given(given)) } == .otherModel)
    }

    @Test("Files beside a model count more than its section")
    func besides() throws {
        let folder = try Folder()
        let model = try model(try Recipe(strategy: .beam).json(), in: folder)
        #expect(try Recipe.of(model)?.strategy == .beam)
        try german.yaml().write(
            to: folder.url.appending(path: "model.cas-seat.yaml"),
            atomically: true,
            encoding: .utf8
        )
        let mixed = try #require(try Recipe.of(model))
        #expect(mixed.strategy == .beam && mixed.prompts["cas-seat"]?.verdict.positive == "Ja")
        try Recipe(strategy: .cot, needsImages: true).json().write(to: folder.url.appending(path: "model.recipe.json"))
        let replaced = try #require(try Recipe.of(model))
        #expect(replaced.strategy == .cot && replaced.needsImages && replaced.prompts.count == 1)
        try Data("{}".utf8).write(to: folder.url.appending(path: "model.calibration.json"))
        #expect(code { _ = try SelfEvalDecoder(model: model) } == .notACalibration)
    }

    @Test(
        "Each defect is one clear error",
        arguments: [
            (" ", "something else"), ("[]", "something else"), (#"{"strategy": "vote"}"#, "something else"),
            (#"{"version": 2}"#, "version 2"), (#"{"version": 1, "strategy": "guess"}"#, "strategy"),
            (#"{"version": 1, "strategy": 3}"#, "strategy"),
            (#"{"version": 1, "prompts": {"cas-seat": {}}}"#, "prompts"),
            (#"{"version": 1, "calibration": 7}"#, "calibration"),
        ]
    )
    func defects(json: String, found: String) throws {
        let folder = try Folder()
        let model = try model(Data(json.utf8), in: folder)
        let error = try #require(throws: EMLLMError.self) { _ = try SelfEvalDecoder(model: model) }
        #expect(error.code == .invalidRecipe && error.found.contains(found), "\(error)")
        #expect(!"\(error)".contains("\n"))
    }

    @Test("Prompts for nothing, prompts without a placeholder, and too many bytes are refused")
    func promptDefects() throws {
        let foreign = try Recipe(prompts: ["other": .casSEAT]).json()
        #expect(code { _ = try Recipe(json: foreign, path: "r") } == .invalidRecipe)
        var broken = PromptPack.casSEAT
        broken.reason = "no placeholder"
        let incomplete = try Recipe(prompts: ["cas-seat": broken]).json()
        #expect(code { _ = try Recipe(json: incomplete, path: "r") } == .invalidPrompt)
        let long = Data(#"{"version": 1, "x": ""#.utf8) + Data(repeating: 0x20, count: 1 << 20) + Data("\"}".utf8)
        #expect(code { _ = try Recipe(json: long, path: "r") } == .invalidRecipe)
        let folder = try Folder()
        #expect(code { _ = try model(long, in: folder) } == .absurdCount)
    }

    @Test("The bundled model says that it needs a picture")
    func needsImages() async throws {
        let decoder = try SelfEvalDecoder(model: .bundled())
        #expect(decoder.options.prompts.name == "puzzles-cas-seat" && decoder.options.views == 5)
        await #expect(throws: EMLLMError.self) { _ = try await decoder.run("What is 2 + 2?") }
    }
}
