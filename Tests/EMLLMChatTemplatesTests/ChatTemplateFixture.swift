import Foundation

@testable import EMLLMChatTemplates

/// What jinja2 makes of many templates; written by Tests/Scripts/chat_template_fixtures.py.
struct ChatTemplateFixture: Decodable {
    struct Case: Decodable {
        var name: String
        /// Index of the template in `sources`.
        var source: Int
        /// Index of the variables in `contexts`.
        var context: Int
        /// The rendered text, if there is one.
        var expected: String?
        /// The message of `raise_exception`, if the template called it.
        var rejection: String?
        /// The type of Python's exception, if there was any other.
        var error: String?
    }

    var now: Date
    var sources: [String]
    var contexts: [JSONValue]
    var cases: [Case]

    static func load() throws -> ChatTemplateFixture {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/rendered.json")
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(ChatTemplateFixture.self, from: Data(contentsOf: url))
    }

    func variables(_ index: Int) -> [String: TemplateValue] {
        guard case .dictionary(let entries) = contexts[index].value else { return [:] }
        return Dictionary(uniqueKeysWithValues: entries.map { ($0.key.text, $0.value) })
    }

    /// A value in the fixture: JSON, where dictionaries are lists of pairs and floats are marked.
    struct JSONValue: Decodable {
        var value: TemplateValue

        private enum Keys: CodingKey { case entries, float }

        init(from decoder: any Decoder) throws {
            if let object = try? decoder.container(keyedBy: Keys.self) {
                if let text = try object.decodeIfPresent(String.self, forKey: .float) {
                    value = .double(Double(text) ?? .nan)
                    return
                }
                let entries = try object.decode([[JSONValue]].self, forKey: .entries)
                value = .dictionary(
                    entries.compactMap { pair in
                        guard pair.count == 2, case .string(let key) = pair[0].value else { return nil }
                        return TemplateValue.Entry(key: key, value: pair[1].value)
                    }
                )
                return
            }
            let single = try decoder.singleValueContainer()
            if single.decodeNil() {
                value = .none
            } else if let boolean = try? single.decode(Bool.self) {
                value = .boolean(boolean)
            } else if let integer = try? single.decode(Int.self) {
                value = .integer(integer)
            } else if let text = try? single.decode(String.self) {
                value = .untrusted(text)
            } else {
                value = .list(try single.decode([JSONValue].self).map(\.value))
            }
        }
    }
}
