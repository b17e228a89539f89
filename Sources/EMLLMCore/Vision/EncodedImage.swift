import Synchronization

/// A picture as a model sees it: its features, and the token ids that represent them in a prompt.
///
/// An ``InferenceContext`` makes it. Each feature has its own id above those of the vocabulary, so that prompts
/// with pictures are plain lists of tokens, and two prompts share a prefix exactly when they show the same pictures.
/// Whoever holds this object keeps the features in memory; keys and values that were computed from them live on without.
public final class EncodedImage: Sendable {
    /// The SHA-256 digest of the picture's size and samples.
    public let contentHash: Checksum
    /// Token ids of the features, in order.
    public let tokens: Range<TokenID>
    /// The features, shared by all contexts of the model.
    let source: ImageFeatures

    init(contentHash: Checksum, firstToken: TokenID, source: ImageFeatures) {
        self.contentHash = contentHash
        self.source = source
        tokens = firstToken..<(firstToken + TokenID(source.count))
    }

    /// Rows and columns of tiles that the picture was cut into; zero of both when it was not.
    public var tiles: (rows: Int, columns: Int) { source.tiles }
    /// Patches that went through the vision tower.
    public var patches: Int { source.patches }
    /// Seconds that preprocessing and encoding took, when that was done.
    public var seconds: Double { source.seconds }
    /// Numbers of each feature: the decoder's width, once more for each block that takes features of its own.
    public var featureWidth: Int { source.width }
    /// The number of features.
    public var featureCount: Int { source.count }
    /// Bytes of the features.
    public var byteCount: Int { featureCount * featureWidth * MemoryLayout<Float>.stride }
    /// All features. `[featureCount, featureWidth]`
    public var features: [Float] {
        Array(UnsafeBufferPointer(start: source.base, count: featureCount * featureWidth))
    }

    /// The numbers of one feature; valid as long as this object.
    func row(_ token: TokenID) -> UnsafePointer<Float> {
        source.base + Int(token - tokens.lowerBound) * featureWidth
    }
}

/// What a vision tower and its connector made of a picture. Written once, before anybody else sees it.
final class ImageFeatures: @unchecked Sendable {
    let count: Int
    /// Numbers of each feature.
    let width: Int
    /// Rows and columns of features, where positions have them.
    let grid: (rows: Int, columns: Int)?
    let tiles: (rows: Int, columns: Int)
    let patches: Int
    let seconds: Double
    private let values: ScratchBuffer<Float>  // [count, width]

    var base: UnsafePointer<Float> { UnsafePointer(values.base) }

    init(
        _ features: VisionEncoder.Features,
        width: Int,
        tiles: (rows: Int, columns: Int),
        hasGridPositions: Bool,
        seconds: Double
    ) {
        count = features.count
        self.width = width
        grid = hasGridPositions ? features.grid : nil
        self.tiles = tiles
        patches = features.patches
        self.seconds = seconds
        values = features.values
    }
}

/// The features that contexts of one model have in memory, so that no picture is encoded for each of them.
///
/// It keeps nothing alive itself: that is for each context's own budget.
final class SharedImageFeatures: Sendable {
    /// What features depend on besides the model.
    struct Key: Hashable {
        let contentHash: Checksum
        let activations: ActivationPrecision
    }

    private struct Reference: Sendable { weak var features: ImageFeatures? }
    private let references = Mutex<[Key: Reference]>([:])

    subscript(key: Key) -> ImageFeatures? {
        get { references.withLock { $0[key]?.features } }
        set {
            references.withLock { all in
                all = all.filter { $0.value.features != nil }
                all[key] = Reference(features: newValue)
            }
        }
    }
}

/// The pictures that a context knows: which token ids are theirs, and the features of those in memory.
///
/// Used by the context's thread alone.
final class ImageTable {
    /// A picture that has ids; its features may be gone.
    private struct Entry {
        let tokens: Range<TokenID>
        weak var image: EncodedImage?
    }

    /// Blocks of the decoder that take features of their own.
    let deepstackLayers: Int
    private let budgetBytes: Int
    private var next: TokenID
    private var byHash: [Checksum: Int] = [:]
    /// In the order of ids.
    private var entries: [Entry] = []
    /// Kept alive within the budget, the one used last behind.
    private var kept: [EncodedImage] = []

    init(vocabularySize: Int, deepstackLayers: Int, budgetBytes: Int) {
        next = TokenID(vocabularySize)
        self.deepstackLayers = deepstackLayers
        self.budgetBytes = budgetBytes
    }

