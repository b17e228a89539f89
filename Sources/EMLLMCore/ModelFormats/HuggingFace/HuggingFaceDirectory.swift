import Foundation

/// A model as Hugging Face publishes it: a folder of `config.json`, `tokenizer.json` and safetensors files.
public struct HuggingFaceDirectory: Sendable {
    /// The folder's path.
    public let path: String
    /// The safetensors files, in the order of their names.
    let shards: [SafetensorsFile]
    let configuration: JSONFields
    let generation: JSONFields?
    let tokenizerSettings: JSONFields?
    let tokenizerFile: TokenizerFile
    /// How pictures are preprocessed, for models with a vision tower.
    let imageProcessor: JSONFields?

    /// The size of all weight files, in bytes.
    package var byteCount: Int { shards.reduce(0) { $0 + $1.file.bytes.count } }

    /// Opens a folder and validates its files.
    ///
    /// - Throws: `EMLLMError` naming the file that is missing or wrong.
    package init(_ url: URL) throws {
        path = url.path
        func file(_ name: String) throws -> MappedFile { try MappedFile(url.appending(path: name)) }
        func optional(_ name: String) throws -> MappedFile? {
            do {
                return try file(name)
            } catch let error as EMLLMError where error.code == .fileNotFound {
                return nil
            }
        }
        func fields(_ file: MappedFile) throws -> JSONFields {
            JSONFields(path: file.path, object: try JSONFile.decode(JSONValue.self, file.bytes, path: file.path))
        }
        configuration = try fields(try file("config.json"))
        generation = try optional("generation_config.json").map { try fields($0) }
        tokenizerSettings = try optional("tokenizer_config.json").map { try fields($0) }
        let tokenizer = try file("tokenizer.json")
        tokenizerFile = try TokenizerFile(tokenizer)
        template = try optional("chat_template.jinja")
        let whole = try optional("processor_config.json").map { try fields($0) }
        imageProcessor =
            try optional("preprocessor_config.json").map { try fields($0) } ?? whole?.fields("image_processor")
        templateFile = try optional("chat_template.json").map { try fields($0) }
        shards = try Self.shardNames(try optional("model.safetensors.index.json")).map {
            try SafetensorsFile(try file($0))
        }
    }

    private let template: MappedFile?
    /// The file where processors kept their template before it had its own.
    private let templateFile: JSONFields?

    /// A tensor of the weight files.
    public struct Tensor: Sendable {
        /// The published name.
        public let name: String
        /// How the elements are stored.
        public let type: TensorType
        /// Rows before columns.
        public let dimensions: [Int]
        /// The offset of the first byte from the start of its file.
        package let offset: Int
        /// The size of all elements, in bytes.
        public let byteCount: Int
    }

    /// All tensors, file by file.
    public var tensors: [Tensor] {
        shards.flatMap(\.tensors).map {
            Tensor(
                name: $0.name,
                type: $0.type,
                dimensions: $0.dimensions,
                offset: $0.offset,
                byteCount: $0.byteCount
            )
        }
    }

    /// The chat template, from its own file or from the tokenizer's settings.
    ///
    /// - Throws: `EMLLMError` when it is not UTF-8.
    package func chatTemplate() throws -> String? {
        if let template {
            guard let text = String(validating: template.bytes, as: UTF8.self) else {
                throw EMLLMError.invalidUTF8(path: template.path, what: "the chat template", offset: 0)
            }
            return text
        }
        if let text = try templateFile?.string("chat_template") { return text }
        let value = tokenizerSettings?.object["chat_template"]
        // If there are several templates, the one named "default" is for conversations.
        let named = value?.elements?.first { $0["name"]?.text == "default" }
        return value?.text ?? named?["template"]?.text
    }

    /// The model's name: that of the repository, or else that of the folder.
    var name: String {
        let published = configuration.object["_name_or_path"]?.text
        let name = published.flatMap { $0.isEmpty ? nil : $0 } ?? path
        return String(name.split(separator: "/").last ?? "model")
    }

    /// The name of the source in a converted file.
    var sourceName: String { String(path.split(separator: "/").last ?? "model") }

    private struct Index: Decodable { let weight_map: [String: String] }

    /// The names of the weight files. They must be in the folder itself.
    private static func shardNames(_ index: MappedFile?) throws -> [String] {
        guard let index else { return ["model.safetensors"] }
        let names = Set(try JSONFile.decode(Index.self, index.bytes, path: index.path).weight_map.values).sorted()
        if let strange = names.first(where: { $0.contains("/") || $0.contains("\0") || $0.hasPrefix(".") }) {
            throw EMLLMError.invalidMetadata(
                path: index.path,
                key: "weight_map",
                expected: "names of files in the same folder",
                found: "'\(strange)'"
            )
        }
        return names
    }
}
