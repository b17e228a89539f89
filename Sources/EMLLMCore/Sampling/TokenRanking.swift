import CTensor

/// The tokens of a vocabulary in the order of their probabilities, sorted only where somebody looks.
///
/// Tokens are ordered by logit, the greatest first, equal ones by id. A weight is exp((logit − maximum) · scale), so that
/// the likeliest token weighs 1. One pass over the vocabulary sorts weights into buckets by their distance from the
/// maximum (``ct_mass_histogram``). Every question after that (how many tokens reach a mass, which token lies at one) is
/// answered by the sums of the buckets and the tokens of one of them. Buckets follow the distances' floating-point bits, so
/// that flat distributions fill many of them as well as peaked ones; one that is crowded all the same is divided again.
struct TokenRanking {
    /// The likeliest tokens, up to some place.
    struct Prefix: Equatable {
        var count: Int
        /// The sum of their weights.
        var mass: Double
    }

    private struct Member {
        let token: Int32
        /// The distance from the maximum, as bits; ordered as the distance is.
        let distance: UInt32
        let weight: Double

        static func precedes(_ a: Member, _ b: Member) -> Bool {
            a.distance == b.distance ? a.token < b.token : a.distance < b.distance
        }
    }

    /// A token, and what comes before it.
    private struct Place {
        let token: TokenID
        let weight: Double
        let before: Prefix
        var through: Prefix { Prefix(count: before.count + 1, mass: before.mass + weight) }
    }

    private let values: UnsafeBufferPointer<Float>
    private let maximum: Float
    private let scale: Double
    private let kernels: UnsafePointer<ct_kernels>
    private let buckets: [ct_mass_bucket]
    /// All tokens whose weight is above zero.
    let all: Prefix

    /// More tokens than this are divided once more before they are sorted.
    private static let crowd = 512

    /// Weighs the tokens.
    ///
    /// - Parameters:
    ///   - values: logits, none above `maximum`, which is finite. Outlives the ranking.
    ///   - temperature: above zero.
    init(
        _ values: UnsafeBufferPointer<Float>,
        maximum: Float,
        temperature: Double,
        kernels: UnsafePointer<ct_kernels> = Logits.kernels
    ) {
        self.values = values
        // Not -0: a distance is never negative, not even in its sign bit.
        let maximum = maximum + 0
        self.maximum = maximum
        self.kernels = kernels
        // Finite, so that the maximum's own distance, zero, stays zero.
        let scale = min(1 / temperature, 1e300)
        self.scale = scale
        buckets = [ct_mass_bucket](unsafeUninitializedCapacity: Int(CT_MASS_BUCKETS)) { buffer, count in
            ct_mass_histogram(kernels, values.baseAddress, Int64(values.count), maximum, scale, buffer.baseAddress)
            count = Int(CT_MASS_BUCKETS)
        }
        all = buckets.reduce(into: Prefix(count: 0, mass: 0)) {
            $0.count += Int($1.count)
            $0.mass += $1.mass
        }
    }

    // MARK: Questions

    /// The likeliest `count` tokens, or all.
    func prefix(_ count: Int) -> Prefix {
        guard count < all.count else { return all }
        return first { through, _ in through.count >= count }?.through ?? all
    }

    /// The fewest tokens that together reach a mass.
    func prefix(reaching mass: Double) -> Prefix { first { through, _ in through.mass >= mass }?.through ?? all }

    /// The tokens that weigh `floor` or more.
    func prefix(from floor: Double) -> Prefix { first { _, weight in weight < floor }?.before ?? all }

    /// The token at which the mass passes `mass`; the last of `prefix` where none in it does.
    func token(beyond mass: Double, in prefix: Prefix) -> TokenID {
        if let place = first(where: { through, _ in through.mass > mass }), place.before.count < prefix.count {
            return place.token
        }
        return token(ranked: prefix.count) ?? 0
    }

    /// The token at a rank, counted from 1.
    func token(ranked rank: Int) -> TokenID? { first { through, _ in through.count >= rank }?.token }

    // MARK: Searching

    /// The first token for which a condition holds that stays true once it is.
    ///
    /// - Parameter holds: told the prefix that ends with a token, and the token's weight. It is asked about buckets too, with
    ///   the prefix that ends with them and the least weight that they may have.
    private func first(where holds: (Prefix, Double) -> Bool) -> Place? {
        var before = Prefix(count: 0, mass: 0)
        for (index, bucket) in buckets.enumerated() where bucket.count > 0 {
            let through = Prefix(count: before.count + Int(bucket.count), mass: before.mass + bucket.mass)
            let end = ct_mass_bucket_start(Int32(index) + 1)
            if holds(through, weight(at: end)), let place = first(among: members(of: index), before, where: holds) {
                return place
            }
            before = through
        }
        return nil
    }

    private func weight(at distance: Float) -> Double {
        guard distance.isFinite else { return 0 }
        var (value, weight) = (-distance, 0.0)
        kernels.pointee.exp_weights(&value, 1, 0, scale, &weight)
        return weight
    }

    private func first(among members: [Member], _ start: Prefix, where holds: (Prefix, Double) -> Bool) -> Place? {
        let distances = members.lazy.map(\.distance)
        guard let least = distances.min(), let most = distances.max() else { return nil }
        var before = start
        if members.count <= Self.crowd || least == most {
            // Members come in the order of their ids: equal ones are in their places.
            for member in least == most ? members : members.sorted(by: Member.precedes) {
                let place = Place(token: TokenID(member.token), weight: member.weight, before: before)
                if holds(place.through, member.weight) { return place }
                before = place.through
            }
            return nil
        }
        var parts = [(mass: Double, count: Int, least: Double)](repeating: (0, 0, 1), count: 1024)
        let shift = max(0, 22 - (most - least).leadingZeroBitCount)
        for member in members {
            let part = Int((member.distance - least) >> UInt32(shift))
            parts[part].mass += member.weight
            parts[part].count += 1
            parts[part].least = min(parts[part].least, member.weight)
        }
        for (index, part) in parts.enumerated() where part.count > 0 {
            let through = Prefix(count: before.count + part.count, mass: before.mass + part.mass)
            if holds(through, part.least) {
                let inside = members.filter { Int(($0.distance - least) >> UInt32(shift)) == index }
                if let place = first(among: inside, before, where: holds) { return place }
            }
            before = through
        }
        return nil
    }

    /// The tokens of a bucket, in the order of their ids.
    private func members(of bucket: Int) -> [Member] {
        let (low, high) = (ct_mass_bucket_start(Int32(bucket)), ct_mass_bucket_start(Int32(bucket) + 1))
        // Room for all: tokens that weigh nothing were not counted. Pages that are not written cost nothing.
        let tokens = [Int32](unsafeUninitializedCapacity: values.count) { buffer, count in
            let base = values.baseAddress
            count = Int(kernels.pointee.collect(base, Int64(values.count), maximum, low, high, buffer.baseAddress))
        }
        let logits = tokens.map { values[Int($0)] }
        let weights = [Double](unsafeUninitializedCapacity: logits.count) { buffer, count in
            kernels.pointee.exp_weights(logits, Int64(logits.count), maximum, scale, buffer.baseAddress)
            count = logits.count
        }
        return tokens.indices.compactMap { index in
            guard weights[index] > 0 else { return nil }
            let distance = (maximum - logits[index]).bitPattern
            return Member(token: tokens[index], distance: distance, weight: weights[index])
        }
    }
}
