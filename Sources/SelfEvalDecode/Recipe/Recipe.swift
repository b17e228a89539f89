import EMLLMCore
import Foundation

/// How to reason with one model: the prompts that it learnt, how its verdicts are read, the strategy that suits it.
///
/// A model brings its recipe with it: as a section of its `.emllm` file, or in files beside it. ``SelfEvalDecoder`` and the
/// tools use it where nobody asks for something else; a model without one gets the library's defaults.
///
/// ```swift
/// let recipe = try Recipe.of(model)
/// print(recipe?.strategy?.rawValue ?? "no strategy of its own")
/// ```
///
/// In a file it is one JSON object; every key but `version` may be absent.
public struct Recipe: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let currentVersion = 1
    /// The most bytes of a recipe's file.
    static let maximumBytes = 1 << 20

    /// The version that the recipe was written in.
    public var version = Recipe.currentVersion
    /// The procedure that suits the model; `nil` takes the default.
    public var strategy: StrategyName?
    /// The packs that replace built-in ones, by their names: `cas-seat`, and `seat` for the strategy of that name.
    public var prompts: [String: PromptPack]
    /// What was learnt about the model's verdicts.
    public var calibration: CalibrationFile?
    /// Whether the model has learnt nothing but questions about pictures.
    public var needsImages: Bool
    /// The most steps of a chain (``SelfEvalOptions/maximumSteps``); `nil` takes the default.
    public var maximumSteps: Int?
    /// Whether equations in steps are calculated (``SelfEvalOptions/checksArithmetic``); `nil` takes the default.
    public var checksArithmetic: Bool?

    /// Makes a recipe.
    public init(
        strategy: StrategyName? = nil,
        prompts: [String: PromptPack] = [:],
        calibration: CalibrationFile? = nil,
        needsImages: Bool = false,
        maximumSteps: Int? = nil,
        checksArithmetic: Bool? = nil
    ) {
        self.strategy = strategy
        self.prompts = prompts
        self.calibration = calibration
        self.needsImages = needsImages
        self.maximumSteps = maximumSteps
        self.checksArithmetic = checksArithmetic
    }

    /// Reads the keys that are present.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        strategy = try container.decodeIfPresent(StrategyName.self, forKey: .strategy)
        prompts = try container.decodeIfPresent([String: PromptPack].self, forKey: .prompts) ?? [:]
        calibration = try container.decodeIfPresent(CalibrationFile.self, forKey: .calibration)
        needsImages = try container.decodeIfPresent(Bool.self, forKey: .needsImages) ?? false
        maximumSteps = try container.decodeIfPresent(Int.self, forKey: .maximumSteps)
        checksArithmetic = try container.decodeIfPresent(Bool.self, forKey: .checksArithmetic)
    }
}

// MARK: Files

extension Recipe {
    /// Reads a recipe.
    ///
    /// - Parameters:
    ///   - json: the object.
    ///   - path: what errors call it.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when it is no recipe, one of another version, or one that names a strategy or has a
    ///   prompt that will not do.
    public init(json: Data, path: String) throws {
        struct Versioned: Decodable { let version: Int }
        guard json.count <= Self.maximumBytes else {
            throw EMLLMError.invalidRecipe(path, found: "\(json.count) bytes; the most are \(Self.maximumBytes)")
        }
        let decoder = JSONDecoder()
        guard let version = try? decoder.decode(Versioned.self, from: json).version else {
            throw EMLLMError.invalidRecipe(path, found: "something else")
        }
        guard version == Self.currentVersion else { throw EMLLMError.invalidRecipe(path, found: "version \(version)") }
        do {
            self = try decoder.decode(Recipe.self, from: json)
        } catch let error as EMLLMError {
            throw error
        } catch let error as DecodingError {
            throw EMLLMError.invalidRecipe(path, found: Self.description(of: error))
        }
        if let strategy, !StrategyName.builtIn.contains(strategy) {
            throw EMLLMError.invalidRecipe(path, found: "the strategy '\(strategy.rawValue)'")
        }
        if let maximumSteps, !(1...1000).contains(maximumSteps) {
            throw EMLLMError.invalidRecipe(path, found: "maximumSteps: \(maximumSteps)")
        }
        for (name, pack) in prompts.sorted(by: { $0.key < $1.key }) {
            guard PromptPack.builtIn.contains(where: { $0.name == name }) else {
                throw EMLLMError.invalidRecipe(path, found: "prompts in the place of '\(name)'")
            }
            try pack.validate()
        }
    }

    /// Reads a file.
    ///
    /// - Throws: as ``init(json:path:)``, and when the file cannot be read.
    public init(contentsOf url: URL) throws {
        guard let data = FileManager.default.contents(atPath: url.path) else {
            throw EMLLMError.invalidRecipe(url.path, found: "no readable file")
        }
        try self.init(json: data, path: url.path)
    }

    /// The recipe as JSON, with sorted keys.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// The recipe that a model brings; `nil` where it brings none.
    ///
    /// It is the section of the model's file. Files beside it take precedence: `NAME.recipe.json` replaces the
    /// section, `NAME.cas-seat.yaml` and `NAME.seat.yaml` its prompts, and `NAME.calibration.json`
    /// its calibration.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when one of them has a defect.
    public static func of(_ model: EMLLMModel) throws -> Recipe? {
        try of(model.package)
    }

    /// The recipe that an opened model file brings; see ``of(_:)-(EMLLMModel)``.
    public static func of(_ package: ModelPackage) throws -> Recipe? {
        let file = URL(filePath: package.path)
        var recipe = try package.recipe.map { try Recipe(json: $0, path: "the recipe in \(package.path)") }
        let beside = file.deletingPathExtension().appendingPathExtension("recipe.json")
        if exists(beside) { recipe = try Recipe(contentsOf: beside) }
        for name in PromptPack.builtIn.map(\.name) {
            guard let pack = try PromptPack.besides(file, named: name) else { continue }
            recipe = recipe ?? Recipe()
            recipe?.prompts[name] = pack
        }
        let calibration = CalibrationFile.url(besides: file)
        if exists(calibration) {
            recipe = recipe ?? Recipe()
            recipe?.calibration = try CalibrationFile(contentsOf: calibration)
        }
        return recipe
    }

    private static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    /// Where a value does not fit, in a few words.
    private static func description(of error: DecodingError) -> String {
        func place(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
        switch error {
        case .keyNotFound(let key, let context): return "no key \(place(context.codingPath + [key]))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "a value of another type at \(place(context.codingPath))"
        case .dataCorrupted(let context): return "a value that will not do at \(place(context.codingPath))"
        @unknown default: return "other keys or values"
        }
    }
}

extension EMLLMError.Code {
    /// A recipe with a defect, or of another version.
    public static let invalidRecipe = Self(rawValue: "invalid-recipe")
    /// A question without a picture, for a model that has learnt nothing else.
    public static let needsPicture = Self(rawValue: "needs-picture")
}

extension EMLLMError {
    package static let needsImages = EMLLMError(
        code: .needsPicture,
        subject: "model",
        expected: "a question about a picture",
        found: "no picture",
        remedy: "show one, or ask a model for text"
    )

    static func invalidRecipe(_ path: String, found: String) -> EMLLMError {
        let strategies = StrategyName.builtIn.map(\.rawValue).joined(separator: ", ")
        return EMLLMError(
            code: .invalidRecipe,
            subject: path,
            expected:
                "a recipe of version \(Recipe.currentVersion): JSON with a strategy out of \(strategies), prompts by "
                + "name, a calibration",
            found: found,
            remedy: "write the recipe again with this version, or take it out"
        )
    }
}
