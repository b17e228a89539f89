import EMLLMCore
import Foundation

/// Tokens and logits as JSON, for whoever checks the engine from outside.
enum Inspection {
    /// A token, spelled.
    struct Piece: Codable, Equatable {
        let id: TokenID
        /// The token's text; U+FFFD stands for bytes that are not a character by themselves.
        let text: String
        /// The token's bytes, where ``text`` does not tell them.
        let bytes: [UInt8]?

        init(_ token: TokenID, _ tokenizer: Tokenizer) {
            id = token
            let bytes = tokenizer.bytes(of: token)
            text = String(decoding: bytes, as: UTF8.self)
            self.bytes = Array(text.utf8) == bytes ? nil : bytes
        }
    }

    /// A candidate for the next token.
    struct Next: Codable, Equatable {
        let id: TokenID
        let text: String
        let bytes: [UInt8]?
        let logit: Float
        let logProbability: Double
    }

    private struct Tokens: Codable {
        let count: Int
        let tokens: [Piece]
    }

    private struct TopLogits: Codable {
        let promptTokens: Int
        let top: [Next]
    }

    /// `{"count":2,"tokens":[{"id":504,"text":"The"},…]}`
    static func tokens(_ tokens: [TokenID], _ tokenizer: Tokenizer) throws -> String {
        try json(Tokens(count: tokens.count, tokens: tokens.map { Piece($0, tokenizer) }))
    }

    /// `{"promptTokens":5,"top":[{"id":7042,"logit":19.5,"logProbability":-0.3,"text":" Paris"},…]}`, likeliest first.
    static func topLogits(_ logits: Logits, count: Int, promptTokens: Int, _ tokenizer: Tokenizer) throws -> String {
        let total = logits.logSumExp
        let top = logits.top(count).map { token, logit in
            let piece = Piece(token, tokenizer)
            return Next(
                id: token,
                text: piece.text,
                bytes: piece.bytes,
                logit: logit,
                logProbability: Double(logit) - total
            )
        }
        return try json(TopLogits(promptTokens: promptTokens, top: top))
    }

    /// JSON with sorted keys on one line.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }
}