    /// The features of a picture that are still in memory.
    func image(_ hash: Checksum) -> EncodedImage? {
        guard let index = byHash[hash], let image = entries[index].image else { return nil }
        keep(image)
        return image
    }

    /// The first id of a picture: the one it had before, else a new one.
    func firstToken(_ hash: Checksum, features: Int) throws -> TokenID {
        if let index = byHash[hash] { return entries[index].tokens.lowerBound }
        guard features <= Int(TokenID.max - next) else { throw EMLLMError.tooManyImages }
        defer { next += TokenID(features) }
        return next
    }

    /// Remembers a picture.
    func add(_ image: EncodedImage) {
        if let index = byHash[image.contentHash] {
            entries[index].image = image
        } else {
            byHash[image.contentHash] = entries.count
            entries.append(Entry(tokens: image.tokens, image: image))
        }
        keep(image)
    }

    private func keep(_ image: EncodedImage) {
        kept.removeAll { $0 === image }
        kept.append(image)
        var bytes = kept.reduce(0) { $0 + $1.byteCount }
        while bytes > budgetBytes, !kept.isEmpty { bytes -= kept.removeFirst().byteCount }
    }

    /// Bytes of features that the table itself keeps in memory.
    var keptBytes: Int { kept.reduce(0) { $0 + $1.byteCount } }

    // MARK: Tokens

    /// The pictures that tokens speak of, to be held while the tokens are computed.
    ///
    /// - Throws: `EMLLMError` for identifiers that are neither words nor features of a picture in memory.
    func hold(_ tokens: some Collection<TokenID>, vocabularySize: Int) throws -> [EncodedImage] {
        var held: [EncodedImage] = []
        for token in tokens where token < 0 || Int(token) >= vocabularySize {
            if held.last?.tokens.contains(token) == true { continue }
            guard let entry = entry(of: token) else {
                throw EMLLMError.unknownTokenID(token, vocabularySize: vocabularySize)
            }
            guard let image = entry.image else { throw EMLLMError.imageNotInMemory(token) }
            held.append(image)
        }
        return held
    }

    /// A feature's numbers; `nil` for words, and for pictures that are no longer in memory.
    func features(of token: TokenID) -> UnsafePointer<Float>? { entry(of: token)?.image?.row(token) }

    /// Where a feature is in its picture; `nil` for words, and for pictures whose positions have no grid.
    func cell(of token: TokenID) -> (row: Int, column: Int, isFirst: Bool)? {
        guard let entry = entry(of: token), let grid = entry.image?.source.grid else { return nil }
        let index = Int(token - entry.tokens.lowerBound)
        return (index / grid.columns, index % grid.columns, index == 0)
    }

    private func entry(of token: TokenID) -> Entry? {
        guard let first = entries.first, token >= first.tokens.lowerBound else { return nil }
        var (low, high) = (0, entries.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if entries[middle].tokens.lowerBound <= token { low = middle } else { high = middle }
        }
        return entries[low].tokens.contains(token) ? entries[low] : nil
    }
}

extension EMLLMError.Code {
    /// Pictures given to a model of text.
    public static let noVision = Self(rawValue: "no-vision")
    /// More features of pictures than there are token ids.
    public static let tooManyImages = Self(rawValue: "too-many-images")
    /// A token that stands for a picture which is no longer in memory.
    public static let imageNotInMemory = Self(rawValue: "image-not-in-memory")
    /// A prompt that shows another number of pictures than were given.
    public static let imageCountMismatch = Self(rawValue: "image-count-mismatch")
}

extension EMLLMError {
    static let noVision = EMLLMError(
        code: .noVision,
        subject: "model",
        expected: "a model with a vision tower",
        found: "one of text alone",
        remedy: "leave the pictures out, or use a vision-language model (from GGUF: convert it with its mmproj file)"
    )
    static let tooManyImages = EMLLMError(
        code: .tooManyImages,
        subject: "context",
        expected: "at most \(TokenID.max) token ids",
        found: "more features of pictures",
        remedy: "make a new context"
    )
    static func imageNotInMemory(_ token: TokenID) -> EMLLMError {
        EMLLMError(
            code: .imageNotInMemory,
            subject: "token id \(token)",
            expected: "a picture in memory",
            found: "one that was given up",
            remedy: "encode the picture again, and hold the result until the prompt is computed"
        )
    }
    static func imageCountMismatch(expected: Int, found: Int, marker: String) -> EMLLMError {
        EMLLMError(
            code: .imageCountMismatch,
            subject: "prompt",
            expected: "\(expected) places for pictures (\(marker))",
            found: "\(found)",
            remedy: "give as many pictures as the prompt shows; check the model's chat template"
        )
    }
}
