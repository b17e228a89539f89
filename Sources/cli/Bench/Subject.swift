import CLIShared
import EMLLMCore
import Foundation

/// The model that is measured, as reports name it.
struct Subject: Encodable {
    var name: String
    var file: String
    var fileBytes: Int
    var weightBytes: Int
    /// The types of its weights in descending order of total size, such as "Q4_1 + Q8_0".
    var quantization: String
    var activations: ActivationPrecision

    init(_ context: InferenceContext, file url: URL) throws {
        let package = context.model.package
        let file = try ModelFile(url)
        name = package.provenance.name
        self.file = url.lastPathComponent
        fileBytes = file.byteCount
        weightBytes = package.weightBytes
        quantization = file.quantization
        activations = context.options.activations
    }
}

extension EMLLMModel {
    /// The bytes of weights that are read to compute one token: all of them, except that only one row is read of an
    /// embedding that is not also the output head.
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
