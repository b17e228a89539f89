import EMLLMCore

/// How to write a text.
public struct DraftOptions: Sendable, Equatable {
    /// How far the text goes.
    public var extent: Extent
    /// How tokens are chosen.
    public var sampling: GenerationOptions
    /// The hint that the text is written after, before it is moved to its place; `nil` to write it directly after the
    /// previous step.
    public var hint: StepNode.Hint?
    /// Whether the text is going to be evaluated, so that the budget reserves the tokens for that.
    public var isEvaluated: Bool
    /// The view of the pictures that the text is written with; `nil` for that of the previous step.
    public var view: Int?
    /// Whether evaluations between markers (``PromptPack/markers``) are separate pieces, as in SEAT.
    public var recognizesEvaluations: Bool

    /// How far a text goes.
    public enum Extent: Sendable, Equatable {
        /// To the end of the step.
        case step
        /// To the end of the turn, or until the answer is stated, in at most this many steps.
        case turn(maximumSteps: Int)
    }

    /// Describes a text; by default one step that is going to be evaluated.
    public init(
        extent: Extent = .step,
        sampling: GenerationOptions,
        hint: StepNode.Hint? = nil,
        isEvaluated: Bool = true,
        view: Int? = nil,
        recognizesEvaluations: Bool = false
    ) {
        self.extent = extent
        self.sampling = sampling
        self.hint = hint
        self.isEvaluated = isEvaluated
        self.view = view
        self.recognizesEvaluations = recognizesEvaluations
    }
}
