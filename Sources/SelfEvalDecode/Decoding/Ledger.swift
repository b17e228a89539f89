import EMLLMCore

/// Where the costs of a run are noted.
final class Ledger {
    let meter: BudgetMeter
    var counts = TokenCounts()
    var seconds = Seconds()
    /// Forward passes that were completed.
    private(set) var passes = 0
    /// After so many passes the run is cancelled, as the one was that is repeated; `nil` sets no limit.
    var passLimit: Int?
    /// Seconds of the blocks inside the one that is being timed, which are billed to them alone.
    private var nestedSeconds = 0.0

    init(meter: BudgetMeter) { self.meter = meter }

    /// Runs `body` and adds the seconds it took to one of the sums, whether it ends or throws. A block timed inside another
    /// one is billed to its own purpose alone.
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
