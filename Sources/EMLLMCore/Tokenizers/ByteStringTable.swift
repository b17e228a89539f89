/// An append-only list of byte strings in one allocation.
struct ByteStrings: Sendable {
    private(set) var storage: [UInt8] = []
    private var ends: [Int] = []

    /// The number of strings.
    var count: Int { ends.count }

    mutating func reserveCapacity(strings: Int, bytes: Int) {
        ends.reserveCapacity(strings)
        storage.reserveCapacity(bytes)
    }

    /// The range of the string at `index` in ``storage``.
    @inline(__always)
    func range(at index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// The string at `index`.
    subscript(index: Int) -> ArraySlice<UInt8> { storage[range(at: index)] }

    /// Adds a string.
    @inline(__always)
    mutating func append(_ string: UnsafeBufferPointer<UInt8>) {
        storage.append(contentsOf: string)
        ends.append(storage.count)
    }
}

/// Finds the token that spells a byte string: a hash table with linear probing over ``ByteStrings``.
///
/// Swift's `Dictionary<String, TokenID>` takes tens of milliseconds for a vocabulary of 49 152 tokens, since it hashes
/// and compares strings by canonical equivalence, which is also not the equality that a vocabulary needs.
struct ByteStringTable: Sendable {
    /// The upper half holds the upper half of the hash, the lower half the token plus one; 0 is a free slot.
    private var slots: [UInt64]
    private let mask: Int
    private let hasher: SeededHash

    /// Makes an empty table for at most `capacity` strings.
    init(capacity: Int, hasher: SeededHash = SeededHash()) {
        let slotCount = SeededHash.slotCount(for: capacity)
        slots = [UInt64](repeating: 0, count: slotCount)
        mask = slotCount - 1
        self.hasher = hasher
    }

    /// Adds a token unless its byte string is there already.
    ///
    /// - Returns: The token that was already there; `nil` after an insertion.
    mutating func insert(_ token: TokenID, spelling strings: ByteStrings) -> TokenID? {
        strings.storage.withUnsafeBufferPointer { storage in
            let key = UnsafeBufferPointer(rebasing: storage[strings.range(at: Int(token))])
            let hash = hasher.hash(key)
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 {
                if let other = match(slots[slot], hash, key, strings) { return other }
                slot = (slot + 1) & mask
            }
            slots[slot] = (hash & 0xFFFF_FFFF_0000_0000) | UInt64(UInt32(bitPattern: token) + 1)
            return nil
        }
    }

    /// The token that spells `key`.
    @inline(__always)
    func find(_ key: UnsafeBufferPointer<UInt8>, in strings: ByteStrings) -> TokenID? {
        let hash = hasher.hash(key)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            if let token = match(slots[slot], hash, key, strings) { return token }
            slot = (slot + 1) & mask
        }
        return nil
    }

    @inline(__always)
    private func match(
        _ slot: UInt64,
        _ hash: UInt64,
        _ key: UnsafeBufferPointer<UInt8>,
        _ strings: ByteStrings
    ) -> TokenID? {
        guard (slot ^ hash) >> 32 == 0 else { return nil }
        let token = TokenID(bitPattern: UInt32(truncatingIfNeeded: slot) - 1)
        let range = strings.range(at: Int(token))
        guard range.count == key.count else { return nil }
        return strings.storage.withUnsafeBufferPointer { storage in
            for index in 0..<key.count where storage[range.lowerBound + index] != key[index] { return nil }
            return token
        }
    }
}

/// A hash with a separate seed for each table, so that a hostile vocabulary cannot aim at collisions.
///
/// It folds the 128-bit product of two words, as in wyhash (Wang Yi 2019); quality matters here only for speed.
struct SeededHash: Sendable {
    private let seed: UInt64
    private let multiplier: UInt64

    init() {
        var generator = SystemRandomNumberGenerator()
        seed = generator.next()
        multiplier = generator.next() | 1
    }

    /// A power of two that keeps a table of `count` entries at most half full.
    static func slotCount(for count: Int) -> Int {
        var slots = 16
        while slots / 2 < count { slots *= 2 }
        return slots
    }

    @inline(__always)
    func hash(_ word: UInt64) -> UInt64 { fold(word ^ seed, multiplier) }

    @inline(__always)
    func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(bytes)
        var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
        var index = 0
        while index + 8 <= raw.count {
            state = fold(state ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self), multiplier)
            index += 8
        }
        var tail: UInt64 = 0
        while index < raw.count {
            tail = tail << 8 | UInt64(raw[index])
            index += 1
        }
        return fold(fold(state ^ tail, multiplier), multiplier)
    }

    @inline(__always)
    private func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
