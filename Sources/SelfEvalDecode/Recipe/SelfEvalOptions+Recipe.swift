import EMLLMCore
import Foundation

/// Which calibration turns a model's verdicts into probabilities.
public enum CalibrationChoice: Sendable, Equatable {
    /// The one that the model brings, where it was fitted with the same weights and prompts.
    case model
    /// None: a verdict's own probability counts.
    case none
    /// One of the caller's, which has to fit.
    case given(CalibrationFile)
}

extension SelfEvalOptions {
    /// The options that suit a model: those of its recipe, on top of the library's defaults.
    ///
    /// ```swift
    /// var options = try SelfEvalOptions.recommended(for: model, strategy: .vote)
    /// options.chains = 8
    /// let decoder = try SelfEvalDecoder(model: model, options: options)
    /// ```
    ///
    /// - Parameters:
    ///   - model: the model that is to answer.
    ///   - options: what the recipe is laid upon. Sampling, seed and budget stay as they are, and so does how verdicts are
    ///     asked for, which a calibration is bound to.
    ///   - strategy: the procedure; `nil` takes the recipe's.
    ///   - prompts: the texts; `nil` takes the recipe's, and those that come with the library where it has none.
    ///   - calibration: which calibration is used.
    ///   - activations: the precision that the model is run with.
    ///   - onNotice: is told in a sentence when the model's calibration does not fit and is left out.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the recipe has a defect, or a given calibration was fitted with another model or
    ///   other prompts.
    public static func recommended(
        for model: EMLLMModel,
        startingFrom options: SelfEvalOptions = SelfEvalOptions(),
        strategy: StrategyName? = nil,
        prompts: PromptPack? = nil,
        calibration: CalibrationChoice = .model,
        activations: ActivationPrecision = .q8,
        onNotice: (String) throws -> Void = { _ in }
    ) throws -> SelfEvalOptions {
        try recommended(
            by: try Recipe.of(model),
            for: model,
            startingFrom: options,
            strategy: strategy,
            prompts: prompts,
            calibration: calibration,
            activations: activations,
            onNotice: onNotice
        )
    }

    /// The same with a recipe that was read already.
    static func recommended(
        by recipe: Recipe?,
        for model: EMLLMModel,
        startingFrom options: SelfEvalOptions = SelfEvalOptions(),
        strategy: StrategyName? = nil,
        prompts: PromptPack? = nil,
        calibration: CalibrationChoice = .model,
        activations: ActivationPrecision = .q8,
        onNotice: (String) throws -> Void
    ) throws -> SelfEvalOptions {
        var options = options
        if let strategy = strategy ?? recipe?.strategy { options.strategy = strategy }
        // SEAT asks for everything in one long prompt of its own.
        let usual: PromptPack = options.strategy == .seat ? .seat : .casSEAT
        options.prompts = prompts ?? recipe?.prompts[usual.name] ?? usual
        if let steps = recipe?.maximumSteps { options.maximumSteps = steps }
        // What the caller switched off stays off.
        if recipe?.checksArithmetic == false { options.checksArithmetic = false }
        let identity = ModelIdentity(of: model, activations: activations)
        switch calibration {
        case .none: return options
        case .given(let file): return try file.applied(to: options, model: identity)
        case .model: break
        }
        guard let file = recipe?.calibration else { return options }
        do {
            return try file.applied(to: options, model: identity)
        } catch let error as EMLLMError where error.code == .otherPrompts && options.strategy == .seat && prompts == nil
        {
            // A calibration is for the prompts of all strategies but SEAT.
            return options
        } catch let error as EMLLMError where error.code == .otherPrompts || error.code == .otherModel {
            try onNotice("the model's calibration is not used: \(error)")
            return options
        }
    }
}
