import Foundation
import Testing

@testable import EMLLMCore

/// Tiny random models of every vision family against transformers; `Tests/Scripts/vision_fixtures.py` made the files
/// and the numbers.
@Suite("Vision families against transformers")
struct VisionFamilyTests {
    struct Reference: Decodable, Sendable {
        struct Picture: Decodable, Sendable {
            let file: String
            /// Of all pixel values.
            let shape: [Int]?
            let tiles: [Int]?
            /// Of the pixel values as little-endian floats.
            let sha256: String?
            /// Why the reference refuses the picture.
            let error: String?
        }

        struct Message: Decodable, Sendable {
            struct Part: Decodable, Sendable {
                let type: String
                let text: String?
            }

            let role: ChatMessage.Role
            let content: [Part]

            enum CodingKeys: String, CodingKey { case role, content }

            init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: CodingKeys.self)
                role = try values.decode(ChatMessage.Role.self, forKey: .role)
                if let text = try? values.decode(String.self, forKey: .content) {
                    content = [Part(type: "text", text: text)]
                } else {
                    content = try values.decode([Part].self, forKey: .content)
                }
            }

            var message: ChatMessage {
                ChatMessage(
                    role: role,
                    content: content.compactMap(\.text).joined(),
                    imageCount: content.filter { $0.type == "image" }.count
                )
            }
        }

        struct Features: Decodable, Sendable {
            let shape: [Int]
            let values: [Float]
            let rows: [Int]?
        }

        struct Case: Decodable, Sendable {
            let messages: [Message]
            let pictures: [String]
            let tokens: [TokenID]
            let features: Features?
            let logits: [Float]
            let greedy: [TokenID]
        }

        let pictures: [Picture]
        let cases: [Case]
    }

    private struct File: Decodable { let families: [String: Reference] }

    static let folder = TestModels.fixtures.appending(path: "vision")
    static let references: [String: Reference] = {
        guard let data = try? Data(contentsOf: folder.appending(path: "reference.json")) else { return [:] }
        do {
            return try JSONDecoder().decode(File.self, from: data).families
        } catch {
            Issue.record(error)
            return [:]
        }
    }()
    static let families = references.keys.sorted()

    static func picture(_ name: String) throws -> RGBImage {
        try ImageDecoder().decode(contentsOf: folder.appending(path: "pictures/\(name)"))
    }

    @Test("The registry's families are covered")
    func coverage() throws {
        let found = try Set(
            Self.families.map { try EMLLMModel.load(from: Self.folder.appending(path: $0)).configuration.family }
        )
        #expect(found == Set(ModelRegistry.visionFamilies.map(\.name)))
        #expect(Self.references.values.allSatisfy { $0.cases.count >= 4 && $0.pictures.count >= 10 })
    }

    /// Bit for bit, on pictures of awkward sizes and formats.
    @Test("Pixel values", arguments: families)
    func pixels(family: String) throws {
        let reference = try #require(Self.references[family])
        let package = try ModelPackage.open(Self.folder.appending(path: family))
        let vision = try #require(package.configuration.vision)
        for expected in reference.pictures {
            let image = try Self.picture(expected.file)
            guard expected.error == nil else {
                #expect(throws: EMLLMError.self) { try vision.preprocessing.apply(to: image) }
                continue
            }
            let result = try vision.preprocessing.apply(to: image)
            let tower = vision.tower
            let values = result.referenceOrder(
                vision.preprocessing.method,
                patch: tower.patchSize,
                merge: vision.connector.merge,
                frames: tower.framesPerPatch
            )
            #expect(values.count == expected.shape?.reduce(1, *), "\(expected.file)")
            let digest = values.withUnsafeBytes { Checksum(of: $0) }
            #expect("\(digest)" == expected.sha256, "\(expected.file)")
            if let tiles = expected.tiles { #expect([result.arrangement.rows, result.arrangement.columns] == tiles) }
        }
    }

    /// The formats that a family is published in.
    private func sources(_ family: String, _ scratch: TemporaryFolder) throws -> [(url: URL, vision: URL?)] {
        let published = Self.folder.appending(path: family)
        let packed = try scratch.file("hf.emllm")
        try ModelConverter.convert(published, to: packed)
        var sources: [(URL, URL?)] = [(published, nil), (packed, nil)]
        let gguf = Self.folder.appending(path: "\(family).gguf")
        let vision = Self.folder.appending(path: "\(family).mmproj.gguf")
        if FileManager.default.fileExists(atPath: vision.path) {
            let packed = try scratch.file("gguf.emllm")
            try ModelConverter.convert(gguf, vision: vision, to: packed)
            sources += [(gguf, vision), (packed, nil)]
        }
        return sources
    }

    /// From every format, with every instruction set: float weights and activations leave the order of sums as the only
    /// difference.
    @Test("Tokens, features and logits within 1e-4, and the same 32 greedy tokens", arguments: families)
    func logits(family: String) throws {
        let scratch = try TemporaryFolder()
        let reference = try #require(Self.references[family])
        for (url, vision) in try sources(family, scratch) {
            let model = try EMLLMModel.load(from: url, vision: vision)
            for isa in InstructionSet.supported {
                let options = RuntimeOptions(threads: 2, instructionSet: isa, activations: .f32)
                let context = try InferenceContext(model: model, options: options)
                for (number, expected) in reference.cases.enumerated() {
                    let note = "\(url.lastPathComponent), \(isa), case \(number)"
                    let (images, _) = try context.encode(try expected.pictures.map(Self.picture))
                    let prompt = try model.prompt(for: expected.messages.map(\.message), images: images)
                    // The reference repeats one token where the engine has one for each feature.
                    let vocabulary = model.tokenizer.vocabularySize
                    #expect(prompt.count == expected.tokens.count, "\(note)")
                    for (own, other) in zip(prompt, expected.tokens) where Int(own) < vocabulary {
                        #expect(own == other, "\(note)")
                    }
                    try Self.compare(images, expected.features, model, note)
                    let branch = context.makeBranch()
                    let logits = try context.extend(branch, with: prompt)
                    Self.compare(logits.values, expected.logits, "logits, \(note)")
                    #expect(try context.greedyTokens(32, after: branch, logits) == expected.greedy, "\(note)")
                }
            }
        }
    }

    private static func compare(
        _ images: [EncodedImage],
        _ expected: Reference.Features?,
        _ model: EMLLMModel,
        _ note: String
    ) throws {
        guard let expected else { return #expect(images.isEmpty) }
        let width = model.configuration.decoder.hiddenSize
        let rows = images.flatMap { image in
            let features = image.features
            return (0..<image.featureCount).map { Array(features[($0 * image.featureWidth)...].prefix(width)) }
        }
        #expect([rows.count, width] == expected.shape, "\(note)")
        let compared = expected.rows.map { $0.map { rows[$0] } } ?? rows
        compare(compared.flatMap { $0 }, expected.values, "features, \(note)")
    }

    private static func compare(_ found: [Float], _ expected: [Float], _ note: String) {
        let scale = expected.map(abs).max() ?? 1
        let largest = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(found.count == expected.count, "\(note)")
        #expect(largest <= 1e-4 * scale, "\(note): \(largest) of \(scale)")
    }
}
