/// Compares what is calculated with what is stated.
struct ArithmeticComparison {
    enum Result { case equal, plausible, different }

    /// Whether there are units, so that the two sides may be measured in different ones.
    let hasUnits: Bool

    /// Percent and thousands, which are left out without saying.
    private static let scales: [Int128] = [100, 1000]
    /// How many of one unit are in another.
    private static let conversions: [Int128] = [
        3, 4, 7, 8, 10, 12, 16, 24, 28, 30, 31, 36, 52, 60, 90, 120, 144, 168, 180, 360, 365, 366, 1440, 1760, 2000,
        3600,
        5280, 10_000, 86_400, 1_000_000,
    ]

    func compare(_ left: ArithmeticExpression, _ right: ArithmeticExpression) -> Result {
        guard let a = left.value, let b = right.value else { return .plausible }
        if a == b { return .equal }
        if let result = rounded(a, to: b, right) ?? coarse(a, to: b, right) { return result }
        // Rounded numbers give a value that is off.
        let (x, dx) = left.error
        let (y, dy) = right.error
        if dx + dy > 0, abs(x - y) <= (dx + dy) * 1.01 + last(right) { return .plausible }
        if a.magnitude == b.magnitude { return .plausible }
        for factor in Self.scales + (hasUnits ? Self.conversions : []) {
            guard let factor = Rational(factor, over: 1), let more = a.multiplied(by: factor),
                let less = a.divided(by: factor)
            else {
                return .plausible
            }
            for scaled in [more, less] where scaled == b || rounded(scaled, to: b, right) != nil { return .plausible }
        }
        return .different
    }

    /// Whether a number is what a value is rounded to: to the nearest, or up or down.
    private func rounded(_ value: Rational, to stated: Rational, _ expression: ArithmeticExpression) -> Result? {
        guard let decimals = expression.decimals,
            let scale = Rational.powerOfTen(decimals).flatMap({ Rational($0, over: 1) }),
            let scaled = value.multiplied(by: scale), let whole = stated.multiplied(by: scale),
            let distance = scaled.subtracting(whole)?.magnitude, let half = Rational(1, over: 2)
        else { return nil }
        if scaled.isWhole { return nil }
        if distance <= half { return .equal }
        return distance < .one ? .plausible : nil
    }

    /// Whether a whole number is what a value with decimals is rounded to in tens or hundreds: "1234 / 7 = 180".
    private func coarse(_ value: Rational, to whole: Rational, _ expression: ArithmeticExpression) -> Result? {
        guard expression.isSingle, !value.isWhole, whole.isWhole, let distance = value.subtracting(whole)?.magnitude
        else {
            return nil
        }
        var zeros: Int128 = 1
        while zeros < 1_000_000, whole != .zero, whole.numerator % (zeros * 10) == 0 { zeros *= 10 }
        guard zeros > 1, let half = Rational(zeros / 2, over: 1), distance <= half else { return nil }
        return .plausible
    }

    private func last(_ expression: ArithmeticExpression) -> Double {
        guard let decimals = expression.decimals, decimals > 0, let power = Rational.powerOfTen(decimals) else {
            return 0
        }
        return 1 / Double(power)
    }
}
