import EMLLMCore
import Foundation
import Testing

@testable import SelfEvalDecode

@Suite("Prompts as files")
struct PromptPackTests {
    @Test("what is printed reads back the same", arguments: PromptPack.builtIn)
    func roundTrip(pack: PromptPack) throws {
        let text = try pack.yaml()
        #expect(try PromptPack(yaml: text) == pack)
        #expect(try PromptPack(yaml: "\u{FEFF}" + text) == pack)
    }

    @Test("unusual texts survive")
    func unusual() throws {
        var pack = PromptPack(name: "yes", system: nil, reason: "a: {question} # \"'\\\n\n  b\t✓\n")
        pack.verdict = .init(positive: "true", negative: "no")
        pack.step = StepSegmenter(
            boundaries: [.tag],
            delimiters: ["\n---\n", ": "],
            minimumTokens: 2,
            maximumTokens: 50
        )
        #expect(try PromptPack(yaml: pack.yaml()) == pack)
    }

    @Test("a pack may be a small change of another")
    func extends() throws {
        let pack = try PromptPack(yaml: "name: mine\nextends: cas-seat\nverdict: {positive: Ja, negative: Nein}\n")
        var expected = PromptPack.casSEAT
        expected.name = "mine"
        expected.verdict = .init(positive: "Ja", negative: "Nein")
        #expect(pack == expected)
        #expect(try PromptPack(yaml: "name: quiet\nextends: seat\nsystem: null").system == nil)
        #expect(try PromptPack(yaml: "name: loud\nextends: seat\nsystem: 'null'").system == "null")
        let trained = try PromptPack(yaml: "name: trained\nextends: cas-seat\nempty_step: null")
        #expect(trained.emptyStep == nil)
        let whole = try PromptPack.casSEAT.yaml().split(separator: "\n").filter { !$0.hasPrefix("empty_step") }
        #expect { try PromptPack(yaml: whole.joined(separator: "\n")) } throws: { "\($0)".contains("empty_step") }
        #expect(try PromptPack(yaml: trained.yaml()) == trained)
    }

