/// The tokenizer section of an `.emllm` file.
///
/// Texts are stored as one block of UTF-8 with a table of ends, so that 49,152 tokens are read in a few milliseconds.
/// JSON would take ten times as long.
enum ContainerTokenizer {
    // MARK: Reading

    static func read(_ section: UnsafeRawBufferPointer, path: String) throws -> TokenizerDefinition {
        var reader = ByteReader(section, path: path)
        let number = try reader.integer(UInt32.self, "the tokenizer's model")
        guard let model = models.first(where: { $0.number == number })?.model else {
            throw EMLLMError.invalidTokenizer(path: path, expected: "model 1 or 2", found: "\(number)")
        }
        let flags = try reader.integer(UInt32.self, "the tokenizer's flags")
        guard flags & ~ContainerFormat.TokenizerFlag.all == 0 else {
            throw EMLLMError.invalidTokenizer(path: path, expected: "flags from 0 to 15", found: "\(flags)")
        }
        let beginning = try readID(&reader, "beginning-of-sequence")
        let end = try readID(&reader, "end-of-sequence")
        let unknown = try readID(&reader, "unknown")
        let padding = try readID(&reader, "padding")
        let tokenCount = try readCount(&reader, minimumSize: 5, "tokens")
        let mergeCount = try readCount(&reader, minimumSize: 4, "merges")
        let generationCount = try readCount(&reader, minimumSize: 4, "end-of-generation tokens")
        let nameBytes = try readCount(&reader, minimumSize: 1, "bytes of the pre-tokenizer's name")
        let tokenBytes = try readCount(&reader, minimumSize: 1, "bytes of tokens")
        let mergeBytes = try readCount(&reader, minimumSize: 1, "bytes of merges")

        let endOfGeneration = try list(&reader, generationCount, TokenID.self, "end-of-generation tokens")
        let tokenEnds = try list(&reader, tokenCount, UInt32.self, "ends of tokens")
        let mergeEnds = try list(&reader, mergeCount, UInt32.self, "ends of merges")
        let hasScores = flags & ContainerFormat.TokenizerFlag.hasScores != 0
        let scores = try list(&reader, hasScores ? tokenCount : 0, UInt32.self, "scores").map { Float(bitPattern: $0) }
        let types = try reader.take(tokenCount, "token types").map { byte in
            guard let type = TokenizerDefinition.TokenType(rawValue: byte) else {
                throw EMLLMError.invalidTokenizer(path: path, expected: "token types from 1 to 6", found: "\(byte)")
            }
            return type
        }
        let preTokenizer = try reader.text(nameBytes, "the pre-tokenizer's name")
        let tokens = try texts(&reader, tokenEnds, byteCount: tokenBytes, "tokens")
        let merges = try texts(&reader, mergeEnds, byteCount: mergeBytes, "merges")
        guard reader.remaining == 0 else {
            throw EMLLMError.invalidTokenizer(
                path: path,
                expected: "a section of \(reader.offset) bytes",
                found: "\(section.count)"
            )
        }
        let definition = TokenizerDefinition(
            model: model,
            preTokenizer: preTokenizer,
            tokens: tokens,
            types: types,
            scores: scores,
            merges: merges,
            beginningOfSequence: beginning,
            endOfSequence: end,
            unknown: unknown,
            padding: padding,
            endOfGeneration: endOfGeneration,
            addsBeginningOfSequence: flags & ContainerFormat.TokenizerFlag.addsBeginningOfSequence != 0,
            addsEndOfSequence: flags & ContainerFormat.TokenizerFlag.addsEndOfSequence != 0,
            addsSpacePrefix: flags & ContainerFormat.TokenizerFlag.addsSpacePrefix != 0
        )
        try definition.validate(path: path)
        return definition
    }

    private static let models: [(number: UInt32, model: TokenizerDefinition.Model)] = [
        (1, .bytePairEncoding), (2, .sentencePiece),
    ]

    private static func readID(_ reader: inout ByteReader, _ role: String) throws -> TokenID? {
        let id = try reader.integer(TokenID.self, "the \(role) token")
        return id == -1 ? nil : id
    }

