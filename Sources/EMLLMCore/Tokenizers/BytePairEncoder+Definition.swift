extension BytePairEncoder {
    /// Builds the tables of a byte-level byte-pair encoding.
    ///
    /// - Parameters:
    ///   - definition: A definition whose sizes and ids were checked.
    ///   - types: The purpose of each token.
    /// - Returns: The encoder, and the bytes that each token stands for.
    static func make(
        _ definition: TokenizerDefinition,
        types: [TokenizerDefinition.TokenType]
    ) throws -> (BytePairEncoder, ByteStrings) {
        let preTokenizer = try PreTokenizer(named: definition.preTokenizer)
        let decoder = AlphabetDecoder(longestText: definition.tokens.lazy.map(\.utf8.count).max() ?? 0)
        defer { decoder.deallocate() }
        var strings = ByteStrings()
        strings.reserveCapacity(strings: definition.tokens.count, bytes: 8 * definition.tokens.count)
        var longestToken = 0
        var table = ByteStringTable(capacity: definition.tokens.count)
        for (index, token) in definition.tokens.enumerated() {
            let isSpelled = token.withUTF8Bytes { text in
                // Only normal tokens are written in the byte alphabet; tokens that authors added are written literally.
                let spelling = types[index] == .normal ? decoder.decode(text) : nil
                strings.append(spelling ?? text)
                return spelling != nil
            }
            guard isSpelled else { continue }
            longestToken = max(longestToken, strings.range(at: index).count)
            if let other = table.insert(TokenID(index), spelling: strings) {
                throw EMLLMError.duplicateToken(token, other, TokenID(index))
            }
        }
        // Merges may build a token that an author also added by hand, but never one that text must not spell.
        for (index, type) in types.enumerated() where type == .userDefined {
            _ = table.insert(TokenID(index), spelling: strings)
        }
        let byteTokens = (UInt8.min...UInt8.max).map { byte in
            withUnsafePointer(to: byte) { table.find(UnsafeBufferPointer(start: $0, count: 1), in: strings) ?? -1 }
        }
        let missing = ([0x0A] + (0x20...0x7E)).filter { byteTokens[$0] < 0 }
        if let first = missing.first {
            throw EMLLMError.missingRequiredToken(
                "a token for every printable ASCII byte and the line feed",
                lacking: missing.count,
                example: "\"\(ByteAlphabet.scalars[first])\" (byte \(first))"
            )
        }
        let encoder = BytePairEncoder(
            preTokenizer: preTokenizer,
            merges: try makeMerges(definition, types: types, strings: strings, table: table),
            byteTokens: byteTokens,
            table: table,
            strings: strings,
            longestToken: longestToken
        )
        return (encoder, strings)
    }

    private static func makeMerges(
        _ definition: TokenizerDefinition,
        types: [TokenizerDefinition.TokenType],
        strings: ByteStrings,
        table: ByteStringTable
    ) throws -> MergeTable {
        guard definition.merges.count <= mostMerges else {
            throw EMLLMError.vocabularyTooLarge(definition.merges.count, limit: mostMerges)
        }
        if definition.merges.isEmpty, types.indices.contains(where: { types[$0] == .normal && strings[$0].count > 1 }) {
            throw EMLLMError.missingMerges(tokens: definition.tokens.count)
        }
        let decoder = AlphabetDecoder(longestText: definition.merges.lazy.map(\.utf8.count).max() ?? 0)
        defer { decoder.deallocate() }
        var merges = MergeTable(capacity: definition.merges.count)
        for (rank, merge) in definition.merges.enumerated() {
            try merge.withUTF8Bytes { text in
                // "left right" becomes the bytes of left and right side by side, which are also those of the result.
                guard let space = text.firstIndex(of: 0x20), space > 0, space + 1 < text.count,
                    let left = decoder.decode(UnsafeBufferPointer(rebasing: text[..<space])),
                    let right = decoder.decode(UnsafeBufferPointer(rebasing: text[(space + 1)...]), at: left.count)
                else { throw EMLLMError.malformedMerge(merge, rank: rank) }
                let whole = UnsafeBufferPointer(start: left.baseAddress, count: left.count + right.count)
                guard let leftToken = table.find(left, in: strings), let rightToken = table.find(right, in: strings),
                    let result = table.find(whole, in: strings)
                else { throw EMLLMError.mergeNamesUnknownToken(merge, rank: rank) }
                merges.insert(leftToken, rightToken, Merge(rank: UInt32(rank), result: result))
            }
        }
        return merges
    }

    /// ``ByteAlphabet`` with working memory for many short texts.
    private struct AlphabetDecoder {
        private let output: UnsafeMutableBufferPointer<UInt8>
        private let table: UnsafeMutableBufferPointer<Int16>

        init(longestText: Int) {
            output = .allocate(capacity: max(1, longestText))
            table = .allocate(capacity: ByteAlphabet.bytes.count)
            _ = table.initialize(fromContentsOf: ByteAlphabet.bytes)
        }

        func deallocate() {
            output.deallocate()
            table.deallocate()
        }

        /// The bytes that a text spells, valid until the next call that writes to the same place.
        ///
        /// - Parameter offset: The place in the working memory where they are written.
        @inline(__always)
        func decode(_ text: UnsafeBufferPointer<UInt8>, at offset: Int = 0) -> UnsafeBufferPointer<UInt8>? {
            let target = UnsafeMutableBufferPointer(rebasing: output[offset...])
            guard let count = ByteAlphabet.decode(text, into: target, table: UnsafeBufferPointer(table)) else {
                return nil
            }
            return UnsafeBufferPointer(rebasing: target[..<count])
        }
    }
}
