import EMLLMCore
import Foundation

@testable import EMLLMFormats

/// Models without a chat template, with one.
enum ChatModel {
    /// A format of one line a message, `role: content`.
    static let template = """
        {{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}
        {% endfor %}{% if add_generation_prompt %}assistant:{% endif %}
        """

    /// The model in a file or folder; with the template above where it has none of its own.
    static func load(_ source: URL) throws -> EMLLMModel {
        let published = try EMLLMModel.load(from: source)
        guard published.chatTemplate == nil else { return published }
        let folder = FileManager.default.temporaryDirectory.appending(path: "chat-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // The file is mapped: it may lose its name.
        defer { try? FileManager.default.removeItem(at: folder) }
        let (plain, chat) = (folder.appending(path: "plain.emllm"), folder.appending(path: "chat.emllm"))
        try ModelConverter.convert(source, to: plain)
        let file = try EMLLMFile(MappedFile(plain))
        var writer = try ContainerWriter(
            AtomicFile(chat, overwrites: false),
            metadata: ContainerMetadata(
                configuration: file.configuration,
                chatTemplate: template,
                provenance: file.provenance
            ),
            tokenizer: file.tokenizer,
            tensors: file.tensors.map { ($0.name, $0.type, $0.shape) },
            path: chat.path
        )
        for tensor in file.tensors { try writer.append(file.bytes(of: tensor)) }
        _ = try writer.finish()
        return try EMLLMModel.load(from: chat)
    }
}
