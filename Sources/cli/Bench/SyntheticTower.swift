import ArgumentParser
import EMLLMCore

/// The shapes of published models' vision towers, which are filled with random weights.
enum SyntheticTower: String, CaseIterable, ExpressibleByArgument {
    /// SigLIP-B/16 at 512 pixels, in SmolVLM-256M.
    case smolvlm256M = "smolvlm-256m"
    /// Qwen2-VL-2B's tower.
    case qwen2VL2B = "qwen2-vl-2b"
    /// InternViT-300M on one tile of 448 pixels, in InternVL2.5-1B.
    case internViT300M = "internvit-300m"

    /// The side of the picture to measure with: one tile.
    var pictureSize: Int {
        switch self {
        case .smolvlm256M: 512
        case .qwen2VL2B, .internViT300M: 448
        }
    }

    /// The tower's shape with the smallest possible decoder.
    var configuration: ModelConfiguration {
        switch self {
        case .smolvlm256M:
            var tower = VisionTowerConfiguration(
                patchSize: 16,
                hiddenSize: 768,
                layerCount: 12,
                headCount: 12,
                feedForwardSize: 3072,
                normEpsilon: 1e-6,
                activation: .geluTanh
            )
            tower.postNorm = true
            tower.positions = .init(side: 32, lookup: .bucket)
            return Self.model(
                "idefics3",
                width: 576,
                .tiled(longestEdge: 512, tileSide: 512, splits: true),
                tower,
                ConnectorConfiguration(merge: 4, bias: false)
            )
        case .qwen2VL2B:
            var tower = VisionTowerConfiguration(
                patchSize: 14,
                hiddenSize: 1280,
                layerCount: 32,
                headCount: 16,
                feedForwardSize: 5120,
                normEpsilon: 1e-6,
                activation: .geluQuick
            )
            tower.framesPerPatch = 2
            tower.patchBias = false
            tower.rotaryBase = 10_000
            return Self.model(
                "qwen2-vl",
                width: 1536,
                .native(factor: 28, minimumPixels: 56 * 56, maximumPixels: 28 * 28 * 1280),
                tower,
                ConnectorConfiguration(merge: 2, normPlace: .patch, hiddenSize: 5120)
            )
        case .internViT300M:
            var tower = VisionTowerConfiguration(
                patchSize: 14,
                hiddenSize: 1024,
                layerCount: 24,
                headCount: 16,
                feedForwardSize: 4096,
                normEpsilon: 1e-6,
                activation: .gelu
            )
            tower.classToken = true
            tower.layerScale = true
            tower.positions = .init(side: 32, lookup: .bicubic)
            return Self.model(
                "internvl",
                width: 896,
                .grid(tileSide: 448, minimumTiles: 1, maximumTiles: 1, thumbnail: false),
                tower,
                ConnectorConfiguration(merge: 2, normPlace: .merged, normEpsilon: 1e-5, hiddenSize: 896)
            )
        }
    }

    private static func model(
        _ family: String,
        width: Int,
        _ method: ImagePreprocessing.Method,
        _ tower: VisionTowerConfiguration,
        _ connector: ConnectorConfiguration
    ) -> ModelConfiguration {
        ModelConfiguration(
            family: family,
            decoder: DecoderConfiguration(
                vocabularySize: 256,
                hiddenSize: width,
                layerCount: 1,
                headCount: 1,
                keyValueHeadCount: 1,
                headDimension: 64,
                feedForwardSize: 64,
                contextLength: 4096,
                normEpsilon: 1e-6,
                rope: RopeConfiguration(base: 10_000, rotaryDimension: 64, layout: .half),
                tiedOutputHead: true
            ),
            vision: VisionConfiguration(
                preprocessing: ImagePreprocessing(
                    method: method,
                    filter: .bicubic,
                    mean: [0.5, 0.5, 0.5],
                    deviation: [0.5, 0.5, 0.5]
                ),
                tower: tower,
                connector: connector,
                prompt: ImagePromptFormat(marker: "<image>")
            )
        )
    }
}
