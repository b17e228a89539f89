import EMLLMCore
import Foundation

/// A conversation in a file.
struct SavedChat: Codable, Equatable {
    /// The version of the format.
    var version = SavedChat.currentVersion
    /// The name of the model that answered.
    var model: String
    /// Everything that was said, the system message first.
    var transcript: [ChatMessage]
    /// The files of the pictures that the transcript shows, in order.
    var images: [String]

    static let currentVersion = 1

    /// Reads a file.
    ///
    /// - Throws: ``/EMLLMCore/EMLLMError`` when there is none, or it is none of this version, or it does not hold together.
    init(contentsOf path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else { throw EMLLMError.noSavedChat(path) }
        do {
            self = try JSONDecoder().decode(SavedChat.self, from: data)
        } catch {
            throw EMLLMError.notASavedChat(path, found: "something else")
        }
        guard version == Self.currentVersion else {
            throw EMLLMError.notASavedChat(path, found: "version \(version)")
        }
        let shown = transcript.reduce(0) { $0 + $1.imageCount }
        guard shown == images.count, transcript.allSatisfy({ $0.imageCount >= 0 }) else {
            throw EMLLMError.notASavedChat(path, found: "\(images.count) pictures for messages that show \(shown)")
        }
        guard transcript.last?.role != .user else {
            throw EMLLMError.notASavedChat(path, found: "a question without an answer at the end")
        }
    }

    init(model: String, transcript: [ChatMessage], images: [String]) {
        (self.model, self.transcript, self.images) = (model, transcript, images)
    }

    /// The conversation as JSON.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}

extension EMLLMError.Code {
    /// A file that is no saved conversation.
    static let notASavedChat = Self(rawValue: "not-a-saved-chat")
}

extension EMLLMError {
    static func noSavedChat(_ path: String) -> EMLLMError {
        EMLLMError(
            code: .fileNotFound,
            subject: path,
            expected: "a conversation that /save wrote",
            found: "no file that can be read",
            remedy: "check the path"
        )
    }

    static func notASavedChat(_ path: String, found: String) -> EMLLMError {
        EMLLMError(
            code: .notASavedChat,
            subject: path,
            expected: "a conversation that /save wrote (version \(SavedChat.currentVersion))",
            found: found,
            remedy: "check the path"
        )
    }
}
