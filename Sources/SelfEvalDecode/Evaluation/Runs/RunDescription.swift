import EMLLMCore
import SelfEvalDecode

/// What a run asks, of which model, and how: enough to continue the run and to interpret its results.
public struct RunDescription: Codable, Sendable, Equatable {
    /// The version of the folder's format.
    public var version = 1
    /// The file of problems.
    public var problems: String
    /// Its layout.
    public var layout: ProblemLayout
    /// A digest of its bytes.
    public var problemsDigest: String
    /// How answers are scored.
    public var rule: ScoringRule.Variant
    /// How steps are labelled; `nil` if they are not.
    public var labels: StepLabelRule?
    /// The weights that answer.
    public var model: ModelIdentity
    /// The options of each strategy, except for the seed.
    public var options: [String: SelfEvalOptions]
    /// The part of the problems that was run, such as "1/4"; `nil` for all.
    public var shard: String?
    /// Where the run was computed, one for each version and machine; `nil` for runs of versions before 0.2.
    public var origins: [RunOrigin]?

    /// Describes a run.
    public init(
        problems: String,
        layout: ProblemLayout,
        problemsDigest: String,
        rule: ScoringRule.Variant,
        labels: StepLabelRule?,
        model: ModelIdentity,
        options: [String: SelfEvalOptions],
        shard: String? = nil,
        origins: [RunOrigin]? = nil
    ) {
        self.problems = problems
        self.layout = layout
        self.problemsDigest = problemsDigest
        self.rule = rule
        self.labels = labels
        self.model = model
        self.options = options
        self.shard = shard
        self.origins = origins
    }

    /// Adds origins on machines, or with versions, that are not there yet.
    mutating func add(_ others: [RunOrigin]?) {
        for other in others ?? [] where (origins ?? []).allSatisfy({ $0.isElsewhere(than: other) }) {
            origins = (origins ?? []) + [other]
        }
    }
}
