/// Random numbers that are a function of where they are used, not of what was drawn before.
///
/// Philox 4×32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), keyed by the seed and counted by
/// branch and position: a branch draws the same numbers whether it is decoded alone or beside others, and a recorded
/// run replays exactly. Inlinable, as a random model draws once for each weight.
package struct CounterRandom: Sendable {
    @usableFromInline let key: (UInt32, UInt32)

    /// A generator for one seed.
    @inlinable package init(seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    /// A number in [0, 1) with 53 random bits.
    ///
    /// - Parameters:
    ///   - branch: which line of text draws.
    ///   - position: the absolute position of the token to be drawn.
    @inlinable package func uniform(branch: UInt64, position: Int) -> Double {
        let place = UInt64(bitPattern: Int64(position))
        let block = Self.philox(
            counter: (
                UInt32(truncatingIfNeeded: place), UInt32(truncatingIfNeeded: place >> 32),
                UInt32(truncatingIfNeeded: branch), UInt32(truncatingIfNeeded: branch >> 32)
            ),
            key: key
        )
        let bits = UInt64(block.1) << 32 | UInt64(block.0)
        return Double(bits >> 11) * 0x1p-53
    }

    /// Ten rounds of Philox 4×32.
    @inlinable package static func philox(
        counter: (UInt32, UInt32, UInt32, UInt32),
        key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var (c0, c1, c2, c3) = counter
        var (k0, k1) = key
        for _ in 0..<10 {
            let low = c0.multipliedFullWidth(by: 0xD251_1F53)
            let high = c2.multipliedFullWidth(by: 0xCD9E_8D57)
            (c0, c1, c2, c3) = (high.high ^ c1 ^ k0, high.low, low.high ^ c3 ^ k1, low.low)
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (c0, c1, c2, c3)
    }
}
