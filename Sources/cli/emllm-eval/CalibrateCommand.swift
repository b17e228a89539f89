import ArgumentParser
import CLIShared
import EMLLMCore
import Evaluation
import Foundation
import SelfEvalDecode

/// `emllm-eval calibrate`: fits probabilities to verdicts.
struct CalibrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Fit probabilities to a model's verdicts on labelled steps, and thresholds to abstain by.",
        discussion: """
            Takes the steps of a run that have both a verdict and a label (run with --labels). The file names the weights and \
            the prompts, and is refused for others. With --model it is put beside the model.

            With --risk, each strategy also gets the least confidence at which at most that share of all questions is \
            answered and wrong (conformal risk control). That is a promise about new questions of the same kind, and not \
            about the share of wrong ones among those that are answered.
            """
    )

    /// The curve.
    enum Method: String, ExpressibleByArgument, CaseIterable { case platt, isotonic }

    @Argument(help: "The folder of the run.")
    var folder: String

    @Option(help: "platt (two parameters, dozens of steps) or isotonic (bends as the data does, about a thousand).")
    var method = Method.platt

    @Option(help: "The most questions that are answered and wrong, as a share of all.")
    var risk: Double?

    @Option(help: "Where to write (default: calibration.json in the run's folder).")
    var out: String?

    @Option(help: "The model, to write the file beside it, where emllm-run and emllm-eval find it by themselves.")
    var model: String?

    func validate() throws {
        if out != nil, model != nil {
            throw ValidationError("--out and --model do not go together; leave one of them out")
        }
        if let risk, !(risk > 0 && risk < 1) {
            throw ValidationError("--risk: expected a number between 0 and 1, found \(risk)")
        }
    }

    func run() async throws {
        let source = RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory))
        let description = try source.readDescription()
        let all = try source.readResults()
        // Verdicts after other prompts mean something else: the strategies that share the prompts of most steps count.
        let digests = description.options.mapValues(\.verdictDigest)
        let steps = Dictionary(grouping: all, by: { digests[$0.strategy] ?? "" }).mapValues {
            Self.labelledSteps(of: $0)
        }
        guard let digest = steps.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) })?.key else {
            throw EMLLMError.noLabelledSteps(folder)
        }
        let records = all.filter { digests[$0.strategy] == digest }
        let labelled = steps[digest] ?? []
        let (logits, labels) = (labelled.map(\.logit), labelled.map(\.label))
        let curve: Calibration? =
            switch method {
            case .platt: PlattScaling(fitting: logits, labels: labels).map { .platt($0) }
            case .isotonic: IsotonicRegression(fitting: logits, labels: labels).map { .isotonic($0) }
            }
        guard let curve else { throw EMLLMError.noLabelledSteps(folder) }
        var file = CalibrationFile(
            model: description.model,
            verdictDigest: digest,
            steps: curve,
            sampleCount: labelled.count
        )
        var lines = [
            "\(labelled.count) labelled steps, \(labels.count { $0 }) of them right",
            "Brier score: \(Self.brier(labelled) { 1 / (1 + exp(-$0)) }) before, \(Self.brier(labelled, curve.probability)) after "
                + "(on the same steps)",
        ]
        let others = digests.filter { $0.value != digest }.keys.sorted()
        if !others.isEmpty { lines.append("left out, for their prompts are others: \(others.joined(separator: ", "))") }
        if let risk {
            for (strategy, answers) in Dictionary(grouping: records, by: \.strategy).sorted(by: { $0.key < $1.key }) {
                let known = answers.filter { $0.confidence != nil && $0.failure == nil }
                let threshold = ConformalRisk.threshold(
                    confidences: known.compactMap(\.confidence),
                    isCorrect: known.map(\.isCorrect),
                    risk: risk
                )
                guard let threshold, threshold.isFinite else {
                    lines.append("\(strategy): no threshold keeps the risk at \(risk) with \(known.count) answers")
                    continue
                }
                file.abstention[strategy] = .init(threshold: threshold, risk: risk, sampleCount: known.count)
                let kept = known.filter { ($0.confidence ?? 0) >= threshold }
                lines.append(
                    "\(strategy): answers from confidence \(Self.short(threshold)) on: \(kept.count) of \(known.count), "
                        + "\(kept.count { !$0.isCorrect }) of them wrong"
                )
            }
        }
        let beside = try model.map { CalibrationFile.url(besides: try ModelStore().locate($0)) }
        let target = out.map { URL(filePath: $0) } ?? beside ?? source.url.appending(path: "calibration.json")
        try StandardStreams.write(file.json(), atomicallyTo: target.path)
        try StandardStreams.write((lines + [target.path]).joined(separator: "\n") + "\n")
    }

    private static func labelledSteps(of records: [ResultRecord]) -> [(logit: Double, label: Bool)] {
        records.flatMap(\.steps).compactMap { step in
            step.logit.flatMap { logit in step.label.map { (logit, $0) } }
        }
    }

    private static func brier(_ steps: [(logit: Double, label: Bool)], _ curve: (Double) -> Double) -> String {
        let sum = steps.reduce(0) { sum, step in
            let error = curve(step.logit) - (step.label ? 1 : 0)
            return sum + error * error
        }
        return short(sum / Double(max(1, steps.count)))
    }

    private static func short(_ value: Double) -> String { String(format: "%.3f", value) }
}

extension EMLLMError.Code {
    /// A run without labelled steps.
    static let noLabelledSteps = Self(rawValue: "no-labelled-steps")
}

extension EMLLMError {
    static func noLabelledSteps(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .noLabelledSteps,
            subject: path,
            expected: "right and wrong steps with verdicts",
            found: "too few of them",
            remedy: "run with --labels and a strategy that judges (verify, or cot with --judge-chains)"
        )
    }
}
