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
        for equation in equations {
            guard case .refuted(let value) = equation.outcome else { continue }
            let (left, right) = (equation.leftText, equation.rightText)
            let result = value.isShortDecimal ? value.text : "about \(Self.rounded(value))"
            return StepFinding(
                outcome: .refuted,
                message: "\(left) is \(result), not \(right)",
                hint: "\(left) is \(result), not \(right)."
            )
        }
        let confirmed = equations.count { $0.outcome == .confirmed }
        guard confirmed > 0 else { return nil }
        return StepFinding(
            outcome: .confirmed,
            message: confirmed == 1 ? "one equation is right" : "\(confirmed) equations are right"
        )
    }

    /// Four decimals.
    private static func rounded(_ value: Rational) -> String {
        let scaled = (value.double * 10_000).rounded() / 10_000
        return "\(scaled)"
    }
}
