import EMLLMCore
import SelfEvalDecode

/// What self-evaluation costs in tokens: means over the answers of one strategy.
public struct EvaluationOverhead: Codable, Sendable, Equatable {
    /// The strategy.
    public var strategy: String
    /// The number of answers that the means are over.
    public var answers: Int
    /// Tokens of the question.
    public var prompt: Double
    /// Tokens of the accepted steps.
    public var accepted: Double
    /// All tokens that went through the model.
    public var processed: Double
    /// Tokens of verdicts, contrasts and reflections.
    public var evaluation: Double
    /// Tokens that a client without branches would process for the same texts and verdicts, sending the question and
    /// the steps again with each call.
    public var reprompted: Double
    /// ``reprompted`` over ``processed``.
    public var ratio: Double

    /// Reads the traces of a run.
    ///
    /// - Returns: one value for each strategy that has traces, sorted by name.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder has no traces, or one cannot be read.
    public static func all(of folder: RunFolder) throws -> [EvaluationOverhead] {
        let description = try folder.readDescription()
        let results = try folder.readResults().filter { $0.failure == nil }
        let found = try description.options.keys.sorted().compactMap { strategy in
            let traces = try results.filter { $0.strategy == strategy }.compactMap { try folder.readTrace(of: $0) }
            return traces.isEmpty ? nil : EvaluationOverhead(strategy, traces)
        }
        guard !found.isEmpty else { throw EMLLMError.noTraces(folder.url.path, strategy: "any strategy") }
        return found
    }

    private init(_ strategy: String, _ traces: [Trace]) {
        func mean(_ value: (Trace, TokenCounts) -> Int) -> Double {
            let sum = traces.reduce(0) { sum, trace in sum + (trace.summary.map { value(trace, $0.counts) } ?? 0) }
            return Double(sum) / Double(traces.count)
        }
        self.strategy = strategy
        answers = traces.count
        prompt = mean { $1.prompt }
        accepted = mean { $1.accepted }
        processed = mean { $1.processed }
        evaluation = mean { $1.evaluation + $1.reflection + $1.contrast }
        reprompted = mean { trace, _ in trace.repromptedTokens }
        ratio = reprompted / processed
    }
}
