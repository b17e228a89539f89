import EMLLMCore
import Foundation
import Testing

/// Token ids against the tokenizers that were published with the models.
@Suite("Tokenizer against Hugging Face and SentencePiece")
struct TokenizerReferenceTests {
    @Test(
        "Byte-level ids are Hugging Face's for each published pattern",
        arguments: TokenizerFixtures.byteLevel.preTokenizers.keys.sorted()
    )
    func byteLevel(preTokenizer: String) throws {
        let fixture = TokenizerFixtures.byteLevel
        let tokenizer = try fixture.tokenizer(preTokenizer)
        let expected = try #require(fixture.preTokenizers[preTokenizer])
        try #require(expected.ordinary.count == TokenizerFixtures.strings.count)
        for (text, ids) in zip(TokenizerFixtures.strings, expected.ordinary) {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
        }
        for (text, ids) in zip(fixture.trusted, expected.trusted) {
            #expect(tokenizer.encode([.trusted(text)]) == ids, "\(text.debugDescription)")
        }
    }

    @Test(
        "Names that share a pattern share its ids",
        arguments: [
            ("default", "gpt-2"), ("starcoder", "smollm"), ("llama3", "llama-bpe"), ("dbrx", "smaug-bpe"),
            ("qwen3", "qwen2"),
        ]
    )
    func aliases(alias: String, name: String) throws {
        let tokenizer = try TokenizerFixtures.byteLevel.tokenizer(alias)
        let expected = try #require(TokenizerFixtures.byteLevel.preTokenizers[name])
        #expect(TokenizerFixtures.strings.map { tokenizer.encode($0) } == expected.ordinary)
    }

    @Test("Byte-level tokens decode to Hugging Face's text, malformed UTF-8 included")
    func byteLevelDecoding() throws {
        let tokenizer = try TokenizerFixtures.byteLevel.tokenizer("gpt-2")
        for decoding in TokenizerFixtures.byteLevel.decodings {
            #expect(haveSameScalars(tokenizer.decode(decoding.tokens), decoding.text), "\(decoding.tokens)")
        }
    }

    @Test("SentencePiece ids are SentencePiece's", arguments: ["bytes", "unknown"])
    func sentencePiece(vocabulary: String) throws {
        let fixture = try TokenizerFixtures.sentencePiece(vocabulary)
        let tokenizer = try Tokenizer(fixture.definition)
        try #require(fixture.ordinary.count == TokenizerFixtures.strings.count)
        for (text, ids) in zip(TokenizerFixtures.strings, fixture.ordinary) {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
        }
    }

    @Test("SentencePiece tokens decode to SentencePiece's text")
    func sentencePieceDecoding() throws {
        let fixture = try TokenizerFixtures.sentencePiece("bytes")
        let tokenizer = try Tokenizer(fixture.definition)
        for (ids, text) in zip(fixture.ordinary, try #require(fixture.texts)) {
            #expect(haveSameScalars(tokenizer.decode(ids), text), "\(text.debugDescription)")
        }
    }

    @Test("SentencePiece with special tokens gives Llama 2's ids")
    func sentencePieceSpecialTokens() throws {
        let fixture = try TokenizerFixtures.sentencePiece("bytes")
        let tokenizer = try Tokenizer(fixture.definition)
        for (text, ids) in zip(try #require(fixture.trusted), try #require(fixture.trustedTokens)) {
            #expect(tokenizer.encode([.trusted(text)], addSpecialTokens: false) == ids, "\(text.debugDescription)")
        }
    }
}

/// The same for the vocabulary of the model itself.
@Suite("SmolLM2's tokenizer against Hugging Face", SmolLM2.isAvailable)
struct TokenizerSmolLM2Tests {
    @Test("Ids are Hugging Face's, and decode to the text")
    func ids() throws {
        let tokenizer = try SmolLM2.model.get().tokenizer
        let fixture = TokenizerFixtures.smolLM2
        let withoutToken = Set(tokenizer.bytesWithoutToken)
        try #require(fixture.ordinary.count == TokenizerFixtures.strings.count)
        for (text, ids) in zip(TokenizerFixtures.strings, fixture.ordinary) {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
            if withoutToken.isDisjoint(with: text.utf8) { #expect(haveSameScalars(tokenizer.decode(ids), text)) }
        }
        for (text, ids) in zip(fixture.trustedTexts, fixture.trusted) {
            #expect(tokenizer.encode([.trusted(text)]) == ids, "\(text.debugDescription)")
            #expect(haveSameScalars(tokenizer.decode(ids, skippingSpecialTokens: false), text))
        }
    }

    @Test("The end of a turn and the end of a text both end a generation")
    func endOfGeneration() throws {
        let tokenizer = try SmolLM2.model.get().tokenizer
        for text in ["<|im_end|>", "<|endoftext|>"] {
            let token = try #require(tokenizer.token(forSpecial: text))
            #expect(tokenizer.isEndOfGeneration(token))
        }
        #expect(!tokenizer.isEndOfGeneration(try #require(tokenizer.token(forSpecial: "<|im_start|>"))))
    }
}
