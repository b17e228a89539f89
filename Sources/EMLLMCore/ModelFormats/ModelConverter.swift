import Foundation

/// Writes `.emllm` files from models of any format.
///
/// Without ``Options/quantization`` every weight keeps its type and its bits; only the order of the bytes changes.
/// Memory use stays within a few times the largest tensor, however large the model is.
///
/// ```swift
/// let report = try ModelConverter.convert(gguf, to: output)
/// print(report.fileBytes)
/// ```
public enum ModelConverter {
    /// What to do with the weights and the file.
    public struct Options: Sendable {
        /// The type to re-quantize the decoder's matrices to; nil keeps them as they are.
        public var quantization: TensorType?
        /// The type to re-quantize the vision tower's matrices to; nil keeps them as they are.
        public var visionQuantization: TensorType?
        /// Whether ``quantization`` also applies to the embedding and the output head when it is coarser than Q8_0.
        public var isPure: Bool
        /// Whether an existing file may be replaced.
        public var overwrites: Bool
        /// Replaces the model's name.
        public var name: String?
        /// Replaces the model's licence.
        public var license: String?
        /// The calling program with its version, for the provenance.
        public var converter: String?
        /// The recipe to write into the file; `nil` keeps the recipe of an `.emllm` file, empty data removes it.
        public var recipe: Data?

        /// Makes options; the default keeps all bits and replaces nothing.
        public init(
            quantization: TensorType? = nil,
            visionQuantization: TensorType? = nil,
            isPure: Bool = false,
            overwrites: Bool = false,
            name: String? = nil,
            license: String? = nil,
            converter: String? = nil,
            recipe: Data? = nil
        ) {
            self.quantization = quantization
            self.visionQuantization = visionQuantization
            self.isPure = isPure
            self.overwrites = overwrites
            self.name = name
            self.license = license
            self.converter = converter
            self.recipe = recipe
        }
    }

    /// What was written.
    public struct Report: Sendable {
        /// Every tensor, in the file's order.
        public let tensors: [ConvertedTensor]
        /// The size of the file.
        public let fileBytes: Int
    }

