import EMLLMCore
import Foundation
import Testing

/// What must hold for every text, tried on random ones with a fixed seed.
@Suite("Tokenizer properties")
struct TokenizerPropertyTests {
    @Test("Byte-level encoding loses nothing", arguments: ["gpt-2", "smollm", "llama-bpe", "smaug-bpe"])
    func byteLevelRoundTrip(preTokenizer: String) throws {
        let tokenizer = try TokenizerFixtures.byteLevel.tokenizer(preTokenizer)
        var generator = SplitMix64(state: 1)
        for length in 0..<400 {
            let text = generator.text(scalars: length % 60)
            let tokens = tokenizer.encode(text)
            #expect(haveSameScalars(tokenizer.decode(tokens), text), "\(text.debugDescription)")
            #expect(tokens.flatMap { tokenizer.bytes(of: $0) } == Array(text.utf8))
            #expect(tokens.allSatisfy { !tokenizer.isSpecial($0) })
        }
    }

    @Test("A normalizing vocabulary gives back the text in normalization form C", arguments: ["qwen2", "qwen35"])
    func normalization(preTokenizer: String) throws {
        let tokenizer = try TokenizerFixtures.byteLevel.tokenizer(preTokenizer)
        var generator = SplitMix64(state: 2)
        for length in 0..<200 {
            let text = generator.text(scalars: length % 60)
            let decoded = tokenizer.decode(tokenizer.encode(text))
            // Equality of strings is canonical equivalence; what is in normalization form C stays as it is.
            #expect(decoded == text, "\(text.debugDescription)")
            #expect(haveSameScalars(tokenizer.decode(tokenizer.encode(decoded)), decoded))
        }
        #expect(haveSameScalars(tokenizer.decode(tokenizer.encode("cafe\u{301} \u{212B}")), "caf\u{E9} \u{C5}"))
    }

    @Test("SentencePiece with bytes loses nothing but the difference between a space and its stand-in")
    func sentencePieceRoundTrip() throws {
        let tokenizer = try Tokenizer(TokenizerFixtures.sentencePiece("bytes").definition)
        var generator = SplitMix64(state: 3)
        for length in 0..<400 {
            let text = generator.text(scalars: length % 60)
            let expected = String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\u{2581}" ? " " : $0 }))
            for continuing in [false, true] {
                let tokens = tokenizer.encode(text, continuing: continuing)
                #expect(haveSameScalars(tokenizer.decode(tokens, continuing: continuing), expected))
            }
        }
    }

    @Test("Streaming shows whole characters only, and in the end the whole text", arguments: ["bytes", "byte-level"])
    func streaming(vocabulary: String) throws {
        let tokenizer =
            try vocabulary == "bytes"
            ? Tokenizer(TokenizerFixtures.sentencePiece("bytes").definition)
            : TokenizerFixtures.byteLevel.tokenizer("gpt-2")
        var generator = SplitMix64(state: 4)
        for round in 0..<600 {
            var tokens = tokenizer.encode(generator.text(scalars: 20))
            if round % 2 == 1 {
                // Any tokens at all: most of their bytes are not well-formed UTF-8.
                tokens = (0..<20).map { _ in
                    TokenID.random(in: -1...TokenID(tokenizer.vocabularySize), using: &generator)
                }
                tokens += tokens.filter { tokenizer.bytes(of: $0).contains { $0 >= 0x80 } }
            }
            for skipping in [false, true] {
                var detokenizer = tokenizer.makeDetokenizer(skippingSpecialTokens: skipping)
                var parts = tokens.map { detokenizer.append($0) }
                parts.append(detokenizer.finish())
                let whole = tokenizer.decode(tokens, skippingSpecialTokens: skipping)
                #expect(haveSameScalars(parts.joined(), whole), "\(tokens)")
            }
        }
    }

    @Test("A character comes with its last byte")
    func characterByCharacter() throws {
        let tokenizer = try Tokenizer(TokenizerFixtures.sentencePiece("bytes").definition)
        var detokenizer = tokenizer.makeDetokenizer()
        // The bytes of U+1F600, then the first two of it again; byte tokens start at 3.
        let tokens: [TokenID] = [0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x9F].map { $0 + 3 }
        #expect(tokens.map { detokenizer.append($0) } == ["", "", "", "\u{1F600}", "", ""])
        #expect(detokenizer.finish() == "\u{FFFD}")
        #expect(detokenizer.finish().isEmpty)
        // A lead byte that a letter follows is a mistake at once; the letter does not wait.
        #expect(detokenizer.append(0xF0 + 3).isEmpty)
        #expect(detokenizer.append(0x41 + 3) == "\u{FFFD}A")
    }

    @Test("Ordinary text is one text, wherever pieces end", arguments: ["bytes", "gpt-2", "smollm", "qwen2"])
    func seams(vocabulary: String) throws {
        let tokenizer =
            try vocabulary == "bytes"
            ? Tokenizer(TokenizerFixtures.sentencePiece("bytes").definition)
            : TokenizerFixtures.byteLevel.tokenizer(vocabulary)
        var generator = SplitMix64(state: 5)
        for _ in 0..<200 {
            let text = generator.text(scalars: 12)
            let scalars = text.unicodeScalars
            let cut = scalars.index(scalars.startIndex, offsetBy: Int.random(in: 0...12, using: &generator))
            let pieces: [PromptPiece] = [
                .untrusted(String(scalars[..<cut])), .trusted(""), .untrusted(String(scalars[cut...])),
            ]
            #expect(tokenizer.encode(pieces, addSpecialTokens: false) == tokenizer.encode(text))
        }
    }

    /// A quadratic algorithm would take minutes here, in a release build.
    @Test("Long words take time in proportion", .timeLimit(.minutes(1)), arguments: ["bytes", "gpt-2", "llama-bpe"])
    func longWords(vocabulary: String) throws {
        let tokenizer =
            try vocabulary == "bytes"
            ? Tokenizer(TokenizerFixtures.sentencePiece("bytes").definition)
            : TokenizerFixtures.byteLevel.tokenizer(vocabulary)
        #if DEBUG
            let count = 10_000
        #else
            let count = 400_000
        #endif
        for unit in ["a", "th", " ", "7", "é"] {
            let text = String(repeating: unit, count: count)
            #expect(haveSameScalars(tokenizer.decode(tokenizer.encode(text)), text))
        }
    }
}
