extension BytePairEncoder {
    /// Builds the tables of a byte-level byte-pair encoding.
    ///
    /// - Parameters:
    ///   - definition: A definition whose sizes and ids were checked.
    ///   - types: What each token is for.
    /// - Returns: The encoder, and the bytes that each token stands for.
    static func make(
        _ definition: TokenizerDefinition, types: [TokenizerDefinition.TokenType]
    ) throws -> (BytePairEncoder, ByteStrings) {
        let preTokenizer = try PreTokenizer(named: definition.preTokenizer)
        let alphabet = ByteAlphabet.bytes
        var strings = ByteStrings()
        strings.reserveCapacity(strings: definition.tokens.count, bytes: 8 * definition.tokens.count)
        var longestToken = 0
        var table = ByteStringTable(capacity: definition.tokens.count)
        for (index, token) in definition.tokens.enumerated() {
            // Only normal tokens are written in the byte alphabet; what authors added is written as it is.
            let isNormal = types[index] == .normal
            var isSpelled = false
            strings.append { storage in
                token.withUTF8Bytes { text in
                    isSpelled = isNormal && ByteAlphabet.decode(text, into: &storage, table: alphabet)
                    if !isSpelled { storage += text }
                }
            }
            guard isSpelled else { continue }
            longestToken = max(longestToken, strings.range(at: index).count)
            if let other = table.insert(TokenID(index), spelling: strings) {
                throw EMLLMError.duplicateToken(token, other, TokenID(index))
            }
        }
        // Merges may build a token that its author also added by hand, but never one that text must not spell.
        for (index, type) in types.enumerated() where type == .userDefined {
            _ = table.insert(TokenID(index), spelling: strings)
        }
        let byteTokens = (UInt8.min...UInt8.max).map { byte in
            withUnsafePointer(to: byte) { table.find(UnsafeBufferPointer(start: $0, count: 1), in: strings) ?? -1 }
        }
        let missing = ([0x0A] + (0x20...0x7E)).filter { byteTokens[$0] < 0 }
        if let first = missing.first {
            let name = ByteAlphabet.scalars[first]
            throw EMLLMError.missingRequiredToken(
                "a token for every printable ASCII byte and the line feed", lacking: missing.count,
                example: "\"\(name)\" (byte \(first))")
        }
        let merges = try makeMerges(definition, types: types, strings: strings, table: table)
        let encoder = BytePairEncoder(
            preTokenizer: preTokenizer, merges: merges, byteTokens: byteTokens, table: table, strings: strings,
            longestToken: longestToken)
        return (encoder, strings)
    }

    private static func makeMerges(
        _ definition: TokenizerDefinition, types: [TokenizerDefinition.TokenType], strings: ByteStrings,
        table: ByteStringTable
    ) throws -> MergeTable {
        guard definition.merges.count <= mostMerges else {
            throw EMLLMError.vocabularyTooLarge(definition.merges.count, limit: mostMerges)
        }
        if definition.merges.isEmpty, types.indices.contains(where: { types[$0] == .normal && strings[$0].count > 1 }) {
            throw EMLLMError.missingMerges(tokens: definition.tokens.count)
        }
        let alphabet = ByteAlphabet.bytes
        var merges = MergeTable(capacity: definition.merges.count)
        // "left right" becomes the bytes of left and right side by side, which also are the bytes of the result.
        var bytes: [UInt8] = []
        for (rank, merge) in definition.merges.enumerated() {
            bytes.removeAll(keepingCapacity: true)
            var leftCount = 0
            let isWellFormed = merge.withUTF8Bytes { text in
                guard let space = text.firstIndex(of: 0x20), space > 0, space + 1 < text.count else { return false }
                let left = UnsafeBufferPointer(rebasing: text[..<space])
                let right = UnsafeBufferPointer(rebasing: text[(space + 1)...])
                guard ByteAlphabet.decode(left, into: &bytes, table: alphabet) else { return false }
                leftCount = bytes.count
                return ByteAlphabet.decode(right, into: &bytes, table: alphabet)
            }
            guard isWellFormed else { throw EMLLMError.malformedMerge(merge, rank: rank) }
            let tokens = bytes.withUnsafeBufferPointer { whole in
                (
                    table.find(UnsafeBufferPointer(rebasing: whole[..<leftCount]), in: strings),
                    table.find(UnsafeBufferPointer(rebasing: whole[leftCount...]), in: strings),
                    table.find(whole, in: strings)
                )
            }
            guard case (let left?, let right?, let result?) = tokens else {
                throw EMLLMError.mergeNamesUnknownToken(merge, rank: rank)
            }
            merges.insert(left, right, Merge(rank: UInt32(rank), result: result))
        }
        return merges
    }
}
