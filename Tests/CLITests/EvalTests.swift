import EMLLMCore
import EMLLMEvaluation
import Foundation
import SelfEvalDecode
import Testing

/// `emllm-eval`, run as a user would, on the model of 260,000 parameters: its answers are nonsense, its bookkeeping is not.
@Suite("emllm-eval")
struct EvalTests {
    private static let program = Program.url("emllm-eval")
    private static let model = ["--model", Program.stories260K, "--max-tokens", "320", "--threads", "1"]

    private func eval(_ arguments: [String], whileRunning: (Process) throws -> Void = { _ in }) throws -> ProgramRun {
        try Program.run(Self.program, arguments, whileRunning: whileRunning)
    }

    /// Problems, one of which can not be run.
    private func problems(_ folder: Folder, count: Int = 4) throws -> String {
        var lines = (1...count).map {
            #"{"id": "p\#($0)", "question": "What is \#($0) + 1?", "answer": "\#($0 + 1)", "answer_type": "integer"}"#
        }
        lines.append(#"{"id": "p1", "question": "Again?", "answer": "1"}"#)
        let file = folder.path("problems.jsonl")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        return file
    }

    private func results(_ folder: String) throws -> [ResultRecord] {
        let file = folder + "/results.jsonl"
        return try ResultRecord.records(from: Data(contentsOf: URL(filePath: file)), file: file)
    }

    private func keys(_ records: [ResultRecord]) -> [String] {
        records.map { "\($0.problem) \($0.strategy) \($0.seed)" }.sorted()
    }

    /// What most tests run.
    private func arguments(_ problems: String, _ out: String) -> [String] {
        [
            "run", problems, "--out", out, "--strategies", "cot,vote", "--chains", "2", "--seeds", "0-1", "--steps",
            "3",
            "--evaluate-chains",
        ] + Self.model
    }

    private func run(_ problems: String, to out: String, _ more: [String] = []) throws -> ProgramRun {
        try eval(arguments(problems, out) + more)
    }

    @Test("Every problem, strategy and seed is answered once; what can not be run is skipped, counted and told")
    func complete() throws {
        let folder = try Folder()
        let (file, out) = (try problems(folder), folder.path("run"))
        let first = try run(file, to: out)
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output.contains("16 of 16 answers; 1 problems skipped"))
        // The run ends with what came out, without a report.
        let table = first.output.split(separator: "\n").filter { $0.hasPrefix("| ") }
        #expect(table.count == 3 && table.dropFirst().allSatisfy { $0.contains(" % – ") }, "\(first.output)")
        let records = try results(out)
        #expect(records.count == 16 && Set(keys(records)).count == 16)
        #expect(records.allSatisfy { $0.processedTokens > $0.promptTokens && $0.failure == nil && $0.answer != nil })
        // Again, there is nothing to do.
        #expect(try run(file, to: out).output.contains("16 of 16"))
        #expect(try results(out) == records)
        // Another strategy joins; another rule does not.
        let more = try eval(
            [
                "run", file, "--out", out, "--strategies", "best-of", "--chains", "2", "--seeds", "0,7", "--steps", "3",
                "--evaluate-chains",
            ]
                + Self.model
        )
        #expect(more.status == 0, "\(more.errors)")
        // On new seeds, too, nothing else is answered than what was asked for.
        let joined = try results(out).filter { $0.strategy == "best-of" }
        #expect(try results(out).count == 24 && joined.count == 8)
        let other = try run(file, to: out, ["--rule", "published"])
        #expect(other.status == 1 && other.errorLines.count == 1 && other.errors.contains("scoring rule"))

        let report = try eval(["report", out])
        #expect(report.status == 0, "\(report.errors)")
        let text = try String(contentsOfFile: out + "/report/report.md", encoding: .utf8)
        let description = try RunFolder(url: URL(filePath: out)).readDescription()
        for detail in [
            description.model.weightsDigest, description.problemsDigest, "\"chains\":2",
            "EMLLM \(EMLLMVersion.current)",
        ] {
            #expect(text.contains(detail), "\(detail) is not among the report's settings")
        }
        #expect(description.origins?.count == 1)
        #expect(text.contains("best-of") && text.contains("vote"))
        // The summary alone gives the same text and the same plots again.
        let again = try eval(["report", out + "/report/summary.json", "--out", folder.path("again")])
        #expect(again.status == 0, "\(again.errors)")
        #expect(
            FileManager.default.contentsEqual(
                atPath: out + "/report/report.md",
                andPath: folder.path("again/report.md")
            )
        )
        #expect(
            FileManager.default.contentsEqual(
                atPath: out + "/report/accuracy-tokens.svg",
                andPath: folder.path("again/accuracy-tokens.svg")
            )
        )
        let sweep = try eval([
            "sweep", out, "--strategy", "vote", "--weigh-votes", "--aggregation", "mean,min", "--json",
        ])
        #expect(sweep.status == 0, "\(sweep.errors)")
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(sweep.output.utf8)) as? [[String: Any]])
        #expect(
            rows.count == 2 && rows.allSatisfy { $0["decided"] as? Int == 8 && $0["undecided"] as? Int == 0 },
            "\(rows)"
        )
        let uncalibrated = try eval(["calibrate", out])
        #expect(uncalibrated.status == 1 && uncalibrated.errors.contains("--labels"))
    }

    @Test("A run that is interrupted goes on where it stopped, and loses and repeats nothing")
    func interrupted() throws {
        let folder = try Folder()
        let (file, out) = (try problems(folder, count: 30), folder.path("run"))
        let whole = folder.path("whole")
        #expect(try run(file, to: whole).status == 0)
        let stopped = try eval(arguments(file, out)) { process in
            let deadline = Date().addingTimeInterval(60)
            while ((try? results(out).count) ?? 0) < 3, Date() < deadline { Thread.sleep(forTimeInterval: 0.005) }
            process.interrupt()
        }
        #expect(stopped.status == 130 && stopped.output.contains("the same command goes on"), "\(stopped.errors)")
        let some = try results(out)
        try #require(some.count >= 3 && some.count < 120)
        // A program that is killed leaves half a line.
        let handle = try FileHandle(forWritingTo: URL(filePath: out + "/results.jsonl"))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"problem\": \"p".utf8))
        try handle.close()
        let rest = try run(file, to: out)
        #expect(rest.status == 0, "\(rest.errors)")
        let all = try results(out)
        #expect(Array(all.prefix(some.count)) == some)
        #expect(keys(all) == keys(try results(whole)))
        func said(_ records: [ResultRecord]) -> [String: String] {
            Dictionary(uniqueKeysWithValues: records.map { ("\($0.problem) \($0.strategy) \($0.seed)", $0.response) })
        }
        #expect(said(all) == said(try results(whole)), "and the answers are those of a run in one go")
    }

    @Test("Shards come together to the whole")
    func shards() throws {
        let folder = try Folder()
        let file = try problems(folder, count: 5)
        let parts = ["1/2", "2/2"].map { ($0, folder.path("part" + $0.prefix(1))) }
        for (shard, out) in parts { #expect(try run(file, to: out, ["--shard", shard]).status == 0) }
        let whole = folder.path("whole")
        let merged = try eval(["merge", parts[0].1, parts[1].1, "--out", whole])
        #expect(merged.status == 0 && merged.output.contains("20 answers"), "\(merged.errors)")
        #expect(Set(try results(whole).map(\.problem)).count == 5)
        #expect(try eval(["sweep", whole, "--strategy", "vote"]).status == 0)
        let twice = try eval(["merge", parts[0].1, parts[0].1, "--out", folder.path("twice")])
        #expect(twice.status == 1 && twice.errorLines.count == 1)
    }

    @Test("The outputs of any model are scored without one; the summary is the last line")
    func score() throws {
        let folder = try Folder()
        let file = try problems(folder)
        let responses = folder.path("responses.jsonl")
        let lines = [
            #"{"id": "p1", "response": "The answer is 2. I hope it is correct."}"#,
            #"{"id": "p2", "answer": "3 or 4"}"#, #"{"id": "elsewhere", "answer": "1"}"#,
        ]
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: responses))
        let run = try eval(["score", file, responses])
        #expect(run.status == 0, "\(run.errors)")
        let output = run.output.split(separator: "\n")
        #expect(output.count == 3)
        #expect(output.first == #"{"extracted":"2","how":"number","id":"p1","isCorrect":true,"normalized":"2"}"#)
        #expect(output.dropFirst().first?.contains(#""how":"none","id":"p2","isCorrect":false"#) == true)
        #expect(output.last?.hasPrefix(#"{"summary":{"answered":2"#) == true)
        #expect(output.last?.contains(#""overall":{"accuracy":0.25,"correct":1,"total":4,"#) == true)
        #expect(run.errors.contains("1 responses to no problem of the file, the first to \"elsewhere\""))
        #expect(run.errors.contains("all: 25.0 % (1 of 4)"))
        let none = try eval(["score", file, folder.path("none.jsonl")])
        #expect(none.status == 1 && none.errorLines.count == 1 && none.errors.contains("none.jsonl"))
    }

    @Test("Wrong usage and wrong files end in one line that says what to do")
    func defects() throws {
        let folder = try Folder()
        let file = try problems(folder)
        for (arguments, named) in [
            (["run", folder.path("none.jsonl"), "--out", folder.path("x")], "none.jsonl"),
            (["report", folder.path("none")], "an evaluation run"),
            (["report", folder.path("none.json"), "--out", folder.path("r")], "summary.json"),
            (["sweep", folder.path("none")], "an evaluation run"),
            (["records", folder.path("none"), "--out", folder.path("r")], "an evaluation run"),
        ] {
            let run = try eval(arguments)
            #expect(run.status == 1 && run.errorLines.count == 1 && run.errors.contains(named), "\(run.errors)")
        }
        for arguments in [
            ["--strategies", "cot,cot"], ["--strategies", "none"], ["--seeds", "4-0"], ["--seeds", "1,1"],
            ["--shard", "3/2"], ["--seed", "1"], ["--strategy", "cot"], ["--accept", "2"],
        ] {
            let run = try eval(["run", file, "--out", folder.path("x")] + arguments)
            #expect(run.status == 64, "\(arguments)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("x")))
    }

    @Test("A picture that is none, and a question that does not fit, count as wrong, with the reason")
    func failures() throws {
        let folder = try Folder()
        try Data("no picture".utf8).write(to: folder.url.appending(path: "bad.png"))
        let long = String(repeating: "long ", count: 2000)
        let lines = [
            #"{"id": "a", "question": "What?", "answer": "1", "image": "bad.png"}"#,
            #"{"id": "b", "question": "\#(long)", "answer": "1"}"#,
            #"{"id": "c", "question": "What is 1 + 1?", "answer": "2"}"#,
        ]
        let file = folder.path("problems.jsonl")
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: file))
        let out = folder.path("run")
        let run = try eval(["run", file, "--out", out, "--strategies", "cot", "--steps", "2"] + Self.model)
        #expect(run.status == 0, "\(run.errors)")
        let failures = Dictionary(uniqueKeysWithValues: try results(out).map { ($0.problem, $0.failure ?? "") })
        #expect(failures["b"] == "context-overflow" && failures["c"] == "" && failures["a"]?.isEmpty == false)
    }

    @Test("Labelled verdicts become a calibration beside the model, which is used with its prompts and with no others")
    func calibrate() throws {
        let folder = try Folder()
        let (file, out, model) = (try problems(folder), folder.path("run"), folder.path("m.gguf"))
        try FileManager.default.copyItem(atPath: Program.stories260K, toPath: model)
        let arguments = [
            "--out", out, "--strategies", "cot", "--evaluate-chains", "--steps", "2", "--max-tokens", "300",
        ]
        #expect(try eval(["run", file, "--model", model] + arguments).status == 0)
        // Verdicts that lean to yes: right steps at 3, wrong ones at 1.
        var records = try results(out)
        for index in records.indices {
            records[index].steps = (0..<20).map { place in
                StepRecord(text: "s", logit: place % 2 == 0 ? 3 : 1, meanLogProbability: -1, label: place % 2 == 0)
            }
        }
        let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
        try lines.write(to: URL(filePath: out + "/results.jsonl"))
        let fitted = try eval(["calibrate", out, "--model", model, "--risk", "0.4"])
        #expect(fitted.status == 0 && fitted.output.contains("80 labelled steps, 40 of them right"), "\(fitted.errors)")
        let beside = folder.path("m.calibration.json")
        let calibration = try CalibrationFile(contentsOf: URL(filePath: beside))
        #expect(calibration.steps.probability(logit: 3) > 0.7 && calibration.steps.probability(logit: 1) < 0.3)
        // The threshold is for confidences as runs with the calibration have them: of four answers, all wrong, one may be given.
        let threshold = try #require(calibration.abstention["cot"]?.threshold)
        let again = folder.path("again")
        let arguments2 = ["--out", again, "--calibration", beside] + arguments.dropFirst(2)
        #expect(try eval(["run", file, "--model", model] + arguments2).status == 0)
        let confidences = try results(again).map { $0.confidence ?? 0 }
        #expect(try results(again).allSatisfy { !$0.isCorrect } && confidences.count == 4)
        #expect(confidences.count { $0 >= threshold } <= 1 && threshold <= (confidences.max() ?? 0).nextUp)
        #expect(try results(again).count { !$0.abstained } <= 1)

        func run(_ more: [String]) throws -> ProgramRun {
            let arguments = ["--model", model, "--max-tokens", "300", "--steps", "2", "--json"] + more + ["Hello"]
            return try Program.run(Program.url("emllm-run"), arguments)
        }
        let used = try run([])
        #expect(used.status == 0 && used.errors.isEmpty, "\(used.errors)")
        #expect(try Trace(json: Data(used.output.utf8)).header.options.calibration == calibration.steps)
        let others = try run(["--both-orders"])
        #expect(others.status == 0 && others.errorLines.count == 1 && others.errors.contains("is not used"))
        #expect(try Trace(json: Data(others.output.utf8)).header.options.calibration == nil)
        let inline = try run(["--strategy", "seat"])
        #expect(inline.status == 0 && inline.errors.isEmpty, "\(inline.errors)")
        let insisted = try run(["--both-orders", "--calibration", beside])
        #expect(insisted.status == 1 && insisted.errorLines.count == 1 && insisted.errors.contains("prompts"))
        #expect(try run(["--both-orders", "--calibration", "none"]).errors.isEmpty)

        // So are prompts that lie beside a model, unless others are asked for.
        let pack = URL(filePath: folder.path("m.cas-seat.yaml"))
        try Data("name: its own\nextends: cas-seat\nevaluate: 'Right? {options}'\n".utf8).write(to: pack)
        let own = try run(["--calibration", "none"])
        #expect(try Trace(json: Data(own.output.utf8)).header.options.prompts.evaluate == "Right? {options}")
        let usual = try run(["--prompts", "cas-seat"])
        #expect(try Trace(json: Data(usual.output.utf8)).header.options.prompts == .casSEAT)
        try Data("name: [".utf8).write(to: pack)
        let broken = try run([])
        #expect(broken.status == 1 && broken.errorLines.count == 1 && broken.errors.contains("m.cas-seat.yaml"))
    }

    @Test("A score can be made of more signals than the verdict, with weights that are fitted on labelled steps")
    func calibrateSignals() throws {
        let folder = try Folder()
        let (file, out, model) = (try problems(folder), folder.path("run"), folder.path("m.gguf"))
        try FileManager.default.copyItem(atPath: Program.stories260K, toPath: model)
        let arguments = [
            "--out", out, "--strategies", "cot", "--evaluate-chains", "--steps", "2", "--max-tokens", "300",
        ]
        #expect(try eval(["run", file, "--model", model] + arguments).status == 0)
        let recorded = try results(out)
        #expect(recorded.flatMap(\.steps).allSatisfy { ($0.lineLogProbability ?? 1) < 0 && $0.windowConfidence != nil })
        // The verdict says nothing, the line's log-probability much.
        let steps = (0..<20).map { place -> StepRecord in
            let line = (place % 2 == 0 ? -3.0 : -6.0) - Double(place) / 10
            let isRight = place % 2 == 0 || place == 1
            let logit = place % 4 < 2 ? 0.5 : 1.0
            return StepRecord(
                text: "s",
                logit: logit,
                meanLogProbability: -1,
                lineLogProbability: line,
                label: isRight
            )
        }
        func record(_ steps: [StepRecord], in run: String) throws {
            var records = recorded
            for index in records.indices { records[index].steps = steps }
            let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
            try lines.write(to: URL(filePath: run + "/results.jsonl"))
        }
        try record(steps, in: out)
        let signals = ["--signals", "verdict,line", "--accept", "0.8", "--views", "3"]
        let fitted = try eval(["calibrate", out, "--model", model] + signals)
        #expect(fitted.status == 0 && fitted.output.contains("of the verdict alone"), "\(fitted.errors)")
        let weights = try #require(
            try CalibrationFile(contentsOf: URL(filePath: folder.path("m.calibration.json"))).weights
        )
        #expect(weights[.line] > 0.5 && weights[.sequence] == 0 && weights.intercept > 0)

        // Verdicts that say nothing add nothing to a score, so no weight is fitted to them, whatever their logits.
        let silent = steps.map { step in
            var step = step
            (step.isInformative, step.logit) = (false, step.label == true ? 9 : -9)
            return step
        }
        let other = folder.path("silent")
        try FileManager.default.copyItem(atPath: out, toPath: other)
        func calibrated(_ steps: [StepRecord], _ signals: String) throws -> ProgramRun {
            try record(steps, in: other)
            return try eval(["calibrate", other, "--signals", signals])
        }
        let without = try calibrated(silent, "verdict,line")
        #expect(without.status == 0 && without.output.contains("80 verdicts say nothing"), "\(without.errors)")
        let lineAlone = try #require(
            try CalibrationFile(contentsOf: URL(filePath: other + "/calibration.json")).weights
        )
        #expect(lineAlone[.verdict] == 0 && lineAlone[.line] > 0.5)
        let nothing = try calibrated(silent, "verdict")
        #expect(nothing.status == 1 && nothing.errorLines.count == 1 && nothing.errors.contains("--signals line"))
        #expect(try calibrated(silent + steps, "verdict").output.contains("80 labelled steps"))

        func used(_ more: [String]) throws -> SelfEvalOptions {
            let arguments = ["--model", model, "--max-tokens", "300", "--steps", "2", "--json"] + more + ["Hello"]
            let run = try Program.run(Program.url("emllm-run"), arguments)
            return try Trace(json: Data(run.output.utf8)).header.options
        }
        let usual = try used([])
        #expect(usual.weights == weights && usual.acceptThreshold == 0.8 && usual.rejectThreshold == 0.3)
        #expect(try usual.views == 3 && used(["--views", "1"]).views == 1)
        #expect(try used(["--score", "verdict=1"]).weights == .verdictAlone)
        #expect(try used(["--score", "line=0.5,intercept=2"]).weights == ScoreWeights([.line: 0.5], intercept: 2))
        // What was asked for stays, also where it is what is usual.
        let insisted = try used(["--accept", "0.5", "--reject", "0.1"])
        #expect(insisted.acceptThreshold == 0.5 && insisted.rejectThreshold == 0.1 && insisted.weights == weights)
        #expect(try used(["--reject", "0.1"]).acceptThreshold == 0.8)
        let swept = try eval(["sweep", out, "--strategy", "cot", "--calibration", folder.path("m.calibration.json")])
        #expect(swept.status == 0 && swept.output.contains("decided"), "\(swept.errors)")

        // Thresholds to abstain by are for answers found in the same way.
        for name in ["--views", "--looks"] {
            let moved = try eval(["calibrate", out, name, "3", "--risk", "0.1"])
            #expect(moved.status == 64 && moved.errors.contains("run with --views 3"), "\(moved.errors)")
            #expect(try eval(["calibrate", out, name, "10"]).status == 64)
        }

        // Signals that are not recorded cannot be fitted, and what was recorded without one does not count.
        let probe = try eval(["calibrate", out, "--signals", "verdict,probe"])
        #expect(probe.status == 64 && probe.errors.contains("'verdict,probe' is invalid"), "\(probe.errors)")
        let window = try eval(["calibrate", out, "--signals", "window"])
        #expect(window.status == 1 && window.errorLines.count == 1, "\(window.errors)")
        for score in ["lines=1", "verdict", "=", "line=much", "intercept=inf"] {
            let arguments = ["--model", model, "--score", score, "Hello"]
            let run = try Program.run(Program.url("emllm-run"), arguments)
            #expect(run.status == 64 && run.errors.contains("--score: expected name=weight"), "\(run.errors)")
        }
    }
}
