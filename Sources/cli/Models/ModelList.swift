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
        var bytes: Int
        /// The SHA-256 of its GGUF file.
        var checksum: String
        var license: String
        /// What fetches it.
        var command: String
        /// What fetches it in the source folder, where that is another command.
        var sourceCommand: String?
    }

    /// The user's folder of models; nil where no variable says where it is.
    var folder: String?
    var models: [Entry]
    var available: [Offer]

    /// Looks at what is there.
    init(_ store: ModelStore) {
        let names = store.names()
        folder = store.home.map { $0.appending(path: "models").path(percentEncoded: false) }
        models = names.compactMap { name in
            guard let file = try? store.locate(name) else { return nil }
            let bundled = store.bundled?.standardizedFileURL.path
            return Entry(name, file, isBundled: file.deletingLastPathComponent().standardizedFileURL.path == bundled)
        }
        available = KnownModel.all.filter { !names.contains($0.name) }.map { model in
            let source = "make demo-text MODEL=\(model.name)"
            return Offer(
                name: model.name,
                megabytes: model.bytes / 1_000_000,
                bytes: model.bytes,
                checksum: model.checksum,
                license: model.license,
                command: model.hubFile == nil ? source : "emllm models pull \(model.name)",
                sourceCommand: model.hubFile == nil ? nil : source
            )
        }
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
        if !available.isEmpty { text += "\nThese can be fetched:\n" }
        for offer in available {
            text += "\n\(offer.name) (\(offer.megabytes) MB, \(offer.license))\n"
            if offer.sourceCommand != nil { text += "  from its publisher's hub: \(offer.command)\n" }
            text += "  in the source folder: \(offer.sourceCommand ?? offer.command)\n"
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
