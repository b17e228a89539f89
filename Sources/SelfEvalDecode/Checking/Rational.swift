/// A rational number of bounded size. Every operation that would leave it says so with `nil`, so that values are exact or
/// not known.
struct Rational: Hashable, Sendable {
    /// With the sign; the fraction is in lowest terms.
    let numerator: Int128
    /// Greater than zero.
    let denominator: Int128

    /// No greater numerator or denominator: products of two fit.
    private static let most: Int128 = 1 << 62

    init?(_ numerator: Int128, over denominator: Int128 = 1) {
        guard denominator != 0, numerator.magnitude <= Int128.max.magnitude,
            denominator.magnitude <= Int128.max.magnitude
        else { return nil }
        var (a, b) = (numerator.magnitude, denominator.magnitude)
        while b != 0 { (a, b) = (b, a % b) }
        let divisor = Int128(max(a, 1)) * (denominator < 0 ? -1 : 1)
        let (top, bottom) = (numerator / divisor, denominator / divisor)
        guard top.magnitude <= Self.most.magnitude, bottom <= Self.most else { return nil }
        (self.numerator, self.denominator) = (top, bottom)
    }

    /// The value of "1234.50", with the digits after the point; `nil` for more digits than fit.
    init?(digits: String, decimals: Int) {
        guard digits.count <= 18, decimals <= 18, let value = Int128(digits), let scale = Self.powerOfTen(decimals)
        else {
            return nil
        }
        self.init(value, over: scale)
    }

    static let zero = Rational(unchecked: 0)
    static let one = Rational(unchecked: 1)

    private init(unchecked value: Int128) { (numerator, denominator) = (value, 1) }

    /// 10 to the power of 0 to 18.
    static func powerOfTen(_ exponent: Int) -> Int128? {
        (0...18).contains(exponent) ? (0..<exponent).reduce(1) { power, _ in power * 10 } : nil
    }

    var isWhole: Bool { denominator == 1 }
    var isNegative: Bool { numerator < 0 }
    var magnitude: Rational { isNegative ? negated : self }
    var negated: Rational { Rational(-numerator, over: denominator) ?? self }

    func adding(_ other: Rational) -> Rational? {
        Rational(numerator * other.denominator + other.numerator * denominator, over: denominator * other.denominator)
    }

    func subtracting(_ other: Rational) -> Rational? { adding(other.negated) }

    func multiplied(by other: Rational) -> Rational? {
        Rational(numerator * other.numerator, over: denominator * other.denominator)
    }

    func divided(by other: Rational) -> Rational? {
        Rational(numerator * other.denominator, over: denominator * other.numerator)
    }

    /// A whole power, of a few dozen at most.
    func raised(to exponent: Rational) -> Rational? {
        guard exponent.isWhole, exponent.numerator.magnitude <= 64 else { return nil }
        var result = Rational.one
        for _ in 0..<Int(exponent.numerator.magnitude) {
            guard let next = result.multiplied(by: self) else { return nil }
            result = next
        }
        return exponent.isNegative ? Rational.one.divided(by: result) : result
    }

    static func < (left: Rational, right: Rational) -> Bool {
        left.numerator * right.denominator < right.numerator * left.denominator
    }

    static func <= (left: Rational, right: Rational) -> Bool { !(right < left) }

    /// Digits after the point in decimal; `nil` where they do not end, or are more than eight.
    var decimals: Int? {
        (0...8).first { count in
            Self.powerOfTen(count).map { $0 % denominator == 0 } ?? false
        }
    }

    /// As a person writes it: a decimal where that ends, a fraction otherwise.
    var text: String {
        guard let decimals, let scale = Self.powerOfTen(decimals) else { return "\(numerator)/\(denominator)" }
        let digits = "\((numerator.magnitude * (scale / denominator).magnitude))"
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = isNegative ? "-" : ""
        guard decimals > 0 else { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }
}
