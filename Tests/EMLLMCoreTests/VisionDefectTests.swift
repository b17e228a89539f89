import Foundation
import Testing

@testable import EMLLMCore
@testable import EMLLMFormats

/// Vision-language checkpoints that lack something, lie, or hold what this engine does not run.
@Suite("Vision checkpoints: bad input")
struct VisionDefectTests {
    typealias Defect = HuggingFaceTests.Defect
    typealias Folder = HuggingFaceTests.Folder

    private static let config = "config.json"
    private static let pictures = "preprocessor_config.json"

    static let qwen: [Defect] = [
        .text(
            "an unknown activation",
            .unsupportedArchitecture,
            "swish",
            in: config,
            "\"depth\"",
            "\"hidden_act\": \"swish\", \"depth\""
        ),
        .text(
            "no vision part",
            .missingMetadata,
            "vision_config",
            in: config,
            "\"vision_config\"",
            "\"vision_confix\""
        ),
        .text(
            "a vision part that is a number",
            .invalidMetadata,
            "vision_config",
            in: config,
            "\"vision_config\": {",
            "\"vision_config\": 7, \"other\": {"
        ),
        .text(
            "heads that do not divide the width",
            .invalidConfiguration,
            "headCount",
            in: config,
            "\"num_heads\": 2",
            "\"num_heads\": 3"
        ),
        .text("no heads", .invalidMetadata, "num_heads", in: config, "\"num_heads\": 2", "\"num_heads\": 0"),
        .text(
            "more blocks than the file has",
            .missingTensor,
            "vision.layers.2",
            in: config,
            "\"depth\": 2",
            "\"depth\": 3"
        ),
        .text(
            "patches of another size",
            .invalidTensorShape,
            "patch_embed",
            in: config,
            "\"patch_size\": 14",
            "\"patch_size\": 16"
        ),
        .text(
            "joined patches of no size",
            .invalidMetadata,
            "merge",
            in: config,
            "\"spatial_merge_size\": 2",
            "\"spatial_merge_size\": 0"
        ),
        .text(
            "three frames",
            .unsupportedArchitecture,
            "temporal_patch_size",
            in: config,
            "\"temporal_patch_size\": 2",
            "\"temporal_patch_size\": 3"
        ),
        .text(
            "sections that do not add up",
            .invalidConfiguration,
            "sections",
            in: config,
            "\"mrope_section\": [",
            "\"mrope_section\": [1, "
        ),
        .text(
            "no pixels at all",
            .invalidMetadata,
            "max_pixels",
            in: pictures,
            "\"max_pixels\": 19600",
            "\"max_pixels\": 0"
        ),
        .text(
            "fewest pixels above most",
            .invalidConfiguration,
            "minimumPixels",
            in: pictures,
            "\"min_pixels\": 3136",
            "\"min_pixels\": 31360"
        ),
        .text(
            "two colours",
            .invalidMetadata,
            "image_mean",
            in: pictures,
            "\"image_mean\": [",
            "\"image_mean\": [0.1, 0.2], \"old\": ["
        ),
        .text(
            "a deviation of nothing",
            .invalidConfiguration,
            "deviation",
            in: pictures,
            "\"image_std\": [",
            "\"image_std\": [0, 0, 0], \"old\": ["
        ),
        .text(
            "a filter that Pillow does not have",
            .invalidMetadata,
            "resample",
            in: pictures,
            "\"patch_size\"",
            "\"resample\": 9, \"patch_size\""
        ),
        .text(
            "a tensor of another name",
            .unexpectedTensor,
            "visual.",
            in: "model.safetensors",
            "visual.blocks.0.attn.proj.bias",
            "visual.blocks.0.attn.prox.bias"
        ),
        Defect("no weights", .fileNotFound, "model.safetensors") { try $0.remove("model.safetensors") },
        Defect("a missing shard", .fileNotFound, "model-00002-of-00002.safetensors") { folder in
            let index = #"{"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}"#
            try Data(index.utf8).write(to: folder.url.appending(path: "model.safetensors.index.json"))
        },
    ]

    @Test("Each defect has its error", arguments: qwen)
    func qwenDefects(defect: Defect) throws {
        let folder = try Folder("qwen2-vl", in: "vision")
        try defect.change(folder)
        let error = folder.error()
        #expect(error?.code == defect.code, "\(error?.description ?? "no error")")
        #expect(error?.description.contains(defect.mention) == true, "\(error?.description ?? "")")
    }

