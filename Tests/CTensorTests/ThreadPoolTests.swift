import CTensor
import Foundation
import Synchronization
import Testing

@Suite("Thread pool")
struct ThreadPoolTests {
    /// Counters that the workers of a run share.
    final class Tally: Sendable {
        let started = Atomic<Int>(0)
        let phases = Atomic<Int>(0)
        let violations = Atomic<Int>(0)
        nonisolated(unsafe) let pool: OpaquePointer
        init(pool: OpaquePointer) { self.pool = pool }
    }

    @Test("Every worker runs once, and no one passes a barrier before the last has come", arguments: [1, 2, 3, 4, 8])
    func barriers(threads: Int32) throws {
        let pool = try #require(ct_pool_create(threads))
        defer { ct_pool_destroy(pool) }
        #expect(ct_pool_threads(pool) == threads)
        let rounds = 200, phases = 10
        let tally = Tally(pool: pool)
        for _ in 0..<rounds {
            tally.started.store(0, ordering: .relaxed)
            tally.phases.store(0, ordering: .relaxed)
            ct_pool_run(
                pool,
                { context, _, workers in
                    let tally = Unmanaged<Tally>.fromOpaque(context!).takeUnretainedValue()
                    tally.started.wrappingAdd(1, ordering: .relaxed)
                    for phase in 1...10 {
                        tally.phases.wrappingAdd(1, ordering: .relaxed)
                        ct_pool_barrier(tally.pool)
                        let arrived = tally.phases.load(ordering: .relaxed)
                        if arrived < phase * Int(workers) { tally.violations.wrappingAdd(1, ordering: .relaxed) }
                        ct_pool_barrier(tally.pool)
                    }
                },
                Unmanaged.passUnretained(tally).toOpaque()
            )
            #expect(tally.started.load(ordering: .relaxed) == Int(threads))
            #expect(tally.phases.load(ordering: .relaxed) == phases * Int(threads))
        }
        #expect(tally.violations.load(ordering: .relaxed) == 0)
    }

    @Test("Pools come and go, used or not")
    func lifetimes() throws {
        for round in 0..<50 {
            let threads = round % 4 + 1
            let pool = try #require(ct_pool_create(Int32(threads)))
            let tally = Tally(pool: pool)
            if round % 2 == 0 {
                ct_pool_run(
                    pool,
                    { context, _, _ in
                        let tally = Unmanaged<Tally>.fromOpaque(context!).takeUnretainedValue()
                        tally.started.wrappingAdd(1, ordering: .relaxed)
                    },
                    Unmanaged.passUnretained(tally).toOpaque()
                )
            }
            #expect(tally.started.load(ordering: .relaxed) == (round % 2 == 0 ? threads : 0))
            ct_pool_destroy(pool)
        }
        #expect(ct_pool_create(0) == nil)
        #expect(ct_pool_create(-3) == nil)
        ct_pool_destroy(nil)
    }

    @Test("There is at least one CPU, and no more than the machine has")
    func cpus() { #expect((1...sysconf(Int32(_SC_NPROCESSORS_CONF))).contains(Int(ct_cpu_count()))) }
}
