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
            Takes the steps of a run that have both a verdict and a label (run with --labels). The file names the weights and \
            the prompts, and is refused for others. With --model it is put beside the model.

            With --signals a step's score is more than its verdict: how likely the model found what it said so far often \
            tells more than what it says about it, and costs nothing.

            With --risk, each strategy also gets the least confidence at which at most that share of all questions is \
            answered and wrong (conformal risk control). That is a promise about new questions of the same kind, and not \
            about the share of wrong ones among those that are answered.
            """
    )

    @Argument(help: "The folder of the run.", completion: .directory)
    var folder: String

    @Option(help: "platt (two parameters, dozens of steps) or isotonic (bends as the data does, about a thousand).")
    var method = ScoreFit.Method.platt

    @Option(
        help: ArgumentHelp(
            "What a step's score is made of, beside each other as verdict,line: weights are fitted for them. line is the "
                + "log-probability of all that was said so far, sequence that of the step (mean), window its weakest place.",
            valueName: "names"
        )
    )
    var signals = SignalList([.verdict])

    @Option(help: "The most questions that are answered and wrong, as a share of all.")
    var risk: Double?

    @Option(help: "Accept steps from this score on, where none is asked for (emllm eval sweep shows what each does).")
    var accept: Double?

    @Option(help: "The views of each picture, where a run asks for none (emllm help run says what a view is).")
    var views: Int?

    /// The name that ``views`` had before version 0.2.
    @Option(help: .hidden)
    var looks: Int?

    @Option(help: "Where to write (default: calibration.json in the run's folder).", completion: .file())
    var out: String?

    @Option(
        help: "The model, to write the file beside it, where the tools find it by themselves.",
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

/// Signals of a score, as "verdict,line".
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
