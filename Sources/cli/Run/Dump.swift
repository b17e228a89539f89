import CLIShared
import EMLLMCore
import Foundation

/// A folder of NumPy files with what a model computes from a prompt, for whoever compares it from outside.
struct Dump: Sendable {
    private let folder: URL

    /// - Throws: ``/EMLLMCore/EMLLMError`` when the folder cannot be made.
    init(folder path: String) throws {
        folder = URL(filePath: path, directoryHint: .isDirectory)
        try StandardStreams.makeFolder(path)
    }

    /// What was written, for people.
    var summary: String {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let list = names.filter { $0.hasSuffix(".npy") }.sorted().joined(separator: ", ")
        return "\(folder.path): \(list)\n"
    }

    /// Computes the prompt and writes:
    /// - `pixels-N-T.npy`: tile T of picture N after preprocessing, `[3, height, width]`
    /// - `features-N.npy`: picture N after the connector, `[features, hidden]`, or `[features, 1 + deepstack, hidden]`
    /// - `tokens.npy`: the prompt, `[positions]`; identifiers beyond the vocabulary stand for features
    /// - `logits.npy`: `[positions, vocabulary]`
    func write(
        pictures: [RGBImage],
        images: [EncodedImage],
        tokens: [TokenID],
        in context: InferenceContext
    ) throws {
        let configuration = context.model.configuration
        let hidden = configuration.decoder.hiddenSize
        for (number, (picture, image)) in zip(pictures, images).enumerated() {
            let tiles = try configuration.vision?.preprocessing.apply(to: picture).tiles ?? []
            for (index, tile) in tiles.enumerated() {
                let shape = [3, tile.height, tile.width]
                try write("pixels-\(number + 1)-\(index + 1)", NumpyFile(shape: shape, floats: tile.values))
            }
            let parts = image.featureWidth / hidden
            let shape = parts == 1 ? [image.featureCount, hidden] : [image.featureCount, parts, hidden]
            try write("features-\(number + 1)", NumpyFile(shape: shape, floats: image.features))
        }
        try write("tokens", NumpyFile(shape: [tokens.count], integers: tokens))
        var logits: [Float] = []
        try context.extend(context.makeBranch(), with: tokens) { logits += $0.values }
        let vocabulary = configuration.decoder.vocabularySize
        try write("logits", NumpyFile(shape: [tokens.count, vocabulary], floats: logits))
    }

    private func write(_ name: String, _ file: NumpyFile) throws {
        try StandardStreams.write(file.data, atomicallyTo: folder.appending(path: "\(name).npy").path)
    }
}

/// NumPy's format of arrays, version 1.0 (NEP 1): a magic number, a dictionary in Python's spelling padded to whole 64
/// bytes, then the elements in C order.
struct NumpyFile {
    let data: Data

    /// An array of 32-bit floats.
    init(shape: [Int], floats: [Float]) {
        data = Self.header("<f4", shape) + floats.withUnsafeBytes { Data($0) }
    }

    /// An array of 32-bit integers.
    init(shape: [Int], integers: [Int32]) {
        data = Self.header("<i4", shape) + integers.withUnsafeBytes { Data($0) }
    }

    private static func header(_ type: String, _ shape: [Int]) -> Data {
        let sizes = shape.map { "\($0), " }.joined()
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
        let prefix = 10
        text += String(repeating: " ", count: 63 - (prefix + text.utf8.count) % 64) + "\n"
        let length = UInt16(text.utf8.count)
        return Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(length & 255), UInt8(length >> 8)])
            + Data(text.utf8)
    }
}
