import Foundation

/// A real number: an exact fraction where that is possible, and otherwise a floating-point value.
///
/// Operations whose exact result does not fit into a ``Rational``, and those with an irrational result, give a floating-point
/// value. Operations without a finite real result give `nil`.
public enum MathNumber: Sendable, Equatable {
    /// A fraction.
    case exact(Rational)
    /// A value that is known to about fifteen digits.
    case approximate(Double)

    /// A whole number.
    public init(_ whole: Int) { self = .exact(Rational(whole)) }

    /// The value, rounded to a floating-point number where it is a fraction.
    public var double: Double {
        switch self {
        case .exact(let value): value.double
        case .approximate(let value): value
        }
    }

    /// The value if it is an exact whole number.
    public var whole: Int128? {
        if case .exact(let value) = self, value.isWhole { value.numerator } else { nil }
    }

    /// Whether two numbers are equal: fractions exactly, others but for the last bits.
    public func isEqual(to other: MathNumber) -> Bool {
        if case .exact = self, case .exact = other { return self == other }
        let (first, second) = (double, other.double)
        if first == second { return true }
        // Zero is equal to nothing but zero, up to what a subtraction leaves over.
        return abs(first - second) <= max(1e-12 * max(abs(first), abs(second)), 1e-15)
    }

    /// A text that equal numbers have in common: `3`, `-1/2`, or ten significant digits of what is no fraction.
    public var key: String {
        switch simplified {
        case .exact(let value): value.isWhole ? "\(value.numerator)" : "\(value.numerator)/\(value.denominator)"
        case .approximate(let value): value.isFinite ? String(format: "%.10g", value) : value < 0 ? "-∞" : "∞"
        }
    }

    /// The fraction with a small denominator that a floating-point value stands for, as 0.49999999999999994 for 1/2.
    private var simplified: MathNumber {
        guard case .approximate(let value) = self, value.isFinite, abs(value) < 1e6 else { return self }
        for bottom in 1...12 {
            let top = (value * Double(bottom)).rounded()
            if abs(top / Double(bottom) - value) <= 1e-13 * max(1, abs(value)) {
                return MathNumber.fraction(Int128(top), Int128(bottom)) ?? self
            }
        }
        return self
    }

    // MARK: Making numbers

    /// A fraction; `nil` where the denominator is zero.
    static func fraction(_ top: Int128, _ bottom: Int128) -> MathNumber? {
        Rational(top, over: bottom).map { .exact($0) }
    }

    /// A floating-point result; `nil` where it is not finite.
    static func finite(_ value: Double) -> MathNumber? { value.isFinite ? .approximate(value) : nil }

    /// A decimal literal of digits with a fraction and a power of ten; `nil` for a whole number of more digits than can be
    /// told apart.
    static func decimal(_ digits: some StringProtocol, fraction: some StringProtocol, exponent: Int) -> MathNumber? {
        let all = (digits + String(fraction)).drop { $0 == "0" }
        let shift = exponent - fraction.count
        guard all.count <= 36, abs(shift) <= 36, let top = Int128(all.isEmpty ? "0" : String(all)) else {
            guard !fraction.isEmpty || exponent != 0, all.count <= 400, abs(exponent) <= 400 else { return nil }
            return Double("\(digits).\(fraction.isEmpty ? "0" : String(fraction))e\(exponent)").flatMap(finite)
        }
        guard let power = Rational.powerOfTen(abs(shift)) else { return nil }
        guard shift > 0 else { return MathNumber.fraction(top, power) }
        let (product, overflow) = top.multipliedReportingOverflow(by: power)
        return overflow ? finite(Double(top) * Double(power)) : MathNumber.fraction(product, 1)
    }

    // MARK: Arithmetic

    static prefix func - (number: MathNumber) -> MathNumber {
        switch number {
        case .exact(let value): .exact(-value)
        case .approximate(let value): .approximate(-value)
        }
    }

    func adding(_ other: MathNumber) -> MathNumber? {
        if case .exact(let first) = self, case .exact(let second) = other, let sum = first.adding(second) {
            return .exact(sum)
        }
        return .finite(double + other.double)
    }

    func multiplied(by other: MathNumber) -> MathNumber? {
        if case .exact(let first) = self, case .exact(let second) = other, let product = first.multiplied(by: second) {
            return .exact(product)
        }
        return .finite(double * other.double)
    }

    func divided(by other: MathNumber) -> MathNumber? {
        switch other {
        case .exact(let value): Rational.one.divided(by: value).flatMap { multiplied(by: .exact($0)) }
        case .approximate(let value): .finite(double / value)
        }
    }

    /// A power: exact for whole exponents and for roots that come out even.
    func power(_ exponent: MathNumber) -> MathNumber? {
        if let whole = exponent.whole, whole.magnitude <= 512, case .exact = self {
            var result: MathNumber? = MathNumber(1)
            for _ in 0..<Int(whole.magnitude) { result = result?.multiplied(by: self) }
            return whole < 0 ? result.flatMap { MathNumber(1).divided(by: $0) } : result
        }
        if case .exact(let value) = exponent, !value.isWhole, value.denominator <= 64 {
            return root(Int(value.denominator)).flatMap { root in
                MathNumber.fraction(value.numerator, 1).flatMap(root.power)
            }
        }
        return .finite(pow(double, exponent.double))
    }

    /// A real root; `nil` for an even root of a negative number.
    func root(_ degree: Int) -> MathNumber? {
        guard degree > 0, degree <= 64, double >= 0 || degree % 2 == 1 else { return nil }
        if case .exact(let value) = self, let first = Self.wholeRoot(value.numerator, degree),
            let second = Self.wholeRoot(value.denominator, degree)
        {
            return MathNumber.fraction(first, second)
        }
        let value = degree == 2 ? double.squareRoot() : pow(abs(double), 1 / Double(degree))
        return .finite(degree > 2 && double < 0 ? -value : value)
    }

    /// The whole number whose power a whole number is; `nil` where there is none.
    private static func wholeRoot(_ value: Int128, _ degree: Int) -> Int128? {
        let root = Int128(pow(Double(value.magnitude), 1 / Double(degree)).rounded()) * (value < 0 ? -1 : 1)
        var product: Int128 = 1
        for _ in 0..<degree {
            let (next, overflow) = product.multipliedReportingOverflow(by: root)
            guard !overflow else { return nil }
            product = next
        }
        return product == value ? root : nil
    }

    /// The logarithm to a base; `nil` where there is none.
    func logarithm(base: MathNumber) -> MathNumber? {
        guard double > 0, base.double > 0, base.double != 1 else { return nil }
        let value = log(double) / log(base.double)
        if abs(value) < 256, let exact = base.power(MathNumber(Int(value.rounded()))), exact == self {
            return MathNumber(Int(value.rounded()))
        }
        return .finite(value)
    }

    /// The product of the whole numbers up to this one; `nil` for anything but a whole number up to 170.
    var factorial: MathNumber? {
        guard let whole, (0...170).contains(whole) else { return nil }
        return (0..<Int(whole)).reduce(MathNumber(1)) { product, index in
            product?.multiplied(by: MathNumber(index + 1))
        }
    }
}
