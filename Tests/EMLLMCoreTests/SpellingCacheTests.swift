import EMLLMCore
import Testing

@Suite("Words looked for in a vocabulary")
struct SpellingCacheTests {
    @Test("A word is looked for once, and the memory of words is bounded")
    func scans() {
        let cache = SpellingCache()
        var scans = 0
        for _ in 0..<3 {
            for word in [[1], [2, 3]] as [[UInt8]] {
                let tokens = cache.tokens(for: word) {
                    scans += 1
                    return word.map(TokenID.init)
                }
                #expect(tokens == word.map(TokenID.init))
            }
        }
        #expect(scans == 2)
        for byte in UInt8.min...UInt8.max { _ = cache.tokens(for: [byte, 0]) { [] } }
        #expect(cache.count <= 64)
    }

    @Test("White space around a word and the case of letters do not matter, and copies find the same")
    func spellings() throws {
        let tokenizer = try TokenizerFixtures.byteLevel.tokenizer("gpt-2")
        let letter = tokenizer.tokens(spelling: "A")
        #expect(
            letter.contains { tokenizer.bytes(of: $0) == [0x61] }
                && letter.contains { tokenizer.bytes(of: $0) == [0x41] }
        )
        #expect(letter == letter.sorted())
        let copy = tokenizer
        #expect(copy.tokens(spelling: " a ") == letter)
    }
}
