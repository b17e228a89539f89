/// Statistics over samples. An undefined result is `nil`, never NaN.
enum Aggregation {
    /// The arithmetic mean; `nil` if there are no values or the mean is not finite.
    static func mean(_ values: some Collection<Double>) -> Double? {
        let mean = values.reduce(0, +) / Double(values.count)
        return mean.isFinite ? mean : nil
    }

    /// The quantile of ascending values at `share`, linear between neighbours (type 7 of Hyndman and Fan, 1996),
    /// rounded as in NumPy; `nil` if there are no values.
    static func quantile(ofSorted values: [Double], at share: Double) -> Double? {
        guard let last = values.last else { return nil }
        let place = min(max(share, 0), 1) * Double(values.count - 1)
        let index = Int(place)
        guard index + 1 < values.count else { return last }
        let (low, high) = (values[index], values[index + 1])
        let part = place - Double(index)
        return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part)
    }

    /// What a strategy processes beyond what it keeps: (processed − accepted) / accepted tokens; `nil` if nothing is
    /// accepted.
    static func overhead(processed: Double, accepted: Double) -> Double? {
        accepted > 0 ? (processed - accepted) / accepted : nil
    }
}
