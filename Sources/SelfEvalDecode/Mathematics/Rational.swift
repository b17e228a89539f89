/// An exact fraction with 128-bit parts.
///
/// Every operation whose result does not fit gives `nil`, so that a value is exact or not there.
public struct Rational: Hashable, Sendable {
    /// The numerator in lowest terms, with the sign of the fraction.
    public let numerator: Int128
    /// The denominator in lowest terms, greater than zero.
    public let denominator: Int128

    /// Makes a fraction and reduces it; `nil` for a denominator of zero.
    public init?(_ numerator: Int128, over denominator: Int128 = 1) {
        // The magnitude of `Int128.min` is no `Int128`.
        guard denominator != 0, numerator != .min, denominator != .min else { return nil }
        var (a, b) = (numerator.magnitude, denominator.magnitude)
        while b != 0 { (a, b) = (b, a % b) }
        let divisor = Int128(a) * (denominator < 0 ? -1 : 1)
        self.init(reduced: numerator / divisor, denominator / divisor)
    }

    /// A whole number.
    public init(_ whole: Int) { self.init(reduced: Int128(whole), 1) }

    private init(reduced numerator: Int128, _ denominator: Int128) {
        (self.numerator, self.denominator) = (numerator, denominator)
    }

    /// The value of digits of which the last few are decimals, as in "1234.50"; `nil` for more digits than fit.
    init?(digits: String, decimals: Int) {
        guard digits.count <= 36, let value = Int128(digits), let scale = Self.powerOfTen(decimals) else { return nil }
        self.init(value, over: scale)
    }

    static let zero = Rational(0)
    static let one = Rational(1)

    /// 10 to the power of 0 to 36.
    static func powerOfTen(_ exponent: Int) -> Int128? {
        (0...36).contains(exponent) ? (0..<exponent).reduce(1) { power, _ in power * 10 } : nil
    }

    /// The nearest floating-point value.
    public var double: Double { Double(numerator) / Double(denominator) }
    /// Whether the fraction is a whole number.
    public var isWhole: Bool { denominator == 1 }
    /// Whether the fraction is less than zero.
    public var isNegative: Bool { numerator < 0 }
    /// The absolute value.
    public var magnitude: Rational { isNegative ? -self : self }

    /// The fraction with the other sign.
    public static prefix func - (value: Rational) -> Rational {
        Rational(reduced: -value.numerator, value.denominator)
    }

    // MARK: Arithmetic

    /// The sum; `nil` where it does not fit.
    public func adding(_ other: Rational) -> Rational? {
        guard let first = Self.product(numerator, other.denominator),
            let second = Self.product(other.numerator, denominator),
            let bottom = Self.product(denominator, other.denominator)
        else { return nil }
        let (top, overflow) = first.addingReportingOverflow(second)
        return overflow ? nil : Rational(top, over: bottom)
    }

    /// The difference; `nil` where it does not fit.
    public func subtracting(_ other: Rational) -> Rational? { adding(-other) }

    /// The product; `nil` where it does not fit.
    public func multiplied(by other: Rational) -> Rational? {
        guard let top = Self.product(numerator, other.numerator),
            let bottom = Self.product(denominator, other.denominator)
        else { return nil }
        return Rational(top, over: bottom)
    }

    /// The quotient; `nil` for a division by zero, and where it does not fit.
    public func divided(by other: Rational) -> Rational? {
        Rational(other.denominator, over: other.numerator).flatMap(multiplied)
    }

    /// A power with a whole exponent; `nil` where it does not fit, for exponents beyond ±512, and for a negative power of
    /// zero.
    public func raised(to exponent: Int128) -> Rational? {
        guard exponent.magnitude <= 512 else { return nil }
        var result = Rational.one
        for _ in 0..<Int(exponent.magnitude) {
            guard let next = result.multiplied(by: self) else { return nil }
            result = next
        }
        return exponent < 0 ? Rational.one.divided(by: result) : result
    }

    private static func product(_ first: Int128, _ second: Int128) -> Int128? {
        let (product, overflow) = first.multipliedReportingOverflow(by: second)
        return overflow ? nil : product
    }

    // MARK: Text

    /// The digits behind the point in decimal notation; `nil` where they do not end, or are more than eight.
    var decimals: Int? {
        (0...8).first { count in Self.powerOfTen(count).map { $0 % denominator == 0 } ?? false }
    }

    /// Whether its decimal notation ends, after at most eight digits behind the point.
    package var isShortDecimal: Bool { decimals != nil }

    /// As a person writes it: a decimal where that ends, a fraction otherwise.
    package var text: String { text(decimals: 0) }

    /// As a person writes it, with at least so many decimals: "42.00".
    func text(decimals least: Int) -> String {
        guard let own = decimals, let scale = Self.powerOfTen(own) else { return "\(numerator)/\(denominator)" }
        let (whole, rest) = numerator.magnitude.quotientAndRemainder(dividingBy: denominator.magnitude)
        let sign = isNegative ? "-" : ""
        let wanted = least <= 8 ? max(own, least) : own
        guard wanted > 0 else { return "\(sign)\(whole)" }
        let digits = own > 0 ? "\(rest * (scale / denominator).magnitude)" : ""
        let padded = String(repeating: "0", count: own - digits.count) + digits
        return "\(sign)\(whole).\(padded)" + String(repeating: "0", count: wanted - own)
    }
}

extension Rational: Comparable {
    /// Compares by cross-multiplication, and by the nearest floating-point values where that does not fit.
    public static func < (left: Rational, right: Rational) -> Bool {
        guard let first = product(left.numerator, right.denominator),
            let second = product(right.numerator, left.denominator)
        else { return left.double < right.double }
        return first < second
    }
}
