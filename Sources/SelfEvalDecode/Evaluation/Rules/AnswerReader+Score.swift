import Foundation
import SelfEvalDecode

extension AnswerReader {
    /// Scores the text by the answer's type, with whole numbers rounded this way.
    func score(for problem: Problem, wholeNumbers rounded: (Double) -> Double) -> Score {
        switch problem.answerType {
        case .choice: choice(of: problem)
        case .integer: number(in: problem, rounded: rounded)
        case .float(let precision): number(in: problem) { PythonNumber.round($0, precision) }
        case .list: list(in: problem)
        case .text: text(in: problem)
        }
    }

    /// Scores the number in the text, compared after the same rounding as the right one.
    func number(in problem: Problem, rounded: (Double) -> Double) -> Score {
        guard let found = number, let number = found.value.number, let right = PlainText.value(problem.answer),
            let rightNumber = right.number
        else { return .nothing(text) }
        let value = rounded(number.double)
        return Score(
            extracted: found.text,
            normalized: number.whole.map { "\($0)" } ?? Int(exactly: value).map(String.init) ?? String(value),
            isCorrect: Self.isRight(found.value, number, right, rightNumber, rounded: rounded),
            how: .number
        )
    }

    private static func isRight(
        _ found: MathValue,
        _ number: MathNumber,
        _ right: MathValue,
        _ rightNumber: MathNumber,
        rounded: (Double) -> Double
    ) -> Bool {
        if let unit = found.unit, let rightUnit = right.unit, unit != rightUnit { return false }
        // Beyond 2^53, floating-point numbers cannot distinguish neighbouring whole numbers.
        if let first = number.whole, let second = rightNumber.whole, max(first.magnitude, second.magnitude) > 1 << 53 {
            return first == second
        }
        if isEqual(rounded(number.double), rounded(rightNumber.double)) { return true }
        guard found.isPercent, !right.isPercent, found.unit == nil, right.unit == nil else { return false }
        return isEqual(rounded(number.double / 100), rounded(rightNumber.double))
    }

    /// Scores the list in the text, compared element by element, whatever its brackets.
    func list(in problem: Problem) -> Score {
        let line = scope
        let elements = Self.list(line)
        let right = Self.list(problem.answer)
        let found = Self.affirmed(line) == nil ? [] : elements
        return Score(
            extracted: text,
            normalized: "[" + found.joined(separator: ", ") + "]",
            isCorrect: found.count == right.count && zip(found, right).allSatisfy { Self.isSame($0, $1) },
            how: found.isEmpty ? .none : .list
        )
    }

    /// Scores the text, compared literally and by its value.
    func text(in problem: Problem) -> Score {
        let line = scope
        guard !line.isEmpty else { return .nothing() }
        let right = problem.answer
        let isRelation = PlainText.of(right).contains("=")
        let parts = isRelation ? [line] : Self.wholes(of: line)
        // "x = 2" is answered by 2 as well.
        let side = isRelation && !line.contains("=") ? right.firstMatch(of: /^\s*\$?[A-Za-z]\s*=([^=]*)$/) : nil
        let isSame = parts.contains { part in
            Self.isSame(part, right) || side.map { Self.isSame(part, String($0.1)) } ?? false
        }
        return Score(extracted: text, normalized: PlainText.key(line), isCorrect: isSame, how: .text)
    }
}
