/// How well the first wrong step of a chain is found, by the measure of ProcessBench (arXiv 2412.06559).
public struct FirstErrorScore: Codable, Sendable, Equatable {
    /// Chains with an error.
    public var erroneousChains: Int
    /// The share of them whose first error is located exactly.
    public var accuracyOnErroneous: Double
    /// Chains without an error.
    public var correctChains: Int
    /// The share of them in which no error is found.
    public var accuracyOnCorrect: Double
    /// The harmonic mean of both shares; 0 if both are 0.
    public var f1: Double

    /// Scores chains.
    ///
    /// - Parameter chains: for each chain, the index of the first wrong step as predicted and as it is; `nil` for no
    ///   wrong step.
    /// - Returns: `nil` unless there are both chains with and chains without an error.
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
