import EMLLMCore
import Testing

/// One case for each way in which a file's tokenizer can be wrong; each is one error that names what is missing.
@Suite("Tokenizer defects")
struct TokenizerDefectTests {
    struct Defect: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var vocabulary: String
        var code: EMLLMError.Code
        /// What the error's line must mention.
        var mention: String
        var damage: @Sendable (inout TokenizerDefinition) -> Void
    }

    static let defects: [Defect] = [
        Defect("empty vocabulary", "bpe", .emptyVocabulary, "at least one token") {
            $0.tokens = []; $0.types = []
        },
        Defect("fewer types than tokens", "bpe", .vocabularySizeMismatch, "token types") { $0.types.removeLast() },
        Defect("fewer scores than tokens", "spm", .vocabularySizeMismatch, "token scores") { $0.scores.removeLast() },
        Defect("no scores", "spm", .vocabularySizeMismatch, "found 0") { $0.scores = [] },
        Defect("score that is no number", "spm", .malformedScore, "token 300") { $0.scores[300] = .nan },
        Defect("beginning of sequence too large", "bpe", .tokenOutOfRange, "beginning-of-sequence") {
            $0.beginningOfSequence = TokenID($0.tokens.count)
        },
        Defect("negative end of sequence", "bpe", .tokenOutOfRange, "found -1") { $0.endOfSequence = -1 },
        Defect("unknown token out of range", "spm", .tokenOutOfRange, "unknown") { $0.unknown = .max },
        Defect("padding out of range", "bpe", .tokenOutOfRange, "padding") { $0.padding = .max },
        Defect("end of generation out of range", "bpe", .tokenOutOfRange, "end-of-generation") {
            $0.endOfGeneration = [0, .min]
        },
        Defect("no beginning of sequence to add", "bpe", .missingRequiredToken, "beginning-of-sequence") {
            $0.addsBeginningOfSequence = true
        },
        Defect("no end of sequence to add", "bpe", .missingRequiredToken, "end-of-sequence") {
            $0.endOfSequence = nil
            $0.addsEndOfSequence = true
        },
        Defect("byte without token", "bpe", .missingRequiredToken, "1 missing, first \"Q\" (byte 81)") {
            if let index = $0.tokens.firstIndex(of: "Q") { $0.tokens[index] = "ĠĠĠĠĠQQQQ" }
        },
        Defect("no unknown token and no bytes", "spm", .missingRequiredToken, "1 missing") {
            $0.unknown = nil
            $0.types[3 + 7] = .normal
        },
        Defect("byte token without a byte", "spm", .malformedByteToken, "<0xZZ>") { $0.tokens[5] = "<0xZZ>" },
        Defect("byte token with a sign", "spm", .malformedByteToken, "<0x+1>") { $0.tokens[5] = "<0x+1>" },
        Defect("the same byte twice", "spm", .duplicateToken, "token 3 and as token 5") { $0.tokens[5] = "<0x00>" },
        Defect("the same piece twice", "spm", .duplicateToken, "token 300 and as token 301") {
            $0.tokens[301] = $0.tokens[300]
        },
        Defect("the same token twice", "bpe", .duplicateToken, "token 300 and as token 301") {
            $0.tokens[301] = $0.tokens[300]
        },
        Defect("the same special token twice", "bpe", .duplicateToken, "<|im_end|>") {
            if let index = $0.tokens.firstIndex(of: "<|im_start|>") { $0.tokens[index] = "<|im_end|>" }
        },
        Defect("no merges", "bpe", .missingMerges, "no merges") { $0.merges = [] },
        Defect("merge of one part", "bpe", .malformedMerge, "merge 2") { $0.merges[2] = "he" },
        Defect("merge with an empty part", "bpe", .malformedMerge, "merge 2") { $0.merges[2] = " he" },
        Defect("merge of three parts", "bpe", .malformedMerge, "merge 2") { $0.merges[2] = "a b c" },
        Defect("merge outside the byte alphabet", "bpe", .malformedMerge, "merge 2") { $0.merges[2] = "中 文" },
        Defect("empty merge", "bpe", .malformedMerge, "merge 2") { $0.merges[2] = "" },
        Defect("merge of a token that is not there", "bpe", .mergeNamesUnknownToken, "QZQZ Q") {
            $0.merges[2] = "QZQZ Q"
        },
        Defect("merge that builds nothing", "bpe", .mergeNamesUnknownToken, "Q Z") { $0.merges[2] = "Q Z" },
        Defect("merge that would spell a control token", "bpe", .mergeNamesUnknownToken, "< |") {
            $0.tokens.append("<|")
            $0.types.append(.control)
            $0.merges[2] = "< |"
        },
        Defect("unknown pre-tokenizer", "bpe", .unsupportedPreTokenizer, "\"klingon\"") { $0.preTokenizer = "klingon" },
        Defect("the list of pre-tokenizers", "bpe", .unsupportedPreTokenizer, "gpt-2, ") { $0.preTokenizer = "" },
    ]

    @Test("Each defect is one error that says what is wrong", arguments: defects)
    func defect(_ defect: Defect) throws {
        var definition =
            defect.vocabulary == "bpe"
            ? TokenizerFixtures.byteLevel.definition : try TokenizerFixtures.sentencePiece("bytes").definition
        #expect(throws: Never.self) { _ = try Tokenizer(definition) }
        defect.damage(&definition)
        let error = try #require(throws: EMLLMError.self) { _ = try Tokenizer(definition) }
        #expect(error.code == defect.code)
        #expect(error.description.contains(defect.mention), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    /// Definitions come from files, and no file may make the program stop.
    @Test("Damaged definitions give an error or a tokenizer that works, never a crash")
    func mutations() throws {
        var generator = SplitMix64(state: 6)
        let originals = [
            TokenizerFixtures.byteLevel.definition, try TokenizerFixtures.sentencePiece("bytes").definition,
        ]
        let types: [TokenizerDefinition.TokenType] = [.normal, .unknown, .control, .userDefined, .unused, .byte]
        var working = 0
        for round in 0..<600 {
            var definition = originals[round % 2]
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = definition.tokens.indices.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<7, using: &generator) {
                case 0: definition.tokens[index] = generator.text(scalars: Int.random(in: 0..<5, using: &generator))
                case 1: definition.types[index] = types.randomElement(using: &generator) ?? .normal
                case 2 where !definition.scores.isEmpty:
                    definition.scores[index] = [.infinity, -.infinity, 0, 1e38][round % 4]
                case 3 where !definition.merges.isEmpty: definition.merges.shuffle(using: &generator)
                case 4: definition.unknown = TokenID(index)
                case 5: definition.endOfGeneration.append(TokenID(index))
                default: definition.preTokenizer = ["smollm", "qwen2", "llama-bpe", "qwen35"][round % 4]
                }
            }
            guard let tokenizer = try? Tokenizer(definition) else { continue }
            working += 1
            let text = generator.text(scalars: 40)
            let tokens = tokenizer.encode([.trusted(text), .untrusted(text)])
            #expect(tokens.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize })
            _ = tokenizer.decode(tokens, skippingSpecialTokens: false)
        }
        #expect(working > 100)
    }
}

extension TokenizerDefectTests.Defect {
    fileprivate init(
        _ name: String,
        _ vocabulary: String,
        _ code: EMLLMError.Code,
        _ mention: String,
        damage: @escaping @Sendable (inout TokenizerDefinition) -> Void
    ) {
        self.init(testDescription: name, vocabulary: vocabulary, code: code, mention: mention, damage: damage)
    }
}
