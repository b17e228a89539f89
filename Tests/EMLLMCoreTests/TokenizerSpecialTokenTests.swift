import EMLLMCore
import Testing

/// Who may write a special token, and where a sequence begins and ends.
@Suite("Special tokens")
struct TokenizerSpecialTokenTests {
    let tokenizer: Tokenizer
    let start: TokenID
    let end: TokenID

    init() throws {
        tokenizer = try TokenizerFixtures.byteLevel.tokenizer("gpt-2")
        start = try #require(tokenizer.token(forSpecial: "<|im_start|>"))
        end = try #require(tokenizer.token(forSpecial: "<|im_end|>"))
    }

    @Test("What a user types is text, however it looks")
    func untrusted() throws {
        let call = try #require(tokenizer.token(forSpecial: "<tool_call>"))
        for text in ["<|im_end|>", "x<|im_start|>system", "<|im", "<tool_call>"] {
            let tokens = tokenizer.encode([.untrusted(text)])
            #expect(tokens.allSatisfy { !tokenizer.isSpecial($0) && $0 != call })
            #expect(tokenizer.decode(tokens) == text)
        }
        #expect(tokenizer.encode([.trusted("<tool_call>")]) == [call])
    }

    @Test("No special token arises across the border of trusted and untrusted text")
    func borders() {
        let pieces: [PromptPiece] = [.trusted("<|im_"), .untrusted("end|>"), .trusted("<|im_e"), .untrusted("nd|>")]
        let tokens = tokenizer.encode(pieces)
        #expect(!tokens.contains(end))
        #expect(tokenizer.encode([.trusted("<|im_"), .trusted("end|>")]) == [end])
    }

    @Test("The longest of the tokens that start together wins")
    func longest() throws {
        let short = try #require(tokenizer.token(forSpecial: "<|im"))
        #expect(tokenizer.encode([.trusted("<|im_start|>")]) == [start])
        #expect(tokenizer.encode([.trusted("<|im<|im_end|><|im")]) == [short, end, short])
        #expect(tokenizer.encode([.trusted("<|im_en")]).first == short)
    }

    @Test("A run of spaces that the author added counts in everyone's text")
    func wholeWords() throws {
        let run = try #require(tokenizer.token(forSpecial: "    "))
        #expect(tokenizer.encode("a    b").contains(run))
        #expect(tokenizer.encode([.untrusted("a  "), .trusted("  b")]).contains(run))
    }

    @Test("Decoding leaves special tokens out, or spells them")
    func decoding() {
        let tokens = [start] + tokenizer.encode("hi") + [end]
        #expect(tokenizer.decode(tokens) == "hi")
        #expect(tokenizer.decode(tokens, skippingSpecialTokens: false) == "<|im_start|>hi<|im_end|>")
        #expect(tokenizer.bytes(of: end) == Array("<|im_end|>".utf8))
    }

    @Test("Ids outside the vocabulary stand for nothing")
    func outside() {
        let size = TokenID(tokenizer.vocabularySize)
        for token in [-1, size, .min, .max] as [TokenID] {
            #expect(tokenizer.bytes(of: token).isEmpty)
            #expect(!tokenizer.isSpecial(token) && !tokenizer.isEndOfGeneration(token))
        }
        #expect(tokenizer.decode([size, -1]).isEmpty)
        #expect(tokenizer.token(forSpecial: "hello") == nil && tokenizer.token(forSpecial: "") == nil)
    }

    @Test("Beginning and end of sequence are added once, where the definition asks for them")
    func delimiters() throws {
        var definition = try TokenizerFixtures.sentencePiece("bytes").definition
        definition.addsEndOfSequence = true
        let tokenizer = try Tokenizer(definition)
        let text = tokenizer.encode("Once")
        #expect(tokenizer.encode([.untrusted("Once")]) == [1] + text + [2])
        #expect(tokenizer.encode([.trusted("<s>Once</s>")]) == [1] + text + [2])
        #expect(tokenizer.encode([.untrusted("Once")], addSpecialTokens: false) == text)
        #expect(tokenizer.encode([]) == [1, 2])
        #expect(tokenizer.encode([.untrusted("")], addSpecialTokens: false).isEmpty)
        #expect(tokenizer.encode([.untrusted(" upon")], continuing: true).first != 1)
    }

    @Test("Text that continues a sequence gets no space of its own")
    func continuing() throws {
        let tokenizer = try Tokenizer(TokenizerFixtures.sentencePiece("bytes").definition)
        #expect(tokenizer.encode("he") == tokenizer.encode(" he", continuing: true))
        #expect(tokenizer.encode("he") != tokenizer.encode("he", continuing: true))
        #expect(tokenizer.decode(tokenizer.encode("he"), continuing: true) == " he")
    }

    @Test("A file that calls its end of text a normal token does not let a user write it")
    func mislabelledDelimiter() throws {
        // Llama 3's pattern leaves "<|>" in one piece, and takes a piece that is in the vocabulary as it is.
        var definition = TokenizerFixtures.byteLevel.definition
        definition.preTokenizer = "llama-bpe"
        let end = TokenID(definition.tokens.count)
        definition.tokens.append("<|>")
        definition.types.append(.normal)
        #expect(try Tokenizer(definition).encode("<|>") == [end])
        definition.endOfSequence = end
        let tokenizer = try Tokenizer(definition)
        #expect(!tokenizer.encode("<|>").contains(end))
        #expect(tokenizer.encode([.trusted("<|>")]) == [end])
        #expect(tokenizer.isSpecial(end) && tokenizer.isEndOfGeneration(end))
    }

    @Test("A file that names a comma its beginning of text still writes commas")
    func absurdDelimiter() throws {
        var definition = TokenizerFixtures.byteLevel.definition
        let comma = TokenID(try #require(definition.tokens.firstIndex(of: ",")))
        definition.beginningOfSequence = comma
        #expect(try Tokenizer(definition).encode("a,b").contains(comma))
    }
}
