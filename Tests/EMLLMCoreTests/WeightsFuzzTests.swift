import EMLLMCore
import Foundation
import Synchronization
import Testing

@testable import EMLLMFormats

/// Files with random damage. Whatever the readers say of them, they say it; they never crash and never read outside the
/// file, which the copy in memory, exactly as long as the file, lets AddressSanitizer see.
@Suite("Fuzz: weight files")
struct WeightsFuzzTests {
    static let types: [TensorType] = [.f32, .q4_1]

    @Test("Mutated GGUF files", arguments: types)
    func gguf(type: TensorType) throws {
        let seed = GGUFBuilder.tinyLlama(type).bytes()
        let dataStart = try #require(GGUFFile(MappedFile(bytes: seed, path: "x")).tensors.first).offset
        var random = SplitMix64(state: 20_260 + UInt64(type.rawValue))
        var opened = 0
        for _ in 0..<20_000 {
            var bytes = seed
            random.damage(&bytes, within: dataStart)
            if Self.tryOpen(bytes) { opened += 1 }
        }
        // Some damage is harmless, most is not: otherwise the mutations would miss their aim.
        #expect(opened > 100 && opened < 19_000, "\(opened) opened")
    }

    @Test("Mutated .emllm files", arguments: types)
    func container(type: TensorType) throws {
        let seed = try WeightsFixtures.container(GGUFBuilder.tinyLlama(type).bytes())
        var random = SplitMix64(state: 77 + UInt64(type.rawValue))
        let dataStart = try #require(EMLLMFile(MappedFile(bytes: seed, path: "x")).tensors.first).offset
        for _ in 0..<3_000 {
            var bytes = seed
            random.damage(&bytes, within: dataStart)
            #expect(bytes.prefix(dataStart) == seed.prefix(dataStart) || !Self.opensContainer(bytes, like: seed))
        }
    }

    @Test("Mutated .emllm files whose checksums match", arguments: types)
    func resealedContainer(type: TensorType) throws {
        let parts = try ContainerParts(try WeightsFixtures.container(GGUFBuilder.tinyLlama(type).bytes()))
        var random = SplitMix64(state: 4_711 + UInt64(type.rawValue))
        var opened = 0
        for _ in 0..<20_000 {
            var damaged = parts
            switch Int.random(in: 0..<4, using: &random) {
            case 0: random.damage(&damaged.metadata, within: damaged.metadata.count)
            case 1: random.damage(&damaged.tokenizer, within: damaged.tokenizer.count)
            case 2: random.damage(&damaged.index, within: damaged.index.count)
            default:
                let choice = Int.random(in: 0..<4, using: &random)
                let delta = Int(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random))
                damaged.changeSections = { sections in
                    switch choice {
                    case 0: sections[Int(delta & 3)].offset &+= delta
                    case 1: sections[Int(delta & 3)].byteCount &+= delta
                    case 2: sections[Int(delta & 3)].kind ^= UInt32(truncatingIfNeeded: delta)
                    default: sections[Int(delta & 3)].flags ^= UInt32(truncatingIfNeeded: delta)
                    }
                }
            }
            if Self.tryOpen(damaged.bytes()) { opened += 1 }
        }
        #expect(opened > 100 && opened < 19_000, "\(opened) opened")
    }

    private static let keptSum = Mutex(0.0)

    /// Opens a file as the engine would, and looks at every weight; any error other than ours fails.
    private static func tryOpen(_ bytes: [UInt8]) -> Bool {
        guard !bytes.isEmpty else { return false }
        do {
            let package = try ModelPackage(MappedFile(bytes: bytes, path: "fuzz"))
            var loaded = 0.0
            for (name, shape) in package.configuration.decoder.weightShapes {
                switch shape {
                case .vector(let count):
                    let vector = try package.vector(name, count: count)
                    loaded += Double(vector.pointer[count - 1])
                case .matrix(let rows, let columns):
                    let matrix = try package.matrix(name, rows: rows, columns: columns)
                    let size = try #require(matrix.type.packedBytes(rows: rows, columns: columns))
                    loaded += Double(matrix.pointer.load(fromByteOffset: size - 1, as: UInt8.self))
                }
            }
            // A load whose value is used is one that the optimizer keeps.
            keptSum.withLock { $0 += loaded.isFinite ? loaded : 1 }
            return true
        } catch let error as EMLLMError {
            #expect(!"\(error)".contains("\n"))
            return false
        } catch {
            Issue.record("another error: \(error)")
            return false
        }
    }

    /// Whether damage before the tensors went unnoticed. The gaps between sections carry no checksum.
    private static func opensContainer(_ bytes: [UInt8], like seed: [UInt8]) -> Bool {
        guard tryOpen(bytes), let damaged = try? ContainerParts(bytes), let original = try? ContainerParts(seed) else {
            return false
        }
        return damaged.metadata != original.metadata || damaged.tokenizer != original.tokenizer
            || damaged.index != original.index
    }
}

