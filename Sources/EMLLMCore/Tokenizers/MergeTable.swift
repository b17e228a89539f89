/// The result of joining two neighbouring tokens, and its rank.
struct Merge: Sendable {
    /// The position in the list of merges; lower ranks are applied first.
    var rank: UInt32
    /// The token that the pair becomes.
    var result: TokenID

    /// The rank of pairs that do not merge.
    static let never = Merge(rank: .max, result: -1)
}

/// The merges of a byte-pair encoding: a hash table with linear probing from pairs of token ids.
struct MergeTable: Sendable {
    private struct Entry {
        var pair: UInt64
        var merge: Merge
    }

    /// Both ids of a pair are non-negative, so no pair has this key.
    private static let free = UInt64.max
    private var entries: [Entry]
    private let mask: Int
    private let hasher = SeededHash()

    /// Makes an empty table for at most `capacity` merges.
    init(capacity: Int) {
        let slotCount = SeededHash.slotCount(for: capacity)
        entries = Array(repeating: Entry(pair: Self.free, merge: .never), count: slotCount)
        mask = slotCount - 1
    }

    /// Adds a merge; a pair that already exists keeps its better rank.
    mutating func insert(_ left: TokenID, _ right: TokenID, _ merge: Merge) {
        let pair = Self.key(left, right)
        var slot = Int(truncatingIfNeeded: hasher.hash(pair)) & mask
        while entries[slot].pair != Self.free {
            if entries[slot].pair == pair { return }
            slot = (slot + 1) & mask
        }
        entries[slot] = Entry(pair: pair, merge: merge)
    }

    /// The merge of two neighbouring tokens; ``Merge/never`` if they are not joined.
    @inline(__always)
    subscript(left: TokenID, right: TokenID) -> Merge {
        let pair = Self.key(left, right)
        var slot = Int(truncatingIfNeeded: hasher.hash(pair)) & mask
        while entries[slot].pair != Self.free {
            if entries[slot].pair == pair { return entries[slot].merge }
            slot = (slot + 1) & mask
        }
        return .never
    }

    @inline(__always)
    private static func key(_ left: TokenID, _ right: TokenID) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}
