import EMLLMCore
import Foundation
import SelfEvalDecode

/// Probabilities fitted to a model's verdicts on the labelled steps of a run, and thresholds for abstention.
public struct RunCalibration: Sendable {
    /// The calibration to write beside the model.
    public private(set) var file: CalibrationFile
    /// A human-readable summary of the fit, line by line.
    public private(set) var summary: [String]

    private let folder: RunFolder
    private let description: RunDescription
    /// The results of the strategies whose verdicts were fitted.
    private let records: [ResultRecord]

    /// Fits a score to the steps of a run that have both a verdict and a label. Verdicts on other prompts mean
    /// something else, so only the strategies that share the most common prompts are used.
    ///
    /// - Parameters:
    ///   - folder: the folder of the run.
    ///   - signals: the signals of a score, all of them in ``ScoreFit/recorded``.
    ///   - method: the kind of curve for verdicts.
    ///   - acceptThreshold: the score from which steps are accepted by default.
    ///   - views: the default number of views of each picture.
    /// - Returns: `nil` if there are too few labelled steps.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder is not a run's.
    public init?(
        of folder: RunFolder,
        signals: Set<ScoreSignal> = [.verdict],
        method: ScoreFit.Method = .platt,
        acceptThreshold: Double? = nil,
        views: Int? = nil
    ) throws {
        let description = try folder.readDescription()
        let all = try folder.readResults()
        let digests = description.options.mapValues(\.verdictDigest)
        let steps = Dictionary(grouping: all, by: { digests[$0.strategy] ?? "" }).mapValues { $0.flatMap(\.steps) }
        let counts = steps.mapValues { steps in steps.count { $0.logit != nil && $0.label != nil } }
        guard let digest = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key,
            let fit = ScoreFit(steps[digest] ?? [], signals: signals, method: method)
        else { return nil }
        file = CalibrationFile(
            model: description.model,
            verdictDigest: digest,
            steps: fit.curve,
            weights: fit.weights,
            acceptThreshold: acceptThreshold,
            views: views,
            sampleCount: fit.count
        )
        summary = fit.summary
        let others = digests.filter { $0.value != digest }.keys.sorted()
        if !others.isEmpty {
            summary.append("left out, for their prompts are others: \(others.joined(separator: ", "))")
        }
        self.folder = folder
        self.description = description
        records = all.filter { digests[$0.strategy] == digest && $0.failure == nil }
    }

    /// Adds thresholds for abstention (`ConformalRisk`). They apply to the confidences of runs with this calibration,
    /// so the recorded runs are first decided again with it.
    ///
    /// - Parameter risk: the largest allowed share of all questions that are answered wrongly, between 0 and 1.
    /// - Throws: ``/EMLLMCore/EMLLMError`` when the problems have changed, or a trace cannot be read.
    public mutating func addAbstention(risk: Double) throws {
        let problems = try folder.problemsByID(description)
        for (strategy, recorded) in Dictionary(grouping: records, by: \.strategy).sorted(by: { $0.key < $1.key }) {
            guard var options = description.options[strategy] else { continue }
            options.weights = .verdictAlone
            options = try file.applied(to: options, model: description.model)
            let answers = try recorded.compactMap { record -> ResultRecord? in
                guard let problem = problems[record.problem], let trace = try folder.readTrace(of: record) else {
                    return nil
                }
                return try ResultRecord(deciding: trace, by: options, of: problem, in: description)
            }.filter { $0.confidence != nil }
            let left = recorded.count - answers.count
            let without =
                left > 0 ? " (\(left) left out: no trace, or the new scores lead to what was not recorded)" : ""
            let threshold = ConformalRisk.threshold(
                confidences: answers.compactMap(\.confidence),
                isCorrect: answers.map(\.isCorrect),
                risk: risk
            )
            guard let threshold, threshold.isFinite else {
                summary.append(
                    "\(strategy): no threshold keeps the risk at \(risk) with \(answers.count) answers\(without)"
                )
                continue
            }
            file.abstention[strategy] = .init(threshold: threshold, risk: risk, sampleCount: answers.count)
            let kept = answers.filter { ($0.confidence ?? 0) >= threshold }
            summary.append(
                "\(strategy): answers from confidence \(ScoreFit.short(threshold)) on: \(kept.count) of \(answers.count), "
                    + "\(kept.count { !$0.isCorrect }) of them wrong\(without)"
            )
        }
    }
}