    private static func readCount(_ reader: inout ByteReader, minimumSize: Int, _ what: String) throws -> Int {
        try reader.checkedCount(
            UInt64(try reader.integer(UInt32.self, "the number of \(what)")),
            minimumSize: minimumSize,
            what
        )
    }

    private static func list<T: FixedWidthInteger>(
        _ reader: inout ByteReader,
        _ count: Int,
        _ type: T.Type,
        _ what: String
    ) throws -> [T] {
        let bytes = try reader.take(count * MemoryLayout<T>.size, what)
        return (0..<count).map {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
        }
    }

    private static func texts(
        _ reader: inout ByteReader,
        _ ends: [UInt32],
        byteCount: Int,
        _ what: String
    ) throws -> [String] {
        let start = reader.offset
        let bytes = try reader.take(byteCount, what).bindMemory(to: UInt8.self)
        guard Int(ends.last ?? 0) == byteCount else {
            throw EMLLMError.invalidTokenizer(
                path: reader.path,
                expected: "\(what) that end after \(byteCount) bytes",
                found: "\(ends.last ?? 0)"
            )
        }
        var strings: [String] = []
        strings.reserveCapacity(ends.count)
        var begin = 0
        for end in ends.lazy.map({ Int($0) }) {
            guard begin <= end, end <= byteCount else {
                throw EMLLMError.invalidTokenizer(
                    path: reader.path,
                    expected: "ends of \(what) from \(begin) to \(byteCount)",
                    found: "\(end)"
                )
            }
            guard let text = String(validating: UnsafeBufferPointer(rebasing: bytes[begin..<end]), as: UTF8.self) else {
                throw EMLLMError.invalidUTF8(path: reader.path, what: what, offset: start + begin)
            }
            strings.append(text)
            begin = end
        }
        return strings
    }

    // MARK: Writing

    static func bytes(of definition: TokenizerDefinition, path: String) throws -> [UInt8] {
        try definition.validate(path: path)
        func ends(_ texts: [String]) throws -> [UInt32] {
            var end: UInt32 = 0
            return try texts.map { text in
                let (sum, overflow) = end.addingReportingOverflow(UInt32(clamping: text.utf8.count))
                guard !overflow else {
                    throw EMLLMError.invalidTokenizer(
                        path: path,
                        expected: "fewer than 2^32 bytes of text",
                        found: "more"
                    )
                }
                end = sum
                return sum
            }
        }
        let tokenEnds = try ends(definition.tokens)
        let mergeEnds = try ends(definition.merges)
        var flags: UInt32 = 0
        if definition.addsBeginningOfSequence { flags |= ContainerFormat.TokenizerFlag.addsBeginningOfSequence }
        if definition.addsEndOfSequence { flags |= ContainerFormat.TokenizerFlag.addsEndOfSequence }
        if definition.addsSpacePrefix { flags |= ContainerFormat.TokenizerFlag.addsSpacePrefix }
        if !definition.scores.isEmpty { flags |= ContainerFormat.TokenizerFlag.hasScores }

        var bytes: [UInt8] = []
        bytes.append(littleEndian: models.first { $0.model == definition.model }?.number ?? 0)
        bytes.append(littleEndian: flags)
        let ids = [
            definition.beginningOfSequence, definition.endOfSequence, definition.unknown, definition.padding,
        ]
        for id in ids { bytes.append(littleEndian: id ?? -1) }
        let counts = [
            definition.tokens.count, definition.merges.count, definition.endOfGeneration.count,
            definition.preTokenizer.utf8.count, Int(tokenEnds.last ?? 0), Int(mergeEnds.last ?? 0),
        ]
        for count in counts { bytes.append(littleEndian: UInt32(count)) }
        for id in definition.endOfGeneration { bytes.append(littleEndian: id) }
        for end in tokenEnds { bytes.append(littleEndian: end) }
        for end in mergeEnds { bytes.append(littleEndian: end) }
        for score in definition.scores { bytes.append(littleEndian: score.bitPattern) }
        bytes += definition.types.map(\.rawValue)
        bytes += definition.preTokenizer.utf8
        for token in definition.tokens { bytes += token.utf8 }
        for merge in definition.merges { bytes += merge.utf8 }
        return bytes
    }
}
