import EMLLMCore
import Foundation
import Testing

/// `Fixtures/tokenizer/`: what independent tokenizers make of the same strings. `Tests/Scripts/tokenizer_fixtures.py`
/// made the files and says how.
enum TokenizerFixtures {
    static let strings: [String] = load("strings")
    static let byteLevel: ByteLevel = load("byte-level")
    static let smolLM2: Trusted = load("smollm2")
    static let sentencePiece: [String: SentencePiece] = load("sentencepiece")

    struct ByteLevel: Decodable, Sendable {
        struct PreTokenizer: Decodable, Sendable {
            var ordinary: [[TokenID]]
            var trusted: [[TokenID]]
        }
        struct Decoding: Decodable, Sendable {
            var tokens: [TokenID]
            var text: String
        }
        var definition: TokenizerDefinition
        var preTokenizers: [String: PreTokenizer]
        var trusted: [String]
        var decodings: [Decoding]

        /// The small vocabulary behind another pre-tokenizer.
        func tokenizer(_ preTokenizer: String) throws -> Tokenizer {
            var definition = definition
            definition.preTokenizer = preTokenizer
            return try Tokenizer(definition)
        }
    }

    struct Trusted: Decodable, Sendable {
        var ordinary: [[TokenID]]
        var trustedTexts: [String]
        var trusted: [[TokenID]]
    }

    struct SentencePiece: Decodable, Sendable {
        var definition: TokenizerDefinition
        var ordinary: [[TokenID]]
        var texts: [String]?
        var trusted: [String]?
        var trustedTokens: [[TokenID]]?
    }

    static func sentencePiece(_ name: String) throws -> SentencePiece { try #require(sentencePiece[name]) }

    private static func load<Value: Decodable>(_ name: String) -> Value {
        let url = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/tokenizer/\(name).json"
        )
        do {
            return try JSONDecoder().decode(Value.self, from: Data(contentsOf: url))
        } catch {
            fatalError("the fixture \(url.path) cannot be read: \(error)")
        }
    }
}

/// Whether two strings are the same scalars: `==` would not tell "é" from "e" with an accent.
func haveSameScalars(_ first: String, _ second: String) -> Bool { Array(first.utf8) == Array(second.utf8) }

extension SplitMix64 {
    /// Text of scalars from everywhere, with white space, letters, digits and apostrophes more often than chance.
    mutating func text(scalars count: Int) -> String {
        let frequent = Array(" \n\r\t'sStTrelLvVmMdDeE019٣½aé中あ가\u{301}\u{A0}\u{3000}😀\u{200D}<|>▁".unicodeScalars)
        var text = ""
        while text.unicodeScalars.count < count {
            if Bool.random(using: &self), let scalar = frequent.randomElement(using: &self) {
                text.unicodeScalars.append(scalar)
            } else if let scalar = Unicode.Scalar(
                UInt32.random(in: 0..<0x11_0000, using: &self) >> UInt32.random(in: 0..<14, using: &self)
            ) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
