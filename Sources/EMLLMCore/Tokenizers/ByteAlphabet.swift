/// The printable stand-ins that byte-level vocabularies use for bytes.
///
/// Bytes that are printable in Latin-1 stand for themselves. The other 68 are represented by the scalars from U+0100
/// on, in order, so that a space is written "Ġ" and a line feed "Ċ".
///
/// Source: the `bytes_to_unicode` table of GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask
/// Learners").
package enum ByteAlphabet {
    /// The scalar that stands for each byte. `[256]`
    package static let scalars: [Unicode.Scalar] = {
        var nextReplacement: UInt16 = 0x100
        return (UInt8.min...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                defer { nextReplacement += 1 }
                return Unicode.Scalar(nextReplacement) ?? "\u{FFFD}"
            }
        }
    }()

    /// The byte that each scalar stands for; -1 if there is none. `[0x144]`
    package static let bytes: [Int16] = {
        var table = [Int16](repeating: -1, count: Int(scalars.map(\.value).max() ?? 0) + 1)
        for (byte, scalar) in scalars.enumerated() { table[Int(scalar.value)] = Int16(byte) }
        return table
    }()

    /// Writes the bytes that `text` spells in the alphabet.
    ///
    /// - Parameters:
    ///   - text: UTF-8 of a token.
    ///   - output: Receives one byte for each scalar; must have room for as many bytes as `text` has.
    ///   - table: ``bytes``, fetched once by a caller that decodes a whole vocabulary.
    /// - Returns: The number of bytes written; `nil` if some scalar does not belong to the alphabet.
    @inline(__always)
    static func decode(
        _ text: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>,
        table: UnsafeBufferPointer<Int16>
    ) -> Int? {
        var count = 0
        var index = 0
        while index < text.count {
            let lead = text[index]
            var value = Int(lead)
            index += 1
            if lead >= 0x80 {
                // The alphabet ends below U+0800, so each of its scalars has at most two bytes.
                guard lead < 0xE0, index < text.count else { return nil }
                value = Int(lead & 0x1F) << 6 | Int(text[index] & 0x3F)
                index += 1
            }
            guard value < table.count, table[value] >= 0 else { return nil }
            output[count] = UInt8(truncatingIfNeeded: table[value])
            count += 1
        }
        return count
    }
}

extension String {
    /// Calls `body` with the string's UTF-8, without a copy for native strings.
    @inline(__always)
    func withUTF8Bytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        if let result = try utf8.withContiguousStorageIfAvailable(body) { return result }
        return try Array(utf8).withUnsafeBufferPointer(body)
    }
}
