import EMLLMCore

/// A small byte-level vocabulary: a token for each byte, "Yes", "No" and their spellings, and the tokens of ChatML.
enum TestVocabulary {
    static let merged = ["Yes", " Yes", "yes", "No", " No", "no"]
    static let special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

    /// The system message is optional, as in most templates.
    static let chatML = """
        {% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
        {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
        """

    static func makeTokenizer(words: [String] = merged) throws -> Tokenizer {
        var tokens = (0...255).map { spelling([UInt8($0)]) }
        var merges: [String] = []
        func merge(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) {
            let whole = spelling(Array(left) + Array(right))
            if !tokens.contains(whole) { tokens.append(whole) }
            let merge = spelling(Array(left)) + " " + spelling(Array(right))
            if !merges.contains(merge) { merges.append(merge) }
        }
        // A word grows letter by letter; the space before it comes last.
        for word in words {
            let letters = Array(word.utf8.drop { $0 == 0x20 })
            for length in letters.indices.dropFirst() { merge(letters[..<length], [letters[length]]) }
            if letters.count < word.utf8.count { merge([0x20], letters) }
        }
        let ordinary = tokens.count
        tokens += special
        func id(_ text: String) -> TokenID? { tokens.firstIndex(of: text).map(TokenID.init) }
        return try Tokenizer(
            TokenizerDefinition(
                model: .bytePairEncoding,
                preTokenizer: "gpt-2",
                tokens: tokens,
                types: (0..<tokens.count).map { $0 < ordinary ? .normal : .control },
                scores: [],
                merges: merges,
                beginningOfSequence: id("<|endoftext|>"),
                endOfSequence: id("<|im_end|>"),
                unknown: nil,
                padding: nil,
                endOfGeneration: [],
                addsBeginningOfSequence: false,
                addsEndOfSequence: false,
                addsSpacePrefix: false
            )
        )
    }

    /// Bytes in GPT-2's printable alphabet: printable Latin-1 stands for itself, the others follow from U+0100 on.
    private static func spelling(_ bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes {
            text.append(alphabet[Int(byte)])
        }
        return String(text)
    }

    private static let alphabet: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0...255).map { (byte: UInt32) in
            let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
            defer { if !isPrintable { next += 1 } }
            return Unicode.Scalar(isPrintable ? byte : next) ?? " "
        }
    }()
}
