import CTensor

/// The engine's own worker threads.
///
/// Work is written in single-program style: ``run(_:)`` calls one function on every worker, each takes its share, and
/// ``Worker/barrier()`` stands where data crosses workers. The calling thread is worker 0.
final class ThreadPool {
    private let pool: OpaquePointer
    let threads: Int

    init(threads: Int) throws {
        guard let pool = ct_pool_create(Int32(threads)) else {
            throw EMLLMError.invalidOption(
                "threads",
                expected: "a number of threads that the system can start",
                found: "\(threads)",
                remedy: "ask for fewer, or raise the process limit"
            )
        }
        self.pool = pool
        self.threads = threads
    }

    deinit { ct_pool_destroy(pool) }

    /// One worker's view of a run.
    struct Worker {
        let index: Int
        let count: Int
        fileprivate let pool: OpaquePointer

        /// Waits until every worker is here.
        func barrier() { ct_pool_barrier(pool) }

        /// This worker's contiguous share of `total` equal items.
        func share(of total: Int) -> Range<Int> {
            (total * index / count)..<(total * (index + 1) / count)
        }
    }

    private struct Call {
        let pool: OpaquePointer
        let body: (Worker) -> Void
    }

    /// Runs `body` on every worker and returns when all are done.
    func run(_ body: (Worker) -> Void) {
        withoutActuallyEscaping(body) { body in
            var call = Call(pool: pool, body: body)
            withUnsafeMutablePointer(to: &call) { pointer in
                ct_pool_run(
                    pool,
                    { context, worker, workers in
                        let call = context!.assumingMemoryBound(to: Call.self).pointee
                        call.body(Worker(index: Int(worker), count: Int(workers), pool: call.pool))
                    },
                    pointer
                )
            }
        }
    }
}