    @Test("keys of earlier versions are read")
    func formerKeys() throws {
        let text = "name: x\nextends: cas-seat\nreview: \"Right? {options}\"\n"
        #expect(try PromptPack(yaml: text).evaluateChain == "Right? {options}")
        #expect { try PromptPack(yaml: text.replacingOccurrences(of: "{options}", with: "")) } throws: {
            "\($0)".contains("line 3") && "\($0)".contains("evaluate_chain")
        }
        #expect { try PromptPack(yaml: text + "evaluate_chain: \"{options}\"\n") } throws: {
            "\($0)".contains("line 3") && "\($0)".contains("review")
        }
    }

    @Test("JSON is read as well, with tabs")
    func json() throws {
        let pack = try PromptPack(yaml: "{\n\t\"name\": \"mine\",\n\t\"extends\": \"seat\",\n\t\"answer\": \"So?\"\n}")
        #expect(pack.answer == "So?" && pack.reason == PromptPack.seat.reason)
    }

    @Test(
        "defects are named with their lines",
        arguments: [
            ("name: x\nsystem: y\n", "line 1", "the key reason"),
            ("name: x\nextends: cas-seat\nevaluate: Right?\n", "line 3", "{options}"),
            ("name: x\nextends: cas-seat\nanswer: \"{question}?\"\n", "line 3", "no placeholder"),
            ("name: x\nextends: cas-seat\nverdict:\n  positive: Yes\n  negative: yes\n", "line 5", "another word"),
            ("name: x\nextends: cas-seat\nreson: \"{question}\"\n", "line 3", "only the keys"),
            ("name: x\nextends: cas-seat\nstep:\n  boundaries: [line, word]\n", "line 4", "blankLine"),
            ("name: x\nextends: cas-seat\nstep: {maximum_tokens: 2}\n", "line 3", "8...100000"),
            ("name: x\nextends: cas-seat\nstep: {minimum_tokens: few}\n", "line 3", "a whole number"),
            ("name: x\nextends: other\n", "line 2", "cas-seat or seat"),
            ("name: x\nextends: cas-seat\nanswer: [a, b]\n", "line 3", "one text"),
            ("- a\n- b\n", "line 1", "keys with values"),
            ("name: \"x\n", "prompt pack", "YAML or JSON"),
            ("", "line 1", "keys with values"),
            (String(repeating: "[", count: 5000), "line 1", "levels"),
            (String(repeating: "- ", count: 5000), "line 1", "levels"),
        ]
    )
    func defects(text: String, place: String, expected: String) {
        #expect {
            try PromptPack(yaml: text)
        } throws: { error in
            (error as? EMLLMError)?.code == .invalidPromptPack && "\(error)".contains(place)
                && "\(error)".contains(expected)
        }
    }

    @Test("a name is a pack that comes with the library, or a file")
    func names() throws {
        #expect(try PromptPack.named("seat") == .seat)
        #expect { try PromptPack.named("neither") } throws: { ($0 as? EMLLMError)?.code == .noSuchPromptPack }
        #expect { try PromptPack.named("/") } throws: { ($0 as? EMLLMError)?.code == .noSuchPromptPack }
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("name: mine\nextends: seat\n".utf8).write(to: file)
        #expect(try PromptPack.named(file.path).name == "mine")
        try Data([0xFF, 0xFE, 0x00]).write(to: file)
        #expect { try PromptPack.named(file.path) } throws: { ($0 as? EMLLMError)?.code == .invalidPromptPack }
    }

    // MARK: Calibrations

    @Test("a calibration is refused with other weights, other prompts, or another way of asking")
    func calibration() throws {
        let tokenizer = try TestVocabulary.makeTokenizer()
        let model = ModelIdentity.scripted(tokenizer)
        let options = SelfEvalOptions()
        let file = CalibrationFile(
            model: model,
            verdictDigest: options.verdictDigest,
            steps: .platt(PlattScaling(slope: 2, intercept: -1)),
            sampleCount: 100,
            abstention: ["verify": .init(threshold: 0.4, risk: 0.1, sampleCount: 50)]
        )
        let applied = try file.applied(to: options, model: model)
        #expect(applied.calibration == file.steps && applied.abstainBelow == 0.4)
        var other = model
        other.weightsDigest = "2"
        #expect { try file.applied(to: options, model: other) } throws: { ($0 as? EMLLMError)?.code == .otherModel }
        for change: (inout SelfEvalOptions) -> Void in [
            { $0.prompts.evaluate = "Right? {options}" }, { $0.averagesOrders = true }, { $0.subtractsPrior = false },
        ] {
            var changed = options
            change(&changed)
            #expect { try file.applied(to: changed, model: model) } throws: {
                ($0 as? EMLLMError)?.code == .otherPrompts
            }
        }
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: url) }
        try file.json().write(to: url)
        #expect(try CalibrationFile(contentsOf: url) == file)
        // The key's name in earlier versions.
        var viewed = file
        viewed.views = 5
        let text = String(decoding: try viewed.json(), as: UTF8.self)
        try #require(text.contains("\"views\""))
        try Data(text.replacingOccurrences(of: "\"views\"", with: "\"looks\"").utf8).write(to: url)
        #expect(try CalibrationFile(contentsOf: url) == viewed)
        #expect(try file.applied(to: options, model: model).views == 1)
        #expect(try viewed.applied(to: options, model: model).views == 5)
        for text in ["", "{}", "{\"version\": 9}", "{\"version\": 1, \"steps\": 3}"] {
            try Data(text.utf8).write(to: url)
            #expect { try CalibrationFile(contentsOf: url) } throws: { ($0 as? EMLLMError)?.code == .notACalibration }
        }
    }
}
