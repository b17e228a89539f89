/// An equation that a text states, and what comes of it.
package struct ArithmeticEquation: Sendable {
    /// What is known about an equation.
    package enum Outcome: Sendable, Equatable {
        case confirmed
        /// It is wrong; what is calculated has this value.
        case refuted(value: Rational)
        case unknown
    }

    let left: ArithmeticExpression
    let right: ArithmeticExpression
    package let outcome: Outcome
    /// The calculation, as a person would write it.
    package var leftText: String { left.text }
    /// What the text says that it comes to, as a person would write it.
    package var rightText: String { right.text }

    /// A longer line is no calculation.
    private static let mostTokens = 600
    private static let mostEquations = 64

    /// The equations of a text, in their order.
    package static func all(in text: String) -> [ArithmeticEquation] {
        var found: [ArithmeticEquation] = []
        for segment in ArithmeticText(text).segments where segment.count <= mostTokens {
            found += ArithmeticSegment(segment).equations
            if found.count >= mostEquations { break }
        }
        return Array(found.prefix(mostEquations))
    }
}
