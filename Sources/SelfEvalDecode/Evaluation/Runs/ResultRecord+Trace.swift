import EMLLMCore
import SelfEvalDecode

extension ResultRecord {
    /// The result of a completed run.
    public init(_ trace: Trace, of problem: Problem, in description: RunDescription) {
        let steps = trace.path.filter { $0.kind == .step }
        let texts = steps.map(\.text)
        let labels = description.labels?.labels(of: texts, for: problem) ?? texts.map { _ in nil }
        let response = trace.reasoning + (trace.answer.map { $0.source == .asked ? "\n\($0.text)" : "" } ?? "")
        let score = ScoringRule(description.rule).score(
            ModelOutput(answer: trace.answer?.text, response: response),
            for: problem
        )
        let counts = trace.summary?.counts
        let encoding = trace.header.images?.reduce(0) { $0 + $1.encodeSeconds } ?? 0
        self.init(
            problem: problem.id,
            strategy: trace.header.options.strategy.rawValue,
            model: description.model.provenance.name,
            seed: trace.header.options.seed,
            breakdown: problem.breakdown,
            response: response,
            answer: trace.answer?.text,
            extracted: score.extracted,
            isCorrect: score.isCorrect,
            confidence: trace.answer?.confidence,
            abstained: trace.answer?.isAbstention ?? false,
            promptTokens: trace.header.prompt.count,
            processedTokens: counts?.processed ?? 0,
            acceptedTokens: counts?.accepted ?? 0,
            evaluationTokens: counts.map { $0.evaluation + $0.reflection + $0.contrast } ?? 0,
            // Pictures are encoded once for all strategies; each strategy is charged the full time.
            seconds: (trace.summary?.seconds.total ?? 0) + encoding,
            steps: zip(steps, labels).map { step, label in
                StepRecord(
                    text: step.text,
                    probability: step.evaluation?.score,
                    logit: step.evaluation?.verdict?.logit,
                    isInformative: step.evaluation?.verdict?.isInformative,
                    meanLogProbability: step.meanLogProbability,
                    lineLogProbability: trace.logProbability(to: step.id),
                    windowConfidence: step.windowConfidence,
                    verifierLogOdds: step.verifierLogOdds,
                    label: label.map { $0 == .right }
                )
            }
        )
    }
}

extension ResultRecord {
    /// The result of a recorded run under other options, without running the model; `nil` if they lead to steps that
    /// were not recorded.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the trace is inconsistent.
    public init?(
        deciding trace: Trace,
        by options: SelfEvalOptions,
        of problem: Problem,
        in description: RunDescription
    ) throws {
        do {
            self.init(try SelfEvalDecoder.redecide(trace, options: options), of: problem, in: description)
        } catch let error as EMLLMError where error.code == .leftRecording {
            return nil
        }
    }
}
