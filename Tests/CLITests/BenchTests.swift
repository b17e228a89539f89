import Foundation
import Testing

/// `emllm-bench` as a program: what it prints, and how it fails.
@Suite("emllm-bench")
struct BenchTests {
    private static let model = Program.stories260K

    @Test("JSON has a row per test and the machine")
    func json() throws {
        let run = try Self.bench(
            ["--model", Self.model, "-p", "32", "-n", "4", "-r", "3", "--branches", "2", "--threads", "1", "--json"]
        )
        #expect(run.status == 0, "\(run.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        #expect(Set(report.keys) == ["results", "machine"])

        let machine = try #require(report["machine"] as? [String: Any])
        #expect(machine["threads"] as? Int == 1)
        #expect((machine["memory_bandwidth_bytes_per_second"] as? Double ?? 0) > 1e8)
        for key in ["cpu", "isa", "openblas_core"] {
            #expect((machine[key] as? String)?.isEmpty == false, "machine has no \(key)")
        }

        let results = try #require(report["results"] as? [[String: Any]])
        #expect(results.map { $0["test"] as? String } == ["pp32", "tg4", "tg4x2"])
        #expect(results.map { $0["tokens"] as? Int } == [32, 4, 8])
        for result in results {
            let median = try #require(result["tokens_per_second"] as? Double)
            let minimum = try #require(result["tokens_per_second_minimum"] as? Double)
            let maximum = try #require(result["tokens_per_second_maximum"] as? Double)
            #expect(0 < minimum && minimum <= median && median <= maximum)
            #expect(result["repetitions"] as? Int == 3)
            #expect((result["peak_resident_bytes"] as? Int ?? 0) > 1 << 20)
        }
        // A prompt reuses each weight for many tokens; only generation has a rate of weights.
        #expect(results[0]["weight_bytes_per_second"] == nil)
        let rate = try #require(results[1]["weight_bytes_per_second"] as? Double)
        let tokens = try #require(results[1]["tokens_per_second"] as? Double)
        #expect(abs(rate / tokens - 1e6) < 2e5, "260,000 floats are about a megabyte for each token")
    }

    @Test("The table names the processor, the kernels and the tests that ran")
    func table() throws {
        let run = try Self.bench(["llm", "--model", Self.model, "-p", "0", "-n", "2", "-r", "1", "--branches", "1"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("OpenBLAS core"))
        #expect(run.output.contains("| tg2"))
        #expect(!run.output.contains("| pp"))
    }

    @Test("Sampled text is measured beside greedy text")
    func sampled() throws {
        let arguments = [
            "--model", Self.model, "-p", "0", "-n", "3", "-r", "1", "--branches", "2", "--sampled", "--json",
        ]
        let run = try Self.bench(arguments)
        #expect(run.status == 0, "\(run.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let results = try #require(report["results"] as? [[String: Any]])
        let names = ["tg3", "tg3 greedy", "tg3 sampled", "tg3x2", "tg3x2 greedy", "tg3x2 sampled"]
        #expect(results.map { $0["test"] as? String } == names)
        let choices = ["none", "greedy", "sampled"]
        #expect(results.map { $0["choice"] as? String } == choices + choices)
    }

    @Test("Load times grow from stage to stage")
    func load() throws {
        let run = try Self.bench(["load", "--model", Self.model, "-r", "2", "--json"])
        #expect(run.status == 0, "\(run.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let results = try #require(report["results"] as? [[String: Any]])
        #expect(results.map { $0["test"] as? String } == ["loaded", "ready", "first token"])
        let first = results.compactMap { $0["milliseconds_first"] as? Double }
        #expect(first.count == 3 && first[0] > 0 && first == first.sorted())
    }

    @Test(
        "A wrong option or file is one line on standard error and a status that is not zero",
        arguments: [
            (["--model", "/nowhere/model.emllm"], "model.emllm"),
            (["--model", model, "-r", "0"], "--repetitions"),
            (["--model", model, "--prompt=-1"], "--prompt"),
            (["--model", model, "-p", "0", "-n", "0"], "--generate 0"),
            (["--model", model, "-n", "0", "--sampled"], "--sampled"),
            (["--model", model, "--branches", "0"], "--branches"),
            (["--model", model, "--threads", "0"], "threads"),
            (["--model", model, "-p", "100000"], "context"),
            (["load", "--model", model, "-r", "0"], "--repetitions"),
        ]
    )
    func failures(arguments: [String], mention: String) throws {
        let run = try Self.bench(arguments)
        #expect(run.status != 0)
        #expect(run.output.isEmpty)
        let lines = run.errors.split(separator: "\n")
        let message = try #require(lines.first)
        #expect(message.contains(mention) && message.contains("expected") && message.contains("found"), "\(message)")
        // ArgumentParser adds its usage to errors in options; nothing else may follow.
        #expect(lines.count == 1 || lines[1].hasPrefix("Usage:"), "\(run.errors)")
    }

    private static func bench(_ arguments: [String]) throws -> ProgramRun {
        try Program.run(Program.url("emllm-bench"), arguments)
    }
}
