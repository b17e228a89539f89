#if canImport(CryptoKit)
    import CryptoKit
#else
    internal import COpenSSL
#endif

/// A SHA-256 digest (FIPS 180-4).
public struct Checksum: Sendable, Hashable, CustomStringConvertible {
    /// The 32 bytes of the digest.
    public let bytes: [UInt8]

    /// The digest's length in bytes.
    package static let byteCount = 32

    /// All zero, for bytes without their own digest.
    package static let none = Checksum(bytes: [UInt8](repeating: 0, count: byteCount))

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// Digests bytes.
    package init(of data: UnsafeRawBufferPointer) { self.init(of: data) { _ in } }

    /// Digests bytes.
    package init(of data: [UInt8]) { self = data.withUnsafeBytes { Checksum(of: $0) } }

    /// Digests bytes piece by piece, telling after each how many were done.
    package init(of data: UnsafeRawBufferPointer, progress: (Int) throws -> Void) rethrows {
        let hasher = SHA256Hasher()
        let step = 16 << 20
        for begin in stride(from: 0, to: data.count, by: step) {
            let piece = UnsafeRawBufferPointer(rebasing: data[begin..<min(data.count, begin + step)])
            hasher.update(piece)
            try progress(piece.count)
        }
        bytes = hasher.finalize()
    }

    /// 64 lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

#if canImport(CryptoKit)

    private final class SHA256Hasher {
        private var hasher = SHA256()
        func update(_ data: UnsafeRawBufferPointer) { hasher.update(bufferPointer: data) }
        func finalize() -> [UInt8] { Array(hasher.finalize()) }
    }

#else

    /// OpenSSL's digest. Its functions fail only without memory or without the algorithm, which no user can fix.
    private final class SHA256Hasher {
        private let context: OpaquePointer

        init() {
            guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
                preconditionFailure("libcrypto has no SHA-256")
            }
            self.context = context
        }

        deinit { EVP_MD_CTX_free(context) }

        func update(_ data: UnsafeRawBufferPointer) {
            let status = EVP_DigestUpdate(context, data.baseAddress, data.count)
            precondition(status == 1, "libcrypto could not digest")
        }

        func finalize() -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: Checksum.byteCount) { buffer, count in
                let status = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
                precondition(status == 1, "libcrypto could not finish a digest")
                count = Checksum.byteCount
            }
        }
    }

#endif
