import ArgumentParser
import EMLLMCore

/// `emllm eval`: measures what self-evaluation is worth.
package struct EvalCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure what self-evaluation gains: compare strategies over problem sets.",
        discussion: discussion(program: "emllm eval"),
        subcommands: [
            RunCommand.self, ReportCommand.self, CalibrateCommand.self, SweepCommand.self, MergeCommand.self,
            OverheadCommand.self, RecordsCommand.self, TrainVerifierCommand.self, ScoreCommand.self,
        ]
    )

    package init() {}

    fileprivate static func discussion(program: String) -> String {
        """
        A run writes a folder: what was asked of which model and how (run.json), one line for each problem, strategy and \
        seed (results.jsonl), and the trace of each (traces/). A run that was interrupted goes on where it stopped; \
        no problem is lost or answered twice. Reports, calibrations and sweeps read the folder and need no model.

        EXAMPLES
          \(program) run problems.jsonl --out runs/a --strategies cot,vote,verify --seeds 0-4
          \(program) report runs/a
          \(program) calibrate runs/a --risk 0.1
          \(program) sweep runs/a --strategy verify --accept 0.3,0.5,0.7 --reject 0.1,0.3
          \(program) overhead runs/a
          \(program) run problems.jsonl --out runs/b1 --shard 1/2    # and 2/2 elsewhere, into runs/b2
          \(program) merge runs/b1 runs/b2 --out runs/b
          \(program) train-verifier runs/v --model m.emllm           # a head on hidden states, from chains of vote
          \(program) records runs/a --out training.jsonl
          \(program) score problems.jsonl responses.jsonl        # outputs of any model

        Exit status: 0 when all is done, 1 on an error, 64 for wrong usage, 130 when interrupted with Ctrl-C.
        """
    }
}

/// `emllm-eval`: the same under its old name.
package struct EMLLMEval: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "emllm-eval",
        abstract: EvalCommand.configuration.abstract,
        discussion: EvalCommand.discussion(program: "emllm-eval"),
        version: EMLLMVersion.current,
        subcommands: EvalCommand.configuration.subcommands
    )

    package init() {}
}