/// Every number of the metadata at every extreme, behind checksums that match: refused, or run with a picture and a token.
@Suite("Fuzz: numbers of metadata")
struct MetadataNumberFuzzTests {
    static let extremes = [
        "0", "-1", "1", "0.5", "1e17", "-1e17", "1e-300", "3e38", "2147483648", "4294967296", "268435456",
        "9223372036854775807", "-9223372036854775808",
    ]

    @Test("Refused with an error, or run", arguments: ["llava-pad", "smolvlm"])
    func numbers(name: String) throws {
        let folder = try TemporaryFolder()
        let output = try folder.file("out.emllm")
        try ModelConverter.convert(VisionFamilyTests.folder.appending(path: name), to: output)
        let parts = try ContainerParts(Array(try Data(contentsOf: output)))
        let text = String(decoding: parts.metadata, as: UTF8.self)
        let picture = RGBImage(width: 40, height: 30, pixels: [UInt8](repeating: 90, count: 3600))
        var (refused, ran) = (0, 0)
        for match in text.matches(of: /(?<before>[:\[,]\s*)(?<number>-?[0-9][0-9.eE+-]*)(?=\s*[,\]}])/) {
            for extreme in Self.extremes {
                var changed = text
                changed.replaceSubrange(match.number.startIndex..<match.number.endIndex, with: extreme)
                var damaged = parts
                damaged.metadata = Array(changed.utf8)
                let error = WeightsFixtures.error {
                    let package = try ModelPackage(MappedFile(bytes: damaged.bytes(), path: "fuzz"))
                    let model = try EMLLMModel(package: package)
                    let context = try InferenceContext(model: model, options: RuntimeOptions(threads: 1))
                    let image = try context.encode(picture)
                    // Features that are many only take time.
                    if image.featureCount < 200 {
                        _ = try context.extend(context.makeBranch(), with: Array(image.tokens) + [1])
                    }
                    ran += 1
                }
                if error != nil { refused += 1 }
            }
        }
        // Any other error than ours, and a crash before all, fails.
        #expect(refused > 200 && ran > 20, "\(refused) refused, \(ran) ran")
    }

    @Test("Weights that are no numbers are refused with the tensor's name", arguments: [Float.nan, .infinity])
    func weights(value: Float) throws {
        let folder = try TemporaryFolder()
        var gguf = GGUFBuilder.tinyLlama(.f32)
        for name in ["blk.0.attn_q.weight", "output_norm.weight"] {
            let sound = gguf
            gguf.change(name) { tensor in
                withUnsafeBytes(of: value.bitPattern.littleEndian) { tensor.data.replaceSubrange(4..<8, with: $0) }
            }
            let input = try folder.file("in.gguf", gguf.bytes())
            for quantization in [nil, TensorType.q8_0] {
                let error = WeightsFixtures.error {
                    var options = ModelConverter.Options()
                    options.quantization = quantization
                    options.overwrites = true
                    try ModelConverter.convert(input, to: folder.url.appending(path: "out.emllm"), options: options)
                }
                #expect(error?.code == .nonFiniteWeight && error?.found.contains("column 1") == true)
            }
            #expect(
                WeightsFixtures.error { try ModelConverter.checkWeights(of: ModelFile(input)) }?.code
                    == .nonFiniteWeight
            )
            #expect(try folder.contents() == ["in.gguf"])
            gguf = sound
        }
        let input = try folder.file("in.gguf", gguf.bytes())
        try ModelConverter.checkWeights(of: ModelFile(input))
    }
}

extension SplitMix64 {
    /// Changes a few places of the first `limit` bytes: bits, bytes, whole numbers, runs moved, cut out or put in.
    mutating func damage(_ bytes: inout [UInt8], within limit: Int) {
        for _ in 0..<Int.random(in: 1...3, using: &self) {
            let limit = min(limit, bytes.count)
            guard limit > 16 else { return }
            let at = Int.random(in: 0..<limit - 8, using: &self)
            switch Int.random(in: 0..<8, using: &self) {
            case 0, 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: bytes[at] = UInt8.random(in: 0...255, using: &self)
            case 3:
                let interesting: [UInt64] = [
                    0, 1, 0x7F, 0x80, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 32, 1 << 62, 1 << 63, .max,
                ]
                let value = interesting[Int.random(in: 0..<interesting.count, using: &self)]
                let width = [1, 2, 4, 8][Int.random(in: 0..<4, using: &self)]
                for byte in 0..<width { bytes[at + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
            case 4:
                let from = Int.random(in: 0..<limit - 8, using: &self)
                for byte in 0..<8 { bytes[at + byte] = bytes[from + byte] }
            case 5: bytes.removeSubrange(at..<at + Int.random(in: 1...8, using: &self))
            case 6: bytes.insert(contentsOf: [UInt8](repeating: 0, count: Int.random(in: 1...8, using: &self)), at: at)
            default:
                if UInt8.random(in: 0...255, using: &self) < 32 { bytes.removeLast(bytes.count - at) }
            }
        }
    }
}
