import CLIShared
import EMLLMCore
import EMLLMModelStore
import Foundation
import TextTable

/// The models that go by a name, and those that could be had.
struct ModelList: Encodable {
    /// A model that is there.
    struct Entry: Encodable {
        var name: String
        var path: String
        var bytes: Int?
        var family: String?
        /// The types of its weights, such as "Q4_1 + Q8_0".
        var quantization: String?
        var license: String?
        var hasVision: Bool?
        /// Whether it comes with the tools.
        var isBundled: Bool
        /// Why it cannot be run; nil where it can.
        var problem: String?
    }

    /// A model that is not there.
    struct Offer: Encodable {
        var name: String
        var megabytes: Int
        var license: String
        /// What fetches it.
        var command: String
    }

    /// The user's folder of models; nil where no variable says where it is.
    var folder: String?
    var models: [Entry]
    var available: [Offer]

    private static let offers = [
        Offer(
            name: ModelStore.textModel,
            megabytes: 93,
            license: "apache-2.0",
            command: "make demo-text"
        )
    ]

    /// Looks at what is there.
    init(_ store: ModelStore) {
        let names = store.names()
        folder = store.home.map { $0.appending(path: "models").path(percentEncoded: false) }
        models = names.compactMap { name in
            guard let file = try? store.locate(name) else { return nil }
            let bundled = store.bundled?.standardizedFileURL.path
            return Entry(name, file, isBundled: file.deletingLastPathComponent().standardizedFileURL.path == bundled)
        }
        available = Self.offers.filter { !names.contains($0.name) }
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// The list for people.
    func table() -> String {
        let table = TextTable<Entry> { entry in
            [
                Column("name" <- entry.name),
                Column("size" <- entry.bytes.map { String(format: "%.1f MB", Double($0) / 1e6) } ?? "", align: .right),
                Column("family" <- entry.family ?? ""),
                Column("weights" <- entry.quantization ?? ""),
                Column("pictures" <- entry.hasVision.map { $0 ? "yes" : "no" } ?? ""),
                Column("licence" <- entry.license ?? ""),
                Column("from" <- entry.isBundled ? "the tools" : "the folder of models"),
            ]
        }
        var text =
            (table.string(for: models, style: Style.pipe) ?? "no models").trimmingCharacters(in: .newlines) + "\n"
        for entry in models { if let problem = entry.problem { text += "\n\(entry.name) cannot be run: \(problem)\n" } }
        if let folder { text += "\nThe folder of models is \(folder)\n" }
        for offer in available {
            text +=
                "\n\(offer.name) (\(offer.megabytes) MB, \(offer.license)) is not there; in the source folder, "
                + "'\(offer.command)' fetches it.\n"
        }
        return TerminalText.harmless(text)
    }
}

extension ModelList.Entry {
    init(_ name: String, _ url: URL, isBundled: Bool) {
        self.name = name
        path = url.path(percentEncoded: false)
        self.isBundled = isBundled
        do {
            let file = try ModelFile(url)
            bytes = file.byteCount
            quantization = file.quantization
            if case .emllm(let container) = file { license = container.provenance.license }
            let configuration = try file.modelConfiguration()
            family = configuration.family
            hasVision = configuration.vision != nil
        } catch {
            problem = "\(error)"
        }
    }
}
