import CTensor

/// The precision of activations where they meet quantized weights.
public enum ActivationPrecision: String, CaseIterable, Sendable, Codable {
    /// 8 bits in blocks of 32, integer dot products: fast, the default.
    case q8
    /// 32-bit floats: slow, for checking the engine against a reference.
    case f32
}

/// How a model is run: threads, kernels, precision, limits.
public struct RuntimeOptions: Sendable, Equatable {
    /// Worker threads; `nil` takes one for each CPU this process may run on.
    public var threads: Int?
    /// The kernels to use; `nil` takes `EMLLM_ISA` or the fastest.
    public var instructionSet: InstructionSet?
    /// The precision of activations.
    public var activations: ActivationPrecision
    /// The most positions in one branch; `nil` takes what the model was trained for.
    public var contextLength: Int?
    /// The most bytes that keys and values may take, over all branches; `nil` sets no limit.
    public var cacheBytes: Int?
    /// The most bytes of pictures' features to keep for later prompts; 2²⁸, about 268 million, unless set.
    public var imageCacheBytes: Int

    /// Makes options; everything has a sensible default.
    public init(
        threads: Int? = nil,
        instructionSet: InstructionSet? = nil,
        activations: ActivationPrecision = .q8,
        contextLength: Int? = nil,
        cacheBytes: Int? = nil,
        imageCacheBytes: Int = 1 << 28
    ) {
        self.threads = threads
        self.instructionSet = instructionSet
        self.activations = activations
        self.contextLength = contextLength
        self.cacheBytes = cacheBytes
        self.imageCacheBytes = imageCacheBytes
    }

    /// The most worker threads that ``threads`` may ask for.
    public static let maximumThreads = 256

    /// CPUs that this process may run on.
    public static var availableCPUs: Int { Int(ct_cpu_count()) }

    /// The number of threads to start, checked.
    func resolvedThreads() throws -> Int {
        guard let threads else { return min(Self.availableCPUs, Self.maximumThreads) }
        guard (1...Self.maximumThreads).contains(threads) else {
            throw EMLLMError.invalidOption(
                "threads",
                expected: "1...\(Self.maximumThreads)",
                found: "\(threads)",
                remedy: "leave it out to use one for each of the \(Self.availableCPUs) CPUs"
            )
        }
        return threads
    }

    /// The context length to allow, checked against what the model was trained for.
    func resolvedContextLength(trained: Int) throws -> Int {
        guard let contextLength else { return trained }
        guard (1...trained).contains(contextLength) else {
            throw EMLLMError.invalidOption(
                "context length",
                expected: "1...\(trained), what the model was trained for",
                found: "\(contextLength)",
                remedy: "choose a length in that range"
            )
        }
        return contextLength
    }
}

extension EMLLMError.Code {
    /// An option outside its range.
    public static let invalidOption = Self(rawValue: "invalid-option")
}

extension EMLLMError {
    static func invalidOption(_ name: String, expected: String, found: String, remedy: String) -> EMLLMError {
        EMLLMError(code: .invalidOption, subject: name, expected: expected, found: found, remedy: remedy)
    }
}
