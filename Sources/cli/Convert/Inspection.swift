import EMLLMCore
import Foundation

/// What `emllm-convert inspect` says about a file.
struct Inspection: Encodable {
    /// All tensors of one type.
    struct TypeSummary: Encodable {
        var type: String
        var tensors: Int
        var bytes: Int
    }

    /// One tensor.
    struct Tensor: Encodable {
        var name: String
        var type: String
        /// Rows before columns.
        var shape: [Int]
        var offset: Int
        var bytes: Int
        var sha256: String?
    }

    /// The tokenizer, in numbers.
    struct Tokenizer: Encodable {
        var model: String
        var preTokenizer: String
        var tokens: Int
        var merges: Int
        var beginningOfSequence: TokenID?
        var endOfSequence: TokenID?
        var endOfGeneration: [TokenID]
    }

    var path: String
    var format: String
    var bytes: Int
    /// Nil when this engine does not run the model; ``problem`` says why.
    var configuration: ModelConfiguration?
    var problem: String?
    var provenance: Provenance?
    var tokenizer: Tokenizer?
    var chatTemplate: String?
    /// The keys of a GGUF file; long lists are given by their length.
    var metadata: [Entry]?
    var types: [TypeSummary]
    var tensorCount: Int
    var tensors: [Tensor]?

    /// One metadata key of a GGUF file.
    struct Entry: Encodable {
        var key: String
        var value: String
    }

    init(_ model: ModelFile, listsTensors: Bool) {
        path = model.path
        format = model.format
        bytes = model.byteCount
        do {
            configuration = try model.modelConfiguration()
        } catch {
            problem = "\(error)"
        }
        let all: [Tensor]
        switch model {
        case .emllm(let file):
            provenance = file.provenance
            tokenizer = Tokenizer(file.tokenizer)
            chatTemplate = file.chatTemplate
            all = file.tensors.map {
                Tensor(
                    name: $0.name,
                    type: $0.type.name,
                    shape: $0.dimensions,
                    offset: $0.offset,
                    bytes: $0.byteCount,
                    sha256: "\($0.checksum)"
                )
            }
        case .gguf(let file, _):
            tokenizer = (try? file.tokenizerDefinition()).map { Tokenizer($0) }
            chatTemplate = try? file.metadata.string("tokenizer.chat_template")
            metadata = file.metadata.keys.map { key in
                Entry(key: key, value: file.metadata[key].map { Self.describe($0) } ?? "")
            }
            all = file.tensors.map {
                Tensor(
                    name: $0.name,
                    type: $0.type.name,
                    shape: $0.dimensions.reversed(),
                    offset: $0.offset,
                    bytes: $0.byteCount
                )
            }
        case .huggingFace(let directory):
            chatTemplate = try? directory.chatTemplate()
            if let rows = configuration?.decoder.vocabularySize {
                tokenizer = (try? directory.tokenizerDefinition(embeddingRows: rows)).map { Tokenizer($0) }
            }
            all = directory.tensors.map {
                Tensor(
                    name: $0.name,
                    type: $0.type.name,
                    shape: $0.dimensions,
                    offset: $0.offset,
                    bytes: $0.byteCount
                )
            }
        }
        tensorCount = all.count
        types = Dictionary(grouping: all, by: \.type)
            .map { TypeSummary(type: $0, tensors: $1.count, bytes: $1.reduce(0) { $0 + $1.bytes }) }
            .sorted { ($1.bytes, $0.type) < ($0.bytes, $1.type) }
        tensors = listsTensors ? all : nil
    }

    private static func describe(_ value: GGUFValue) -> String {
        switch value {
        case .unsigned(let number): "\(number)"
        case .signed(let number): "\(number)"
        case .float(let number): "\(Float(number))"
        case .bool(let flag): "\(flag)"
        case .string(let text): text
        case .array(let array): "\(array.count) elements"
        }
    }
}

extension Inspection.Tokenizer {
    init(_ definition: TokenizerDefinition) {
        model = definition.model.rawValue
        preTokenizer = definition.preTokenizer
        tokens = definition.tokens.count
        merges = definition.merges.count
        beginningOfSequence = definition.beginningOfSequence
        endOfSequence = definition.endOfSequence
        endOfGeneration = definition.endOfGeneration
    }
}

// MARK: For people

extension Inspection {
    /// The inspection as a few aligned lines.
    func text() -> String {
        var rows: [(String, String)] = [("file", path), ("format", "\(format), \(megabytes(bytes))")]
        if let provenance {
            rows.append(("name", provenance.name))
            let optional = [
                ("organization", provenance.organization), ("licence", provenance.license), ("url", provenance.url),
                ("source", provenance.sourceFile), ("source format", provenance.sourceFormat),
                ("source sha256", provenance.sourceSHA256), ("converter", provenance.converter),
                ("quantization", provenance.quantization),
            ]
            rows += optional.compactMap { label, value in value.map { (label, $0) } }
        }
        for entry in metadata ?? [] where entry.key != "tokenizer.chat_template" {
            rows.append((entry.key, entry.value))
        }
        if let decoder = configuration?.decoder, let family = configuration?.family {
            rows.append(("family", family))
            rows.append(("blocks", "\(decoder.layerCount)"))
            rows.append(("hidden size", "\(decoder.hiddenSize), feed-forward \(decoder.feedForwardSize)"))
            rows.append(
                (
                    "attention",
                    "\(decoder.headCount) heads, \(decoder.keyValueHeadCount) for keys and values, of \(decoder.headDimension)"
                )
            )
            rows.append(("context", "\(decoder.contextLength) tokens"))
            rows.append(("rotary base", "\(decoder.rope.base), \(decoder.rope.layout.rawValue) pairs"))
            rows.append(("output head", decoder.tiedOutputHead ? "the embedding" : "its own"))
        }
        rows += configuration?.vision?.inspection.map { ($0.label, $0.value) } ?? []
        if let problem { rows.append(("cannot run", problem)) }
        if let tokenizer {
            rows.append(
                ("tokenizer", "\(tokenizer.model), \(tokenizer.preTokenizer), \(tokenizer.tokens) tokens")
            )
        }
        rows.append(("chat template", chatTemplate.map { "\($0.utf8.count) bytes" } ?? "none"))
        for type in types { rows.append(("\(type.type) tensors", "\(type.tensors), \(megabytes(type.bytes))")) }

        let width = rows.map(\.0.count).max() ?? 0
        var lines = rows.map { label, value in
            label.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + Self.printable(value)
        }
        for tensor in tensors ?? [] {
            let shape = tensor.shape.map(String.init).joined(separator: " × ")
            let digest = tensor.sha256.map { "  sha256 \($0.prefix(16))…" } ?? ""
            lines.append(
                "  \(Self.printable(tensor.name))  \(tensor.type)  \(shape)  \(tensor.bytes) bytes at \(tensor.offset)\(digest)"
            )
        }
        return lines.joined(separator: "\n")
    }

    /// Text from a file as one line without terminal control characters.
    private static func printable(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(300) {
            let isControl =
                scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
            line += isControl ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return text.unicodeScalars.count > 300 ? line + "…" : line
    }
}
