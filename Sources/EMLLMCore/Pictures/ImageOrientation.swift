/// The orientation tag of EXIF.
enum ImageOrientation {
    /// Reads tag 0x0112 of the first directory of a TIFF block (TIFF 6.0, section 2; EXIF 2.32, section 4.6.4).
    ///
    /// - Returns: 1 to 8; 1 if the tag is missing or the block is damaged.
    static func read(_ tiff: UnsafeRawBufferPointer) -> Int {
        guard tiff.count >= 8 else { return 1 }
        let isLittleEndian: Bool
        switch (tiff[0], tiff[1]) {
        case (0x49, 0x49): isLittleEndian = true
        case (0x4D, 0x4D): isLittleEndian = false
        default: return 1
        }
        func number(at offset: Int, bytes count: Int) -> Int? {
            guard offset >= 0, offset <= tiff.count - count else { return nil }
            let bytes = tiff[offset..<offset + count]
            return (isLittleEndian ? Array(bytes.reversed()) : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
            let entries = number(at: directory, bytes: 2)
        else { return 1 }
        for entry in 0..<entries {
            let offset = directory + 2 + 12 * entry
            guard let tag = number(at: offset, bytes: 2) else { return 1 }
            // Type 3 is a 16-bit number, stored in the first bytes of the value.
            guard tag == 0x0112, number(at: offset + 2, bytes: 2) == 3 else { continue }
            let value = number(at: offset + 8, bytes: 2) ?? 1
            return (1...8).contains(value) ? value : 1
        }
        return 1
    }
}