    /// Converts a file.
    ///
    /// - Parameters:
    ///   - input: An `.emllm` or GGUF file, or a folder in Hugging Face's layout.
    ///   - vision: For a GGUF file: the mmproj file with its vision tower.
    ///   - output: The `.emllm` file to write. It appears complete or not at all.
    ///   - options: What to do with the weights and the file.
    ///   - progress: Called with the bytes processed so far and the total; may throw to stop, and then no file is left.
    /// - Throws: `EMLLMError` for a defect of the input, or `EMLLMError.Code.sameFile`,
    ///   `EMLLMError.Code.outputExists`, `EMLLMError.Code.cannotWrite`, `EMLLMError.Code.cannotQuantize`.
    @discardableResult
    public static func convert(
        _ input: URL,
        vision: URL? = nil,
        to output: URL,
        options: Options = Options(),
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> Report {
        for type in [options.quantization, options.visionQuantization].compactMap({ $0 }) where !type.isWritable {
            throw EMLLMError.cannotQuantize(
                path: input.path,
                what: "the model",
                expected: "a type that can be written",
                found: type.name
            )
        }
        let modelFile = try ModelFile(input, vision: vision)
        let source = try ModelSource(modelFile)
        try checkDistinct(input, output)
        let file = try AtomicFile(output, overwrites: options.overwrites)

        let plan = source.weights.map { ConversionPlan($0, options: options) }
        let total = modelFile.byteCount + source.weights.reduce(0) { $0 + $1.byteCount }
        var done = 0
        func advance(_ bytes: Int) throws {
            done += bytes
            try progress(done, total)
        }
        var provenance = source.provenance
        provenance.name = options.name ?? provenance.name
        provenance.license = options.license ?? provenance.license
        provenance.converter = options.converter
        let types = [
            options.quantization.map { $0.name + (options.isPure ? " (pure)" : "") },
            source.configuration.vision == nil ? nil : options.visionQuantization.map { "vision \($0.name)" },
        ].compactMap { $0 }
        if !types.isEmpty { provenance.quantization = types.joined(separator: ", ") }
        switch modelFile {
        case .gguf, .huggingFace:
            // For several files, the digest of their digests.
            let digests = try source.files.map { file in
                var offset = 0
                return try Checksum(of: file.bytes) { count in
                    file.release(offset..<(offset + count))
                    offset += count
                    try advance(count)
                }
            }
            provenance.sourceSHA256 = "\(digests.count == 1 ? digests[0] : Checksum(of: digests.flatMap(\.bytes)))"
        case .emllm(let container):
            // It already names the published file that it was made from. Damaged bytes must not get new, matching
            // checksums.
            try container.verify()
            try advance(modelFile.byteCount)
        }

        var writer = try ContainerWriter(
            file,
            metadata: ContainerMetadata(
                configuration: source.configuration,
                chatTemplate: source.chatTemplate,
                provenance: provenance
            ),
            tokenizer: source.tokenizer,
            recipe: options.recipe ?? source.recipe,
            tensors: plan.map { ($0.weight.name, $0.target, $0.weight.shape) },
            path: output.path
        )
        var tensors: [ConvertedTensor] = []
        for step in plan {
            let (bytes, error) = try step.packed(from: source)
            try withExtendedLifetime(bytes.owner) { try writer.append(bytes.bytes) }
            step.weight.releasePages()
            tensors.append(
                ConvertedTensor(
                    name: step.weight.name,
                    dimensions: step.weight.shape.dimensions,
                    source: step.weight.type,
                    target: step.target,
                    byteCount: bytes.bytes.count,
                    error: error,
                    note: step.note
                )
            )
            try advance(step.weight.byteCount)
        }
        return Report(tensors: tensors, fileBytes: try writer.finish())
    }

    /// Checks that every weight of a model is finite.
    ///
    /// - Parameters:
    ///   - model: the model's file or folder.
    ///   - progress: called with the bytes checked so far and the total; may throw to stop.
    /// - Throws: `EMLLMError.Code.nonFiniteWeight` naming the first tensor with a weight that is not.
    public static func checkWeights(
        of model: ModelFile,
        progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws {
        let source = try ModelSource(model)
        let total = source.weights.reduce(0) { $0 + $1.byteCount }
        var done = 0
        for weight in source.weights {
            _ = try ConversionPlan(weight, options: Options()).packed(from: source)
            weight.releasePages()
            done += weight.byteCount
            try progress(done, total)
        }
    }

    private static func checkDistinct(_ input: URL, _ output: URL) throws {
        var first = stat()
        var second = stat()
        guard stat(input.path, &first) == 0, stat(output.path, &second) == 0 else { return }
        if first.st_dev == second.st_dev, first.st_ino == second.st_ino {
            throw EMLLMError.sameFile(path: output.path)
        }
    }
}

/// One tensor of a conversion.
public struct ConvertedTensor: Sendable {
    /// The canonical name.
    public let name: String
    /// One size for a vector; rows and columns for a matrix.
    public let dimensions: [Int]
    /// The type in the source.
    public let source: TensorType
    /// The type in the new file.
    public let target: TensorType
    /// The size in the new file, in bytes.
    public let byteCount: Int
    /// The error of re-quantizing; nil when every bit was kept.
    public let error: QuantizationError?
    /// Why the tensor did not get the requested type; nil when it did.
    public let note: String?
}

/// The difference between re-quantized weights and their originals.
public struct QuantizationError: Sendable, Equatable {
    /// √(Σ(new − old)² / Σ old²); zero for a tensor of zeros.
    public let relativeRMS: Double
    /// The largest |new − old|.
    public let largest: Double
}

extension EMLLMError.Code {
    /// Input and output are the same file.
    public static let sameFile = Self(rawValue: "same-file")
    /// The weights cannot be stored in the requested type.
    public static let cannotQuantize = Self(rawValue: "cannot-quantize")
}

extension EMLLMError {
    static func sameFile(path: String) -> EMLLMError {
        EMLLMError(
            code: .sameFile,
            subject: path,
            expected: "an output other than the input",
            found: "the same file",
            remedy: "choose another name for the output"
        )
    }

    static func cannotQuantize(path: String, what: String, expected: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .cannotQuantize,
            subject: path,
            expected: "\(expected) for \(what)",
            found: found,
            remedy: "choose another type, or convert without quantizing"
        )
    }
}
