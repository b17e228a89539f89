/// How well the first wrong step of a chain is found, by the measure of ProcessBench (arXiv 2412.06559).
public struct FirstErrorScore: Codable, Sendable, Equatable {
    /// Chains with an error.
    public var erroneousChains: Int
    /// The share of them whose first error is found at its very place.
    public var accuracyOnErroneous: Double
    /// Chains without an error.
    public var correctChains: Int
    /// The share of them in which no error is found.
    public var accuracyOnCorrect: Double
    /// The harmonic mean of both shares; 0 where both are.
    public var f1: Double

    /// Scores chains.
    ///
    /// - Parameter chains: for each, which step is said to be the first wrong one, and which is; `nil` for none.
    /// - Returns: `nil` unless there are chains with and without an error.
    public init?(_ chains: [(predicted: Int?, actual: Int?)]) {
        let erroneous = chains.filter { $0.actual != nil }.map { $0.predicted == $0.actual ? 1.0 : 0 }
        let correct = chains.filter { $0.actual == nil }.map { $0.predicted == nil ? 1.0 : 0 }
        guard let found = Aggregation.mean(erroneous), let spared = Aggregation.mean(correct) else { return nil }
        erroneousChains = erroneous.count
        accuracyOnErroneous = found
        correctChains = correct.count
        accuracyOnCorrect = spared
        f1 = found + spared > 0 ? 2 * found * spared / (found + spared) : 0
    }
}
