import ArgumentParser
import CLIShared
import DecodeOptions
import EMLLMCore
import EMLLMEvaluation
import EMLLMModelStore
import Foundation
import SelfEvalDecode

/// `emllm-eval calibrate`: fits probabilities to verdicts.
struct CalibrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Fit probabilities to a model's verdicts on labelled steps, and thresholds to abstain by.",
        discussion: """
            Uses the steps of a run that have both a verdict and a label (run with --labels). The file is valid only for the \
            weights and prompts that it names. --model writes it beside the model.

            With --signals, a step's score combines more than its verdict. The probability of the text so far often says more \
            than the verdict about it, and costs nothing.

            With --risk, each strategy also gets the lowest confidence at which at most that share of all questions is \
            answered and wrong (conformal risk control). The guarantee is for new questions of the same kind. It does not \
            bound the share of wrong answers among those given.
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Option(help: "platt (two parameters, dozens of steps) or isotonic (any monotone curve, about a thousand steps).")
    var method = ScoreFit.Method.platt

    @Option(
        help: ArgumentHelp(
            "The signals in a step's score, as verdict,line; their weights are fitted. line is the log-probability of the "
                + "text so far, sequence the step's (mean), window that of the step's weakest part, "
                + "verifier what a verifier read from the hidden states.",
            valueName: "names"
        )
    )
    var signals = SignalList([.verdict])

    @Option(help: "The largest share of all questions that may be answered and wrong.")
    var risk: Double?

    @Option(help: "The score from which steps are accepted by default (emllm eval sweep compares scores).")
    var accept: Double?

    @Option(help: "The number of views of each picture by default (emllm help run says what a view is).")
    var views: Int?

    /// The name of ``views`` before version 0.2.
    @Option(help: .hidden)
    var looks: Int?

    @Option(help: "Where to write (default: calibration.json in the run's folder).", completion: .file())
    var out: String?

    @Option(
        help: "The model; the file is written beside it, where the tools find it.",
        completion: .models
    )
    var model: String?

    func validate() throws {
        if out != nil, model != nil {
            throw ValidationError("--out and --model do not go together; leave one of them out")
        }
        if let risk, !(risk > 0 && risk < 1) {
            throw ValidationError("--risk: expected a number between 0 and 1, found \(risk)")
        }
        if let accept, !(0...1).contains(accept) {
            throw ValidationError("--accept: expected 0 to 1, found \(accept)")
        }
        if let views = views ?? looks { try usageError { try SelfEvalOptions(views: views).validate() } }
    }

    func run() async throws {
        let source = RunFolder(url: URL(filePath: folder, directoryHint: .isDirectory))
        let views = views ?? looks
        let made = try source.readDescription().options.values.first { views != nil && $0.views != views }?.views
        if risk != nil, let views, let made {
            throw ValidationError(
                "--risk: expected a run with \(views) views, since answers will be found with as many; found one with \(made); "
                    + "run with --views \(views)"
            )
        }
        let fitted = try RunCalibration(
            of: source,
            signals: signals.values,
            method: method,
            acceptThreshold: accept,
            views: views
        )
        guard var calibration = fitted else { throw EMLLMError.noLabelledSteps(folder) }
        if let risk { try calibration.addAbstention(risk: risk) }
        let beside = try model.map { CalibrationFile.url(besides: try ModelStore().locate($0)) }
        let target = out.map { URL(filePath: $0) } ?? beside ?? source.url.appending(path: "calibration.json")
        try StandardStreams.write(calibration.file.json(), atomicallyTo: target.path)
        try StandardStreams.write((calibration.summary + [target.path]).joined(separator: "\n") + "\n")
    }
}

extension ScoreFit.Method: ExpressibleByArgument {}

/// Signals of a score, such as "verdict,line".
struct SignalList: ExpressibleByArgument {
    let values: Set<ScoreSignal>

    init(_ values: Set<ScoreSignal>) { self.values = values }

    init?(argument: String) {
        let parts = argument.split(separator: ",").map { ScoreSignal(rawValue: String($0)) }
        let found = Set(parts.compactMap { $0 })
        guard !found.isEmpty, found.count == parts.count, found.isSubset(of: ScoreFit.recorded) else { return nil }
        values = found
    }

    var defaultValueDescription: String { allNames(values) }

    static var allValueStrings: [String] { ScoreSignal.allCases.filter(ScoreFit.recorded.contains).map(\.rawValue) }

    private func allNames(_ signals: Set<ScoreSignal>) -> String {
        ScoreSignal.allCases.filter(signals.contains).map(\.rawValue).joined(separator: ",")
    }
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
            remedy: "run with --labels and a strategy that evaluates steps (verify, or cot with --evaluate-chains); "
                + "where verdicts say nothing, since yes and no are both unlikely, fit --signals line"
        )
    }
}
