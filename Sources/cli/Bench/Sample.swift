/// Repeated measurements of one quantity.
struct Sample {
    /// The measurements, in the order they were made. Never empty.
    let values: [Double]

    init(_ values: [Double]) {
        precondition(!values.isEmpty, "a sample has measurements")
        self.values = values
    }

    /// Measures `repetitions` times, after one warm-up run that is discarded.
    init(repetitions: Int, _ measure: () throws -> Double) rethrows {
        _ = try measure()
        self.init(try (0..<repetitions).map { _ in try measure() })
    }

    var minimum: Double { values.min() ?? .nan }
    var maximum: Double { values.max() ?? .nan }
    var median: Double { Self.median(values) }

    /// The median distance from the median: a spread that one disturbed run does not move.
    var medianAbsoluteDeviation: Double {
        let center = median
        return Self.median(values.map { abs($0 - center) })
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
