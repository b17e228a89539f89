import ArgumentParser
import CLIShared

/// `emllm-eval`: measures what self-evaluation is worth.
struct EMLLMEval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emllm-eval",
        abstract: "Measure what self-evaluation is worth: strategies over problem sets, side by side.",
        discussion: """
            A run writes a folder: what was asked of which model and how (run.json), one line for each problem, strategy and \
            seed (results.jsonl), and the trace of each (traces/). A run that was interrupted goes on where it stopped; \
            no problem is lost or answered twice. Reports, calibrations and sweeps read the folder and need no model.

            EXAMPLES
              emllm-eval run problems.jsonl --out runs/a --strategies cot,vote,verify --seeds 0-4
              emllm-eval report runs/a
              emllm-eval calibrate runs/a --risk 0.1
              emllm-eval sweep runs/a --strategy verify --accept 0.3,0.5,0.7 --reject 0.1,0.3
              emllm-eval overhead runs/a
              emllm-eval run problems.jsonl --out runs/b1 --shard 1/2    # and 2/2 elsewhere, into runs/b2
              emllm-eval merge runs/b1 runs/b2 --out runs/b
              emllm-eval records runs/a --out training.jsonl

            Exit status: 0 when all is done, 1 on an error, 64 for wrong usage, 130 when interrupted with Ctrl-C.
            """,
        subcommands: [
            RunCommand.self, ReportCommand.self, CalibrateCommand.self, SweepCommand.self, MergeCommand.self,
            OverheadCommand.self, RecordsCommand.self,
        ]
    )
}

@main
enum Main {
    static func main() async { await EMLLMEval.start() }
}
