import EMLLMCore
import SelfEvalDecode

/// Recorded runs, replayed with other thresholds without running the model.
///
/// A step depends only on the seed and its place in the tree, so a recorded step is exactly what the model would write
/// again. If other thresholds lead to a step that was not recorded, the answer counts as undecided.
public struct ThresholdSweep: Sendable {
    /// The strategy whose traces are read.
    public var strategy: StrategyName
    /// The strategy that decides them; `nil` for the same one.
    public var decidingStrategy: StrategyName?
    /// Thresholds to accept a step; `nil` for the recorded one.
    public var accept: [Double]?
    /// Thresholds to take a step back; `nil` for the recorded one, or the threshold to accept if that is lower.
    public var reject: [Double]?
    /// How the scores of a line's steps are combined; `nil` for the recorded way.
    public var aggregation: [ScoreAggregation]?
    /// Whether votes are weighted by verdicts; `false` keeps the recorded setting.
    public var weighsVotes = false
    /// A calibration to decide with.
    public var calibration: CalibrationFile?

    /// Makes a sweep over the recorded thresholds.
    public init(strategy: StrategyName) { self.strategy = strategy }

    /// The result of one setting.
    public struct Row: Codable, Sendable, Equatable {
        /// The threshold to accept a step.
        public var accept: Double
        /// The threshold to take a step back.
        public var reject: Double
        /// How the scores of a line's steps were combined.
        public var aggregation: ScoreAggregation
        /// Answers that the recording decides.
        public var decided = 0
        /// Answers that depend on steps which were not recorded.
        public var undecided = 0
        /// Right answers among the decided ones.
        public var correct = 0
        /// Tokens that went through the model, over the decided answers.
        public var processedTokens = 0

        /// The share of right answers; `nil` if none is decided.
        public var accuracy: Double? { decided > 0 ? Double(correct) / Double(decided) : nil }

        fileprivate mutating func add(_ result: ResultRecord?) {
            guard let result else {
                undecided += 1
                return
            }
            decided += 1
            correct += result.isCorrect ? 1 : 0
            processedTokens += result.processedTokens
        }
    }

    /// Decides the traces of a run under every combination of the settings. Combinations whose threshold to take back
    /// exceeds the one to accept are left out.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder has no traces of the strategy, or the calibration is for another
    ///   model or other prompts.
    public func rows(of folder: RunFolder) throws -> [Row] {
        let description = try folder.readDescription()
        guard let recorded = description.options[strategy.rawValue] else {
            throw EMLLMError.noTraces(folder.url.path, strategy: strategy.rawValue)
        }
        let problems = try folder.problemsByID(description)
        let traces = try folder.readResults().filter { $0.strategy == strategy.rawValue && $0.failure == nil }
            .compactMap { record -> (Problem, Trace)? in
                guard let problem = problems[record.problem], let trace = try folder.readTrace(of: record) else {
                    return nil
                }
                return (problem, trace)
            }
        guard !traces.isEmpty else { throw EMLLMError.noTraces(folder.url.path, strategy: strategy.rawValue) }
        var rows: [Row] = []
        for accept in accept ?? [recorded.acceptThreshold] {
            for reject in reject ?? [min(recorded.rejectThreshold, accept)] where reject <= accept {
                for aggregation in aggregation ?? [recorded.aggregation] {
                    var options = recorded
                    options.strategy = decidingStrategy ?? strategy
                    options.aggregation = aggregation
                    options.weighsVotes = options.weighsVotes || weighsVotes
                    if let calibration {
                        options.weights = .verdictAlone
                        options = try calibration.applied(to: options, model: description.model)
                    }
                    (options.acceptThreshold, options.rejectThreshold) = (accept, reject)
                    var row = Row(accept: accept, reject: reject, aggregation: aggregation)
                    for (problem, trace) in traces {
                        row.add(try ResultRecord(deciding: trace, by: options, of: problem, in: description))
                    }
                    rows.append(row)
                }
            }
        }
        return rows
    }
}

extension RunFolder {
    /// The run's problems by their identifiers.
    func problemsByID(_ description: RunDescription) throws -> [String: Problem] {
        Dictionary(try readProblems(description).map { ($0.id, $0) }) { first, _ in first }
    }
}

extension EMLLMError {
    package static func noTraces(_ path: String, strategy: String) -> EMLLMError {
        EMLLMError(
            code: .notARun,
            subject: path,
            expected: "traces of \(strategy)",
            found: "none",
            remedy: "run that strategy, and let it write traces"
        )
    }
}
