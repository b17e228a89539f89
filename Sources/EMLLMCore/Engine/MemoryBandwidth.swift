import CTensor
import Foundation

/// How fast this machine reads memory: the ceiling of token-by-token generation, which reads every weight once a token.
package enum MemoryBandwidth {
    /// Reads a buffer much larger than the caches several times over, with the widest loads of an instruction set, and
    /// returns the rate of the fastest pass.
    ///
    /// Takes `bytes` of memory and well under a second.
    ///
    /// - Parameters:
    ///   - threads: threads that read, each its own share; `nil` takes one for each CPU this process may run on.
    ///   - instructionSet: whose loads to use; `nil` takes `EMLLM_ISA` or the fastest.
    ///   - bytes: the size of the buffer.
    ///   - passes: how often it is read.
    /// - Returns: bytes per second.
    /// - Throws: `EMLLMError` when an option is out of range or the processor lacks the instructions asked for.
    package static func measure(
        threads: Int? = nil,
        instructionSet: InstructionSet? = nil,
        bytes: Int = 512 << 20,
        passes: Int = 6
    ) throws -> Double {
        precondition(bytes > 0 && passes > 0, "measuring needs bytes to read and passes over them")
        let loads = try InstructionSet.resolve(instructionSet).cValue
        let pool = try ThreadPool(threads: RuntimeOptions(threads: threads).resolvedThreads())
        let buffer = ScratchBuffer<UInt8>(count: bytes)
        // Every page is written by its reader, so that it is real memory (not one shared page of zeros), and near.
        pool.run { worker in
            let share = worker.share(of: bytes)
            memset(buffer.base + share.lowerBound, 0x5A, share.count)
        }
        let clock = ContinuousClock()
        let fastest = (0..<passes).map { _ in
            clock.measure {
                pool.run { worker in
                    let share = worker.share(of: bytes)
                    _ = ct_read_memory(loads, buffer.base + share.lowerBound, share.count)
                }
            }
        }.min()
        return Double(bytes) / (fastest ?? .zero).seconds
    }
}
