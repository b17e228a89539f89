import EMLLMMath

/// Calculates the equations that a step states: `14 + 15 = 39`, `\frac{48}{2} = 24`, `15% of 80 is 12`,
/// `19 ÷ 5 = 3 remainder 4`.
///
/// A small model cannot check a sum by being asked (T1, arXiv 2504.04718); this calculates it, exactly. A step with a wrong
/// equation is refuted, and the right value is the hint for its revision. What can be read in two ways is not decided about:
/// mixed numbers, run-on equations (`3*2=6+4=10`), roundings, changes of units, variables, times of day. A step whose equations
/// are right may be wrong all the same, so that a confirmed one is judged by the model as every other.
///
/// It is on by default in `verify` and `adaptive` (``SelfEvalOptions/checksArithmetic``), and can be given to any other run:
///
/// ```swift
/// let decoder = try SelfEvalDecoder(model: model, checkers: [ArithmeticChecker()])
/// ```
public struct ArithmeticChecker: StepChecker {
    /// What traces call it.
    public static let name = "arithmetic"
    /// What traces call it.
    public var name: String { Self.name }

    /// Makes a checker.
    public init() {}

    /// What comes of a step's equations; `nil` where it states none that can be calculated.
    public func check(_ step: CheckedStep) -> StepFinding? {
        let equations = ArithmeticEquation.all(in: step.text)
        for (index, equation) in equations.enumerated() {
            guard case .refuted(let value) = equation.outcome else { continue }
            let (left, right) = (equation.leftText, equation.rightText)
            let result = value.isShortDecimal ? value.text : "about \(Self.rounded(value))"
            return StepFinding(
                outcome: .refuted,
                message: "\(left) is \(result), not \(right)",
                hint: "\(left) is \(result), not \(right).",
                range: Self.place(of: index, left, in: step.text),
                replacement: value.isShortDecimal ? value.text : nil
            )
        }
        let confirmed = equations.count { $0.outcome == .confirmed }
        guard confirmed > 0 else { return nil }
        return StepFinding(
            outcome: .confirmed,
            message: confirmed == 1 ? "one equation is right" : "\(confirmed) equations are right"
        )
    }

    /// The first number on the right of an equation, in UTF-8 bytes; `nil` if it does not follow its sign directly.
    ///
    /// It is the number with which the text, cut after it, states the equation for the first time.
    private static func place(of index: Int, _ left: String, in text: String) -> Range<Int>? {
        let bytes = Array(text.utf8)
        func isDigit(_ place: Int) -> Bool { bytes.indices.contains(place) && (0x30...0x39).contains(bytes[place]) }
        /// Whether a point or a comma stands between digits.
        func isInside(_ place: Int) -> Bool {
            bytes.indices.contains(place) && [0x2C, 0x2E].contains(bytes[place]) && isDigit(place - 1)
                && isDigit(place + 1)
        }
        var start = 0
        while start < bytes.count {
            guard isDigit(start) else {
                start += 1
                continue
            }
            var end = start
            while isDigit(end) || isInside(end) { end += 1 }
            let known = ArithmeticEquation.all(in: String(decoding: bytes[..<end], as: UTF8.self))
            if known.indices.contains(index), known[index].leftText == left {
                // White space and currencies may stand between the sign and the number.
                let before = String(decoding: bytes[..<start], as: UTF8.self)
                let isMinus = before.last == "-" || before.last == "−"
                let sign = before.dropLast(isMinus ? 1 : 0).reversed().first { !" $£€\\".contains($0) }
                guard sign == "=" else { return nil }
                return (start - (isMinus ? before.suffix(1).utf8.count : 0))..<end
            }
            start = end
        }
        return nil
    }

    /// Four decimals.
    private static func rounded(_ value: Rational) -> String {
        let scaled = (value.double * 10_000).rounded() / 10_000
        return "\(scaled)"
    }
}
