import EMLLMCore
import Foundation
import Testing

@testable import EMLLMEvaluation

@Suite("Reports")
struct ReportTests {
    private func record(
        _ problem: String,
        _ strategy: String,
        _ isCorrect: Bool,
        seed: UInt64 = 0,
        change: (inout ResultRecord) -> Void = { _ in }
    ) -> ResultRecord {
        var record = ResultRecord(
            problem: problem,
            strategy: strategy,
            model: "m",
            seed: seed,
            answer: "1",
            isCorrect: isCorrect
        )
        change(&record)
        return record
    }

    private func strategy(_ name: String, _ records: [ResultRecord]) throws -> StrategySummary {
        let summary = try Summary(records: records)
        return try #require(summary.models.first?.strategies.first { $0.strategy == name })
    }

    // MARK: Numbers

    @Test("abstentions and failures count as wrong, and are counted")
    func outcomes() throws {
        let found = try strategy(
            "s",
            [
                record("a", "s", true),
                record("b", "s", false),
                record("c", "s", true) { $0.abstained = true },
                record("d", "s", true) { ($0.answer, $0.failure) = (nil, "no answer") },
                record("e", "s", false) { ($0.answer, $0.failure) = (nil, "no answer") },
            ]
        )
        #expect(found.accuracy.value == 0.2)
        #expect(found.abstained == 1)
        #expect(found.failures == ["no answer": 2])
    }

    @Test("means are over results, overhead is over all tokens, seeds are apart")
    func means() throws {
        let found = try strategy(
            "s",
            [
                record("a", "s", true, seed: 1) {
                    ($0.processedTokens, $0.acceptedTokens, $0.evaluationTokens, $0.promptTokens) = (300, 100, 30, 50)
                    $0.seconds = 1
                },
                record("a", "s", false, seed: 2) {
                    ($0.processedTokens, $0.acceptedTokens, $0.evaluationTokens, $0.promptTokens) = (500, 300, 10, 50)
                    $0.seconds = 2
                },
            ]
        )
        #expect(found.processedTokens == 400 && found.acceptedTokens == 200)
        #expect(found.evaluationTokens == 20 && found.promptTokens == 50)
        #expect(found.seconds == 1.5)
        #expect(found.overhead == 1)
        #expect(found.seedAccuracies == [.init(seed: 1, accuracy: 1), .init(seed: 2, accuracy: 0)])
        #expect(found.records == 2 && found.problems == 1)
    }

    @Test("strategies are compared on what both have, pair by pair")
    func comparison() throws {
        let records = [
            record("a", "cot", true, seed: 1), record("a", "cot", false, seed: 2), record("b", "cot", false),
            record("only cot", "cot", true),
            record("a", "s", true, seed: 1), record("a", "s", true, seed: 2), record("b", "s", false),
            record("a", "s", true, seed: 3), record("only s", "s", false),
        ]
        let model = try #require(try Summary(records: records).models.first)
        let found = try #require(model.comparisons.first)
        #expect(model.comparisons.count == 1)
        #expect(found.strategy == "s")
        #expect(found.pairs == 3 && found.problems == 2)
        #expect(found.problemsLeftOut == 2 && found.recordsLeftOut == 3)
        #expect(isClose(found.difference?.value, 1.0 / 3))
        #expect(found.revisions.rightToRight == 1 && found.revisions.wrongToRight == 1)
        #expect(found.revisions.rightToWrong == 0 && found.revisions.wrongToWrong == 1)
        #expect(found.revisionsPValue == 1)
        #expect(model.problems == 4 && model.sharedProblems == 2)
        let text = try Report(records: records).markdown
        #expect(text.contains("all have 2 of 4 in common"))
        // Both problems are drawn once in half of all cases, one of them twice in a quarter each: 1/3, 1/2 and 0.
        let p = try #require(found.difference?.pValue)
        #expect((0.47...0.53).contains(p))
        #expect(text.contains("| s | +33.3 [+0.0, +50.0] | \(NumberText.pValue(1)) | 2 | 3 | 2 | 3 |"))
        #expect(found.difference?.exactPValue == 1)
    }

    @Test("strategies that share nothing have no difference")
    func disjoint() throws {
        let report = try Report(records: [record("a", "cot", true), record("b", "s", true)])
        let found = try #require(report.summary.models.first?.comparisons.first)
        #expect(found.pairs == 0 && found.difference == nil && found.revisionsPValue == nil)
        #expect(report.markdown.contains("| s | – | – | 0 | 0 | 2 | 2 |"))
    }

