extension SentencePieceEncoder {
    /// Builds the tables of a SentencePiece vocabulary.
    ///
    /// - Parameters:
    ///   - definition: A definition whose sizes and ids were checked.
    ///   - types: The purpose of each token.
    /// - Returns: The encoder, and the bytes that each token stands for.
    static func make(
        _ definition: TokenizerDefinition,
        types: [TokenizerDefinition.TokenType]
    ) throws -> (SentencePieceEncoder, ByteStrings) {
        guard !definition.scores.isEmpty else {
            throw EMLLMError.vocabularySizeMismatch("token scores", 0, tokens: definition.tokens.count)
        }
        if let index = definition.scores.firstIndex(where: \.isNaN) {
            throw EMLLMError.malformedScore(definition.tokens[index], TokenID(index))
        }
        var pieces = ByteStrings()
        var strings = ByteStrings()
        pieces.reserveCapacity(strings: definition.tokens.count, bytes: 8 * definition.tokens.count)
        strings.reserveCapacity(strings: definition.tokens.count, bytes: 8 * definition.tokens.count)
        var table = ByteStringTable(capacity: definition.tokens.count)
        var byteTokens = [TokenID](repeating: -1, count: 256)
        var longestToken = 0
        for (index, token) in definition.tokens.enumerated() {
            token.withUTF8Bytes { pieces.append($0) }
            switch types[index] {
            case .byte:
                guard let byte = byteValue(token) else { throw EMLLMError.malformedByteToken(token, TokenID(index)) }
                if byteTokens[Int(byte)] >= 0 {
                    throw EMLLMError.duplicateToken(token, byteTokens[Int(byte)], TokenID(index))
                }
                byteTokens[Int(byte)] = TokenID(index)
                withUnsafePointer(to: byte) { strings.append(UnsafeBufferPointer(start: $0, count: 1)) }
            case .normal, .userDefined:
                longestToken = max(longestToken, token.utf8.count)
                if let other = table.insert(TokenID(index), spelling: pieces) {
                    throw EMLLMError.duplicateToken(token, other, TokenID(index))
                }
                unescaped(pieces[index]).withUnsafeBufferPointer { strings.append($0) }
            case .control, .unknown, .unused:
                token.withUTF8Bytes { strings.append($0) }
            }
        }
        if definition.unknown == nil, let missing = byteTokens.firstIndex(where: { $0 < 0 }) {
            throw EMLLMError.missingRequiredToken(
                "an unknown token, or byte tokens <0x00> to <0xFF> to spell unknown text",
                lacking: byteTokens.count { $0 < 0 },
                example: "that of byte \(missing)"
            )
        }
        let encoder = SentencePieceEncoder(
            strings: pieces,
            table: table,
            scores: definition.scores,
            byteTokens: byteTokens,
            unknown: definition.unknown,
            longestToken: longestToken
        )
        return (encoder, strings)
    }

    /// The byte that a token of the form `<0xNN>` stands for.
    private static func byteValue(_ token: String) -> UInt8? {
        let text = Array(token.utf8)
        guard text.count == 6, text.starts(with: "<0x".utf8), text[5] == UInt8(ascii: ">"),
            text[3..<5].allSatisfy({
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "F") ~= $0 & 0xDF
            })
        else { return nil }
        return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
    }

    private static func unescaped(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        var rest = piece
        while let byte = rest.first {
            if rest.starts(with: space) {
                output.append(0x20)
                rest.removeFirst(space.count)
            } else {
                output.append(byte)
                rest.removeFirst()
            }
        }
        return output
    }
}
