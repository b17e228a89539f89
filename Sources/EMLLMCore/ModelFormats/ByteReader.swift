/// A cursor over untrusted little-endian bytes. Every read is checked against the end before it happens.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    /// The path of the file, for messages.
    let path: String
    /// The next byte to read, counted from the start of ``bytes``.
    private(set) var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, path: String, offset: Int = 0) {
        self.bytes = bytes
        self.path = path
        self.offset = min(max(0, offset), bytes.count)
    }

    /// The number of bytes from the cursor to the end.
    var remaining: Int { bytes.count - offset }

    /// Reads one integer.
    mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self, _ what: String) throws -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { throw truncated(what, needs: size) }
        defer { offset += size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// Reads a 32-bit float.
    mutating func float(_ what: String) throws -> Float { Float(bitPattern: try integer(UInt32.self, what)) }

    /// Reads a 64-bit float.
    mutating func double(_ what: String) throws -> Double { Double(bitPattern: try integer(UInt64.self, what)) }

    /// Takes the next `count` bytes without copying them.
    mutating func take(_ count: some BinaryInteger, _ what: String) throws -> UnsafeRawBufferPointer {
        guard let count = Int(exactly: count), count >= 0, count <= remaining else {
            throw truncated(what, needs: count)
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// Takes the next `count` bytes as text.
    mutating func text(_ count: some BinaryInteger, _ what: String) throws -> String {
        let start = offset
        guard let text = String(validating: try take(count, what).bindMemory(to: UInt8.self), as: UTF8.self) else {
            throw EMLLMError.invalidUTF8(path: path, what: what, offset: start)
        }
        return text
    }

    /// Checks a count of items of at least `minimumSize` bytes each against the rest of the file, so that no memory is
    /// allocated for a count that the file cannot hold.
    func checkedCount(_ count: UInt64, minimumSize: Int, _ what: String) throws -> Int {
        guard let value = Int(exactly: count), value <= remaining / max(1, minimumSize) else {
            throw EMLLMError.absurdCount(
                path: path,
                what: what,
                count: count,
                most: UInt64(remaining / max(1, minimumSize))
            )
        }
        return value
    }

    private func truncated(_ what: String, needs: some BinaryInteger) -> EMLLMError {
        EMLLMError.truncatedFile(path: path, what: what, offset: offset, needs: "\(needs)", has: remaining)
    }
}

extension EMLLMError.Code {
    /// The file ends in the middle of something.
    public static let truncatedFile = Self(rawValue: "truncated-file")
    /// A name or text in the file is not UTF-8.
    public static let invalidUTF8 = Self(rawValue: "invalid-utf8")
    /// A count in the file is larger than the file or the format allows.
    public static let absurdCount = Self(rawValue: "absurd-count")
}

extension EMLLMError {
    static let damagedFileRemedy = "fetch or convert the file again"

    static func truncatedFile(path: String, what: String, offset: Int, needs: String, has: Int) -> EMLLMError {
        EMLLMError(
            code: .truncatedFile,
            subject: path,
            expected: "\(needs) bytes for \(what) at byte \(offset)",
            found: "the end after \(has) bytes",
            remedy: damagedFileRemedy
        )
    }

    static func invalidUTF8(path: String, what: String, offset: Int) -> EMLLMError {
        EMLLMError(
            code: .invalidUTF8,
            subject: path,
            expected: "UTF-8 text for \(what)",
            found: "other bytes at byte \(offset)",
            remedy: damagedFileRemedy
        )
    }

    static func absurdCount(path: String, what: String, count: UInt64, most: UInt64) -> EMLLMError {
        EMLLMError(
            code: .absurdCount,
            subject: path,
            expected: "at most \(most) \(what)",
            found: "\(count)",
            remedy: damagedFileRemedy
        )
    }
}
