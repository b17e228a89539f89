import EMLLMCore
import Foundation

/// The model that is measured, as reports name it.
struct Subject: Encodable {
    var name: String
    var file: String
    var fileBytes: Int
    var weightBytes: Int
    /// The types of its weights, those that take the most bytes first, such as "Q4_1 + Q8_0".
    var quantization: String
    var activations: ActivationPrecision

    init(_ context: InferenceContext, file url: URL) throws {
        let package = context.model.package
        let file = try ModelFile(url)
        name = package.provenance.name
        self.file = url.lastPathComponent
        fileBytes = file.byteCount
        weightBytes = package.weightBytes
        quantization = Self.quantization(file)
        activations = context.options.activations
    }

    private static func quantization(_ file: ModelFile) -> String {
        var bytes: [String: Int] = [:]
        switch file {
        case .emllm(let file): for tensor in file.tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
        case .gguf(let file, _): for tensor in file.tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
        case .huggingFace(let directory):
            for tensor in directory.tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
        }
        let total = bytes.values.reduce(0, +)
        // Norms are floats in every file; a type that takes less than a hundredth tells nothing.
        return bytes.filter { $0.value * 100 >= total }
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map(\.key)
            .joined(separator: " + ")
    }
}

extension EMLLMModel {
    /// Bytes of weights that computing one token reads: all of them, but of an embedding that is not also the output
    /// head only one row.
    func weightBytesPerToken() throws -> Int {
        let decoder = configuration.decoder
        guard !decoder.tiedOutputHead else { return package.weightBytes }
        let embedding = try package.matrix(
            "token_embedding",
            rows: decoder.vocabularySize,
            columns: decoder.hiddenSize
        )
        let row = Int(embedding.type.bitsPerWeight * Double(decoder.hiddenSize) / 8)
        return package.weightBytes - row * (decoder.vocabularySize - 1)
    }
}