    @Test("verdicts on steps are measured beside the mean log-probability of the same steps")
    func steps() throws {
        func step(_ probability: Double?, _ logProbability: Double, _ label: Bool?) -> StepRecord {
            StepRecord(text: "", probability: probability, meanLogProbability: logProbability, label: label)
        }
        let found = try strategy(
            "s",
            [
                // The error is found at its place.
                record("a", "s", false) {
                    $0.steps = [step(0.9, -1, true), step(0.2, -0.5, false), step(0.1, -3, false)]
                },
                // None is there, none is found; the unevaluated step says nothing.
                record("b", "s", true) { $0.steps = [step(0.8, -2, true), step(nil, -1, true), step(0.4, -1, nil)] },
                // A false alarm.
                record("c", "s", true) { $0.steps = [step(0.3, -0.1, true)] },
            ]
        )
        let steps = try #require(found.steps)
        #expect(steps.verdict.count == 5 && steps.verdict.right == 3 && steps.unevaluated == 1)
        // Right 0.9, 0.8, 0.3 against wrong 0.2, 0.1.
        #expect(steps.verdict.areaUnderROC == 1)
        // Right −1, −2, −0.1 against wrong −0.5, −3.
        #expect(isClose(steps.logProbabilityAreaUnderROC, 4.0 / 6))
        #expect(isClose(steps.verdict.brierScore, (0.01 + 0.04 + 0.01 + 0.04 + 0.49) / 5))
        #expect(steps.firstError?.accuracyOnErroneous == 1 && steps.firstError?.accuracyOnCorrect == 0.5)
        #expect(isClose(steps.firstError?.f1, 2.0 / 3))
        #expect(try strategy("s", [record("a", "s", true) { $0.steps = [step(0.5, -1, nil)] }]).steps == nil)
    }

    @Test("withheld answers keep their place in the risk–coverage curve, missing ones come last")
    func confidence() throws {
        let found = try strategy(
            "s",
            [
                record("a", "s", true) { $0.confidence = 0.9 },
                record("b", "s", true) { ($0.confidence, $0.abstained) = (0.2, true) },
                record("c", "s", false) { $0.confidence = 0.1 },
                record("d", "s", false) { ($0.answer, $0.failure, $0.confidence) = (nil, "no answer", 0.95) },
            ]
        )
        let confidence = try #require(found.confidence)
        #expect(found.accuracy.value == 0.25)
        #expect(confidence.answers.count == 3 && confidence.withoutConfidence == 1)
        #expect(confidence.answers.areaUnderROC == 1)
        #expect(confidence.curve.map(\.coverage) == [0.25, 0.5, 0.75, 1])
        #expect(zip(confidence.curve.map(\.risk), [0, 0, 1.0 / 3, 0.5]).allSatisfy { isClose($0, $1) })
        #expect(confidence.coverages == [0.5, 0.5, 0.5])
        #expect(try strategy("s", [record("a", "s", true)]).confidence == nil)
    }

    @Test("a long curve is thinned, and keeps its end")
    func thinning() throws {
        let records = (0..<1_001).map { index in
            record("\(index)", "s", index % 3 != 0) { $0.confidence = Double(index) / 1_001 }
        }
        let summary = try strategy("s", records)
        let curve = try #require(summary.confidence).curve
        #expect((100...200).contains(curve.count))
        #expect(curve.last?.coverage == 1)
        #expect(isClose(curve.last?.risk, 334.0 / 1_001))
    }

    @Test("values of a key are in order of their numbers, records without the key in a row of their own")
    func breakdown() throws {
        var records = ["10", "9", "b2", "b10"].map { value in
            record(value, "s", value == "10") { $0.breakdown = ["level": value] }
        }
        records.append(record("other", "s", false))
        let found = try #require(try Summary(records: records).models.first?.breakdowns.first)
        #expect(found.key == "level")
        #expect(Set(found.groups.map(\.value)) == ["9", "10", "b2", "b10", "–"])
        #expect(found.groups.map(\.value).filter { $0 != "–" } == ["9", "10", "b2", "b10"])
        #expect(found.groups.first { $0.value == "10" }?.accuracies["s"]?.value == 1)
    }

    // MARK: Input

