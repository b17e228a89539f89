import EMLLMCore
import Foundation
import Testing

/// The residual stream behind layers; `Tests/Scripts/hidden_state_fixtures.py` made the numbers of transformers.
@Suite("Hidden states")
struct HiddenStateTests {
    private static let folder = TestModels.fixtures.appending(path: "families")
    /// By family. `[layers + 1, tokens, width]`
    private static let references: [String: [[[Float]]]] = {
        guard let data = try? Data(contentsOf: folder.appending(path: "hidden-states.json")) else { return [:] }
        return (try? JSONDecoder().decode([String: [[[Float]]]].self, from: data)) ?? [:]
    }()

    @Test("Five families have references")
    func coverage() { #expect(Self.references.count == 5) }

    @Test("Within 1e-4 of transformers, behind every layer", arguments: references.keys.sorted())
    func reference(family: String) throws {
        struct Reference: Decodable { let prompt: [TokenID] }
        struct File: Decodable { let families: [String: [Reference]] }
        let data = try Data(contentsOf: Self.folder.appending(path: "reference.json"))
        let prompt = try #require(try JSONDecoder().decode(File.self, from: data).families[family]?.first?.prompt)
        let expected = try #require(Self.references[family])
        let model = try EMLLMModel.load(from: Self.folder.appending(path: "\(family).gguf"))
        let context = try InferenceContext(model: model, options: RuntimeOptions(threads: 2, activations: .f32))
        let layers = Array(expected.indices)
        let states = try context.hiddenStates(of: prompt, after: context.makeBranch(), layers: layers)
        #expect(states.layers == layers && states.tokenCount == prompt.count && states.width == expected[0][0].count)
        for layer in layers {
            let scale = expected[layer].joined().map(abs).max() ?? 1
            for token in prompt.indices {
                let row = states.row(layer, token: token)
                let largest = zip(row, expected[layer][token]).map { abs($0 - $1) }.max() ?? .infinity
                #expect(row.count == expected[layer][token].count)
                #expect(largest <= 1e-4 * scale, "layer \(layer), token \(token): \(largest) of \(scale)")
            }
        }
    }

    private func prompt(_ count: Int, below most: Int = 500) -> [TokenID] {
        (0..<count).map { TokenID(3 + ($0 * 7) % (most - 3)) }
    }

    @Test("Logits are the same with and without, bit for bit")
    func logits() throws {
        let context = try InferenceContext(model: TestModels.stories260K.get())
        // Beyond one pass, and far below the length of a run that is processed alone.
        for count in [1, 5, 200] {
            let plain = try context.extend(context.makeBranch(), with: prompt(count))
            let (logits, states) = try context.extend([(context.makeBranch(), prompt(count))], layers: [0, 2, 5])[0]
            #expect(logits == plain)
            #expect(states.tokenCount == count && states.values.count == 3 * count * states.width)
        }
    }

    @Test("A batch gives what its branches give one by one, and token by token what a run gives")
    func batches() throws {
        // Quantized weights: float ones may go through BLAS in long runs.
        let folder = try TemporaryFolder()
        let file = try folder.file("qwen2-q8.emllm")
        let gguf = Self.folder.appending(path: "qwen2.gguf")
        try ModelConverter.convert(gguf, to: file, options: .init(quantization: .q8_0))
        let context = try InferenceContext(model: EMLLMModel.load(from: file))
        let root = context.makeBranch()
        _ = try context.extend(root, with: prompt(40, below: 250))
        let texts = [[5, 6, 7], [9], prompt(50, below: 250), [11, 12]] as [[TokenID]]
        let together = try context.extend(texts.map { (root.fork(), $0) }, layers: [1, 2])
        for (text, found) in zip(texts, together) {
            #expect(try context.hiddenStates(of: text, after: root.fork(), layers: [1, 2]) == found.states)
            let branch = root.fork()
            for (place, token) in text.enumerated() {
                let one = try context.hiddenStates(of: [token], after: branch, layers: [1, 2])
                for layer in 0...1 {
                    #expect(one.row(layer, token: 0) == found.states.row(layer, token: place), "token \(place)")
                }
            }
        }
    }

    @Test("Other threads, the same states")
    func threads() throws {
        let model = try TestModels.stories260K.get()
        let states = try [1, 2, 3].map { threads in
            let context = try InferenceContext(model: model, options: RuntimeOptions(threads: threads))
            return try context.hiddenStates(of: prompt(70), after: context.makeBranch(), layers: [3])
        }
        #expect(states[0] == states[1] && states[1] == states[2])
    }

    @Test("A layer that is not there, and none at all", arguments: [[6], [-1], [0, 99], []])
    func unknownLayer(layers: [Int]) throws {
        let context = try InferenceContext(model: TestModels.stories260K.get())
        let branch = context.makeBranch()
        let error = #expect(throws: EMLLMError.self) {
            try context.hiddenStates(of: [1, 2], after: branch, layers: layers)
        }
        #expect(error?.code == .unknownLayer)
        #expect(error?.expected == "at least one, each in 0...5")
        #expect(branch.count == 0)
    }
}
