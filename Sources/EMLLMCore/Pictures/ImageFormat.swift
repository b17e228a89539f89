/// A picture's format, detected by its first bytes and never by its name.
enum ImageFormat {
    case png
    case jpeg

    /// Detects a format; throws an error that names the format the bytes appear to have.
    init(_ bytes: UnsafeRawBufferPointer, subject: String) throws {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else {
            throw EMLLMError.unsupportedImageFormat(subject: subject, found: Self.name(of: bytes))
        }
    }

    /// The name of the format that the bytes appear to have.
    private static func name(of bytes: UnsafeRawBufferPointer) -> String {
        if bytes.isEmpty { return "no bytes" }
        func holds(_ text: String, at offset: Int = 0) -> Bool {
            bytes.count >= offset + text.utf8.count && bytes[offset...].starts(with: text.utf8)
        }
        let known: [(String, Bool)] = [
            ("a GIF", holds("GIF8")),
            ("a WebP picture", holds("RIFF") && holds("WEBP", at: 8)),
            ("a BMP", holds("BM")),
            ("a TIFF", holds("II*\0") || holds("MM\0*")),
            ("an AVIF picture", holds("ftypavif", at: 4)),
            ("a HEIC picture", ["ftyphei", "ftypmif1", "ftyphev"].contains { holds($0, at: 4) }),
            ("a JPEG XL picture", bytes.starts(with: [0xFF, 0x0A]) || holds("JXL ", at: 4)),
            ("a JPEG 2000 picture", holds("jP  ", at: 4)),
            ("a PDF", holds("%PDF")),
            ("an SVG", holds("<svg") || holds("<?xml")),
            ("a web page", holds("<!DOCTYPE") || holds("<html")),
            ("a PNG whose line endings were changed", bytes.starts(with: [0x89, 0x50, 0x4E, 0x47])),
        ]
        if let name = known.first(where: \.1)?.0 { return name }
        let start = bytes.prefix(256)
        let isText = start.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || (0x09...0x0D).contains($0) }
        return isText ? "text" : "bytes of no format that is known here"
    }

    /// Whether a file contains more pictures than the decoded one: an animated PNG, or several JPEGs in a row.
    ///
    /// - Parameter trailingBytes: the number of bytes after the end of the picture.
    func isSequence(_ bytes: UnsafeRawBufferPointer, trailingBytes: Int) -> Bool {
        switch self {
        case .jpeg:
            guard trailingBytes >= 3, trailingBytes < bytes.count else { return false }
            return bytes[(bytes.count - trailingBytes)...].starts(with: [0xFF, 0xD8, 0xFF])
        case .png:
            // The chunk acTL comes before the first data of an animated PNG (PNG 3, section 11.3.6). Each chunk is a
            // length, a name, that many bytes, and a checksum.
            var place = 8
            while place <= bytes.count - 12 {
                let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
                let name = bytes[(place + 4)..<(place + 8)]
                if name.elementsEqual("acTL".utf8) { return true }
                if name.elementsEqual("IDAT".utf8) { return false }
                place += 12 + length
            }
            return false
        }
    }
}