    @Test("two results of one run are an error that names the problem")
    func duplicates() {
        #expect {
            try Report(records: [record("a", "s", true), record("puzzle-7", "s", true), record("puzzle-7", "s", false)])
        } throws: { error in
            let error = error as? EMLLMError
            return error?.code == .duplicateResult && error?.subject.contains("puzzle-7") == true
        }
        #expect(throws: Never.self) {
            try Report(records: [record("a", "s", true), record("a", "s", true, seed: 1), record("a", "t", true)])
        }
    }

    @Test("the order of the results does not matter, and twice the same gives the same bytes")
    func order() throws {
        let records = ReportSamples.records(problems: 25) + ReportSamples.records(model: "other", problems: 5)
        let plain = try Report(records: records)
        let reversed = try Report(records: records.reversed())
        #expect(plain.markdown == reversed.markdown)
        #expect(plain.plots == reversed.plots)
        #expect(try plain.summary.json() == reversed.summary.json())
    }

    @Test("numbers of any size neither trap nor break the JSON")
    func extremes() throws {
        let steps = [-1e308, 1e308, 0, -0.5, 7].map {
            StepRecord(text: "", probability: $0, logit: $0, meanLogProbability: -$0, label: $0 > 0)
        }
        let records = (0..<12).map { (index: Int) -> ResultRecord in
            let isEven = index % 2 == 0
            let name = index < 8 ? "cot" : "s"
            var record = record("\(index % 4)", name, index % 3 == 0, seed: UInt64.max - UInt64(index / 4))
            record.promptTokens = .max
            record.processedTokens = isEven ? .max : .min
            record.acceptedTokens = .max
            record.seconds = isEven ? 1e308 : -1e308
            record.confidence = isEven ? 1e300 : -4
            record.steps = steps
            return record
        }
        let report = try Report(records: records)
        #expect(try JSONDecoder().decode(Summary.self, from: report.summary.json()) == report.summary)
        for svg in report.plots.values { _ = try PlotDocument(svg) }
        #expect(!report.markdown.contains("nan"))
    }

    @Test("no results make a report too")
    func empty() throws {
        let report = try Report(records: [], skippedProblems: 4)
        #expect(report.plots.isEmpty)
        #expect(report.markdown.contains("0 results on 0 problems. **Problems that were skipped: 4.**"))
    }

    // MARK: Output

    @Test("several models stand side by side, a row for each strategy, and one alone does not")
    func sideBySide() throws {
        var records = [record("a", "cot", true), record("a", "vote", false), record("b", "cot", false)]
        records += [record("a", "vote", true) { $0.model = "n" }, record("a", "adaptive", true) { $0.model = "n" }]
        let markdown = try Report(records: records).markdown
        let rows = markdown.split(separator: "\n").drop { $0 != "## Side by side" }.dropFirst().prefix(5)
        let cells = rows.map { row in row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
        #expect(cells[0] == ["strategy", "m", "n"])
        #expect(cells.dropFirst(2).map(\.first) == ["cot", "adaptive", "vote"])
        #expect(cells[2][1].hasPrefix("50.0 %") && cells[2][2] == "–")
        #expect(cells[3][1] == "–" && cells[4][1].hasPrefix("0.0 %") && cells[4][2].hasPrefix("100.0 %"))
        #expect(try !Report(records: records.filter { $0.model == "m" }).markdown.contains("Side by side"))
    }

    @Test("the text shows every plot, and no other")
    func links() throws {
        let records = ReportSamples.records(problems: 20) + ReportSamples.records(model: "Other/Model", problems: 20)
        let report = try Report(records: records)
        let links = report.markdown.matches(of: /\]\((\S+\.svg)\)/).map { String($0.1) }
        #expect(Set(links) == Set(report.plots.keys) && links.count == report.plots.count)
        #expect(report.plots["other-model-revisions.svg"] != nil)
    }

    @Test("models whose names differ in what a file name cannot hold have plots of their own")
    func names() throws {
        let models = ["a/b", "a b", "A:B", "../../b", "模型", String(repeating: "long", count: 99)]
        let records = models.enumerated().flatMap { index, model in
            ReportSamples.records(model: model, problems: 3 + index, seeds: 1)
        }
        let report = try Report(records: records)
        #expect(report.plots.keys.filter { $0.contains("risk-coverage") }.count == 6)
        #expect(report.plots.keys.allSatisfy { $0.utf8.count < 200 })
        #expect(report.plots.keys.allSatisfy { $0.wholeMatch(of: /[a-z0-9][a-z0-9-]*\.svg/) != nil })
        #expect(Set(report.plots.values).count == report.plots.count)
    }

    @Test("names are no markup")
    func escaping() throws {
        let text = try Report(
            records: [record("a", "x|y\n<b>", true) { ($0.failure, $0.breakdown) = ("*why*", ["k": "[v](u)"]) }]
        ).markdown
        #expect(text.contains(#"| x\|y \<b\> | 0.0 %"#))
        #expect(text.contains(#"\*why\*"#) && text.contains(#"\[v\](u)"#))
    }

    @Test("a summary of an earlier version reads under the names it had then")
    func formerKeys() throws {
        var summary = try Summary(records: ReportSamples.records(problems: 20), skippedProblems: 0)
        let strategy = try #require(
            summary.models[0].strategies.firstIndex { $0.confidence != nil && $0.steps != nil }
        )
        summary.models[0].strategies[strategy].steps?.unevaluated = 7
        var text = String(decoding: try summary.json(), as: UTF8.self)
        for (key, former) in [("\"answers\" :", "\"judgement\" :"), ("\"unevaluated\" :", "\"unjudged\" :")] {
            #expect(text.contains(key))
            text = text.replacingOccurrences(of: key, with: former)
        }
        #expect(try JSONDecoder().decode(Summary.self, from: Data(text.utf8)) == summary)
    }

    @Test("the summary's JSON has sorted keys and reads back")
    func json() throws {
        let summary = try Summary(records: ReportSamples.records(problems: 20), skippedProblems: 2)
        let data = try summary.json()
        #expect(try JSONDecoder().decode(Summary.self, from: data) == summary)
        let keys = String(decoding: data, as: UTF8.self).matches(of: /\n  "(\w+)"/).map { String($0.1) }
        #expect(keys == ["models", "options", "problems", "records", "skippedProblems"])
        #expect(
            Report(summary: summary).markdown
                == (try Report(records: ReportSamples.records(problems: 20), skippedProblems: 2).markdown)
        )
    }

    @Test("a report is written whole, over the one before, and leaves nothing else behind")
    func writing() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let nested = folder.appending(path: "deep/report")
        try Report(records: []).write(to: nested)
        let report = try Report(records: ReportSamples.records(problems: 10))
        try report.write(to: nested)
        let names = try FileManager.default.contentsOfDirectory(atPath: nested.path)
        #expect(Set(names) == Set(report.plots.keys).union(["report.md", "summary.json"]))
        #expect(try String(contentsOf: nested.appending(path: "report.md"), encoding: .utf8) == report.markdown)
        for (name, svg) in report.plots {
            #expect(try String(contentsOf: nested.appending(path: name), encoding: .utf8) == svg)
        }
    }

    @Test("a place that cannot be written to is an error that names it")
    func unwritable() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("in the way".utf8).write(to: file)
        #expect {
            try Report(records: []).write(to: file)
        } throws: { error in
            let error = error as? EMLLMError
            return error?.code == .reportNotWritten && error?.subject.contains(file.lastPathComponent) == true
        }
    }
}

