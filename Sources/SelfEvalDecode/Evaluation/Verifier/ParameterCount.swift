import EMLLMCore
import EMLLMFormats

extension DecoderConfiguration {
    /// The parameters of the matrices: norms and biases are a small part of the rest.
    var parameterCount: Int {
        let attention = 2 * hiddenSize * headDimension * (headCount + keyValueHeadCount)
        let embeddings = vocabularySize * hiddenSize * (tiedOutputHead ? 1 : 2)
        return embeddings + layerCount * (attention + 3 * hiddenSize * feedForwardSize)
    }
}
