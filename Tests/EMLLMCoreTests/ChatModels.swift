import Foundation

@testable import EMLLMCore
@testable import EMLLMFormats

/// The stories model with a chat template.
enum ChatModels {
    /// A format of one line a message, `role: content`.
    static let stories = Result<EMLLMModel, any Error> {
        try make(
            template: """
                {{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}
                {% endfor %}{% if add_generation_prompt %}assistant:{% endif %}
                """
        )
    }

    /// The model with a template, written to an .emllm file and read again.
    static func make(template: String) throws -> EMLLMModel {
        let folder = try TemporaryFolder()
        let plain = try folder.file("plain.emllm")
        try ModelConverter.convert(WeightsFixtures.stories260K, to: plain)
        let source = try EMLLMFile(MappedFile(plain))
        let output = try folder.file("chat.emllm")
        var writer = try ContainerWriter(
            AtomicFile(output, overwrites: false),
            metadata: ContainerMetadata(
                configuration: source.configuration,
                chatTemplate: template,
                provenance: source.provenance
            ),
            tokenizer: source.tokenizer,
            tensors: source.tensors.map { ($0.name, $0.type, $0.shape) },
            path: output.path
        )
        for tensor in source.tensors { try writer.append(source.bytes(of: tensor)) }
        _ = try writer.finish()
        return try EMLLMModel.load(from: output)
    }
}