@Suite("Result records")
struct ReportRecordTests {
    @Test("lines are written and read again")
    func roundTrip() throws {
        let records = ReportSamples.records(problems: 3)
        let lines = try records.map { try $0.line() }
        #expect(lines.allSatisfy { $0.filter { $0 == UInt8(ascii: "\n") }.count == 1 && $0.last == UInt8(ascii: "\n") })
        #expect(try ResultRecord.records(from: Data(lines.joined()), file: "f") == records)
    }

    @Test("empty lines are skipped, and the last one needs no end")
    func blankLines() throws {
        let record = try #require(ReportSamples.records(problems: 1).first)
        let line = String(decoding: try record.line(), as: UTF8.self)
        let text = "\n  \r\n\(line)\r\n\(line.dropLast())"
        #expect(try ResultRecord.records(from: Data(text.utf8), file: "f") == [record, record])
        #expect(try ResultRecord.records(from: Data(), file: "f").isEmpty)
    }

    @Test("what is not known may be absent")
    func absentKeys() throws {
        let json = #"""
            {"problem": "p", "strategy": "s", "model": "m", "seed": 18446744073709551615, "breakdown": {},
            "response": "", "isCorrect": true, "abstained": false, "promptTokens": 1, "processedTokens": 2, "acceptedTokens": 3,
            "evaluationTokens": 4, "seconds": 0.5, "steps": [{"text": "t", "meanLogProbability": -1}]}
            """#.replacing("\n", with: " ")
        let record = try #require(try ResultRecord.records(from: Data(json.utf8), file: "f").first)
        #expect(record.seed == .max && record.answer == nil && record.confidence == nil && record.failure == nil)
        #expect(record.steps == [StepRecord(text: "t", meanLogProbability: -1)])
    }

    @Test("a line that is no record is an error that names file and line", arguments: ["{", "[]", "{\"problem\": 1}"])
    func damaged(line: String) throws {
        let good = try #require(ReportSamples.records(problems: 1).first).line()
        #expect {
            try ResultRecord.records(from: good + Data("\n\(line)\n".utf8), file: "results.jsonl")
        } throws: { error in
            let error = error as? EMLLMError
            return error?.code == .invalidResult && error?.subject == "results.jsonl, line 3"
        }
    }
}
