import CTensor

/// Memory of a fixed size, zeroed, aligned for the kernels, freed with its owner.
///
/// Not `Sendable`: whoever owns it decides which thread writes where.
final class ScratchBuffer<Element: BitwiseCopyable> {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    /// Takes memory for `count` elements, all bits zero.
    init(count: Int) {
        self.count = count
        let bytes = max(count, 1) * MemoryLayout<Element>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Int(CT_ALIGNMENT))
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        base = raw.bindMemory(to: Element.self, capacity: max(count, 1))
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }
}
