import CTensor
import Foundation
import Testing

@Suite("Attention")
struct AttentionTests {
    /// Keys and values in ragged spans, as a tree of segments leaves them.
    struct Cache {
        let dimension: Int
        var keys: [[Float]] = []  // by absolute position
        var values: [[Float]] = []
        var spans: [ct_kv_span] = []
        private var memory: [Memory] = []

        init(dimension: Int, counts: [Int], random: inout TestRandom) {
            self.dimension = dimension
            for count in counts {
                let padded = (count + 15) / 16 * 16
                let k = Memory(padded * dimension * 4), v = Memory(padded * dimension * 4)
                let keyBase = k.base.assumingMemoryBound(to: Float.self)
                let valueBase = v.base.assumingMemoryBound(to: Float.self)
                for slot in 0..<count {
                    let key = random.floats(dimension), value = random.floats(dimension)
                    ct_store_key(keyBase, Int32(dimension), Int32(slot), key)
                    for d in 0..<dimension { valueBase[slot * dimension + d] = value[d] }
                    keys.append(key)
                    values.append(value)
                }
                // What lies beyond the count must never matter, not even when it is not a number.
                for slot in count..<padded {
                    ct_store_key(keyBase, Int32(dimension), Int32(slot), [Float](repeating: .nan, count: dimension))
                    for d in 0..<dimension { valueBase[slot * dimension + d] = .nan }
                }
                memory += [k, v]
                spans.append(ct_kv_span(keys: keyBase, values: valueBase, count: Int32(count)))
            }
        }

        /// The rows' outputs by one instruction set.
        func attend(_ queries: [[Float]], limits: [Int], isa: ct_isa) -> [[Float]] {
            let rows = queries.count
            let q = Memory(rows * dimension * 4), out = Memory(rows * dimension * 4)
            let stride = (keys.count + 15) / 16 * 16
            let scores = Memory(rows * stride * 4)
            let qBase = q.base.assumingMemoryBound(to: Float.self),
                outBase = out.base.assumingMemoryBound(to: Float.self)
            for (row, query) in queries.enumerated() {
                for d in 0..<dimension { qBase[row * dimension + d] = query[d] }
            }
            let qRows: [UnsafePointer<Float>?] = (0..<rows).map { UnsafePointer(qBase + $0 * dimension) }
            let outRows: [UnsafeMutablePointer<Float>?] = (0..<rows).map { outBase + $0 * dimension }
            ct_kernels_for(isa)!.pointee.attention(
                qRows,
                outRows,
                limits.map(Int32.init),
                Int32(rows),
                Int32(dimension),
                0.125,
                spans,
                Int32(spans.count),
                scores.base.assumingMemoryBound(to: Float.self),
                Int64(stride)
            )
            return (0..<rows).map { row in (0..<dimension).map { outBase[row * dimension + $0] } }
        }

        /// softmax(q · k / 8) · v in double precision.
        func reference(_ query: [Float], limit: Int) -> [Double] {
            let scores = keys.prefix(limit).map { key in
                zip(query, key).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } * 0.125
            }
            let greatest = scores.max()!
            let weights = scores.map { exp($0 - greatest) }
            let sum = weights.reduce(0, +)
            return (0..<dimension).map { d in
                zip(weights, values).reduce(0.0) { $0 + $1.0 * Double($1.1[d]) } / sum
            }
        }
    }

    @Test("Equals the formula and the oracle over ragged spans", arguments: supportedISAs, [4, 8, 16, 20, 64, 72, 80])
    func ragged(isa: ct_isa, dimension: Int) {
        var random = TestRandom(seed: UInt64(dimension))
        let cache = Cache(dimension: dimension, counts: [32, 5, 32, 17, 1, 32, 16], random: &random)
        for rows in 1...9 {
            let queries = (0..<rows).map { _ in random.floats(dimension, scale: 6) }
            let limits = (0..<rows).map { _ in Int.random(in: 1...cache.keys.count, using: &random) }
            let actual = cache.attend(queries, limits: limits, isa: isa)
            #expect(actual == cache.attend(queries, limits: limits, isa: CT_ISA_SCALAR))
            for row in 0..<rows {
                let expected = cache.reference(queries[row], limit: limits[row])
                for (a, e) in zip(actual[row], expected) { #expect(abs(Double(a) - e) < 2e-6) }
            }
        }
    }

    @Test(
        "A row's output depends neither on its neighbours nor on how the past is cut into spans",
        arguments: supportedISAs
    )
    func invariance(isa: ct_isa) {
        var first = TestRandom(seed: 3), second = TestRandom(seed: 3)
        let whole = Cache(dimension: 64, counts: [32, 32, 26], random: &first)
        let pieces = Cache(dimension: 64, counts: [7, 32, 1, 16, 30, 4], random: &second)
        #expect(whole.keys == pieces.keys)
        let queries = (0..<6).map { _ in first.floats(64) }
        let limits = [90, 1, 33, 64, 89, 2]
        let together = whole.attend(queries, limits: limits, isa: isa)
        for row in queries.indices {
            #expect(pieces.attend([queries[row]], limits: [limits[row]], isa: isa)[0] == together[row])
        }
    }
}
