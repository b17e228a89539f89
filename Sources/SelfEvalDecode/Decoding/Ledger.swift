import EMLLMCore

/// Records the costs of a run.
final class Ledger {
    let meter: BudgetMeter
    var counts = TokenCounts()
    var seconds = Seconds()
    /// Forward passes that were completed.
    private(set) var passes = 0
    /// The number of passes after which the run is cancelled, to repeat a cancelled run; `nil` for no limit.
    var passLimit: Int?
    /// Seconds of the blocks inside the one being timed, which are charged to the inner blocks only.
    private var nestedSeconds = 0.0

    init(meter: BudgetMeter) { self.meter = meter }

    /// Runs `body` and adds the seconds it took to one of the sums, whether it returns or throws. A block timed inside
    /// another is charged to its own purpose only.
    func timed<Result>(_ purpose: WritableKeyPath<Seconds, Double>, _ body: () throws -> Result) rethrows -> Result {
        let before = meter.now()
        let outer = nestedSeconds
        nestedSeconds = 0
        defer {
            let elapsed = meter.now() - before
            seconds[keyPath: purpose] += elapsed - nestedSeconds
            nestedSeconds = outer + elapsed
        }
        return try body()
    }

    /// Runs a forward pass.
    func pass<Result>(_ body: () throws -> Result) throws -> Result {
        if let passLimit, passes >= passLimit { throw EMLLMError.cancelled }
        let result = try body()
        passes += 1
        return result
    }
}
