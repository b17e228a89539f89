/// Random numbers from a seed, one after the other, the same on every machine.
///
/// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"). ``CounterRandom`` is for
/// numbers that must not depend on what was drawn before.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    /// What a step adds to the state: 2⁶⁴ divided by the golden ratio, made odd.
    package static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    package var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mix(state)
    }

    /// A number in 0..<bound, from the upper half of a product. Its bias is below bound / 2⁶⁴.
    package mutating func next(below bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// The generator's finalizer: spreads every bit of `value` over all bits of the result.
    package static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
