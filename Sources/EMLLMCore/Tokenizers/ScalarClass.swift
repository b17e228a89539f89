/// What pre-tokenizer patterns distinguish: `\p{L}`, `\p{N}`, `\s` and the rest.
///
/// The general categories are those of the Swift standard library. Scalars that Unicode assigned after a vocabulary was
/// made may be classified differently from the software that made it.
enum ScalarClass: UInt8, Sendable {
    /// `\p{L}`: general category L.
    case letter
    /// `\p{N}`: general category N.
    case number
    /// `\s` without CR and LF: the property White_Space.
    case space
    /// CR or LF, which some patterns distinguish from other white space.
    case newline
    /// Everything else: punctuation, symbols, controls, unassigned scalars; marks, if a pattern does not name `\p{M}`.
    case other

    /// Whether `\s` matches.
    @inline(__always)
    var isWhitespace: Bool { self == .space || self == .newline }

    /// The class of a scalar beyond ASCII.
    ///
    /// - Parameter marks: The class of `\p{M}`, which some patterns count as letters.
    init(beyondASCII scalar: Unicode.Scalar, marks: ScalarClass) {
        switch scalar.value {
        case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
            self = .space
        case 0x3041...0x3096, 0x30A1...0x30FA, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3:
            // Kana, Han and Hangul: the same result as below, without the property look-up.
            self = .letter
        default:
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
            case .decimalNumber, .letterNumber, .otherNumber: self = .number
            case .nonspacingMark, .spacingMark, .enclosingMark: self = marks
            default: self = .other
            }
        }
    }
}

/// Well-formed UTF-8, read scalar by scalar as pre-tokenizer classes.
struct ClassifiedText {
    let bytes: UnsafeBufferPointer<UInt8>
    /// The class of `\p{M}`: `.letter` or `.other`.
    let marks: ScalarClass

    @inline(__always)
    var count: Int { bytes.count }

    /// The class of the scalar that starts at `index`, and where the next one starts.
    @inline(__always)
    func scalar(at index: Int) -> (class: ScalarClass, next: Int) {
        let byte = bytes[index]
        guard byte < 0x80 else { return multibyteScalar(at: index) }
        if (byte | 0x20) &- 0x61 < 26 { return (.letter, index + 1) }
        if byte &- 0x30 < 10 { return (.number, index + 1) }
        if byte == 0x0A || byte == 0x0D { return (.newline, index + 1) }
        if byte == 0x20 || byte &- 0x09 < 5 { return (.space, index + 1) }
        return (.other, index + 1)
    }

    private func multibyteScalar(at index: Int) -> (class: ScalarClass, next: Int) {
        let lead = bytes[index]
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        guard index + length <= bytes.count else { return (.other, bytes.count) }
        var value = UInt32(lead) & (0xFF >> UInt32(length + 1))
        for offset in 1..<length { value = value << 6 | UInt32(bytes[index + offset] & 0x3F) }
        guard let scalar = Unicode.Scalar(value) else { return (.other, index + length) }
        return (ScalarClass(beyondASCII: scalar, marks: marks), index + length)
    }

    /// The first index, from `start` on, whose scalar is not in `scalarClass`, or the end.
    @inline(__always)
    func end(ofRun scalarClass: ScalarClass, from start: Int) -> Int {
        var index = start
        while index < count {
            let (found, next) = scalar(at: index)
            guard found == scalarClass else { break }
            index = next
        }
        return index
    }
}
