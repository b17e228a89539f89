import Foundation

/// The alignment of every weight in memory and in `.emllm` files, in bytes: a cache line, and the widest vector.
package let weightAlignment = 64

/// Memory for packed weights, aligned to ``weightAlignment`` and freed with its last owner.
package final class AlignedBuffer: @unchecked Sendable {  // written only by its maker, before it is shared
    package let bytes: UnsafeMutableRawBufferPointer

    /// Allocates zeroed memory.
    package init(byteCount: Int, for subject: String) throws {
        // An anonymous mapping is page-aligned, already zero, and fails cleanly where malloc would promise too much.
        let size = max(1, byteCount)
        guard let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            address != MAP_FAILED
        else { throw EMLLMError.outOfMemory(subject: subject, byteCount: byteCount) }
        bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
    }

    deinit { munmap(bytes.baseAddress, bytes.count) }
}

extension Int {
    /// The next multiple of `alignment` (a power of two), or nil when there is none.
    package func alignedUp(to alignment: Int) -> Int? {
        let (sum, overflow) = addingReportingOverflow(alignment - 1)
        return overflow ? nil : sum & ~(alignment - 1)
    }
}

extension EMLLMError.Code {
    /// Memory for the weights could not be had.
    public static let outOfMemory = Self(rawValue: "out-of-memory")
}

extension EMLLMError {
    package static func outOfMemory(subject: String, byteCount: Int) -> EMLLMError {
        EMLLMError(
            code: .outOfMemory,
            subject: subject,
            expected: "\(byteCount) bytes of memory",
            found: "the system refused them",
            remedy: "close other programs or use a smaller model"
        )
    }
}