    static let others: [(family: String, defect: Defect)] = [
        (
            "smolvlm",
            .text(
                "a tile that is no multiple of patches",
                .invalidConfiguration,
                "preprocessing",
                in: pictures,
                "\"longest_edge\": 32",
                "\"longest_edge\": 36"
            )
        ),
        (
            "smolvlm",
            .text(
                "another number of joined patches",
                .wrongTensorShape,
                "connector.first",
                in: config,
                "\"scale_factor\": 2",
                "\"scale_factor\": 4"
            )
        ),
        (
            "internvl",
            .text(
                "features of another block",
                .unsupportedArchitecture,
                "vision_feature_layer",
                in: config,
                "\"model_type\": \"internvl\"",
                "\"vision_feature_layer\": -4, \"model_type\": \"internvl\""
            )
        ),
        (
            "internvl",
            .text(
                "more than a thousand tiles",
                .invalidMetadata,
                "max_patches",
                in: pictures,
                "\"max_patches\": 6",
                "\"max_patches\": 6000"
            )
        ),
        (
            "internvl-original",
            .text(
                "the older pixel shuffle",
                .unsupportedArchitecture,
                "ps_version",
                in: config,
                "\"ps_version\": \"v2\"",
                "\"ps_version\": \"v1\""
            )
        ),
        (
            "llava",
            .text(
                "a picture of another size than the positions",
                .invalidConfiguration,
                "positions",
                in: pictures,
                "\"height\": 28",
                "\"height\": 35"
            )
        ),
        (
            "llava",
            .text(
                "features with the class token",
                .unsupportedArchitecture,
                "vision_feature_select_strategy",
                in: config,
                "\"vision_feature_select_strategy\": \"default\"",
                "\"vision_feature_select_strategy\": \"full\""
            )
        ),
        (
            "llava",
            .text("an unknown tower", .unsupportedArchitecture, "swin", in: config, "\"clip_vision_model\"", "\"swin\"")
        ),
        (
            "qwen3-vl",
            .text(
                "features of a block that is not there",
                .invalidMetadata,
                "deepstack_visual_indexes",
                in: config,
                "\"deepstack_visual_indexes\": [",
                "\"deepstack_visual_indexes\": [7, "
            )
        ),
    ]

    @Test("Each family's own defects", arguments: others.indices)
    func otherDefects(index: Int) throws {
        let (family, defect) = Self.others[index]
        let folder = try Folder(family, in: "vision")
        try defect.change(folder)
        let error = folder.error()
        #expect(error?.code == defect.code, "\(defect.testDescription): \(error?.description ?? "no error")")
        #expect(
            error?.description.contains(defect.mention) == true,
            "\(defect.testDescription): \(error?.description ?? "")"
        )
    }

    @Test("Files of an older converter name their feed-forward layers the other way round")
    func swappedNames() throws {
        let file = try GGUFFile(MappedFile(VisionFamilyTests.folder.appending(path: "llava-pad.mmproj.gguf")))
        #expect(GGUFVision.swapsFeedForward(file, width: 32))
        let newer = try GGUFFile(MappedFile(VisionFamilyTests.folder.appending(path: "smolvlm.mmproj.gguf")))
        #expect(!GGUFVision.swapsFeedForward(newer, width: 32))
    }
}

@Suite("Vision fuzz")
struct VisionFuzzTests {
    /// What was accepted must also run: a picture goes through every model that opens.
    private func run(_ open: () throws -> ModelPackage) -> Bool {
        guard let package = try? open(), let model = try? EMLLMModel(package: package),
            let context = try? InferenceContext(model: model, options: RuntimeOptions(threads: 1))
        else { return false }
        let picture = RGBImage(width: 40, height: 30, pixels: (0..<3600).map { UInt8(truncatingIfNeeded: $0 * 7) })
        // A scale that a number of the file asks for may be large; that is a matter of time, not of memory.
        if case .tiled(let edge, _, _)? = model.configuration.vision?.preprocessing.method, edge > 400 { return true }
        if case .cropped(let edge, _, _)? = model.configuration.vision?.preprocessing.method, edge > 4000 {
            return true
        }
        if case .native(_, let pixels, _)? = model.configuration.vision?.preprocessing.method, pixels > 200_000 {
            return true
        }
        _ = try? context.encode(picture)
        return true
    }

    @Test(
        "Mutated configurations are read or refused",
        arguments: ["qwen2-vl", "qwen2.5-vl", "smolvlm", "internvl", "llava"]
    )
    func configurations(family: String) throws {
        let folder = try HuggingFaceTests.Folder(family, in: "vision")
        var random = SplitMix64(state: 31)
        var opened = 0
        let names = ["config.json", "preprocessor_config.json"]
        let originals = try names.map { try Data(contentsOf: folder.url.appending(path: $0)) }
        let rounds = 150
        for _ in 0..<rounds {
            for (name, original) in zip(names, originals) {
                var bytes = original
                // Numbers are what hurts; letters make most files another JSON.
                let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    guard let place = digits.randomElement(using: &random) else { continue }
                    bytes[place] = Array("0123456789-e.".utf8).randomElement(using: &random) ?? 0x30
                }
                try bytes.write(to: folder.url.appending(path: name))
            }
            if run({ try ModelPackage.open(folder.url) }) { opened += 1 }
        }
        #expect(opened > 3 && opened < rounds, "\(opened) of \(rounds) opened")
    }

    @Test("Mutated mmproj files are read or refused", arguments: ["qwen3-vl", "llava-pad", "smolvlm"])
    func towers(family: String) throws {
        let text = VisionFamilyTests.folder.appending(path: "\(family).gguf")
        let original = Array(try Data(contentsOf: VisionFamilyTests.folder.appending(path: "\(family).mmproj.gguf")))
        let decoder = try GGUFFile(MappedFile(text))
        let head =
            original.count
            - (try GGUFFile(MappedFile(bytes: original, path: "x"))).tensors.reduce(0) { $0 + $1.byteCount }
        var random = SplitMix64(state: 32)
        var opened = 0
        let rounds = 400
        for _ in 0..<rounds {
            var bytes = original
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                bytes[Int.random(in: 0..<head, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let isOpen = run {
                let tower = try GGUFFile(MappedFile(bytes: bytes, path: "x.gguf"))
                return try ModelPackage(.gguf(decoder, vision: tower))
            }
            if isOpen { opened += 1 }
        }
        #expect(opened > 3 && opened < rounds, "\(opened) of \(rounds) opened")
    }
}
