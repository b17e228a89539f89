import EMLLMCore
import Foundation
import Testing

/// Tiny random models of every text family against transformers; `Tests/Scripts/family_fixtures.py` made files and
/// numbers.
@Suite("Families against transformers")
struct FamilyReferenceTests {
    struct Reference: Codable, Sendable {
        let prompt: [TokenID]
        /// After the prompt. `[vocabulary]`
        let logits: [Float]
        /// 32 tokens.
        let greedy: [TokenID]
    }

    private struct File: Codable { let families: [String: [Reference]] }

    private static let folder = TestModels.fixtures.appending(path: "families")
    private static let references: [String: [Reference]] = {
        guard let data = try? Data(contentsOf: folder.appending(path: "reference.json")) else { return [:] }
        return (try? JSONDecoder().decode(File.self, from: data))?.families ?? [:]
    }()

    @Test("The registry's families are covered")
    func coverage() {
        #expect(Set(ModelRegistry.families.map(\.name)).isSubset(of: Self.references.keys))
        #expect(Self.references.values.allSatisfy { $0.count == 2 })
    }

    /// From every format, with every instruction set: float weights and activations leave the order of sums as the only
    /// difference.
    @Test("Logits within 1e-4, and the same 32 greedy tokens", arguments: references.keys.sorted())
    func logits(family: String) throws {
        let folder = try TemporaryFolder()
        let gguf = Self.folder.appending(path: "\(family).gguf")
        let published = Self.folder.appending(path: family)
        let packed = [try folder.file("gguf.emllm"), try folder.file("hf.emllm")]
        try ModelConverter.convert(gguf, to: packed[0])
        try ModelConverter.convert(published, to: packed[1])
        for url in [gguf, published] + packed {
            let model = try EMLLMModel.load(from: url)
            #expect(family.hasPrefix(model.configuration.family))
            for isa in InstructionSet.supported {
                let options = RuntimeOptions(threads: 2, instructionSet: isa, activations: .f32)
                let context = try InferenceContext(model: model, options: options)
                for reference in try #require(Self.references[family]) {
                    let branch = context.makeBranch()
                    let logits = try context.extend(branch, with: reference.prompt)
                    let scale = reference.logits.map(abs).max() ?? 1
                    let largest = zip(logits.values, reference.logits).map { abs($0 - $1) }.max() ?? .infinity
                    #expect(logits.values.count == reference.logits.count)
                    #expect(largest <= 1e-4 * scale, "\(url.lastPathComponent), \(isa): \(largest) of \(scale)")
                    #expect(try context.greedyTokens(32, after: branch, logits) == reference.greedy)
                }
            }
        }
    }

    @Test("A folder's tokenizer and template are those of the GGUF file", arguments: references.keys.sorted())
    func tokenizer(family: String) throws {
        let gguf = try ModelPackage.open(Self.folder.appending(path: "\(family).gguf"))
        let published = try ModelPackage.open(Self.folder.appending(path: family))
        #expect(published.tokenizer == gguf.tokenizer)
        #expect(published.chatTemplate == gguf.chatTemplate)
    }
}
