import EMLLMModelStore

/// A model that the tools know of, and where it can be had.
struct KnownModel: Sendable {
    /// Its name in the store.
    var name: String
    /// The size of its published GGUF file.
    var bytes: Int
    /// The digest of that file: 64 hexadecimal digits.
    var checksum: String
    /// An SPDX identifier in lower case.
    var license: String
    /// Its file on the publisher's hub; nil where it is to be had only through the source folder.
    var hubFile: HubReference?

    /// All of them, as in `scripts/models.table`.
    static let all = [
        qwen("0.5b", bytes: 491_400_064, "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"),
        qwen("1.5b", bytes: 1_117_320_768, "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"),
        KnownModel(
            name: ModelStore.textModel,
            bytes: 98_362_432,
            checksum: "7fce1194a2d1c662b7135bc0651cc03277bfe95ebf0b4e8fd7e72604e8e9862a",
            license: "apache-2.0"
        ),
    ]

    private static func qwen(_ size: String, bytes: Int, _ checksum: String) -> KnownModel {
        KnownModel(
            name: "qwen2.5-coder-\(size)-instruct",
            bytes: bytes,
            checksum: checksum,
            license: "apache-2.0",
            hubFile: HubReference(
                repository: "Qwen/Qwen2.5-Coder-\(size.uppercased())-Instruct-GGUF",
                file: "qwen2.5-coder-\(size)-instruct-q4_k_m.gguf"
            )
        )
    }
}
