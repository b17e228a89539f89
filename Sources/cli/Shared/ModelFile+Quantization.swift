import EMLLMCore

extension ModelFile {
    /// The types of the weights in descending order of total size, such as "Q4_1 + Q8_0".
    public var quantization: String {
        var bytes: [String: Int] = [:]
        switch self {
        case .emllm(let file): for tensor in file.tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
        case .gguf(let file, _): for tensor in file.tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
        case .huggingFace(let directory):
            for tensor in directory.tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
        }
        let total = bytes.values.reduce(0, +)
        // Norms are floats in every file, so a type that takes less than a hundredth of the bytes is not informative.
        return bytes.filter { $0.value * 100 >= total }
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map(\.key)
            .joined(separator: " + ")
    }
}
